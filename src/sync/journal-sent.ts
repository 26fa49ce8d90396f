import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { IdSet } from './journal-id-set.ts';
import type { SegmentsText } from './journal-segments.ts';
import { damaged, sumOf } from './journal-sums.ts';

/** One path of a save that was built: what was to be put there (null: deleted). */
interface SentRow {
  readonly entryId: number;
  readonly saveId: number;
  readonly put: SegmentsText | null;
}

const PAGE_ROWS = 1_000;

/**
 * What was handed out to be sent and has no known outcome yet. A row stays until its save is finished, or until a look
 * at the collection shows what became of it: after a lost answer or a crash, our own content there is not a stranger's.
 */
export class SentTable {
  readonly #insert: StatementSync;
  readonly #ofEntry: StatementSync;
  readonly #ofSave: StatementSync;
  readonly #removeEntry: StatementSync;
  readonly #removeFolder: StatementSync;
  readonly #any: StatementSync;
  readonly #ofOthers: StatementSync;
  readonly #removeAll: StatementSync;
  readonly #anyOfFolder: StatementSync;
  #mayHaveAny = true;
  /** While the only save with rows here is finished: entries whose rows go at its end, all at once. */
  #settled: IdSet | undefined;

  constructor(database: DatabaseSync) {
    const columns = 'entry_id, save_id, put, sum';
    this.#insert = database.prepare(`INSERT OR REPLACE INTO save_row (${columns}) VALUES (?, ?, ?, ?)`);
    this.#ofEntry = database.prepare(`SELECT ${columns} FROM save_row WHERE entry_id = ?`);
    this.#ofSave = database.prepare(
      `SELECT ${columns} FROM save_row WHERE save_id = ? AND entry_id > ? ORDER BY entry_id LIMIT ${PAGE_ROWS}`,
    );
    this.#removeEntry = database.prepare('DELETE FROM save_row WHERE entry_id = ?');
    this.#removeFolder = database.prepare(
      'DELETE FROM save_row WHERE save_id IN (SELECT id FROM save WHERE folder_id = ?)',
    );
    this.#anyOfFolder = database.prepare(
      `SELECT 1 AS found FROM save JOIN save_row ON save_row.save_id = save.id WHERE save.folder_id = ?
       AND save.at_ms IS NULL LIMIT 1`,
    );
    this.#any = database.prepare('SELECT 1 AS found FROM save_row LIMIT 1');
    this.#ofOthers = database.prepare(
      `SELECT 1 AS found FROM save_row WHERE save_id < ?1
       UNION ALL SELECT 1 FROM save_row WHERE save_id > ?1 LIMIT 1`,
    );
    this.#removeAll = database.prepare('DELETE FROM save_row');
  }

  add(row: SentRow): void {
    this.#mayHaveAny = true;
    this.#insert.run(row.entryId, row.saveId, row.put, sentSum(row));
  }

  /** What may lie at the entry's path beside what its row says. */
  ofEntry(entryId: number): SentRow[] {
    return this.#mayHaveAny && this.#settled?.has(entryId) !== true
      ? this.#ofEntry.all(entryId).map(checkedSent)
      : [];
  }

  *ofSave(saveId: number): Generator<SentRow> {
    for (let after = 0; ; ) {
      const rows = this.#ofSave.all(saveId, after).map(checkedSent);
      for (const row of rows) {
        if (this.#settled?.has(row.entryId) !== true) {
          yield row;
        }
      }
      const last = rows.at(-1);
      if (last === undefined) {
        return;
      }
      after = last.entryId;
    }
  }

  settle(entryId: number): void {
    if (this.#settled !== undefined) {
      this.#settled.add(entryId);
    } else if (this.#mayHaveAny) {
      this.#removeEntry.run(entryId);
    }
  }

  /**
   * Runs `work`, which settles every row of that save. Where no other save has rows, they are not removed one by one: to
   * empty the table costs nothing.
   */
  settleAll(saveId: number, work: () => void): void {
    if (this.#ofOthers.get(saveId) !== undefined) {
      work();
      this.#look();
      return;
    }
    this.#settled = new IdSet();
    work();
    this.#settled = undefined;
    this.#removeAll.run();
    this.#mayHaveAny = false;
  }

  removeFolder(folderId: number): void {
    if (this.#mayHaveAny) {
      this.#removeFolder.run(folderId);
      this.#look();
    }
  }

  /** Whether a save of the folder is under way, or nobody knows what became of one. */
  isUnsure(folderId: number): boolean {
    return this.#mayHaveAny && this.#anyOfFolder.get(folderId) !== undefined;
  }

  forget(): void {
    this.#mayHaveAny = true;
    this.#settled = undefined;
  }

  #look(): void {
    this.#mayHaveAny = this.#any.get() !== undefined;
  }
}

function sentSum(row: SentRow): number {
  return sumOf([row.entryId, row.saveId, row.put]);
}

function checkedSent(raw: Record<string, unknown>): SentRow {
  const row = {
    entryId: raw.entry_id,
    saveId: raw.save_id,
    put: raw.put,
  } as SentRow;
  if (sentSum(row) !== raw.sum) {
    throw damaged('a row of a save does not have its checksum');
  }
  return row;
}
