import type { StatementSync } from 'node:sqlite';
import type { ErrorRecord } from '../base/errors.ts';
import { checkedBlock } from './journal-blocks.ts';
import type {
  EntryState,
  GuardFigures,
  Journal,
  JournalBlockRow,
  JournalCounts,
  JournalFileRow,
  JournalProblem,
  JournalSaveRow,
} from './journal-port.ts';
import { checkedEntry, ENTRY_COLUMNS, type EntryRow, pathOf } from './journal-rows.ts';
import { checkedSave } from './journal-save-rows.ts';
import { SAVE_COLUMNS } from './journal-schema.ts';
import type { JournalStore } from './journal-store.ts';
import { ENTRY_STATES } from './journal-tallies.ts';
import { errorCodeOf } from './journal-uploads.ts';

type FileQuery = Parameters<Journal['listFiles']>[1];
type BlockQuery = Parameters<Journal['listBlocks']>[1];
type Cell = string | number;

/** What people and the sync loop ask of the journal without changing it. */
export class JournalQueries {
  readonly #store: JournalStore;
  readonly #oldestStored: StatementSync;
  readonly #hasDigest: StatementSync;
  readonly #saves: StatementSync;
  readonly #answered: StatementSync;
  readonly #blocksAllSaved: StatementSync;

