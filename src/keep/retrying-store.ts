import type { KeepsyncError } from '../base/errors.ts';
import { CallScope } from './call-scope.ts';
import { KeepReadError, KeepWriteError } from './keep-errors.ts';
import type {
  BlockFetcher,
  BlockStore,
  FetchResult,
  FetchTargets,
  GetOptions,
  PutOptions,
  PutResult,
} from './ports.ts';
import type { RetryRounds } from './retry-rounds.ts';

/** A store whose calls go on over several rounds; each round takes up what the one before achieved. */
export class RetryingStore implements BlockStore {
  readonly #inner: BlockStore;
  readonly #rounds: RetryRounds;
  readonly #calls = new CallScope();

  constructor(inner: BlockStore, rounds: RetryRounds) {
    this.#inner = inner;
    this.#rounds = rounds;
  }

  md5(data: Uint8Array): Promise<string> {
    return this.#inner.md5(data);
  }

  put(md5: string, data: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#calls.run(options.signal, (signal) => {
      let progress = options.progress;
      return this.#rounds.run(`storing block ${md5}`, signal, (round, before) => {
        if (before instanceof KeepWriteError) {
          // A round that died with its thread says nothing: the progress of the one before it still holds.
          progress = before.progress;
        }
        return this.#inner.put(md5, data, { ...options, signal, round, ...(progress ? { progress } : {}) });
      });
    });
  }

  get(locator: string, options: GetOptions = {}): Promise<Uint8Array> {
    return this.#read('reading', locator, options, (round) => this.#inner.get(locator, round));
  }

  head(locator: string, options: GetOptions = {}): Promise<void> {
    return this.#read('looking for', locator, options, (round) => this.#inner.head(locator, round));
  }

  /** Waits between rounds end with CLOSED; the inner store is closed too. */
  async close(): Promise<void> {
    await Promise.all([this.#calls.close(), this.#inner.close()]);
  }

  #read<T>(
    verb: string,
    locator: string,
    options: GetOptions,
    attempt: (options: GetOptions) => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(options.signal, (signal) =>
      runReadRounds(this.#rounds, `${verb} block ${locator.slice(0, 32)}`, { ...options, signal }, attempt),
    );
  }
}

/** A fetcher whose downloads go on over several rounds. Files that cannot be written are not tried again. */
export class RetryingFetcher implements BlockFetcher {
  readonly #inner: BlockFetcher;
  readonly #rounds: RetryRounds;
  readonly #calls = new CallScope();

  constructor(inner: BlockFetcher, rounds: RetryRounds) {
    this.#inner = inner;
    this.#rounds = rounds;
  }

  fetchTo(locator: string, targets: FetchTargets, options: GetOptions = {}): Promise<FetchResult> {
    return this.#calls.run(options.signal, (signal) =>
      runReadRounds(
        this.#rounds,
        `fetching block ${locator.slice(0, 32)}`,
        { ...options, signal },
        (roundOptions) => this.#inner.fetchTo(locator, targets, roundOptions),
      ),
    );
  }

  /** Waits between rounds end with CLOSED. The inner fetcher is its owner's to close. */
  close(): Promise<void> {
    return this.#calls.close();
  }
}

function runReadRounds<T>(
  rounds: RetryRounds,
  what: string,
  options: GetOptions & { readonly signal: AbortSignal },
  attempt: (options: GetOptions) => Promise<T>,
): Promise<T> {
  let { progress } = options;
  return rounds.run(what, options.signal, (round, before: KeepsyncError | undefined) => {
    if (before instanceof KeepReadError) {
      progress = before.progress;
    }
    return attempt({ ...options, round, ...(progress ? { progress } : {}) });
  });
}
