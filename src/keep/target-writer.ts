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
const CHUNK_BYTES = 262_144;
/** So much at a time is written from where it lies, if it belongs to few files. */
const DIRECT_BYTES = 131_072;
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
  readonly #stageBytes: number;
  #stage = new Uint8Array(0);
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
    this.#stageBytes = Math.min(blockBytes, STAGE_BYTES + CHUNK_BYTES);
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
    const from = this.#position;
    const to = from + chunk.length;
    if (this.#stagedBytes === 0 && chunk.length >= DIRECT_BYTES && this.#hasFewBefore(to)) {
      this.#writeParts(this.#passTo(to, false), chunk, from);
      return undefined;
    }
    const neededBytes = this.#stagedBytes + chunk.length;
    if (neededBytes > this.#stage.length) {
      const larger = new Uint8Array(Math.max(neededBytes, this.#stageBytes));
      larger.set(this.#stage.subarray(0, this.#stagedBytes));
      this.#stage = larger;
    }
    this.#stage.set(chunk, this.#stagedBytes);
    this.#stagedBytes = neededBytes;
    return neededBytes >= STAGE_BYTES ? this.#flush(run, false) : undefined;
  }

  async #flush(run: number, isLast: boolean): Promise<void> {
    const bytes = this.#stage.subarray(0, this.#stagedBytes);
    const from = this.#position;
    this.#stagedBytes = 0;
    const due = this.#passTo(from + bytes.length, isLast);
    for (let first = 0; first < due.length; first += FILES_PER_TURN) {
      if (first > 0) {
        await nextTurn();
        this.#signal?.throwIfAborted();
        if (run !== this.#run) {
          return;
        }
      }
      this.#writeParts(due.slice(first, first + FILES_PER_TURN), bytes, from);
    }
  }

  /** Whether what comes before `to` can be written without giving others a turn. */
  #hasFewBefore(to: number): boolean {
    const room = FILES_PER_TURN - this.#unfinished.length;
    const next = this.#order[this.#begun + room];
    return room >= 0 && (next === undefined || rangeOf(this.#targets, next).blockOffset >= to);
  }

  /** Moves on in the block; returns the targets that have bytes before `to`, or none at all where that is its end. */
  #passTo(to: number, isEnd: boolean): readonly number[] {
    const due = this.#unfinished;
    while (this.#begun < this.#order.length) {
      const index = this.#order[this.#begun];
      if (index === undefined || (!isEnd && rangeOf(this.#targets, index).blockOffset >= to)) {
        break;
      }
      due.push(index);
      this.#begun += 1;
    }
    this.#position = to;
    this.#unfinished = [];
    return due;
  }

  /** Writes what of the targets is in `bytes`, which begin at `from` in the block. */
  #writeParts(due: readonly number[], bytes: Uint8Array, from: number): void {
    for (const index of due) {
      const { blockOffset, lengthBytes } = rangeOf(this.#targets, index);
      if (this.#write(index, bytes, from) && blockOffset + lengthBytes > from + bytes.length) {
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
