import { hash } from 'node:crypto';
import { KeepsyncError } from '../base/errors.ts';
import { fileError, fileErrorRecord } from './file-errors.ts';
import { IGNORE_FILE_MAX_BYTES } from './ignore-rules.ts';
import type { FileStamp, FileStat, ReadPiece, SmallFile, SmallFileResult } from './ports.ts';
import {
  isMissing,
  kindOf,
  type RawStat,
  type ReadDisk,
  type ScanDisk,
  stampOf,
  toFileStat,
} from './sync-disk.ts';

/**
 * sha256, shortened to the 128 bits that the journal compares. It is the cheapest cryptographic digest where the
 * processor has SHA instructions (measured in one thread: 1,700 MiB/s against 750 MiB/s for md5 and 800 for blake2b).
 */
function digestOf(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex').slice(0, 32);
}

/**
 * Reads small files one after the other into the buffer, each checked before and after. One file's trouble stays its
 * own; from the first that does not fit, all are 'full'. `isKnown` says whether the journal has those bytes.
 */
export function readSmallFiles(
  disk: ReadDisk,
  into: Uint8Array,
  files: readonly SmallFile[],
  isKnown: (sizeBytes: number, digest: string) => boolean,
): SmallFileResult[] {
  const results: SmallFileResult[] = [];
  let offset = 0;
  for (const file of files) {
    if (offset + file.sizeBytes > into.length) {
      break;
    }
    const bytes = into.subarray(offset, offset + file.sizeBytes);
    let digest: string;
    try {
      readChecked(disk, file.diskPath, file.stamp, 0, bytes);
      digest = digestOf(bytes);
    } catch (thrown) {
      results.push({ outcome: 'failed', error: fileErrorRecord(thrown, file.diskPath) });
      continue;
    }
    if (isKnown(file.sizeBytes, digest)) {
      results.push({ outcome: 'known', digest });
    } else {
      results.push({ outcome: 'read', offset, lengthBytes: file.sizeBytes, digest });
      offset += file.sizeBytes;
    }
  }
  while (results.length < files.length) {
    results.push({ outcome: 'full' });
  }
  return results;
}

/** Throws FILE_CHANGED when the file is not (or no longer) in the state that the stamp names, else other FILE_… codes. */
export function readPieceOf(disk: ReadDisk, request: ReadPiece): void {
  try {
    readChecked(disk, request.diskPath, request.stamp, request.position, request.into);
  } catch (thrown) {
    throw fileError(thrown, request.diskPath);
  }
}

/** Five system calls: open, fstat, read, fstat, close. A link is followed; the stamp tells whether it is the same file. */
export function readChecked(
  disk: ReadDisk,
  diskPath: string,
  stamp: FileStamp,
  position: number,
  into: Uint8Array,
): void {
  const handle = disk.open(diskPath);
  try {
    const before = disk.fstat(handle);
    if (kindOf(before) !== 'file') {
      throw new KeepsyncError('FILE_KIND', `Not a regular file any more: ${diskPath}`, {
        action: 'Leave it out, or replace it by a file.',
      });
    }
    if (
      stampOf(before) !== stamp ||
      !fill(disk, handle, position, into) ||
      !isSameState(before, disk.fstat(handle))
    ) {
      throw new KeepsyncError('FILE_CHANGED', `Changed while it was read: ${diskPath}`, {
        action: 'Nothing to do: it is read again once it is left alone.',
      });
    }
  } finally {
    disk.close(handle);
  }
}

/** As if their stamps were compared, without making the text. */
function isSameState(before: RawStat, after: RawStat): boolean {
  return (
    before.size === after.size &&
    before.mtimeNs === after.mtimeNs &&
    before.ctimeNs === after.ctimeNs &&
    before.dev === after.dev &&
    before.ino === after.ino
  );
}

/** Whether the buffer could be filled to its end. */
function fill(disk: ReadDisk, handle: number, position: number, into: Uint8Array): boolean {
  let done = 0;
  while (done < into.length) {
    const count = disk.read(handle, into, done, into.length - done, position + done);
    if (count === 0) {
      return false;
    }
    done += count;
  }
  return true;
}

/**
 * The text of an ignore file; undefined where there is none. What cannot be read throws: guessing that it says nothing
 * would upload what it was to keep back.
 */
export function readIgnoreFile(disk: ReadDisk, diskPath: string): string | undefined {
  let handle: number;
  try {
    handle = disk.open(diskPath);
  } catch (thrown) {
    if (isMissing(thrown)) {
      return undefined;
    }
    throw fileError(thrown, diskPath);
  }
  try {
    const stat = disk.fstat(handle);
    if (kindOf(stat) !== 'file') {
      return undefined;
    }
    if (stat.size > BigInt(IGNORE_FILE_MAX_BYTES)) {
      throw new KeepsyncError('FILE_KIND', `Too large for a list of patterns: ${diskPath}`, {
        action: 'Shorten it to less than 1 MiB.',
      });
    }
    const bytes = new Uint8Array(Number(stat.size));
    let done = 0;
    while (done < bytes.length) {
      const count = disk.read(handle, bytes, done, bytes.length - done, done);
      if (count === 0) {
        break;
      }
      done += count;
    }
    return new TextDecoder().decode(bytes.subarray(0, done));
  } catch (thrown) {
    throw fileError(thrown, diskPath);
  } finally {
    disk.close(handle);
  }
}

/** What cannot be looked at is there, but nothing that could be uploaded: never "absent", which would delete it. */
const UNREADABLE: FileStat = { kind: 'other', sizeBytes: 0, stamp: '', changedAtMs: 0 };

/** Undefined where there is nothing; a kind of 'other' and an empty stamp where the system refuses to say. */
export function statOf(disk: ScanDisk, diskPath: string, followLinks: boolean): FileStat | undefined {
  try {
    const stat = followLinks ? disk.stat(diskPath) : disk.lstat(diskPath);
    return stat === undefined ? undefined : toFileStat(stat);
  } catch (thrown) {
    const error = fileError(thrown, diskPath);
    if (error.code === 'INTERNAL') {
      throw error;
    }
    return UNREADABLE;
  }
}
