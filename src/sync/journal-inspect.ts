import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { checkFile } from './journal.ts';
import { assertOurs, assertSchema, verifyJournal } from './journal-check.ts';
import { JournalQueries } from './journal-queries.ts';
import { MIGRATIONS, pragmaNumber } from './journal-schema.ts';
import { JournalStore } from './journal-store.ts';
import { journalError } from './journal-sums.ts';
import { ENTRY_STATES } from './journal-tallies.ts';

/** What a journal looks like from outside. */
export type JournalVerdict =
  | { readonly state: 'none' | 'older' | 'newer' }
  | {
      readonly state: 'sound';
      readonly folders: number;
      /** Files by what became of them; states that no file is in are left out. */
      readonly files: Readonly<Record<string, number>>;
    };

/** How long to wait for a writer that holds the file (milliseconds). */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Reads a whole journal and compares its checksums, totals and references, beside whoever uses it: nothing is changed,
 * moved aside or brought to a newer format. Throws JOURNAL where it is damaged or cannot be read.
 */
export function inspectJournal(path: string): JournalVerdict {
  if (!existsSync(path)) {
    return { state: 'none' };
  }
  let database: DatabaseSync | undefined;
  try {
    checkFile(path);
    database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    // one moment of it, whatever is written meanwhile
    database.exec('BEGIN');
    assertOurs(database);
    const version = pragmaNumber(database, 'user_version');
    if (version !== MIGRATIONS.length) {
      return { state: version > MIGRATIONS.length ? 'newer' : 'older' };
    }
    assertSchema(database);
    const store = new JournalStore(database);
    verifyJournal(store);
    const queries = new JournalQueries(store);
    const folders = store.folders.all().map((folder) => queries.counts(folder.id));
    const files: Record<string, number> = {};
    for (const state of ENTRY_STATES) {
      const count = folders.reduce((sum, counts) => sum + counts[state].files, 0);
      if (count > 0) {
        files[state] = count;
      }
    }
    return { state: 'sound', folders: folders.length, files };
  } catch (thrown) {
    throw journalError(thrown);
  } finally {
    database?.close();
  }
}
