import type { CancelTimer, Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';

/**
 * Up to here a buffer is a plain SharedArrayBuffer that is copied when it grows. A growable one reserves address space
 * for its largest size at once, which thousands of small files at 64 MiB each would use up.
 */
const LARGE_FROM_BYTES = 2 ** 20;

export interface SharedBufferPoolOptions {
  /** Large buffers kept for reuse once they are released. Each keeps its memory: at most capacityBytes. */
  readonly retain: number;
  /** The largest a buffer may grow: the block size. */
  readonly capacityBytes: number;
  /** With a clock, idle buffers are let go of when nothing was lent for a while. */
  readonly clock?: Clock;
  /** Called when they were let go of: their memory is free once nobody's garbage refers to it. */
  readonly onRest?: () => void;
}

/**
 * How long nothing must be lent before that: an upload of many blocks is over then, and the save that follows has their
 * memory. With 5 s, that of 100,000 files peaked at 501 instead of 435 MiB.
 */
const REST_MS = 500;

/**
 * Lends shared memory to buffer blocks and takes it back. Measured: 60 blocks with a fresh 64 MiB buffer each peaked at
 * 2,008 MiB RSS, with four pooled ones at 344 MiB. Nothing here ever waits, so the file layer cannot deadlock on it; who
 * wants a bound asks `whenInUseBelow` before starting another block.
 *
 * A reused buffer holds old bytes: who takes one writes before reading.
 */
export class SharedBufferPool {
  readonly capacityBytes: number;
  readonly #retain: number;
  readonly #idle: SharedArrayBuffer[] = [];
  readonly #lent = new Set<SharedArrayBuffer>();
  readonly #clock: Clock | undefined;
  readonly #onRest: (() => void) | undefined;
  #cancelRest: CancelTimer | undefined;
  readonly #waiters: Array<{ limit: number; resolve: () => void }> = [];

  constructor(options: SharedBufferPoolOptions) {
    this.capacityBytes = options.capacityBytes;
    this.#retain = options.retain;
    this.#clock = options.clock;
    this.#onRest = options.onRest;
  }

  /** Buffers lent and not yet released, small ones included. */
  get inUse(): number {
    return this.#lent.size;
  }

  /** Large buffers that wait for their next use. */
  get idle(): number {
    return this.#idle.length;
  }

  /** A buffer of at least `startingCapacityBytes` (at most `capacityBytes`); give it back with `release`. */
  acquire(startingCapacityBytes: number): SharedArrayBuffer {
    const wantedBytes = Math.max(1, startingCapacityBytes);
    if (wantedBytes > this.capacityBytes) {
      throw new KeepsyncError('TOO_LARGE', `A buffer holds ${this.capacityBytes} bytes, not ${wantedBytes}`);
    }
    const buffer =
      wantedBytes <= LARGE_FROM_BYTES ? new SharedArrayBuffer(wantedBytes) : this.#large(wantedBytes);
    this.#lent.add(buffer);
    this.#cancelRest?.();
    this.#cancelRest = undefined;
    return buffer;
  }

  /**
   * The same bytes with room for `neededBytes`: the buffer itself, grown in place, or a larger one in exchange for it.
   * Views of the old buffer are stale afterwards.
   */
  grow(buffer: SharedArrayBuffer, neededBytes: number): SharedArrayBuffer {
    if (neededBytes <= buffer.byteLength) {
      return buffer;
    }
    if (buffer.growable && neededBytes <= buffer.maxByteLength) {
      buffer.grow(neededBytes);
      return buffer;
    }
    const larger = this.acquire(neededBytes);
    new Uint8Array(larger).set(new Uint8Array(buffer));
    this.release(buffer);
    return larger;
  }

  /** Takes a buffer back. Throws INTERNAL for one that is not lent: released twice, its bytes would be shared. */
  release(buffer: SharedArrayBuffer): void {
    if (!this.#lent.delete(buffer)) {
      throw new KeepsyncError('INTERNAL', 'A buffer was released twice');
    }
    if (buffer.growable && this.#idle.length < this.#retain) {
      this.#idle.push(buffer);
    }
    if (this.#lent.size === 0 && this.#idle.length > 0) {
      this.#cancelRest ??= this.#clock?.setTimer(REST_MS, () => {
        this.trim();
        this.#onRest?.();
      });
    }
    const ready = this.#waiters.filter((waiter) => this.#lent.size < waiter.limit);
    for (const waiter of ready) {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve();
    }
  }

  /**
   * Resolves once fewer than `limit` buffers are lent, at once if that is so. Everybody who waits for the same limit
   * is woken together: whoever must be alone asks one at a time.
   */
  whenInUseBelow(limit: number): Promise<void> {
    if (this.#lent.size < limit) {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiters.push({ limit, resolve }));
  }

  /** Lets the idle buffers go, so that a client with nothing to do is small. Ends the timer, too. */
  trim(): void {
    this.#cancelRest?.();
    this.#cancelRest = undefined;
    this.#idle.length = 0;
  }

  #large(wantedBytes: number): SharedArrayBuffer {
    const reused = this.#idle.pop();
    if (reused === undefined) {
      return new SharedArrayBuffer(wantedBytes, { maxByteLength: this.capacityBytes });
    }
    if (reused.byteLength < wantedBytes) {
      reused.grow(wantedBytes);
    }
    return reused;
  }
}
