import { type ColumnKinds, type Columns, fromColumns, toColumns } from '../base/columns.ts';
import { type PackedChanges, packChanges, unpackChanges } from '../local/batch-columns.ts';
import type { OpenJournal } from './journal-database.ts';
import type { PendingFile, StoredFile } from './journal-port.ts';

/** The calls with thousands of files in them, as they cross to the journal's thread and back: in columns. */

type Parameters<K extends keyof OpenJournal> = OpenJournal[K] extends (...list: infer P) => unknown
  ? P
  : never;

const PENDING_FILE: ColumnKinds<PendingFile> = {
  entryId: 'number',
  path: 'text',
  diskPath: 'text',
  sizeBytes: 'number',
  stamp: 'text',
  attempts: 'number',
};

export const packPending = (files: readonly PendingFile[]): Columns => toColumns(files, PENDING_FILE);
export const unpackPending = (packed: Columns): PendingFile[] => fromColumns(packed);

const STORED_FILE: ColumnKinds<StoredFile> = {
  entryId: 'number',
  stamp: 'text',
  digest: 'text',
  offset: 'number',
  lengthBytes: 'number',
};

type RecordChanges = Parameters<'recordChanges'>;
export type PackedRecordChanges = readonly [RecordChanges[0], PackedChanges, RecordChanges[2]];

export function packRecordChanges([folderId, changes, options]: RecordChanges): PackedRecordChanges {
  return [folderId, packChanges(changes), options];
}

export function unpackRecordChanges([folderId, changes, options]: PackedRecordChanges): RecordChanges {
  return [folderId, unpackChanges(changes), options];
}

type RecordBlock = Parameters<'recordPackedBlock'>;
export type PackedRecordBlock = readonly [RecordBlock[0], RecordBlock[1], Columns, RecordBlock[3]];

export function packRecordBlock([folderId, block, files, nowMs]: RecordBlock): PackedRecordBlock {
  return [folderId, block, toColumns(files, STORED_FILE), nowMs];
}

export function unpackRecordBlock([folderId, block, files, nowMs]: PackedRecordBlock): RecordBlock {
  return [folderId, block, fromColumns(files), nowMs];
}