  constructor(store: JournalStore) {
    this.#store = store;
    const { database } = store;
    this.#oldestStored = database.prepare(
      `SELECT MIN(since_ms) AS at FROM entry INDEXED BY entry_stored_since WHERE folder_id = ? AND state = 'stored'`,
    );
    this.#hasDigest = database.prepare(
      `SELECT 1 AS found FROM entry WHERE folder_id = ? AND size = ? AND digest = ? AND state IN ('stored', 'saved')
       LIMIT 1`,
    );
    this.#saves = database.prepare(
      `SELECT ${SAVE_COLUMNS}, sum FROM save WHERE folder_id = ? AND at_ms IS NOT NULL
       ORDER BY id DESC LIMIT ? OFFSET ?`,
    );
    this.#answered = database.prepare('SELECT 1 AS found FROM save WHERE id = ? AND at_ms IS NOT NULL');
    this.#blocksAllSaved = database.prepare(
      `SELECT TOTAL(piece_refs > 0) AS pieces, TOTAL(iif(piece_refs > 0, size, 0)) AS piece_bytes,
       TOTAL(saved_refs + stored_refs > 0) AS saved, TOTAL(iif(saved_refs + stored_refs > 0, size, 0)) AS saved_bytes
       FROM block WHERE folder_id = ? AND (files > 0 OR piece_refs > 0)`,
    );
  }

  counts(folderId: number): JournalCounts {
    const { tallies, entries } = this.#store;
    const stored = [this.#oldestStored.get(folderId)?.at, entries.found.oldestToSaveMs(folderId)];
    const times = stored.filter((time) => typeof time === 'number');
    const written = tallies.of(folderId, 'pending');
    const found = entries.found.pendingOf(folderId);
    const counts = {
      pending: { files: written.files + found.files, bytes: written.bytes + found.bytes },
      stored: tallies.of(folderId, 'stored'),
      saved: tallies.of(folderId, 'saved'),
      failed: tallies.of(folderId, 'failed'),
      held: tallies.of(folderId, 'held'),
      gone: tallies.of(folderId, 'gone'),
      deleted: tallies.of(folderId, 'deleted'),
      dirsToSave: tallies.of(folderId, 'dirsToSave').files + entries.found.dirsToSaveOf(folderId),
      oldestStoredAtMs: times.length === 0 ? null : Math.min(...times),
      storedBlocks: tallies.of(folderId, 'storedBlocks'),
      savedBlocks: tallies.of(folderId, 'savedBlocks'),
    };
    return this.#isSavedAsWhole(folderId) ? this.#allSaved(folderId, counts) : counts;
  }

  /** The folder's stored rows are saved; only its save as a whole says so. */
  #isSavedAsWhole(folderId: number): boolean {
    const saveId = this.#store.wholeSaves.of(folderId);
    return saveId !== undefined && this.#answered.get(saveId) !== undefined;
  }

  #allSaved(folderId: number, counts: JournalCounts): JournalCounts {
    const { saved, stored } = counts;
    const blocks = this.#blocksAllSaved.get(folderId);
    return {
      ...counts,
      stored: { files: 0, bytes: 0 },
      saved: { files: saved.files + stored.files, bytes: saved.bytes + stored.bytes },
      oldestStoredAtMs: this.#store.entries.found.oldestToSaveMs(folderId),
      storedBlocks: { files: Number(blocks?.pieces ?? 0), bytes: Number(blocks?.piece_bytes ?? 0) },
      savedBlocks: { files: Number(blocks?.saved ?? 0), bytes: Number(blocks?.saved_bytes ?? 0) },
    };
  }

  guardFigures(folderId: number): GuardFigures {
    const found = new Map<string, boolean>();
    let gone = 0;
    let moved = 0;
    for (const row of this.#store.entries.inState(folderId, 'gone')) {
      if (row.kind === 'dir') {
        continue;
      }
      if (this.#isMoved(row, found)) {
        moved += 1;
      } else {
        gone += 1;
      }
    }
    const { tallies } = this.#store;
    const filesIn = (states: readonly EntryState[]) =>
      states.reduce((sum, state) => sum + tallies.of(folderId, state).files, 0);
    return {
      gone,
      moved,
      live: filesIn(['pending', 'stored', 'saved']),
      outside: filesIn(['failed', 'held']),
    };
  }

  #isMoved(row: EntryRow, found: Map<string, boolean>): boolean {
    // Large files have a digest, too: of their blocks.
    if (row.digest === null) {
      return false;
    }
    const key = `${row.size}:${row.digest}`;
    const known = found.get(key) ?? this.#hasDigest.get(row.folder_id, row.size, row.digest) !== undefined;
    found.set(key, known);
    return known;
  }

  listFiles(folderId: number, query: FileQuery): { total: number; rows: JournalFileRow[] } {
    const states = query.states.length === 0 ? ENTRY_STATES : query.states;
    const conditions = ['folder_id = ?', `state IN (${states.map(() => '?').join(', ')})`];
    const parameters: Cell[] = [folderId, ...states];
    if (!states.includes('saved')) {
      // Named, so that the index over the few rows that are not saved is used.
      conditions.push(`state <> 'saved'`);
    }
    conditions.push(`(kind = 'file' OR state = 'held')`);
    if (query.search !== '') {
      conditions.push(`(CASE dir WHEN '' THEN name ELSE dir || '/' || name END) LIKE ? ESCAPE '\\'`);
      parameters.push(`%${likeLiteral(query.search)}%`);
    }
    if (query.code !== undefined) {
      conditions.push(`error LIKE ? ESCAPE '\\'`);
      parameters.push(`${likeLiteral(JSON.stringify({ code: query.code }).slice(0, -1))}%`);
    }
    const where = conditions.join(' AND ');
    const { database, tallies } = this.#store;
    const total =
      query.search === '' && query.code === undefined
        ? [...new Set(states)].reduce((sum, state) => sum + tallies.of(folderId, state).files, 0)
        : Number(database.prepare(`SELECT COUNT(*) AS n FROM entry WHERE ${where}`).get(...parameters)?.n);
    const rows = database
      .prepare(`SELECT ${ENTRY_COLUMNS} FROM entry WHERE ${where} ORDER BY dir, name LIMIT ? OFFSET ?`)
      .all(...parameters, query.limit, query.offset)
      .map(checkedEntry)
      .map((row) => ({
        entryId: row.id,
        path: pathOf(row),
        state: row.state,
        sizeBytes: row.size,
        error: errorOf(row),
        dueAtMs: row.due_ms,
      }));
    return { total, rows };
  }

  listBlocks(folderId: number, query: BlockQuery): { total: number; rows: JournalBlockRow[] } {
    const where = `folder_id = ? AND (files > 0 OR piece_refs > 0)${
      query.saved === undefined ? '' : ` AND saved_refs ${query.saved ? '>' : '='} 0`
    }`;
    const { database } = this.#store;
    const total = database.prepare(`SELECT COUNT(*) AS n FROM block WHERE ${where}`).get(folderId)?.n;
    const rows = database
      .prepare(`SELECT * FROM block WHERE ${where} ORDER BY id DESC LIMIT ? OFFSET ?`)
      .all(folderId, query.limit, query.offset)
      .map(checkedBlock)
      .map((block) => ({
        blockId: block.id,
        locator: block.md5size,
        sizeBytes: block.size,
        saved: block.saved_refs > 0,
        storedAtMs: block.stored_ms,
        files: block.files + (block.files === 0 && block.piece_refs > 0 ? 1 : 0),
        examplePaths: this.#examplesOf(block.examples),
      }));
    return { total: Number(total), rows };
  }

  #examplesOf(entryIds: string): string[] {
    return entryIds
      .split(',')
      .filter((id) => id !== '')
      .map((id) => this.#store.entries.get(Number(id)))
      .filter((row) => row !== undefined)
      .map(pathOf);
  }

  listSaves(folderId: number, query: { offset: number; limit: number }): JournalSaveRow[] {
    return this.#saves.all(folderId, query.limit, query.offset).map((row) => {
      const { atMs, files, bytes, deleted, pdh, version } = checkedSave(row);
      return { atMs: atMs ?? 0, files, bytes, deleted, portableDataHash: pdh ?? '', version };
    });
  }

  listProblems(folderId: number): JournalProblem[] {
    const problems = new Map<string, { -readonly [K in keyof JournalProblem]: JournalProblem[K] }>();
    for (const state of ['failed', 'held'] as const) {
      for (const row of this.#store.entries.inState(folderId, state)) {
        const code = errorCodeOf(row);
        const known = problems.get(`${state}:${code}`);
        if (known === undefined) {
          const error = errorOf(row) ?? {
            code: 'INTERNAL',
            name: 'KeepsyncError',
            message: 'No reason was recorded',
          };
          problems.set(`${state}:${code}`, {
            code,
            state,
            count: 1,
            examplePath: pathOf(row),
            error,
            nextTryAtMs: row.due_ms,
            sinceMs: row.since_ms,
          });
          continue;
        }
        known.count += 1;
        known.sinceMs = Math.min(known.sinceMs, row.since_ms);
        if (row.due_ms !== null) {
          known.nextTryAtMs = Math.min(known.nextTryAtMs ?? row.due_ms, row.due_ms);
        }
      }
    }
    return [...problems.values()];
  }
}

function errorOf(row: EntryRow): ErrorRecord | null {
  return row.error === null ? null : (JSON.parse(row.error) as ErrorRecord);
}

function likeLiteral(text: string): string {
  return text.replace(/[\\%_]/g, (character) => `\\${character}`);
}
