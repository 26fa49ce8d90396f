import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EntryState, Tally } from './journal-port.ts';
import { damaged, sumOf } from './journal-sums.ts';

export const ENTRY_STATES = ['pending', 'stored', 'saved', 'failed', 'held', 'gone', 'deleted'] as const;

type TallyKey = EntryState | 'dirsToSave' | 'storedBlocks' | 'savedBlocks';

interface Count {
  files: number;
  bytes: number;
  dirty: boolean;
}

/**
 * Running totals by folder. Whoever changes a row adds the difference here; the totals go to the table at the end of the
 * same transaction, so that reading them costs nothing however many rows there are.
 */
export class Tallies {
  readonly #counts = new Map<number, Map<TallyKey, Count>>();
  readonly #select: StatementSync;
  readonly #upsert: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#select = database.prepare('SELECT key, files, bytes, sum FROM tally WHERE folder_id = ?');
    this.#upsert = database.prepare(
      `INSERT INTO tally (folder_id, key, files, bytes, sum) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET files = excluded.files, bytes = excluded.bytes, sum = excluded.sum`,
    );
    this.#remove = database.prepare('DELETE FROM tally WHERE folder_id = ?');
  }

  of(folderId: number, key: TallyKey): Tally {
    const { files, bytes } = this.#count(folderId, key);
    return { files, bytes };
  }

  add(folderId: number, key: TallyKey, files: number, bytes: number): void {
    const count = this.#count(folderId, key);
    count.files += files;
    count.bytes += bytes;
    count.dirty = true;
  }

  /** Writes what changed; called before the transaction commits. */
  flush(): void {
    for (const [folderId, counts] of this.#counts) {
      for (const [key, count] of counts) {
        if (count.dirty) {
          if (count.files < 0 || count.bytes < 0) {
            throw damaged(`the count of ${key} rows went below zero`);
          }
          const { files, bytes } = count;
          this.#upsert.run(folderId, key, files, bytes, sumOf([folderId, key, files, bytes]));
          count.dirty = false;
        }
      }
    }
  }

  /** After a rollback: what is in memory is not what is in the table. */
  forget(): void {
    this.#counts.clear();
  }

  removeFolder(folderId: number): void {
    this.#counts.delete(folderId);
    this.#remove.run(folderId);
  }

  #count(folderId: number, key: TallyKey): Count {
    let counts = this.#counts.get(folderId);
    if (counts === undefined) {
      counts = new Map();
      for (const row of this.#select.all(folderId)) {
        const files = Number(row.files);
        const bytes = Number(row.bytes);
        if (sumOf([folderId, String(row.key), files, bytes]) !== row.sum) {
          throw damaged('a total does not have its checksum');
        }
        counts.set(row.key as TallyKey, { files, bytes, dirty: false });
      }
      this.#counts.set(folderId, counts);
    }
    let count = counts.get(key);
    if (count === undefined) {
      count = { files: 0, bytes: 0, dirty: false };
      counts.set(key, count);
    }
    return count;
  }
}
