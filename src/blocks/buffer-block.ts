import { createHash } from 'node:crypto';
import { KeepsyncError } from '../base/errors.ts';
import { assertMove, type BlockState, StateChangeError } from './block-state.ts';
import type { SharedBufferPool } from './shared-buffer-pool.ts';

/** Where a buffer starts; it doubles from here to the block size. */
export const STARTING_CAPACITY_BYTES = 2 ** 14;

/** Growth is reported each time this fraction of the block size is reached: enough for a picture, few events. */
const REPORTED_STEPS = 64;

export interface BufferBlockOptions {
  readonly blockId: string;
  readonly pool: SharedBufferPool;
  /** The most it holds, in bytes. */
  readonly blockSizeBytes: number;
  readonly startingCapacityBytes?: number;
  readonly owner?: unknown;
  /** Called after the state or, by steps, the size has changed; must not throw. */
  readonly onChange?: (block: BufferBlock) => void;
}

/**
 * A Keep block while it is being filled and uploaded. Its bytes lie in shared memory, where a disk thread writes them and
 * an upload thread reads them without another copy. It knows its bytes and its state; never files.
 */
export class BufferBlock {
  readonly blockId: string;
  readonly blockSizeBytes: number;
  /** Whoever writes into it; opaque here. */
  owner: unknown;
  /** For the owner's own use: passed through, never looked at. */
  tag: unknown;
  /** Upload rounds so far, over all uploads of this block. */
  attempts = 0;
  /** The server that was asked last. */
  server: string | undefined;
  readonly #pool: SharedBufferPool;
  readonly #onChange: ((block: BufferBlock) => void) | undefined;
  #buffer: SharedArrayBuffer | undefined;
  #sizeBytes = 0;
  #reportedStep = 0;
  #state: BlockState = 'WRITABLE';
  #md5: string | undefined;
  #locator: string | undefined;
  #error: KeepsyncError | undefined;
  #reservedBytes: number | undefined;
  readonly #reservationEnded: Array<() => void> = [];

  constructor(options: BufferBlockOptions) {
    this.blockId = options.blockId;
    this.blockSizeBytes = options.blockSizeBytes;
    this.owner = options.owner;
    this.#pool = options.pool;
    this.#onChange = options.onChange;
    const wantedBytes = options.startingCapacityBytes ?? STARTING_CAPACITY_BYTES;
    this.#buffer = this.#pool.acquire(Math.min(wantedBytes, this.blockSizeBytes));
  }

  get state(): BlockState {
    return this.#state;
  }

  /** Bytes in it. A reservation counts once it is ended by `advance`. */
  size(): number {
    return this.#sizeBytes;
  }

  /** Bytes it still takes. */
  get roomBytes(): number {
    return this.blockSizeBytes - this.#sizeBytes;
  }

  /** Memory it holds now, in bytes; 0 once its buffer is released. */
  get bufferBytes(): number {
    return this.#buffer?.byteLength ?? 0;
  }

  /** Whether its bytes are still here. */
  get hasPayload(): boolean {
    return this.#buffer !== undefined;
  }

  /** Why the last upload failed; set exactly in ERROR. */
  get error(): KeepsyncError | undefined {
    return this.#error;
  }

  /** Lower-case hex, once the uploader has computed it. */
  get md5(): string | undefined {
    return this.#md5;
  }

  /**
   * The signed locator once COMMITTED; before, `md5+size`. The md5 of a block that no uploader has seen is computed
   * here, on the calling thread: at most 64 MiB, and only the bare file layer asks for it.
   */
  locator(): string {
    if (this.#locator !== undefined) {
      return this.#locator;
    }
    this.#md5 ??= createHash('md5').update(this.data()).digest('hex');
    return `${this.#md5}+${this.#sizeBytes}`;
  }

