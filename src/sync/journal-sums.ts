import { crc32 } from 'node:zlib';
import { KeepsyncError } from '../base/errors.ts';

/** A value as a row holds it. */
export type Cell = string | number | null;

/** Between the fields that a checksum covers: no path, stamp or locator contains it. */
export const FIELD_END = '\u001f';
/** Stands for null, so that it differs from the empty text. */
export const NULL_MARK = '\u001a';

/** The checksum of a row: crc32 over its fields. SQLite itself accepts most flipped bits. */
export function sumOf(cells: readonly Cell[]): number {
  let text = '';
  for (const cell of cells) {
    text += (cell === null ? NULL_MARK : cell) + FIELD_END;
  }
  return crc32(text);
}

/** The error of a journal whose content cannot be trusted any more. */
export function damaged(what: string, cause?: unknown): KeepsyncError {
  return new KeepsyncError('JOURNAL', `The journal is damaged: ${what}`, {
    action: 'Keepsync starts a new journal and looks at everything again; nothing in the collection is lost.',
    info: { damaged: true },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Whether an error says that the journal itself is damaged, rather than full, locked or too new. */
export function saysDamaged(error: unknown): boolean {
  return error instanceof KeepsyncError && error.code === 'JOURNAL' && error.info?.damaged === true;
}

/** SQLite's primary result codes that we tell apart. */
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** What a failure inside SQLite means: damage, a full disk, or a journal that cannot be written. Ours pass as they are. */
export function journalError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof KeepsyncError) {
    return thrown;
  }
  const errcode =
    'errcode' in thrown && typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : undefined;
  if (errcode === undefined && !('code' in thrown && thrown.code === 'ERR_OUT_OF_RANGE')) {
    return thrown;
  }
  if (errcode === SQLITE_FULL) {
    return new KeepsyncError('DISK_FULL', 'The disk that holds the journal is full', {
      action: 'Free some space; Keepsync goes on by itself.',
      cause: thrown,
    });
  }
  // ERR_OUT_OF_RANGE: a number that we never write. 1: the schema is not ours. 19: an index does not fit its table.
  if (errcode === undefined || [1, SQLITE_CORRUPT, 19, SQLITE_NOTADB].includes(errcode)) {
    return damaged(thrown.message, thrown);
  }
  return new KeepsyncError('JOURNAL', `The journal cannot be used: ${thrown.message}`, {
    action: 'Check that the profile folder can be written.',
    cause: thrown,
  });
}
