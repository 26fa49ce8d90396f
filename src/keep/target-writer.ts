import fs from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemCode } from '../base/durable-file.ts';
import { type ErrorCode, fileErrorCode, KeepsyncError } from '../base/errors.ts';
import type { TakeBytes } from './http-answer.ts';
import type { FetchResult, FetchTargetFailure, FetchTargets } from './ports.ts';

/**
 * Bytes that are gathered before they are written, 1 MiB: a connection brings 16 or 64 KiB at a time, and so small writes
 * cost the system twice as much.
 */
const STAGE_BYTES = 1_048_576;
/** Room for what comes in with the last of them. */
const CHUNK_BYTES = 65_536;
/** Between so many files the thread's sockets get their turn. */
const FILES_PER_TURN = 128;

/** O_NOFOLLOW: a symlink put in the way leads nowhere. O_NONBLOCK: a FIFO put in the way does not block the thread. */
const OPEN_FLAGS =
  fs.constants.O_WRONLY |
  fs.constants.O_CREAT |
  (fs.constants.O_NOFOLLOW ?? 0) |
  (fs.constants.O_NONBLOCK ?? 0);
/** What these make is a regular file, and needs no look. */
const CREATE_FLAGS = OPEN_FLAGS | fs.constants.O_EXCL;

/**
 * Writes ranges of a block into files while the block comes in, so that a download needs a mebibyte of memory and not a
 * block's. Whether the bytes are the block's is known only at its end: until then the files count for nothing.
 *
 * Files are written one after the other with synchronous calls: many small ones cost a fifth of what asynchronous calls
 * cost, so this belongs in a worker thread. A target that fails does not keep the others from being written.
 */
export class TargetWriter {
  readonly #targets: FetchTargets;
  readonly #signal: AbortSignal | undefined;
  /** Places in the list of targets, in the order in which the block brings their bytes. */
  readonly #order: Uint32Array;
  readonly #invalid: readonly FetchTargetFailure[];
  readonly #failures = new Map<number, FetchTargetFailure>();
  #stage: Uint8Array;
  #stagedBytes = 0;
  /** Where in the block the stage begins. */
  #position = 0;
  /** How many of `#order` were begun. */
  #begun = 0;
  /** Begun, and not at their end yet. */
  #unfinished: number[] = [];
  #run = 0;

