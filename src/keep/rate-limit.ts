import { type Clock, sleep } from '../base/clock.ts';

/** Holds a transfer back, slice by slice. */
export interface Pacer {
  /** How many bytes to ask for at a time, so that a slow line flows instead of coming in bursts. */
  sliceBytes(): number;
  /**
   * Undefined when `bytes` may go at once, else resolves when they may. Rejects with `signal.reason` on abort. Callers
   * of all threads share the line; nobody is promised a turn, but each take is short.
   */
  take(bytes: number, signal?: AbortSignal): Promise<void> | undefined;
}

const MAX_SLICE_BYTES = 1_048_576;
const MIN_SLICE_BYTES = 4096;
/** A slice is about this much of the line's time. */
const SLICE_SECONDS = 0.1;
/** What an idle line saves up, at most. */
const BURST_SECONDS = 0.25;
/** The longest sleep before the limit is looked at again: how soon a change is felt. */
const LOOK_AGAIN_MS = 250;

const LIMIT = 0;
const FREE_AT_US = 1;

/**
 * The pacer of the Keep client: a limit in bytes per second that all threads share, as a token bucket in 16 bytes of
 * shared memory. Instead of counting tokens it holds the moment at which the line is free again, which a single
 * compare-and-exchange moves on: a slice may start when that moment has come, and moves it on by what it costs. A limit
 * of 0 is no limit. It can be changed at any time from any thread, and forgets what was owed under the old one.
 */
export class RateLimit implements Pacer {
  readonly #state: BigInt64Array<SharedArrayBuffer>;
  readonly #clock: Clock;
  readonly #nowUs: () => bigint;

  /**
   * `shared` comes from `RateLimit.share()`. `nowUs` must be one clock for all threads: the process's monotonic clock,
   * unlike `performance.now()`, is.
   */
  constructor(
    shared: SharedArrayBuffer,
    clock: Clock,
    nowUs: () => bigint = () => process.hrtime.bigint() / 1000n,
  ) {
    this.#state = new BigInt64Array(shared);
    this.#clock = clock;
    this.#nowUs = nowUs;
  }

  /** The memory that the RateLimits of all threads work on. */
  static share(): SharedArrayBuffer {
    return new SharedArrayBuffer(16);
  }

  get bytesPerSecond(): number {
    return Number(Atomics.load(this.#state, LIMIT));
  }

  /** Takes effect within a quarter of a second, for transfers under way too. 0 (or less) takes the limit off. */
  setLimit(bytesPerSecond: number): void {
    Atomics.store(this.#state, LIMIT, BigInt(Math.max(0, Math.floor(bytesPerSecond))));
    Atomics.store(this.#state, FREE_AT_US, this.#nowUs());
  }

  sliceBytes(): number {
    const limit = this.bytesPerSecond;
    if (limit === 0) {
      return MAX_SLICE_BYTES;
    }
    return Math.min(MAX_SLICE_BYTES, Math.max(MIN_SLICE_BYTES, Math.floor(limit * SLICE_SECONDS)));
  }

  take(bytes: number, signal?: AbortSignal): Promise<void> | undefined {
    const waitMs = this.#tryTake(bytes);
    return waitMs === 0 ? undefined : this.#takeLater(bytes, waitMs, signal);
  }

  async #takeLater(bytes: number, firstWaitMs: number, signal: AbortSignal | undefined): Promise<void> {
    for (let waitMs = firstWaitMs; waitMs > 0; waitMs = this.#tryTake(bytes)) {
      await sleep(this.#clock, Math.min(waitMs, LOOK_AGAIN_MS), signal);
    }
  }

  /** 0 when the bytes were taken, else how long (ms, more than 0) the line is not free. */
  #tryTake(bytes: number): number {
    for (;;) {
      const limit = Atomics.load(this.#state, LIMIT);
      if (limit <= 0n) {
        return 0;
      }
      const nowUs = this.#nowUs();
      const freeAtUs = Atomics.load(this.#state, FREE_AT_US);
      if (freeAtUs > nowUs) {
        return Number(freeAtUs - nowUs) / 1000;
      }
      const savedFromUs = nowUs - BigInt(BURST_SECONDS * 1_000_000);
      const startUs = freeAtUs > savedFromUs ? freeAtUs : savedFromUs;
      const costUs = (BigInt(bytes) * 1_000_000n) / limit;
      if (Atomics.compareExchange(this.#state, FREE_AT_US, freeAtUs, startUs + costUs) === freeAtUs) {
        return 0;
      }
    }
  }
}
