import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { BlockTable } from './journal-blocks.ts';
import { FoundRows } from './journal-found.ts';
import type { EntryState } from './journal-port.ts';
import { DueCursor, RowCache } from './journal-row-cache.ts';
import type { SegmentsText } from './journal-segments.ts';
import { damaged, FIELD_END, NULL_MARK } from './journal-sums.ts';
import type { Tallies } from './journal-tallies.ts';

/** A row of the entry table: what is known of one path. */
export interface EntryRow {
  readonly id: number;
  readonly folder_id: number;
  /** The path's folder ('' for the top) and its last part. */
  readonly dir: string;
  readonly name: string;
  readonly kind: 'file' | 'dir';
  readonly size: number;
  /** '' for a directory, and for what must be looked at again. */
  readonly stamp: string;
  readonly changed_ms: number;
  /** Row of `disk_base`; null: never seen on disk with a path. */
  readonly base_id: number | null;
  readonly state: EntryState;
  /** Of the bytes that `segments`, or else `saved_segments`, name. */
  readonly digest: string | null;
  readonly segments: SegmentsText | null;
  readonly saved_segments: SegmentsText | null;
  /** A path whose saved content is the same: a rename or copy need not be sent. */
  readonly source: string | null;
  readonly due_ms: number | null;
  readonly attempts: number;
  /** ErrorRecord as JSON. */
  readonly error: string | null;
  readonly since_ms: number;
}

type NewEntry = Omit<EntryRow, 'id'>;

export const ENTRY_COLUMNS =
  'id, folder_id, dir, name, kind, size, stamp, changed_ms, base_id, state, digest, segments, saved_segments, source, ' +
  'due_ms, attempts, error, since_ms, sum';

/** Rows read at once where all of a folder, or of a state, are gone through. */
const PAGE_ROWS = 1_000;

/**
 * The entry table. All writing goes through `insert`, `update` and `remove`, which keep checksums, totals and use. Rows that
 * were only `keep`t are not in it yet: `find`, `get`, `namesFound` and `hasLiveChild` know them; before anything else is asked
 * of the table, `writeFound` has to put them there.
 */
export class EntryTable {
  readonly #database: DatabaseSync;
  readonly #tallies: Tallies;
  readonly #blocks: BlockTable;
  readonly found = new FoundRows<EntryRow>();
  readonly #cache = new RowCache<EntryRow>(() => this.found.size);
  readonly due = new DueCursor();
  readonly #pageStatements = new Map<string, StatementSync>();
  readonly #byPath: StatementSync;
  readonly #byId: StatementSync;
  readonly #byStamp: StatementSync;
  readonly #pendingOfSize: StatementSync;
  readonly #byDigest: StatementSync;
  readonly #childOf: StatementSync;
  readonly #rowBelow: StatementSync;
  readonly #dirsBelow: StatementSync;
  readonly #stampsFound: StatementSync;
  readonly #namesFound: StatementSync;
  readonly #idsAfter: StatementSync;
  readonly #lastId: StatementSync;
  readonly #insert: StatementSync;
  readonly #updateAll: StatementSync;
  readonly #updateContent: StatementSync;
  readonly #updateState: StatementSync;
  readonly #updateSaved: StatementSync;
  readonly #stateIds: StatementSync;
  readonly #remove: StatementSync;
  #nextId: number | undefined;