  /** What is in it, without a copy: valid until the buffer is released. STATE where the buffer is gone. */
  data(): Uint8Array {
    return new Uint8Array(this.#payload(), 0, this.#sizeBytes);
  }

  /** Copies `length` bytes from `offset` to the start of `target`, at once. STATE where the buffer is gone. */
  copyTo(target: Uint8Array, offset: number, length: number): void {
    target.set(new Uint8Array(this.#payload(), offset, length));
  }

  /**
   * Appends all of `bytes` and returns the offset where they lie. STATE unless WRITABLE and unreserved, TOO_LARGE
   * where they do not fit.
   */
  append(bytes: Uint8Array): number {
    const offset = this.#sizeBytes;
    const buffer = this.#extend(bytes.length);
    new Uint8Array(buffer, offset, bytes.length).set(bytes);
    this.#grown(bytes.length);
    return offset;
  }

  /**
   * The next `n` bytes as a view to be filled, by a read from disk for instance; `advance` says how many were. Until
   * then nothing else is appended and the block is not committed. Errors as `append`.
   */
  reserve(n: number): Uint8Array {
    const buffer = this.#extend(n);
    this.#reservedBytes = n;
    return new Uint8Array(buffer, this.#sizeBytes, n);
  }

  /** Ends the reservation; its first `n` bytes belong to the block now. */
  advance(n: number): void {
    if (this.#reservedBytes === undefined || n < 0 || n > this.#reservedBytes) {
      throw new StateChangeError(
        this.blockId,
        this.#state,
        undefined,
        `Block ${this.blockId}: ${n} bytes were not reserved`,
      );
    }
    this.#reservedBytes = undefined;
    this.#grown(n);
    for (const ended of this.#reservationEnded.splice(0)) {
      ended();
    }
  }

  get reserved(): boolean {
    return this.#reservedBytes !== undefined;
  }

  /** Resolves when no reservation is open. */
  whenUnreserved(): Promise<void> {
    if (this.#reservedBytes === undefined) {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#reservationEnded.push(resolve));
  }

  /** A WRITABLE block with the same bytes. STATE where they are gone. */
  clone(newBlockId: string): BufferBlock {
    const data = this.data();
    const copy = new BufferBlock({
      blockId: newBlockId,
      pool: this.#pool,
      blockSizeBytes: this.blockSizeBytes,
      startingCapacityBytes: Math.max(STARTING_CAPACITY_BYTES, data.length),
      owner: this.owner,
      ...(this.#onChange === undefined ? {} : { onChange: this.#onChange }),
    });
    copy.append(data);
    return copy;
  }

  /** The uploader's: the md5 of the bytes, which no longer change. */
  setMd5(md5: string): void {
    this.#md5 = md5;
  }

  /** WRITABLE or ERROR to PENDING. STATE otherwise, while reserved, and where the buffer is gone. */
  toPending(): void {
    assertMove(this.blockId, this.#state, 'PENDING');
    if (this.#reservedBytes !== undefined) {
      throw new StateChangeError(
        this.blockId,
        this.#state,
        'PENDING',
        `Block ${this.blockId} is still being read into`,
      );
    }
    this.#payload();
    this.#error = undefined;
    this.#state = 'PENDING';
    this.#onChange?.(this);
  }

  /** PENDING to COMMITTED, with the signed locator; the buffer goes back to the pool. */
  toCommitted(locator: string): void {
    assertMove(this.blockId, this.#state, 'COMMITTED');
    this.#locator = locator;
    this.#state = 'COMMITTED';
    this.#releaseBuffer();
    this.#onChange?.(this);
  }

  /** PENDING to ERROR; the bytes stay. */
  toError(error: KeepsyncError): void {
    assertMove(this.blockId, this.#state, 'ERROR');
    this.#error = error;
    this.#state = 'ERROR';
    this.#onChange?.(this);
  }

  /** Gives the buffer of a failed block back; `refill` brings it again. STATE unless ERROR. */
  dropPayload(): void {
    if (this.#state !== 'ERROR') {
      throw new StateChangeError(
        this.blockId,
        this.#state,
        undefined,
        `Block ${this.blockId} is ${this.#state}: its bytes are needed`,
      );
    }
    this.#releaseBuffer();
  }

  /** A fresh buffer for a failed block that has none, as a view of its size to be filled. STATE otherwise. */
  refill(): Uint8Array {
    if (this.#state !== 'ERROR' || this.#buffer !== undefined) {
      throw new StateChangeError(this.blockId, this.#state, undefined, `Block ${this.blockId} has its bytes`);
    }
    this.#buffer = this.#pool.acquire(this.#sizeBytes);
    return this.data();
  }

  /** The manager's: the block is removed; whatever memory it holds is released. */
  discard(): void {
    this.#releaseBuffer();
  }

  #payload(): SharedArrayBuffer {
    if (this.#buffer === undefined) {
      throw new StateChangeError(
        this.blockId,
        this.#state,
        undefined,
        `Block ${this.blockId} has released its bytes`,
      );
    }
    return this.#buffer;
  }

  /** Makes room for `n` more bytes, by doubling. */
  #extend(n: number): SharedArrayBuffer {
    if (this.#state !== 'WRITABLE' || this.#reservedBytes !== undefined) {
      const why = this.#state === 'WRITABLE' ? 'being read into' : this.#state;
      throw new StateChangeError(
        this.blockId,
        this.#state,
        undefined,
        `Block ${this.blockId} is ${why}: nothing can be appended`,
      );
    }
    const neededBytes = this.#sizeBytes + n;
    if (neededBytes > this.blockSizeBytes) {
      throw new KeepsyncError('TOO_LARGE', `A block holds ${this.blockSizeBytes} bytes, not ${neededBytes}`);
    }
    let buffer = this.#payload();
    if (neededBytes > buffer.byteLength) {
      let capacityBytes = buffer.byteLength;
      while (capacityBytes < neededBytes) {
        capacityBytes *= 2;
      }
      buffer = this.#pool.grow(buffer, Math.min(capacityBytes, this.blockSizeBytes));
      this.#buffer = buffer;
    }
    return buffer;
  }

  #grown(n: number): void {
    if (n === 0) {
      return;
    }
    this.#sizeBytes += n;
    this.#md5 = undefined;
    const step = Math.floor((this.#sizeBytes * REPORTED_STEPS) / this.blockSizeBytes);
    if (step !== this.#reportedStep) {
      this.#reportedStep = step;
      this.#onChange?.(this);
    }
  }

  #releaseBuffer(): void {
    if (this.#buffer !== undefined) {
      this.#pool.release(this.#buffer);
      this.#buffer = undefined;
    }
  }
}
