import { DatabaseSync } from 'node:sqlite';
import { checkedBlock } from './journal-blocks.ts';
import { checkedSave } from './journal-save-rows.ts';
import { JOURNAL_APPLICATION_ID, migrate, pragmaNumber } from './journal-schema.ts';
import type { JournalStore } from './journal-store.ts';
import { damaged } from './journal-sums.ts';
import { ENTRY_STATES } from './journal-tallies.ts';

/** Up to this size a journal is read whole when it is opened; that takes a fraction of a second. */
const READ_WHOLE_BYTES = 16 * 1024 * 1024;

const SCHEMA_SQL = `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name`;

/** Throws where a file that SQLite can open is no journal of ours: another program's, or one with a damaged schema. */
export function assertOurs(database: DatabaseSync): void {
  const isNew =
    pragmaNumber(database, 'user_version') === 0 && database.prepare(SCHEMA_SQL).all().length === 0;
  if (!isNew && pragmaNumber(database, 'application_id') !== JOURNAL_APPLICATION_ID) {
    throw damaged('it is not a journal of Keepsync');
  }
}

/** Compares the tables and indexes, after migration, with those of a fresh journal. */
export function assertSchema(database: DatabaseSync): void {
  const fresh = new DatabaseSync(':memory:');
  try {
    migrate(fresh);
    if (schemaOf(fresh) !== schemaOf(database)) {
      throw damaged('its tables are not as they should be');
    }
  } finally {
    fresh.close();
  }
}

function schemaOf(database: DatabaseSync): string {
  return JSON.stringify(database.prepare(SCHEMA_SQL).all());
}

/** A look that does not grow with the journal: folders and totals always, everything where that is little. */
export function checkAtOpen(store: JournalStore): void {
  for (const folder of store.folders.all()) {
    store.tallies.of(folder.id, 'saved');
  }
  const pages = pragmaNumber(store.database, 'page_count');
  const pageBytes = Number(store.database.prepare('PRAGMA page_size').get()?.page_size ?? 0);
  if (pages * pageBytes <= READ_WHOLE_BYTES) {
    verifyJournal(store);
  }
}

/** Reads everything; throws JOURNAL where indexes, checksums, totals or references do not fit. */
export function verifyJournal(store: JournalStore): void {
  const { database } = store;
  const verdict = Object.values(database.prepare('PRAGMA integrity_check(1)').get() ?? {})[0];
  if (verdict !== 'ok') {
    throw damaged(String(verdict));
  }
  for (const raw of database.prepare('SELECT * FROM block').iterate()) {
    checkedBlock(raw);
  }
  for (const raw of database.prepare('SELECT * FROM save').iterate()) {
    checkedSave(raw);
  }
  store.wholeSaves.verify();
  for (const folder of store.folders.all()) {
    store.foreign.verify(folder.id);
    verifyFolder(store, folder.id);
  }
}

function verifyFolder(store: JournalStore, folderId: number): void {
  const files = new Map<string, number>();
  for (const row of store.entries.all(folderId)) {
    if (row.kind === 'file' || row.state === 'held') {
      files.set(row.state, (files.get(row.state) ?? 0) + 1);
    }
    store.pieces.of(row.id);
    store.sent.ofEntry(row.id);
    if (row.base_id !== null) {
      store.bases.diskPath(row.base_id, row.name);
    }
  }
  for (const state of ENTRY_STATES) {
    if (store.tallies.of(folderId, state).files !== (files.get(state) ?? 0)) {
      throw damaged(`the number of ${state} files is not what was counted`);
    }
  }
}
