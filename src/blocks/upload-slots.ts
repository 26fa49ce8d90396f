import { KeepsyncError } from '../base/errors.ts';

/** Upload threads by default, as in the Arvados SDKs. */
const DEFAULT_PUT_THREADS = 2;
/** Blocks that may wait for a thread by default, as in the Arvados SDKs. */
const DEFAULT_PUT_QUEUE = 2;

export interface UploadSlotsOptions {
  /** Uploads that run at the same time, at least 1. */
  readonly threads?: number;
  /** Uploads that may wait for one of those to end. */
  readonly queue?: number;
}

/**
 * How many blocks may be PENDING at once: those being uploaded and those queued for it.
 *
 * Without a bound a fast disk would fill the memory ahead of a slow network. Two threads and a queue of two make four
 * blocks; full ones are 64 MiB each, so 4 x 64 MiB = 256 MiB is the most that waits for the network. One instance is
 * shared by all block managers of a process, because it is the process that has the memory.
 */
export class UploadSlots {
  /** The most blocks that are PENDING at once. */
  readonly limit: number;
  readonly #threads: number;
  #taken = 0;
  #running = 0;
  readonly #waiting: Array<() => void> = [];
  readonly #queued: Array<() => void> = [];

  constructor(options: UploadSlotsOptions = {}) {
    this.#threads = options.threads ?? DEFAULT_PUT_THREADS;
    this.limit = this.#threads + (options.queue ?? DEFAULT_PUT_QUEUE);
    if (!Number.isInteger(this.#threads) || this.#threads < 1 || this.limit < this.#threads) {
      throw new KeepsyncError('USAGE', 'Uploads need at least one thread and no negative queue');
    }
  }

  /** Slots taken: the number of PENDING blocks. */
  get taken(): number {
    return this.#taken;
  }

  /** Waits, first come first served, until a slot is free, and takes it. Rejects with the signal's reason. */
  take(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) {
      return Promise.reject(signal.reason);
    }
    if (this.#taken < this.limit) {
      this.#taken += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(enter);
    });
  }

  /** Gives a slot back; the one who waits longest has it next. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#taken -= 1;
    } else {
      next();
    }
  }

  /** Runs `upload` as soon as one of the threads is free, in the order of the calls. */
  async run<T>(upload: () => Promise<T>): Promise<T> {
    if (this.#running < this.#threads) {
      this.#running += 1;
    } else {
      await new Promise<void>((resolve) => this.#queued.push(resolve));
    }
    try {
      return await upload();
    } finally {
      const next = this.#queued.shift();
      if (next === undefined) {
        this.#running -= 1;
      } else {
        next();
      }
    }
  }
}
