import { DatabaseSync } from 'node:sqlite';
import { BlockTable } from './journal-blocks.ts';
import { DiskBases, FolderTable } from './journal-folders.ts';
import { ForeignPaths } from './journal-foreign.ts';
import { PieceTable } from './journal-pieces.ts';
import { EntryTable } from './journal-rows.ts';
import { SentTable } from './journal-sent.ts';
import { journalError } from './journal-sums.ts';
import { Tallies } from './journal-tallies.ts';
import { WholeSaves } from './journal-whole-saves.ts';

/** How long a write waits for another connection (milliseconds); readers hardly ever hold one up in WAL mode. */
const BUSY_TIMEOUT_MS = 10_000;

/** SQLite's page cache: bounds the memory of a journal of any size. */
const CACHE_KIB = 8 * 1024;

/**
 * Pages in the log before they are moved into the file: 32 MiB. A block of small files touches thousands of pages, many
 * of them the same as the one before; so each is written to the file once in a while, not with every block.
 */
const LOG_PAGES = 8_192;

/** Opens the file as every connection of the writer must be: WAL, and each commit on the disk when it returns. */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: false });
  try {
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -${CACHE_KIB};
       PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = ${LOG_PAGES};`,
    );
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** The tables of one open journal, and its transactions. */
export class JournalStore {
  readonly database: DatabaseSync;
  readonly folders: FolderTable;
  readonly bases: DiskBases;
  readonly entries: EntryTable;
  readonly blocks: BlockTable;
  readonly tallies: Tallies;
  readonly pieces: PieceTable;
  readonly sent: SentTable;
  readonly foreign: ForeignPaths;
  readonly wholeSaves: WholeSaves;
  #inTransaction = false;

  constructor(database: DatabaseSync) {
    this.database = database;
    this.tallies = new Tallies(database);
    this.blocks = new BlockTable(database, this.tallies);
    this.entries = new EntryTable(database, this.tallies, this.blocks);
    this.folders = new FolderTable(database);
    this.bases = new DiskBases(database);
    this.pieces = new PieceTable(database, this.blocks);
    this.sent = new SentTable(database);
    this.foreign = new ForeignPaths(database);
    this.wholeSaves = new WholeSaves(database);
  }

  /** Runs `work` in one transaction, on the disk when it returns. On any error nothing of it remains. */
  write<T>(work: () => T): T {
    if (this.#inTransaction) {
      throw new Error('transactions of the journal do not nest');
    }
    this.#inTransaction = true;
    try {
      this.database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.blocks.flush();
        this.tallies.flush();
        this.database.exec('COMMIT');
        this.entries.commit();
        return result;
      } catch (thrown) {
        this.#rollBack();
        throw thrown;
      }
    } catch (thrown) {
      throw journalError(thrown);
    } finally {
      this.#inTransaction = false;
    }
  }

  /** Runs `work`, which only reads. */
  read<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw journalError(thrown);
    }
  }

  /** Every row that belongs to the folder; in a transaction. */
  removeFolder(folderId: number): void {
    const run = (sql: string) => this.database.prepare(sql).run(folderId);
    run('DELETE FROM piece WHERE entry_id IN (SELECT id FROM entry WHERE folder_id = ?)');
    run('DELETE FROM save_row WHERE entry_id IN (SELECT id FROM entry WHERE folder_id = ?)');
    this.sent.removeFolder(folderId);
    run('DELETE FROM save WHERE folder_id = ?');
    run('DELETE FROM entry WHERE folder_id = ?');
    this.entries.forgetFolder(folderId);
    run('DELETE FROM block WHERE folder_id = ?');
    this.foreign.clear(folderId);
    this.wholeSaves.end(folderId);
    this.bases.removeFolder(folderId);
    this.tallies.removeFolder(folderId);
    this.folders.remove(folderId);
  }

  close(): void {
    this.database.close();
  }

  #rollBack(): void {
    this.blocks.forget();
    this.entries.rollBack();
    this.tallies.forget();
    this.bases.forget();
    this.pieces.forget();
    this.sent.forget();
    this.foreign.forget();
    this.wholeSaves.forget();
    // After a full disk or an I/O error SQLite may have rolled back by itself.
    if (this.database.isTransaction) {
      this.database.exec('ROLLBACK');
    }
  }
}