  constructor(database: DatabaseSync, tallies: Tallies, blocks: BlockTable) {
    this.#database = database;
    this.#tallies = tallies;
    this.#blocks = blocks;
    const select = `SELECT ${ENTRY_COLUMNS} FROM entry WHERE`;
    this.#byPath = database.prepare(`${select} folder_id = ? AND dir = ? AND name = ?`);
    this.#byId = database.prepare(`${select} id = ?`);
    this.#byStamp = database.prepare(`${select} folder_id = ? AND stamp = ? LIMIT 8`);
    this.#pendingOfSize = database.prepare(
      `SELECT 1 AS found FROM entry WHERE folder_id = ? AND size = ? AND state = 'pending' AND kind = 'file' LIMIT 1`,
    );
    this.#byDigest = database.prepare(`${select} folder_id = ? AND size = ? AND digest = ? LIMIT 8`);
    this.#childOf = database.prepare(
      `SELECT 1 AS found FROM entry WHERE folder_id = ? AND dir = ? AND state NOT IN ('gone', 'deleted') LIMIT 1`,
    );
    this.#idsAfter = database.prepare(
      `SELECT id FROM entry NOT INDEXED WHERE folder_id = ? AND id > ? ORDER BY id LIMIT ${PAGE_ROWS}`,
    );
    this.#rowBelow = database.prepare(
      `SELECT 1 AS found FROM entry WHERE folder_id = ?1 AND dir = ?2
       UNION ALL SELECT 1 FROM entry WHERE folder_id = ?1 AND dir >= ?2 || '/' AND dir < ?2 || '0' LIMIT 1`,
    );
    this.#dirsBelow = database.prepare(
      'SELECT 1 AS found FROM entry WHERE folder_id = ? AND dir >= ? AND dir < ? LIMIT 1',
    );
    // One question for a batch: most of what a scan finds is not there.
    this.#stampsFound = database.prepare(
      `SELECT DISTINCT batch.value FROM json_each(?) AS batch CROSS JOIN entry INDEXED BY entry_stamp
       WHERE folder_id = ? AND stamp = batch.value`,
    );
    this.#stampsFound.setReturnArrays(true);
    this.#namesFound = database.prepare(
      `SELECT batch.value FROM json_each(?) AS batch CROSS JOIN entry INDEXED BY entry_path
       WHERE folder_id = ? AND dir = ? AND name = batch.value`,
    );
    this.#namesFound.setReturnArrays(true);
    this.#lastId = database.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'entry'`);
    this.#insert = database.prepare(
      `INSERT INTO entry (${ENTRY_COLUMNS}) VALUES (${ENTRY_COLUMNS.replaceAll(/\w+/g, '?')})`,
    );
    // Only the indexes over named columns are written, so each statement names as few as it can.
    const common =
      'state = ?, saved_segments = ?, source = ?, due_ms = ?, attempts = ?, error = ?, since_ms = ?';
    this.#updateState = database.prepare(`UPDATE entry SET ${common}, sum = ? WHERE id = ?`);
    this.#updateSaved = database.prepare(
      'UPDATE entry SET state = ?, saved_segments = ?, since_ms = ?, sum = ? WHERE id = ?',
    );
    this.#stateIds = database.prepare(
      `SELECT id FROM entry INDEXED BY entry_unsaved WHERE folder_id = ? AND state = ? AND state <> 'saved'
       AND (dir, name) > (?, ?) ORDER BY dir, name LIMIT ${PAGE_ROWS}`,
    );
    this.#stateIds.setReturnArrays(true);
    this.#updateContent = database.prepare(
      `UPDATE entry SET ${common}, digest = ?, segments = ?, sum = ? WHERE id = ?`,
    );
    this.#updateAll = database.prepare(
      `UPDATE entry SET ${common}, digest = ?, segments = ?, kind = ?, size = ?, stamp = ?, changed_ms = ?, base_id = ?,
       sum = ? WHERE id = ?`,
    );
    this.#remove = database.prepare('DELETE FROM entry WHERE id = ?');
  }

  find(folderId: number, path: string): EntryRow | undefined {
    const [dir, name] = splitPath(path);
    const found = this.found.at(folderId, dir, name);
    if (found !== undefined) {
      return found;
    }
    const raw = this.#byPath.get(folderId, dir, name);
    if (raw === undefined) {
      return undefined;
    }
    const row = checkedEntry(raw);
    if (row.name !== name || row.dir !== dir || row.folder_id !== folderId) {
      throw damaged('an index leads to the wrong file');
    }
    return row;
  }

  get(id: number): EntryRow | undefined {
    const cached = this.#cache.get(id) ?? this.found.get(id);
    if (cached !== undefined) {
      return cached;
    }
    const raw = this.#byId.get(id);
    if (raw === undefined) {
      return undefined;
    }
    const row = checkedEntry(raw);
    this.#cache.put(row);
    return row;
  }

  /** The row, where it is at hand without being read. */
  cached(id: number): EntryRow | undefined {
    return this.#cache.get(id);
  }

  /** After rows were removed in bulk. */
  forgetFolder(folderId: number): void {
    this.found.forgetFolder(folderId);
    this.#cache.clear();
    this.due.reset();
  }

  commit(): void {
    this.found.commit();
  }

  rollBack(): void {
    this.found.rollBack();
    this.#cache.clear();
    this.due.reset();
  }

  /** Up to eight rows with that stamp. */
  withStamp(folderId: number, stamp: string): EntryRow[] {
    return this.#byStamp
      .all(folderId, stamp)
      .map(checkedEntry)
      .filter((row) => row.stamp === stamp);
  }

  /** Those of the stamps that any row has. */
  stampsFound(folderId: number, stamps: readonly string[]): Set<string> {
    const found = this.#stampsFound.all(JSON.stringify(stamps), folderId) as unknown as string[][];
    return new Set(found.flat());
  }

  /** Those of the names for which there is a row right inside the directory. */
  namesFound(folderId: number, dir: string, names: readonly string[]): string[] {
    const found = this.#namesFound.all(JSON.stringify(names), folderId, dir) as unknown as string[][];
    return [...found.flat(), ...names.filter((name) => this.found.at(folderId, dir, name) !== undefined)];
  }

  /** Up to eight rows of that size and digest. */
  withDigest(folderId: number, sizeBytes: number, digest: string): EntryRow[] {
    return this.#byDigest
      .all(folderId, sizeBytes, digest)
      .map(checkedEntry)
      .filter((row) => row.digest === digest && row.size === sizeBytes);
  }

  /** Whether a file of that size waits to be read. */
  hasPending(folderId: number, sizeBytes: number): boolean {
    return this.#pendingOfSize.get(folderId, sizeBytes) !== undefined;
  }

  /** Whether anything that is on disk is right inside the directory. */
  hasLiveChild(folderId: number, dir: string): boolean {
    return this.found.hasIn(folderId, dir) || this.#childOf.get(folderId, dir) !== undefined;
  }

  /**
   * Whether any row, of whatever state, is below the directory, at whatever depth: the rows of the directories between
   * may be forgotten already, where somebody else's files are in them.
   */
  hasRowBelow(folderId: number, dir: string): boolean {
    return this.#rowBelow.get(folderId, dir) !== undefined;
  }

  /** Whether any row is in a directory below this one ('' is the top). */
  hasDirsBelow(folderId: number, dir: string): boolean {
    // '0' is the character after '/'; a directory's name has at least one character, and none above this one.
    const [from, to] = dir === '' ? ['\u0001', '\u{10ffff}'] : [`${dir}/`, `${dir}0`];
    return this.#dirsBelow.get(folderId, from, to) !== undefined;
  }

  /** A folder's rows of one state, by path; they may be changed on the way. Not for `saved`: see `all`. */
  *inState(folderId: number, state: Exclude<EntryState, 'saved'>): Generator<EntryRow> {
    let after: Pick<EntryRow, 'dir' | 'name'> = { dir: '', name: '' };
    for (;;) {
      // Ids alone are read by the index: most of the rows are at hand.
      const page = this.#stateIds.all(folderId, state, after.dir, after.name) as unknown as number[][];
      const rows = page.map(([id]) => this.#inState(Number(id), folderId, state));
      for (const row of rows) {
        yield row;
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE_ROWS) {
        return;
      }
      after = last;
    }
  }

  #inState(id: number, folderId: number, state: EntryState): EntryRow {
    const row = this.get(id);
    if (row === undefined || row.state !== state || row.folder_id !== folderId) {
      throw damaged('an index leads to the wrong file');
    }
    return row;
  }

  /** Stored rows whose content the collection has at another path. */
  withSource(folderId: number): Generator<EntryRow> {
    return this.#pages('entry_source', `folder_id = ? AND source IS NOT NULL AND state = 'stored'`, folderId);
  }

  all(folderId: number): Generator<EntryRow> {
    return this.#pages('entry_path', 'folder_id = ?', folderId);
  }

  /** The ids of a folder's rows, without reading the rows. */
  *ids(folderId: number): Generator<number> {
    for (let after = 0; ; ) {
      const rows = this.#idsAfter.all(folderId, after);
      yield* rows.map((row) => Number(row.id));
      after = Number(rows.at(-1)?.id);
      if (rows.length < PAGE_ROWS) {
        return;
      }
    }
  }

  in(folderId: number, dir: string): Generator<EntryRow> {
    return this.#pages('entry_path', 'folder_id = ? AND dir = ?', folderId, dir);
  }

  /** Everything below a directory, at whatever depth. */
  *below(folderId: number, dir: string): Generator<EntryRow> {
    yield* this.in(folderId, dir);
    // '0' is the character after '/'.
    yield* this.#pages(
      'entry_path',
      'folder_id = ? AND dir >= ? AND dir < ?',
      folderId,
      `${dir}/`,
      `${dir}0`,
    );
  }

  /** Rows by path, in pages, so that memory stays bounded and rows can be changed meanwhile. */
  *#pages(index: string, where: string, ...parameters: ReadonlyArray<string | number>): Generator<EntryRow> {
    const sql = `SELECT ${ENTRY_COLUMNS} FROM entry INDEXED BY ${index}
      WHERE ${where} AND (dir, name) > (?, ?) ORDER BY dir, name LIMIT ${PAGE_ROWS}`;
    let statement = this.#pageStatements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#pageStatements.set(sql, statement);
    }
    let dir = '';
    let name = '';
    for (;;) {
      const rows = statement.all(...parameters, dir, name).map(checkedEntry);
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE_ROWS) {
        return;
      }
      ({ dir, name } = last);
    }
  }

  /** A row that a scan has just found and that need not survive a kill: written when something happens to it. */
  keep(row: NewEntry): void {
    if (this.found.hasRoom) {
      this.found.add({ ...row, id: this.#newId() });
    } else {
      this.insert(row);
    }
  }

  insert(row: NewEntry): EntryRow {
    return this.#insertAs({ ...row, id: this.#newId() });
  }

  /** Writes the rows that were only kept so far. */
  writeFound(folderId?: number): void {
    if (this.found.size > 0) {
      for (const row of this.found.rows(folderId)) {
        this.#writeKept(row);
      }
    }
  }

  /** The row is in the table from here on. */
  writeRow(row: EntryRow): void {
    if (this.found.get(row.id) !== undefined) {
      this.#writeKept(row);
    }
  }

  #writeKept(row: EntryRow): EntryRow {
    return this.found.take(row) ? this.#insertAs(row) : row;
  }

  /** Ids are given here, not by SQLite: a row has its own before it is in the table. */
  #newId(): number {
    this.#nextId ??= Number(this.#lastId.get()?.seq ?? 0) + 1;
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }

  /** What is in the table has its directories there, too. */
  #insertAs(row: EntryRow): EntryRow {
    if (row.dir !== '' && this.found.size > 0) {
      const dir = this.found.at(row.folder_id, ...splitPath(row.dir));
      if (dir !== undefined) {
        this.#writeKept(dir);
      }
    }
    this.#insert.run(
      row.id,
      row.folder_id,
      row.dir,
      row.name,
      row.kind,
      row.size,
      row.stamp,
      row.changed_ms,
      row.base_id,
      row.state,
      row.digest,
      row.segments,
      row.saved_segments,
      row.source,
      row.due_ms,
      row.attempts,
      row.error,
      row.since_ms,
      entrySum(row),
    );
    this.#changed(row);
    this.#count(row, 1);
    this.#blocks.move(undefined, row);
    return row;
  }

  update(before: EntryRow, change: Partial<Omit<EntryRow, 'id' | 'folder_id' | 'dir' | 'name'>>): EntryRow {
    const row = { ...before, ...change };
    if (this.found.take(before)) {
      if (row.kind === 'dir' && row.saved_segments === null) {
        this.found.add(row);
        return row;
      }
      return this.#insertAs(row);
    }
    const common = [
      row.state,
      row.saved_segments,
      row.source,
      row.due_ms,
      row.attempts,
      row.error,
      row.since_ms,
    ] as const;
    const sum = entrySum(row);
    if (
      row.kind !== before.kind ||
      row.size !== before.size ||
      row.stamp !== before.stamp ||
      row.changed_ms !== before.changed_ms ||
      row.base_id !== before.base_id
    ) {
      const { kind, size, stamp } = row;
      const all = [row.digest, row.segments, kind, size, stamp, row.changed_ms, row.base_id, sum, row.id];
      this.#updateAll.run(...common, ...all);
    } else if (row.digest !== before.digest || row.segments !== before.segments) {
      this.#updateContent.run(...common, row.digest, row.segments, sum, row.id);
    } else if (
      row.due_ms !== before.due_ms ||
      row.source !== before.source ||
      row.attempts !== before.attempts ||
      row.error !== before.error
    ) {
      this.#updateState.run(...common, sum, row.id);
    } else {
      this.#updateSaved.run(row.state, row.saved_segments, row.since_ms, sum, row.id);
    }
    this.#changed(row);
    this.#count(before, -1);
    this.#count(row, 1);
    this.#blocks.move(before, row);
    return row;
  }

  #changed(row: EntryRow): void {
    this.#cache.put(row);
    if (row.due_ms !== null) {
      this.due.touched(row.folder_id, row.due_ms, row.id);
    }
  }

  remove(row: EntryRow): void {
    if (this.found.take(row)) {
      return;
    }
    this.#remove.run(row.id);
    this.#cache.delete(row.id);
    this.#count(row, -1);
    this.#blocks.move(row, undefined);
  }

  #count(row: NewEntry, by: 1 | -1): void {
    if (row.kind === 'file' || row.state === 'held') {
      this.#tallies.add(row.folder_id, row.state, by, by * row.size);
    } else if (row.state === 'stored' || row.state === 'deleted') {
      this.#tallies.add(row.folder_id, 'dirsToSave', by, 0);
    }
  }
}

