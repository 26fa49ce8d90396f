import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { pathOf, splitPath } from './journal-rows.ts';

/** Something in the collection that is not ours: a file, or an empty directory. */
interface ForeignPath {
  readonly path: string;
  readonly isDir: boolean;
}

/**
 * What the collection holds beside our files, as the last look at its manifest found it. As long as the collection's
 * hash is the one of that look, this and the rows of ours are all that is there. Damage here costs a version of a file
 * at most, so rows carry no checksum.
 */
export class ForeignPaths {
  readonly #add: StatementSync;
  readonly #contentAt: StatementSync;
  readonly #clearContent: StatementSync;
  readonly #anyContent: StatementSync;
  readonly #remove: StatementSync;
  readonly #clear: StatementSync;
  readonly #any: StatementSync;
  readonly #exact: StatementSync;
  readonly #inside: StatementSync;
  readonly #below: StatementSync;
  readonly #hasAny = new Map<number, boolean>();

  constructor(database: DatabaseSync) {
    this.#add = database.prepare(
      'INSERT OR REPLACE INTO foreign_path (folder_id, dir, name, is_dir, content) VALUES (?, ?, ?, ?, ?)',
    );
    const exactly = 'folder_id = ? AND dir = ? AND name = ?';
    this.#contentAt = database.prepare(`SELECT content FROM foreign_path WHERE ${exactly}`);
    this.#clearContent = database.prepare(`UPDATE foreign_path SET content = NULL WHERE ${exactly}`);
    this.#anyContent = database.prepare(
      'SELECT 1 AS found FROM foreign_path WHERE folder_id = ? AND content IS NOT NULL LIMIT 1',
    );
    this.#remove = database.prepare('DELETE FROM foreign_path WHERE folder_id = ? AND dir = ? AND name = ?');
    this.#clear = database.prepare('DELETE FROM foreign_path WHERE folder_id = ?');
    this.#any = database.prepare('SELECT 1 AS found FROM foreign_path WHERE folder_id = ? LIMIT 1');
    this.#exact = database.prepare(
      'SELECT is_dir FROM foreign_path WHERE folder_id = ? AND dir = ? AND name = ?',
    );
    const columns = 'SELECT dir, name, is_dir FROM foreign_path WHERE folder_id = ? AND';
    this.#inside = database.prepare(`${columns} dir = ?`);
    this.#below = database.prepare(`${columns} dir >= ? AND dir < ?`);
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
    this.#add.run(folderId, dir, name, isDir ? 1 : 0, content);
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
    const [dir, name] = splitPath(path);
    const row = this.#exact.get(folderId, dir, name);
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
    const [dir, name] = splitPath(path);
    const content = this.#contentAt.get(folderId, dir, name)?.content;
    return typeof content === 'string' ? content : undefined;
  }

  /** The file at the path is not the one on disk: it is somebody else's from now on. */
  clearContent(folderId: number, path: string): void {
    const [dir, name] = splitPath(path);
    this.#clearContent.run(folderId, dir, name);
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

  forget(): void {
    this.#hasAny.clear();
  }
}

function* map(rows: Iterable<Record<string, unknown>>): Generator<ForeignPath> {
  for (const row of rows) {
    yield {
      path: pathOf({ dir: String(row.dir), name: String(row.name) }),
      isDir: row.is_dir === 1,
    };
  }
}
