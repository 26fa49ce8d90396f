import { DatabaseSync } from 'node:sqlite';
import type { TreeChange } from '../../src/local/ports.ts';

/** The columns that the disk threads read, in a file of the journal's kind, written by a test. */
export class JournalFile {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
      CREATE TABLE entry (
        id INTEGER PRIMARY KEY, folder_id INTEGER NOT NULL, dir TEXT NOT NULL, name TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('file', 'dir')), size INTEGER NOT NULL DEFAULT 0,
        stamp TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, digest TEXT
      );
      CREATE UNIQUE INDEX entry_path ON entry (folder_id, dir, name);
      CREATE INDEX entry_digest ON entry (folder_id, size, digest);
    `);
  }

  set(
    folderId: number,
    path: string,
    row: { kind: 'file' | 'dir'; size?: number; stamp?: string; state?: string; digest?: string },
  ): void {
    const at = path.lastIndexOf('/');
    this.#database
      .prepare(
        `INSERT INTO entry (folder_id, dir, name, kind, size, stamp, state, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (folder_id, dir, name) DO UPDATE SET kind = excluded.kind, size = excluded.size,
           stamp = excluded.stamp, state = excluded.state, digest = excluded.digest`,
      )
      .run(
        folderId,
        at < 0 ? '' : path.slice(0, at),
        path.slice(at + 1),
        row.kind,
        row.size ?? 0,
        row.stamp ?? '',
        row.state ?? 'saved',
        row.digest ?? null,
      );
  }

  remember(folderId: number, changes: readonly TreeChange[]): void {
    for (const change of changes) {
      switch (change.type) {
        case 'file':
          this.set(folderId, change.path, {
            kind: 'file',
            size: change.stat.sizeBytes,
            stamp: change.stat.stamp,
          });
          break;
        case 'dir':
          this.set(folderId, change.path, { kind: 'dir' });
          break;
        case 'gone':
          this.set(folderId, change.path, { kind: change.wasDir ? 'dir' : 'file', state: 'gone' });
          break;
        case 'held':
          this.set(folderId, change.path, { kind: 'file', state: 'held' });
          break;
      }
    }
  }

  close(): void {
    this.#database.close();
  }
}
