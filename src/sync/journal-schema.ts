import type { DatabaseSync } from 'node:sqlite';
import { KeepsyncError } from '../base/errors.ts';
import { type Cell, sumOf } from './journal-sums.ts';

/** One step of the schema: SQL, or what has to be computed on the way. */
export type MigrationStep = string | ((database: DatabaseSync) => void);

/** What the checksum of a row covers, in its order. */
export const SAVE_COLUMNS = 'id, folder_id, at_ms, files, bytes, deleted, pdh, version';
export const FOREIGN_COLUMNS = 'folder_id, dir, name, is_dir, content';

/** Marks a SQLite file as a journal of ours (`PRAGMA application_id`): the letters "Keep". */
export const JOURNAL_APPLICATION_ID = 0x4b656570;

/**
 * Each step takes the schema one version further. A step that was released is never changed; `user_version` counts the
 * steps that a file has behind it.
 *
 * `entry.segments` is what the file on disk holds, as `blockId:offset:length,…` ('' for no bytes, null: not stored).
 * `entry.saved_segments` is what our last save left at the path: null nothing, `d` a directory, else segments.
 * `save_row` remembers what was sent until an answer, or a look at the collection, says what became of it; `whole_save`
 * says that a save sent all of a folder's stored rows as they are.
 * `foreign_path` is what else the collection holds, as the last look found it: files, and (`is_dir`) empty directories.
 * `foreign_path.content` is what a file there holds, as a `ContentText`; null where that is not known, or was compared with
 * the file on disk and is something else.
 */
export const MIGRATIONS: readonly MigrationStep[] = [
  `
  CREATE TABLE folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT, public_id TEXT NOT NULL UNIQUE, collection_uuid TEXT, remote_pdh TEXT,
    remote_version INTEGER, last_save_ms INTEGER, last_scan_ms INTEGER, sum INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT, folder_id INTEGER NOT NULL, dir TEXT NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL, size INTEGER NOT NULL, stamp TEXT NOT NULL, changed_ms INTEGER NOT NULL, base_id INTEGER,
    state TEXT NOT NULL, digest TEXT, segments TEXT, saved_segments TEXT, source TEXT, due_ms INTEGER,
    attempts INTEGER NOT NULL, error TEXT, since_ms INTEGER NOT NULL, sum INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX entry_path ON entry (folder_id, dir, name);
  CREATE INDEX entry_digest ON entry (folder_id, size, digest) WHERE digest IS NOT NULL;
  CREATE INDEX entry_stamp ON entry (folder_id, stamp);
  CREATE INDEX entry_due ON entry (folder_id, due_ms) WHERE due_ms IS NOT NULL;
  CREATE INDEX entry_unsaved ON entry (folder_id, state, dir, name) WHERE state <> 'saved';
  CREATE INDEX entry_source ON entry (folder_id, dir, name) WHERE source IS NOT NULL;
  CREATE INDEX entry_pending_size ON entry (folder_id, size) WHERE state = 'pending';
  CREATE INDEX entry_stored_since ON entry (folder_id, since_ms) WHERE state = 'stored';
  CREATE TABLE disk_base (
    id INTEGER PRIMARY KEY AUTOINCREMENT, folder_id INTEGER NOT NULL, disk_path TEXT NOT NULL, cut INTEGER NOT NULL,
    separator TEXT NOT NULL, sum INTEGER NOT NULL, UNIQUE (folder_id, disk_path, cut, separator)
  ) STRICT;
  CREATE TABLE block (
    id INTEGER PRIMARY KEY AUTOINCREMENT, folder_id INTEGER NOT NULL, md5size TEXT NOT NULL, size INTEGER NOT NULL,
    locator TEXT NOT NULL, expires_ms INTEGER NOT NULL, stored_ms INTEGER NOT NULL, stored_refs INTEGER NOT NULL,
    saved_refs INTEGER NOT NULL, piece_refs INTEGER NOT NULL, files INTEGER NOT NULL, examples TEXT NOT NULL,
    sum INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX block_name ON block (md5size, folder_id);
  CREATE INDEX block_folder ON block (folder_id, id) WHERE files > 0 OR piece_refs > 0;
  CREATE INDEX block_unused ON block (folder_id, expires_ms) WHERE files = 0 AND piece_refs = 0;
  CREATE TABLE piece (
    entry_id INTEGER NOT NULL, idx INTEGER NOT NULL, stamp TEXT NOT NULL, block_id INTEGER NOT NULL,
    length INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (entry_id, idx)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tally (
    folder_id INTEGER NOT NULL, key TEXT NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL,
    sum INTEGER NOT NULL, PRIMARY KEY (folder_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE save (
    id INTEGER PRIMARY KEY AUTOINCREMENT, folder_id INTEGER NOT NULL, at_ms INTEGER, files INTEGER NOT NULL,
    bytes INTEGER NOT NULL, deleted INTEGER NOT NULL, pdh TEXT, version INTEGER
  ) STRICT;
  CREATE INDEX save_folder ON save (folder_id, id);
  CREATE TABLE save_row (
    entry_id INTEGER NOT NULL, save_id INTEGER NOT NULL, put TEXT, sum INTEGER NOT NULL,
    PRIMARY KEY (entry_id, save_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX save_row_save ON save_row (save_id, entry_id);
  CREATE TABLE foreign_path (
    folder_id INTEGER NOT NULL, dir TEXT NOT NULL, name TEXT NOT NULL, is_dir INTEGER NOT NULL,
    PRIMARY KEY (folder_id, dir, name)
  ) STRICT, WITHOUT ROWID;
  `,
  'ALTER TABLE foreign_path ADD COLUMN content TEXT;',
  // Damage in these two was not noticed until here.
  (database) => {
    addSums(database, 'save', SAVE_COLUMNS, 'id');
    addSums(database, 'foreign_path', FOREIGN_COLUMNS, 'folder_id, dir, name');
  },
  'CREATE TABLE whole_save (folder_id INTEGER PRIMARY KEY, save_id INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;',
];