  constructor(blockBytes: number, targets: FetchTargets, signal?: AbortSignal) {
    this.#targets = targets;
    this.#signal = signal;
    this.#stage = new Uint8Array(Math.min(blockBytes, STAGE_BYTES + CHUNK_BYTES));
    const inside: number[] = [];
    const invalid: FetchTargetFailure[] = [];
    for (const [index, diskPath] of targets.paths.entries()) {
      const { blockOffset, lengthBytes } = rangeOf(targets, index);
      if (blockOffset >= 0 && lengthBytes >= 0 && blockOffset + lengthBytes <= blockBytes) {
        inside.push(index);
      } else {
        const message = `${lengthBytes} bytes at ${blockOffset} are not in a block of ${blockBytes} bytes`;
        invalid.push({ diskPath, index, code: 'REFUSED', message });
      }
    }
    this.#invalid = invalid;
    this.#order = Uint32Array.from(inside).sort(
      (a, b) => rangeOf(targets, a).blockOffset - rangeOf(targets, b).blockOffset || a - b,
    );
  }

  /** From the block's first byte on: another server is asked. What an earlier one brought is written over. */
  begin(): TakeBytes {
    this.#run += 1;
    this.#stagedBytes = 0;
    this.#position = 0;
    this.#begun = 0;
    this.#unfinished = [];
    this.#failures.clear();
    const run = this.#run;
    return (chunk) => this.#take(chunk, run);
  }

  /** Writes what is left, once the whole block is there and was found to be right. */
  async finish(): Promise<FetchResult> {
    await this.#flush(this.#run, true);
    const failures = [...this.#invalid, ...this.#failures.values()].sort((a, b) => a.index - b.index);
    const failed = new Set(failures.map(({ index }) => index));
    let writtenBytes = 0;
    for (let index = 0; index < this.#targets.paths.length; index += 1) {
      writtenBytes += failed.has(index) ? 0 : rangeOf(this.#targets, index).lengthBytes;
    }
    return { writtenBytes, failures };
  }

  #take(chunk: Uint8Array, run: number): Promise<void> | undefined {
    const neededBytes = this.#stagedBytes + chunk.length;
    if (neededBytes > this.#stage.length) {
      const larger = new Uint8Array(neededBytes);
      larger.set(this.#stage.subarray(0, this.#stagedBytes));
      this.#stage = larger;
    }
    this.#stage.set(chunk, this.#stagedBytes);
    this.#stagedBytes = neededBytes;
    return neededBytes >= STAGE_BYTES ? this.#flush(run, false) : undefined;
  }

  async #flush(run: number, isLast: boolean): Promise<void> {
    const from = this.#position;
    const to = from + this.#stagedBytes;
    const bytes = this.#stage.subarray(0, this.#stagedBytes);
    this.#position = to;
    this.#stagedBytes = 0;
    const due = this.#unfinished;
    while (this.#begun < this.#order.length) {
      const index = this.#order[this.#begun];
      if (index === undefined || (!isLast && rangeOf(this.#targets, index).blockOffset >= to)) {
        break;
      }
      due.push(index);
      this.#begun += 1;
    }
    this.#unfinished = [];
    for (const [count, index] of due.entries()) {
      if (count > 0 && count % FILES_PER_TURN === 0) {
        await nextTurn();
        this.#signal?.throwIfAborted();
        if (run !== this.#run) {
          return;
        }
      }
      const { blockOffset, lengthBytes } = rangeOf(this.#targets, index);
      if (this.#write(index, bytes, from) && blockOffset + lengthBytes > to) {
        this.#unfinished.push(index);
      }
    }
  }

  /** Writes what of the target is in `bytes`, which begin at `from` in the block. False where it failed. */
  #write(index: number, bytes: Uint8Array, from: number): boolean {
    const diskPath = this.#targets.paths[index] ?? '';
    const { fileOffset, blockOffset, lengthBytes } = rangeOf(this.#targets, index);
    const start = Math.max(blockOffset, from);
    const end = Math.min(blockOffset + lengthBytes, from + bytes.length);
    try {
      writeRange(diskPath, bytes.subarray(start - from, end - from), fileOffset + start - blockOffset);
      return true;
    } catch (thrown) {
      this.#failures.set(index, { diskPath, index, ...describe(thrown) });
      return false;
    }
  }
}

function rangeOf({ ranges }: FetchTargets, index: number) {
  return {
    fileOffset: ranges[3 * index] ?? 0,
    blockOffset: ranges[3 * index + 1] ?? -1,
    lengthBytes: ranges[3 * index + 2] ?? -1,
  };
}

function writeRange(diskPath: string, bytes: Uint8Array, position: number): void {
  const file = openTarget(diskPath, position === 0);
  try {
    for (let done = 0; done < bytes.length; ) {
      done += fs.writeSync(file, bytes, done, bytes.length - done, position + done);
    }
  } finally {
    fs.closeSync(file);
  }
}

/** `isStart`: at a file's first bytes it most likely is not there yet. */
function openTarget(diskPath: string, isStart: boolean): number {
  if (isStart) {
    try {
      return fs.openSync(diskPath, CREATE_FLAGS, 0o666);
    } catch (thrown) {
      if (systemCode(thrown) !== 'EEXIST') {
        throw thrown;
      }
    }
  }
  const file = fs.openSync(diskPath, OPEN_FLAGS, 0o666);
  try {
    if (!fs.fstatSync(file).isFile()) {
      throw new KeepsyncError('FILE_KIND', 'not a regular file');
    }
    return file;
  } catch (thrown) {
    fs.closeSync(file);
    throw thrown;
  }
}

function describe(thrown: unknown): { code: ErrorCode; message: string } {
  if (thrown instanceof KeepsyncError) {
    return { code: thrown.code, message: thrown.message };
  }
  const error = thrown as NodeJS.ErrnoException;
  return { code: fileErrorCode(error.code), message: error.message };
}
