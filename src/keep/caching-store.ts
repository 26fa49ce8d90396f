import { CallScope } from './call-scope.ts';
import { abortError } from './keep-errors.ts';
import { stripLocator } from './locator.ts';
import type { BlockStore, GetOptions, PutOptions, PutResult } from './ports.ts';

/** What the Python SDK's memory cache holds by default. */
export const DEFAULT_CACHE_BYTES = 268_435_456;

interface Download {
  readonly data: Promise<Uint8Array>;
  readonly abort: (reason: unknown) => void;
  waiting: number;
}

/**
 * Keeps the blocks read last in memory, by md5 and size: whatever the signature, the bytes are the same. A block is
 * downloaded once at a time however many ask for it. What fails is not kept, and `put` fills nothing: who just wrote a
 * block rarely reads it.
 *
 * Callers share the bytes they are given and must not write to them.
 */
export class CachingStore implements BlockStore {
  readonly #inner: BlockStore;
  readonly #limitBytes: number;
  /** In the order of their last use, as a Map keeps the order of insertion. */
  readonly #blocks = new Map<string, Uint8Array>();
  readonly #downloads = new Map<string, Download>();
  readonly #calls = new CallScope();
  #usedBytes = 0;

  /** A `limitBytes` of 0 keeps nothing, but still downloads each block once at a time. */
  constructor(inner: BlockStore, limitBytes: number = DEFAULT_CACHE_BYTES) {
    this.#inner = inner;
    this.#limitBytes = limitBytes;
  }

  /** Bytes of the blocks kept; at most the limit. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** A block that is in memory, without asking anybody. Throws REFUSED for what is no locator. */
  cached(locator: string): Uint8Array | undefined {
    const key = stripLocator(locator);
    const data = this.#blocks.get(key);
    if (data) {
      this.#blocks.delete(key);
      this.#blocks.set(key, data);
    }
    return data;
  }

  md5(data: Uint8Array): Promise<string> {
    return this.#inner.md5(data);
  }

  put(md5: string, data: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#inner.put(md5, data, options);
  }

  head(locator: string, options?: GetOptions): Promise<void> {
    return this.#inner.head(locator, options);
  }

  get(locator: string, options: GetOptions = {}): Promise<Uint8Array> {
    return this.#calls.run(options.signal, async (signal) => {
      const cached = this.cached(locator);
      if (cached) {
        return cached;
      }
      const key = stripLocator(locator);
      const download = this.#downloads.get(key) ?? this.#download(key, locator);
      return waitFor(download, signal);
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#calls.close(), this.#inner.close()]);
    this.#blocks.clear();
    this.#usedBytes = 0;
  }

  #download(key: string, locator: string): Download {
    const controller = new AbortController();
    const data = this.#inner.get(locator, { signal: controller.signal });
    const download: Download = { data, abort: (reason) => controller.abort(reason), waiting: 0 };
    this.#downloads.set(key, download);
    const end = () => {
      if (this.#downloads.get(key) === download) {
        this.#downloads.delete(key);
      }
    };
    // A download that everybody left is forgotten at once: whoever asks next must not be given its CANCELLED.
    controller.signal.addEventListener('abort', end, { once: true });
    data.then((bytes) => {
      end();
      this.#keep(key, bytes);
    }, end);
    return download;
  }

  #keep(key: string, data: Uint8Array): void {
    if (data.length > this.#limitBytes || this.#blocks.has(key) || this.#calls.isClosed) {
      return;
    }
    this.#blocks.set(key, data);
    this.#usedBytes += data.length;
    for (const [oldKey, old] of this.#blocks) {
      if (this.#usedBytes <= this.#limitBytes) {
        break;
      }
      this.#blocks.delete(oldKey);
      this.#usedBytes -= old.length;
    }
  }
}

/** The download's bytes; a caller that stops waiting ends the download only if it was the last. */
function waitFor(download: Download, signal: AbortSignal): Promise<Uint8Array> {
  download.waiting += 1;
  return new Promise((resolve, reject) => {
    const leave = () => {
      download.waiting -= 1;
      if (download.waiting === 0) {
        download.abort(signal.reason);
      }
      reject(abortError(signal));
    };
    signal.addEventListener('abort', leave, { once: true });
    const stay = () => signal.removeEventListener('abort', leave);
    download.data.then(
      (data) => {
        stay();
        resolve(data);
      },
      (error) => {
        stay();
        reject(error);
      },
    );
  });
}