/** Gives a table's rows, all of them old, the checksums that they have from now on. */
function addSums(database: DatabaseSync, table: string, columns: string, key: string): void {
  database.exec(`ALTER TABLE ${table} ADD COLUMN sum INTEGER NOT NULL DEFAULT 0`);
  const keys = key.split(', ');
  const update = database.prepare(
    `UPDATE ${table} SET sum = ? WHERE ${keys.map((name) => `${name} = ?`).join(' AND ')}`,
  );
  const names = columns.split(', ');
  for (const row of database.prepare(`SELECT ${columns} FROM ${table}`).all()) {
    const cell = (name: string) => row[name] as Cell;
    update.run(sumOf(names.map(cell)), ...keys.map(cell));
  }
}

/** Reads a pragma that yields one number. */
export function pragmaNumber(
  database: DatabaseSync,
  name: 'user_version' | 'application_id' | 'page_count',
): number {
  const row = database.prepare(`PRAGMA ${name}`).get();
  return Number(row?.[name] ?? 0);
}

/**
 * Brings an older (or empty) journal to the newest schema, each step in a transaction of its own. Throws JOURNAL for a
 * file that a newer Keepsync wrote: it is left as it is.
 */
export function migrate(database: DatabaseSync, migrations: readonly MigrationStep[] = MIGRATIONS): void {
  const version = pragmaNumber(database, 'user_version');
  if (version > migrations.length) {
    throw new KeepsyncError(
      'JOURNAL',
      `The journal was written by a newer Keepsync (its format is ${version}, this one knows up to ${migrations.length})`,
      { action: 'Install the newer Keepsync again.', info: { newer: true } },
    );
  }
  for (const [index, step] of migrations.entries()) {
    if (index < version) {
      continue;
    }
    database.exec('BEGIN IMMEDIATE');
    try {
      if (typeof step === 'string') {
        database.exec(step);
      } else {
        step(database);
      }
      database.exec(`PRAGMA user_version = ${index + 1}`);
      database.exec(`PRAGMA application_id = ${JOURNAL_APPLICATION_ID}`);
      database.exec('COMMIT');
    } catch (thrown) {
      database.exec('ROLLBACK');
      throw thrown;
    }
  }
}
