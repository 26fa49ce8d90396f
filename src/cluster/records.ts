import { chmodSync, existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { KeepsyncError } from '../base/errors.ts';

export type Row = Record<string, SQLOutputValue>;
export type SqlValue = SQLInputValue;

const SCHEMA_VERSION = 1;

/** Times are text as `formatTime` writes it; json columns are text; a manifest is shared by versions of equal content. */
const SCHEMA = `
CREATE TABLE users (
  uuid TEXT PRIMARY KEY, owner_uuid TEXT NOT NULL, created_at TEXT NOT NULL, modified_at TEXT NOT NULL,
  modified_by_user_uuid TEXT, email TEXT, username TEXT, first_name TEXT, last_name TEXT,
  is_admin INTEGER NOT NULL, is_active INTEGER NOT NULL, prefs TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE api_client_authorizations (
  uuid TEXT PRIMARY KEY, owner_uuid TEXT NOT NULL, secret_sha256 TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL,
  expires_at TEXT, scopes TEXT NOT NULL DEFAULT '["all"]'
);
CREATE TABLE groups (
  uuid TEXT PRIMARY KEY, owner_uuid TEXT NOT NULL, created_at TEXT NOT NULL, modified_at TEXT NOT NULL,
  modified_by_user_uuid TEXT, name TEXT, description TEXT, group_class TEXT, properties TEXT NOT NULL DEFAULT '{}',
  trash_at TEXT, delete_at TEXT
);
CREATE INDEX groups_owner ON groups (owner_uuid, name);
CREATE TABLE manifests (
  id INTEGER PRIMARY KEY, is_normal INTEGER NOT NULL, text TEXT NOT NULL
);
CREATE TABLE collections (
  uuid TEXT PRIMARY KEY, owner_uuid TEXT NOT NULL, created_at TEXT NOT NULL, modified_at TEXT NOT NULL,
  modified_by_user_uuid TEXT, name TEXT, description TEXT, properties TEXT NOT NULL DEFAULT '{}',
  portable_data_hash TEXT NOT NULL, manifest_id INTEGER NOT NULL REFERENCES manifests,
  replication_desired INTEGER, replication_confirmed INTEGER, replication_confirmed_at TEXT,
  storage_classes_desired TEXT NOT NULL, storage_classes_confirmed TEXT NOT NULL, storage_classes_confirmed_at TEXT,
  trash_at TEXT, delete_at TEXT, version INTEGER NOT NULL, current_version_uuid TEXT NOT NULL,
  preserve_version INTEGER NOT NULL, file_count INTEGER NOT NULL, file_size_total INTEGER NOT NULL
);
CREATE INDEX collections_owner ON collections (owner_uuid, name);
CREATE INDEX collections_pdh ON collections (portable_data_hash);
CREATE INDEX collections_current ON collections (current_version_uuid);
CREATE INDEX collections_created ON collections (created_at, uuid);
CREATE INDEX collections_modified ON collections (modified_at, uuid);
CREATE INDEX collections_manifest ON collections (manifest_id);
CREATE TABLE logs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, owner_uuid TEXT NOT NULL, created_at TEXT NOT NULL,
  modified_at TEXT NOT NULL, modified_by_user_uuid TEXT, object_uuid TEXT NOT NULL, object_owner_uuid TEXT NOT NULL,
  event_type TEXT NOT NULL, event_at TEXT NOT NULL, summary TEXT, properties TEXT NOT NULL
);
CREATE INDEX logs_created ON logs (created_at);
`;

/** Statements kept ready; list queries differ in every filter, so the oldest give way. */
const STATEMENT_LIMIT = 200;

/**
 * The records in SQLite: WAL with synchronous=FULL, so that what was answered survives a power cut, and locked for this
 * process alone, so that two clusters never share a folder.
 */
export class Records {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #afterCommit: Array<() => void> = [];
  #isInTransaction = false;

  /** Throws LOCKED where another process has the file, STATE where a newer version made it. */
  constructor(file: string) {
    const isNew = !existsSync(file);
    this.#db = new DatabaseSync(file);
    try {
      if (isNew) {
        chmodSync(file, 0o600);
      }
      this.#db.exec('PRAGMA locking_mode = EXCLUSIVE');
      this.#db.exec('PRAGMA journal_mode = WAL');
      this.#db.exec('PRAGMA synchronous = FULL');
      this.#db.exec('BEGIN IMMEDIATE');
      const version = Number(this.#db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
      if (version > SCHEMA_VERSION) {
        throw new KeepsyncError('STATE', `${file} was made by a newer Keepsync`, {
          action: 'Update Keepsync',
        });
      }
      if (version === 0) {
        this.#db.exec(SCHEMA);
        this.#db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
      }
      this.#db.exec('COMMIT');
    } catch (thrown) {
      this.#db.close();
      if (isBusy(thrown)) {
        throw new KeepsyncError('LOCKED', `Another local cluster is using ${file}`, {
          action: 'Close the other one first, or choose another folder',
          cause: thrown,
        });
      }
      throw thrown;
    }
  }

  get(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  all(sql: string, ...values: SqlValue[]): Row[] {
    return this.#prepare(sql).all(...values);
  }

  run(sql: string, ...values: SqlValue[]): { changes: number; lastId: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...values);
    return { changes: Number(changes), lastId: Number(lastInsertRowid) };
  }

  /** All of `work` or nothing of it; `work` is synchronous, and so nothing else happens meanwhile. Not nested. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    this.#isInTransaction = true;
    let result: T;
    try {
      result = work();
      this.#db.exec('COMMIT');
    } catch (thrown) {
      this.#afterCommit = [];
      this.#db.exec('ROLLBACK');
      throw thrown;
    } finally {
      this.#isInTransaction = false;
    }
    for (const then of this.#afterCommit.splice(0)) {
      then();
    }
    return result;
  }

  /** Runs `then` once the transaction under way has been committed; never if it is rolled back. */
  afterCommit(then: () => void): void {
    if (this.#isInTransaction) {
      this.#afterCommit.push(then);
    } else {
      then();
    }
  }

  insert(table: string, row: Record<string, SqlValue>): number {
    const names = Object.keys(row);
    const marks = names.map(() => '?').join(', ');
    return this.run(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`, ...Object.values(row))
      .lastId;
  }

  update(table: string, uuid: string, changes: Record<string, SqlValue>): void {
    const names = Object.keys(changes);
    if (names.length > 0) {
      const sets = names.map((name) => `${name} = ?`).join(', ');
      this.run(`UPDATE ${table} SET ${sets} WHERE uuid = ?`, ...Object.values(changes), uuid);
    }
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) {
      return known;
    }
    const statement = this.#db.prepare(sql);
    if (this.#statements.size >= STATEMENT_LIMIT) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest);
        break;
      }
    }
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** SQLITE_BUSY is 5 (sqlite.org/rescode.html). */
function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && 'errcode' in thrown && thrown.errcode === 5;
}
