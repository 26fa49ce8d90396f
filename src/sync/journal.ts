import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { KeepsyncError } from '../base/errors.ts';
import { assertOurs, assertSchema, checkAtOpen } from './journal-check.ts';
import { JournalDatabase, type OpenJournal } from './journal-database.ts';
import { migrate } from './journal-schema.ts';
import { JournalStore, openDatabase } from './journal-store.ts';
import { damaged, journalError, saysDamaged } from './journal-sums.ts';
import { compactTime } from './save-places.ts';

export interface OpenOptions {
  /** A file, or ':memory:'. */
  readonly path: string;
  /** For the name under which a damaged journal is moved aside. */
  readonly nowMs?: number;
  /** A call raised JOURNAL with `info.damaged`: move the file aside, however good it looks. */
  readonly distrust?: boolean;
}

/**
 * Opens a journal in this thread. A damaged, foreign or empty file is moved aside (`NAME~damaged-YYYYMMDD-HHMMSS`, with
 * what SQLite keeps beside it) and a new journal takes its place: see `movedAside`. Throws JOURNAL for one that a newer
 * Keepsync wrote, and where the file cannot be opened or moved.
 */
export function openJournal(options: OpenOptions): OpenJournal {
  const { path } = options;
  if (path === ':memory:') {
    return new JournalDatabase(openStore(path), null);
  }
  try {
    if (options.distrust === true && existsSync(path)) {
      throw damaged('it was found so in use');
    }
    checkFile(path);
    return new JournalDatabase(openStore(path), null);
  } catch (thrown) {
    if (!saysDamaged(thrown)) {
      throw thrown;
    }
    const movedAside = moveAside(path, options.nowMs ?? Date.now());
    return new JournalDatabase(openStore(path), movedAside);
  }
}

function openStore(path: string): JournalStore {
  let database: DatabaseSync | undefined;
  try {
    database = openDatabase(path);
    assertOurs(database);
    migrate(database);
    assertSchema(database);
    const store = new JournalStore(database);
    checkAtOpen(store);
    return store;
  } catch (thrown) {
    database?.close();
    throw journalError(thrown);
  }
}

const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';

/** What SQLite itself would not notice: a file that lost all, or the end, of what was in it. Throws JOURNAL. */
export function checkFile(path: string): void {
  if (!existsSync(path)) {
    return;
  }
  const { size } = statSync(path);
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openFile(path);
  try {
    readSync(file, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(file);
  }
  if (size < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw damaged('it is not a journal of Keepsync');
  }
  const log = `${path}-wal`;
  const hasLog = existsSync(log) && statSync(log).size > 0;
  // Offsets of the file format: page size at 16 (1 stands for 65536), pages at 28.
  const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  if (!hasLog && header.readUInt32BE(28) * pageBytes > size) {
    throw damaged('its end is missing');
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new KeepsyncError('JOURNAL', `The journal cannot be opened: ${message}`, {
      action: 'Check that the profile folder can be read and written.',
      cause: thrown,
    });
  }
}

/** Renames the file and its companions; returns the new name. */
function moveAside(path: string, nowMs: number): string {
  const stem = `${path}~damaged-${compactTime(nowMs)}`;
  let aside = stem;
  for (let count = 2; existsSync(aside); count += 1) {
    aside = `${stem}-${count}`;
  }
  try {
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(path + suffix)) {
        renameSync(path + suffix, aside + suffix);
      }
    }
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new KeepsyncError('JOURNAL', `The journal is damaged and cannot be moved aside: ${message}`, {
      action: 'Close other programs that use the profile folder, or move the file away yourself.',
      cause: thrown,
    });
  }
  return aside;
}
