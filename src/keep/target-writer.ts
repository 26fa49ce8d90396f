import fs from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ErrorCode, fileErrorCode, KeepsyncError } from '../base/errors.ts';
import type { FetchResult, FetchTarget, FetchTargetFailure } from './ports.ts';

/** Between so many files the thread's sockets get their turn. */
const FILES_PER_TURN = 128;

/** O_NOFOLLOW: a symlink put in the way leads nowhere. O_NONBLOCK: a FIFO put in the way does not block the thread. */
const OPEN_FLAGS =
  fs.constants.O_WRONLY |
  fs.constants.O_CREAT |
  (fs.constants.O_NOFOLLOW ?? 0) |
  (fs.constants.O_NONBLOCK ?? 0);

/**
 * Writes ranges of a block into files, one after the other with synchronous calls: many small files cost a fifth of what
 * asynchronous calls cost, so this belongs in a worker thread. A target that fails does not keep the others from being
 * written.
 */
export async function writeTargets(
  block: Uint8Array,
  targets: readonly FetchTarget[],
  signal?: AbortSignal,
): Promise<FetchResult> {
  const failures: FetchTargetFailure[] = [];
  let writtenBytes = 0;
  for (const [index, target] of targets.entries()) {
    if (index > 0 && index % FILES_PER_TURN === 0) {
      await nextTurn();
      signal?.throwIfAborted();
    }
    try {
      writeTarget(block, target);
      writtenBytes += target.lengthBytes;
    } catch (thrown) {
      const { code, message } = describe(thrown);
      failures.push({ diskPath: target.diskPath, index, code, message });
    }
  }
  return { writtenBytes, failures };
}

function writeTarget(block: Uint8Array, target: FetchTarget): void {
  const { diskPath, fileOffset, blockOffset, lengthBytes } = target;
  if (!(blockOffset >= 0 && lengthBytes >= 0 && blockOffset + lengthBytes <= block.length)) {
    throw new KeepsyncError(
      'REFUSED',
      `${lengthBytes} bytes at ${blockOffset} are not in a block of ${block.length} bytes`,
    );
  }
  const file = fs.openSync(diskPath, OPEN_FLAGS, 0o666);
  try {
    if (!fs.fstatSync(file).isFile()) {
      throw new KeepsyncError('FILE_KIND', 'not a regular file');
    }
    for (let done = 0; done < lengthBytes; ) {
      done += fs.writeSync(file, block, blockOffset + done, lengthBytes - done, fileOffset + done);
    }
  } finally {
    fs.closeSync(file);
  }
}

function describe(thrown: unknown): { code: ErrorCode; message: string } {
  if (thrown instanceof KeepsyncError) {
    return { code: thrown.code, message: thrown.message };
  }
  const error = thrown as NodeJS.ErrnoException;
  return { code: fileErrorCode(error.code), message: error.message };
}
