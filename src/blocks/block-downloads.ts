import { type Clock, sleep } from '../base/clock.ts';
import { isRetriable, KeepsyncError } from '../base/errors.ts';
import type { BlockStore } from '../keep/ports.ts';
import { EMPTY_BLOCK, requireBareLocator } from './bare-locator.ts';

/** First pause between rounds of `numRetries`; each next one is twice as long. */
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

/** A store to fetch from; one with a cache may say what is in it. */
export interface FetchingStore extends Pick<BlockStore, 'get'> {
  /** A block that is in memory, without asking anybody. */
  cached?(locator: string): Uint8Array | undefined;
}

export interface BlockDownloadsOptions {
  readonly store: FetchingStore;
  readonly clock: Clock;
  /** Fetched blocks are held for the next reads up to this many bytes; the newest one always is. */
  readonly heldBytes: number;
  /** Prefetches under way at most; a further hint is let go. */
  readonly prefetchThreads: number;
}

/**
 * Blocks on their way from Keep. One fetch per block at a time, whoever asks; what came is held for a while, because
 * a reader asks for a block many times, and a prefetched one must not be fetched twice. The bytes held are the
 * store's own arrays: where the store caches, this is no second copy.
 */
export class BlockDownloads {
  readonly #options: BlockDownloadsOptions;
  readonly #underWay = new Map<string, { locator: string; bytes: Promise<Uint8Array> }>();
  readonly #held = new Map<string, Uint8Array>();
  readonly #stop = new AbortController();
  #heldBytes = 0;
  #prefetching = 0;

  constructor(options: BlockDownloadsOptions) {
    this.#options = options;
  }

  /** The block, from what is held, from a fetch under way, or by a fetch with `numRetries` more rounds. */
  async get(locator: string, numRetries: number): Promise<Uint8Array> {
    const held = this.held(locator);
    if (held !== undefined) {
      return held;
    }
    const underWay = this.#underWay.get(requireBareLocator(locator));
    if (underWay !== undefined) {
      try {
        return await underWay.bytes;
      } catch (thrown) {
        // Somebody else's fetch: with an older signature, or fewer retries. What it met need not meet us.
        if (this.#stop.signal.aborted) {
          throw thrown;
        }
      }
    }
    for (let round = 0; ; round += 1) {
      try {
        return await this.#fetch(locator);
      } catch (thrown) {
        const code = thrown instanceof KeepsyncError ? thrown.code : 'INTERNAL';
        if (round >= numRetries || !isRetriable(code) || this.#stop.signal.aborted) {
          throw thrown;
        }
        await sleep(
          this.#options.clock,
          Math.min(FIRST_PAUSE_MS * 2 ** round, LONGEST_PAUSE_MS),
          this.#stop.signal,
        );
      }
    }
  }

  /** The block if it is here already. */
  held(locator: string): Uint8Array | undefined {
    const bare = requireBareLocator(locator);
    if (bare === EMPTY_BLOCK) {
      return new Uint8Array(0);
    }
    const bytes = this.#held.get(bare);
    if (bytes === undefined) {
      return this.#options.store.cached?.(locator);
    }
    this.#held.delete(bare);
    this.#held.set(bare, bytes);
    return bytes;
  }

  /** Starts to fetch the block unless it is here or on its way. Returns at once. */
  prefetch(locator: string): void {
    const bare = requireBareLocator(locator);
    const here = this.#underWay.has(bare) || this.held(locator) !== undefined;
    if (here || this.#stop.signal.aborted || this.#prefetching >= this.#options.prefetchThreads) {
      return;
    }
    this.#prefetching += 1;
    const ended = () => {
      this.#prefetching -= 1;
    };
    // A prefetch that fails is no error yet: the read that needs the block asks again and says why it cannot be had.
    this.#fetch(locator).then(ended, ended);
  }

  /** Ends all fetches and waits until none runs; later ones fail with CLOSED. */
  async close(): Promise<void> {
    this.#stop.abort(new KeepsyncError('CLOSED', 'The block manager was stopped'));
    await Promise.allSettled([...this.#underWay.values()].map((fetch) => fetch.bytes));
    this.#held.clear();
    this.#heldBytes = 0;
  }

  #fetch(locator: string): Promise<Uint8Array> {
    const bare = requireBareLocator(locator);
    const running = this.#underWay.get(bare);
    if (running !== undefined) {
      return running.bytes;
    }
    if (this.#stop.signal.aborted) {
      return Promise.reject(this.#stop.signal.reason);
    }
    const bytes = this.#options.store.get(locator, { signal: this.#stop.signal }).then(
      (block) => {
        this.#underWay.delete(bare);
        this.#hold(bare, block);
        return block;
      },
      (thrown) => {
        this.#underWay.delete(bare);
        throw thrown;
      },
    );
    this.#underWay.set(bare, { locator, bytes });
    return bytes;
  }

  #hold(bare: string, block: Uint8Array): void {
    if (this.#stop.signal.aborted) {
      return;
    }
    this.#heldBytes += block.length - (this.#held.get(bare)?.length ?? 0);
    this.#held.set(bare, block);
    for (const [oldest, bytes] of this.#held) {
      if (this.#heldBytes <= this.#options.heldBytes || oldest === bare) {
        break;
      }
      this.#held.delete(oldest);
      this.#heldBytes -= bytes.length;
    }
  }
}
