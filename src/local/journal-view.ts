import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { KeepsyncError } from '../base/errors.ts';
import type { KnownSource } from './known-source.ts';
import type { KnownEntry } from './ports.ts';
import { systemCodeOf } from './sync-disk.ts';

/** How long a read waits for the writer (milliseconds); in WAL mode it hardly ever has to. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Rows of these states are not there for the scan. What is 'gone' already has been reported; when it comes back, the
 * scan has to report it as a file once more.
 */
const ABSENT_STATES = `('gone', 'deleted')`;

/** The kind as a number: for a hundred thousand rows, making texts of it would take as long as all the rest. */
const ENTRY_COLUMNS = `name, stamp,
  CASE kind WHEN 'file' THEN 0 WHEN 'dir' THEN iif(state = 'held', 2, 1) END AS kind`;
const KIND_FILE = 0;
const KIND_DIR = 1;
const KIND_HELD_DIR = 2;

const ENTRIES_SQL = `SELECT ${ENTRY_COLUMNS} FROM entry
  WHERE folder_id = ? AND dir = ? AND state NOT IN ${ABSENT_STATES}`;
/** Goes along the index of paths, whose order is that of UTF-8. */
const ENTRIES_PAGE_SQL = `SELECT ${ENTRY_COLUMNS} FROM entry
  WHERE folder_id = ? AND dir = ? AND name > ? AND state NOT IN ${ABSENT_STATES} ORDER BY name LIMIT ?`;
const ENTRY_SQL = `SELECT ${ENTRY_COLUMNS} FROM entry
  WHERE folder_id = ? AND dir = ? AND name = ? AND state NOT IN ${ABSENT_STATES}`;
/** A row has a digest only while the journal knows where those bytes lie; what is gone counts too, as for a rename. */
const KNOWN_SQL = `SELECT 1 AS found FROM entry
  WHERE folder_id = ? AND size = ? AND digest = ? LIMIT 1`;

interface OpenView {
  readonly database: DatabaseSync;
  readonly entries: StatementSync;
  readonly entriesPage: StatementSync;
  readonly entry: StatementSync;
  readonly known: StatementSync;
  /** dev and ino of the file that is open: a damaged journal is moved aside and a new one takes its name. */
  readonly identity: string;
}

/**
 * The read side of the journal, on a connection of its own that cannot write. Opened at first use; opened again when the
 * file was replaced or a read fails once. Throws JOURNAL when it cannot be read: an unreadable journal must never pass
 * for an empty one.
 */
export function openJournalView(journalPath: string): KnownSource {
  let view: OpenView | undefined;

  const close = () => {
    const { database } = view ?? {};
    view = undefined;
    database?.close();
  };
  const current = (): OpenView => {
    if (view !== undefined && view.identity !== identityOf(journalPath)) {
      close();
    }
    view ??= open(journalPath);
    return view;
  };
  const ask = <T>(question: () => T): T => {
    try {
      try {
        return question();
      } catch (thrown) {
        if (thrown instanceof KeepsyncError && thrown.code !== 'JOURNAL') {
          throw thrown;
        }
        close();
        return question();
      }
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      throw new KeepsyncError('JOURNAL', `The journal cannot be read: ${message}`, { cause: thrown });
    }
  };

  return {
    knownTree: (folderId) => {
      ask(current);
      return {
        entriesOf: (dir, page) =>
          ask(() => {
            const { entries, entriesPage } = view ?? current();
            const rows =
              page === undefined
                ? entries.all(folderId, dir)
                : entriesPage.all(folderId, dir, page.after, page.limit);
            return rows.map(toKnownEntry);
          }),
        entryOf: (dir, name) =>
          ask(() => {
            const row = (view ?? current()).entry.get(folderId, dir, name);
            return row === undefined ? undefined : toKnownEntry(row);
          }),
      };
    },
    knownBytes: (folderId) => {
      ask(current);
      return (sizeBytes, digest) =>
        ask(() => (view ?? current()).known.get(folderId, sizeBytes, digest) !== undefined);
    },
    close,
  };
}

function open(journalPath: string): OpenView {
  const identity = identityOf(journalPath);
  const database = new DatabaseSync(journalPath, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    return {
      database,
      entries: asArrays(database.prepare(ENTRIES_SQL)),
      entriesPage: asArrays(database.prepare(ENTRIES_PAGE_SQL)),
      entry: asArrays(database.prepare(ENTRY_SQL)),
      known: database.prepare(KNOWN_SQL),
      identity,
    };
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

function identityOf(journalPath: string): string {
  try {
    const { dev, ino } = statSync(journalPath, { bigint: true });
    return `${dev}:${ino}`;
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'ENOENT') {
      throw thrown;
    }
    throw new KeepsyncError('JOURNAL', `There is no journal at ${journalPath}`, { cause: thrown });
  }
}

/** Rows as arrays: less than half the work of objects. */
function asArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

function toKnownEntry(row: unknown): KnownEntry {
  const [name, stamp, kind] = Array.isArray(row) ? row : [];
  if (typeof name !== 'string' || typeof stamp !== 'string') {
    throw senseless();
  }
  switch (kind) {
    case KIND_FILE:
      return { name, kind: 'file', stamp };
    case KIND_DIR:
      return { name, kind: 'dir', stamp };
    case KIND_HELD_DIR:
      return { name, kind: 'dir', stamp, isHeld: true };
    default:
      throw senseless();
  }
}

const senseless = () => new KeepsyncError('JOURNAL', 'The journal holds a row that makes no sense');