/** Folder and last part of a path. */
export function splitPath(path: string): readonly [dir: string, name: string] {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}

export function pathOf(row: Pick<EntryRow, 'dir' | 'name'>): string {
  return row.dir === '' ? row.name : `${row.dir}/${row.name}`;
}

/** `a` and `a/b` for `a/b/c`; the nearest last. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    ancestors.push(path.slice(0, slash));
  }
  return ancestors;
}

/** As `sumOf` over all columns but the id; written out, because every row that is read or written passes here. */
function entrySum(row: NewEntry): number {
  const end = FIELD_END;
  const text = `${row.folder_id}${end}${row.dir}${end}${row.name}${end}${row.kind}${end}${row.size}${end}${row.stamp}${end}`;
  const seen = `${row.changed_ms}${end}${row.base_id ?? NULL_MARK}${end}${row.state}${end}${row.digest ?? NULL_MARK}${end}`;
  const kept = `${row.segments ?? NULL_MARK}${end}${row.saved_segments ?? NULL_MARK}${end}${row.source ?? NULL_MARK}${end}`;
  const due = `${row.due_ms ?? NULL_MARK}${end}${row.attempts}${end}${row.error ?? NULL_MARK}${end}${row.since_ms}${end}`;
  return crc32(text + seen + kept + due);
}

/** A row of the entry table as it was read; throws JOURNAL where its checksum does not fit. */
export function checkedEntry(raw: Record<string, unknown>): EntryRow {
  const row = raw as unknown as EntryRow;
  if (entrySum(row) !== raw.sum) {
    throw damaged(`the row of a file (${String(raw.id)}) does not have its checksum`);
  }
  return row;
}
