import type { PendingFile } from './journal-port.ts';
import { type EntryRow, pathOf } from './journal-rows.ts';
import { SAVED_DIR, type SegmentsText } from './journal-segments.ts';
import type { JournalStore } from './journal-store.ts';

export interface Content {
  readonly segments: SegmentsText;
  readonly digest: string | null;
  /** Path whose saved content this is. */
  readonly source: string | null;
}

type EntryChange = Partial<Omit<EntryRow, 'id' | 'folder_id' | 'dir' | 'name'>>;

export const isThere = (row: EntryRow | undefined): row is EntryRow =>
  row !== undefined && row.state !== 'gone' && row.state !== 'deleted';

/** The bytes that the row's digest is about. */
export const knownSegments = (row: EntryRow): SegmentsText | null =>
  row.segments ?? (row.saved_segments === SAVED_DIR ? null : row.saved_segments);

/** What a row becomes whose present content is in acknowledged blocks: saved, if that is what the collection has. */
export function storedChange(
  store: JournalStore,
  row: Pick<EntryRow, 'saved_segments'> & { readonly id?: number },
  content: Content,
  nowMs: number,
): EntryChange {
  const isSaved = row.saved_segments === content.segments && isCertain(store, row.id, content.segments);
  return {
    state: isSaved ? 'saved' : 'stored',
    segments: content.segments,
    digest: content.digest,
    source: isSaved ? null : content.source,
    due_ms: null,
    attempts: 0,
    error: null,
    since_ms: nowMs,
  };
}

/** Whether no save without an answer may have left something else at the path. */
function isCertain(store: JournalStore, entryId: number | undefined, segments: SegmentsText): boolean {
  return entryId === undefined || store.sent.ofEntry(entryId).every((sent) => sent.put === segments);
}

/** What a row becomes whose content on disk has to be read; what was saved at its path stays known. */
export function pendingChange(row: EntryRow, dueMs: number, nowMs: number): EntryChange {
  return {
    state: 'pending',
    segments: null,
    digest: digestOfSaved(row),
    source: null,
    due_ms: dueMs,
    attempts: 0,
    error: null,
    since_ms: nowMs,
  };
}

/** The row's digest, if it is that of the saved content; so a file that was only touched is recognised. */
function digestOfSaved(row: EntryRow): string | null {
  return row.kind === 'file' && row.saved_segments !== null && knownSegments(row) === row.saved_segments
    ? row.digest
    : null;
}

/** The same content under another name. */
export function contentFrom(row: EntryRow, segments: SegmentsText): Content {
  return {
    segments,
    digest: row.digest,
    source: row.saved_segments === segments ? pathOf(row) : null,
  };
}

/** What a directory that is on disk becomes: to be saved if it is empty and not in the collection. */
export function dirState(store: JournalStore, row: EntryRow): 'saved' | 'stored' {
  if (row.saved_segments === SAVED_DIR) {
    return store.sent.ofEntry(row.id).every((sent) => sent.put === SAVED_DIR) ? 'saved' : 'stored';
  }
  if (row.saved_segments !== null) {
    return 'stored';
  }
  return store.entries.hasLiveChild(row.folder_id, pathOf(row)) ? 'saved' : 'stored';
}

/** Forgets a row with all that hangs on it. */
export function dropEntry(store: JournalStore, row: EntryRow): void {
  store.pieces.removeAll(row.id);
  store.sent.settle(row.id);
  store.entries.remove(row);
}

/** A row's file as it is handed to whoever reads it. */
export function pendingFileOf(store: JournalStore, row: EntryRow, path = pathOf(row)): PendingFile {
  return {
    entryId: row.id,
    path,
    diskPath: row.base_id === null ? path : store.bases.diskPath(row.base_id, path),
    sizeBytes: row.size,
    stamp: row.stamp,
    attempts: row.attempts,
  };
}
