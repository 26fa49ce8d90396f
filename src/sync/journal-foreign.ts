import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { pathOf, splitPath } from './journal-rows.ts';
import { FOREIGN_COLUMNS } from './journal-schema.ts';
import { type Cell, damaged, sumOf } from './journal-sums.ts';

/** Something in the collection that is not ours: a file, or an empty directory. */
interface ForeignPath {
  readonly path: string;
  readonly isDir: boolean;
}

/**
 * What the collection holds beside our files, as the last look at its manifest found it. As long as the collection's
 * hash is the one of that look, this and the rows of ours are all that is there. Throws JOURNAL for a row without its
 * checksum.
 */
export class ForeignPaths {
  readonly #add: StatementSync;
  readonly #anyContent: StatementSync;
  readonly #remove: StatementSync;
  readonly #clear: StatementSync;
  readonly #any: StatementSync;
  readonly #exact: StatementSync;
  readonly #inside: StatementSync;
  readonly #below: StatementSync;
  readonly #ofFolder: StatementSync;
  readonly #hasAny = new Map<number, boolean>();

  constructor(database: DatabaseSync) {
    this.#add = database.prepare(
      `INSERT OR REPLACE INTO foreign_path (${FOREIGN_COLUMNS}, sum) VALUES (?, ?, ?, ?, ?, ?)`,
    );
    const exactly = 'folder_id = ? AND dir = ? AND name = ?';
    const select = `SELECT ${FOREIGN_COLUMNS}, sum FROM foreign_path WHERE`;
    this.#exact = database.prepare(`${select} ${exactly}`);
    this.#anyContent = database.prepare(
      'SELECT 1 AS found FROM foreign_path WHERE folder_id = ? AND content IS NOT NULL LIMIT 1',
    );
    this.#remove = database.prepare(`DELETE FROM foreign_path WHERE ${exactly}`);
    this.#clear = database.prepare('DELETE FROM foreign_path WHERE folder_id = ?');
    this.#any = database.prepare('SELECT 1 AS found FROM foreign_path WHERE folder_id = ? LIMIT 1');
    this.#inside = database.prepare(`${select} folder_id = ? AND dir = ?`);
    this.#below = database.prepare(`${select} folder_id = ? AND dir >= ? AND dir < ?`);
    this.#ofFolder = database.prepare(`${select} folder_id = ?`);
  }

  isEmpty(folderId: number): boolean {
    let hasAny = this.#hasAny.get(folderId);
    if (hasAny === undefined) {
      hasAny = this.#any.get(folderId) !== undefined;
      this.#hasAny.set(folderId, hasAny);
    }
    return !hasAny;
  }

  clear(folderId: number): void {
    this.#clear.run(folderId);
    this.#hasAny.set(folderId, false);
  }

  /** `content` of a file, where it is known: it may be the very file that lies on disk at the path. */
  add(folderId: number, path: string, isDir: boolean, content: string | null = null): void {
    const [dir, name] = splitPath(path);
    const cells = [folderId, dir, name, isDir ? 1 : 0, content];
    this.#add.run(...cells, sumOf(cells));
    this.#hasAny.set(folderId, true);
  }

  remove(folderId: number, path: string): void {
    if (!this.isEmpty(folderId)) {
      const [dir, name] = splitPath(path);
      this.#remove.run(folderId, dir, name);
    }
  }

  at(folderId: number, path: string): ForeignPath | undefined {
    if (this.isEmpty(folderId)) {
      return undefined;
    }
    const row = this.#row(folderId, path);
    return row === undefined ? undefined : { path, isDir: row.is_dir === 1 };
  }

  /** Whether there may be files that are equal to those on disk at their paths. */
  hasContents(folderId: number): boolean {
    return !this.isEmpty(folderId) && this.#anyContent.get(folderId) !== undefined;
  }

  /** What the file at the path holds; undefined where there is none, or where it is known to be something else. */
  contentAt(folderId: number, path: string): string | undefined {
    if (this.isEmpty(folderId)) {
      return undefined;
    }
    const content = this.#row(folderId, path)?.content;
    return typeof content === 'string' ? content : undefined;
  }

  /** The file at the path is not the one on disk: it is somebody else's from now on. */
  clearContent(folderId: number, path: string): void {
    const row = this.#row(folderId, path);
    if (row !== undefined) {
      this.add(folderId, path, row.is_dir === 1);
    }
  }

  hasBelow(folderId: number, path: string): boolean {
    for (const _ of this.below(folderId, path)) {
      return true;
    }
    return false;
  }

  *below(folderId: number, path: string): Generator<ForeignPath> {
    if (this.isEmpty(folderId)) {
      return;
    }
    yield* map(this.#inside.iterate(folderId, path));
    yield* map(this.#below.iterate(folderId, `${path}/`, `${path}0`));
  }

  /** Reads every row of a folder, for its checksum. */
  verify(folderId: number): void {
    for (const row of this.#ofFolder.iterate(folderId)) {
      checked(row);
    }
  }

  forget(): void {
    this.#hasAny.clear();
  }

  #row(folderId: number, path: string): Row | undefined {
    const [dir, name] = splitPath(path);
    const row = this.#exact.get(folderId, dir, name);
    return row === undefined ? undefined : checked(row);
  }
}

type Row = Readonly<Record<string, unknown>>;

function checked(row: Row): Row {
  const { folder_id, dir, name, is_dir, content, sum } = row as Record<string, Cell>;
  if (sumOf([folder_id ?? null, dir ?? null, name ?? null, is_dir ?? null, content ?? null]) !== sum) {
    throw damaged('the row of a path of somebody else does not have its checksum');
  }
  return row;
}

function* map(rows: Iterable<Record<string, unknown>>): Generator<ForeignPath> {
  for (const row of rows) {
    checked(row);
    yield {
      path: pathOf({ dir: String(row.dir), name: String(row.name) }),
      isDir: row.is_dir === 1,
    };
  }
}
