import { type Clock, systemClock } from '../base/clock.ts';
import { CachingStore } from './caching-store.ts';
import type { BlockFetcher, BlockStore } from './ports.ts';
import { RateLimit } from './rate-limit.ts';
import { type RetryPolicy, RetryRounds } from './retry-rounds.ts';
import { RetryingFetcher, RetryingStore } from './retrying-store.ts';
import { createThreadedStore, type ThreadedStoreOptions } from './threaded-store.ts';

export interface KeepClientOptions
  extends Omit<ThreadedStoreOptions, 'uploadLimit' | 'downloadLimit'>,
    Omit<RetryPolicy, 'log' | 'clock'> {
  readonly clock?: Clock;
  /** What the memory cache of `get` may hold; 256 MiB by default. */
  readonly cacheBytes?: number;
  /** 0, the default, is no limit. */
  readonly uploadBytesPerSecond?: number;
  readonly downloadBytesPerSecond?: number;
}

/** The Keep client of the app: threads, retries around them, and a cache of blocks read around those. */
export interface KeepClient extends BlockStore, BlockFetcher {
  /** The token of every request from now on. Locators signed for the old one no longer serve. */
  setToken(token: string): void;
  /** Bytes per second over all threads, 0 for no limit; counts within a quarter of a second, under way or not. */
  setLimit(bytesPerSecond: number, direction?: 'upload' | 'download'): void;
  /** Whatever waits to be tried again is tried now. */
  hurry(): void;
  /** Gets ready, as blocks will be asked for soon. */
  prepare(): void;
  /** A block that is in memory, without asking anybody. */
  cached(locator: string): Uint8Array | undefined;
}

export function createKeepClient(options: KeepClientOptions): KeepClient {
  const clock = options.clock ?? systemClock;
  const uploadLimit = RateLimit.share();
  const downloadLimit = RateLimit.share();
  const limits = {
    upload: new RateLimit(uploadLimit, clock),
    download: new RateLimit(downloadLimit, clock),
  };
  limits.upload.setLimit(options.uploadBytesPerSecond ?? 0);
  limits.download.setLimit(options.downloadBytesPerSecond ?? 0);
  const threads = createThreadedStore({ ...options, uploadLimit, downloadLimit });
  const rounds = new RetryRounds(options);
  const fetcher = new RetryingFetcher(threads, rounds);
  const store = new CachingStore(new RetryingStore(threads, rounds), options.cacheBytes);
  return {
    md5: (data) => store.md5(data),
    put: (md5, data, putOptions) => store.put(md5, data, putOptions),
    get: (locator, getOptions) => store.get(locator, getOptions),
    head: (locator, getOptions) => store.head(locator, getOptions),
    fetchTo: (locator, targets, getOptions) => fetcher.fetchTo(locator, targets, getOptions),
    cached: (locator) => store.cached(locator),
    setToken: (token) => threads.setToken(token),
    prepare: () => threads.prepare(),
    hurry: () => rounds.hurry(),
    setLimit: (bytesPerSecond, direction = 'upload') => limits[direction].setLimit(bytesPerSecond),
    close: async () => {
      await Promise.all([fetcher.close(), store.close()]);
    },
  };
}
