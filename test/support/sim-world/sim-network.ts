import type { CollectionStore } from '../../../src/api/ports.ts';
import { type Clock, sleep } from '../../../src/base/clock.ts';
import { type ErrorCode, KeepsyncError } from '../../../src/base/errors.ts';
import type { BlockStore } from '../../../src/keep/ports.ts';
import type { FakeCollections } from '../fake-collections.ts';
import type { FakeKeep } from '../fake-keep.ts';

export const API_CALLS = [
  'get',
  'getWithManifest',
  'create',
  'replaceFiles',
  'updateManifest',
  'previousVersionPdh',
] as const satisfies ReadonlyArray<keyof CollectionStore>;
export const NETWORK_CALLS = ['put', ...API_CALLS] as const;
export type NetworkCall = (typeof NETWORK_CALLS)[number] | 'get block';

/** What a request meets. `after`: it takes effect, and only the answer is lost. */
export interface NetworkFault {
  readonly call: NetworkCall;
  readonly code: ErrorCode;
  readonly after: boolean;
}

export interface SimNetworkOptions {
  readonly clock: Clock;
  readonly fraction: () => number;
  readonly keep: FakeKeep;
  readonly collections: FakeCollections;
  readonly onFault: (fault: string) => void;
  /** The server is about to say what state this collection is in. */
  readonly onLook: (uuid: string) => void;
  /** A whole manifest of a client that is gone is being saved; then it is. */
  readonly onLateSave: (isSaving: boolean) => void;
}

/** Milliseconds that a request and an answer are on the wire, at most. Blocks overtake each other on it. */
export const WIRE_MAX_MS = 400;

/**
 * What lies between a client and its cluster: every request and every answer takes its time, some get lost. A request
 * that is on the wire arrives even when the client that sent it is gone.
 */
export class SimNetwork {
  readonly #options: SimNetworkOptions;
  readonly #faults: NetworkFault[] = [];
  readonly #slow: number[] = [];
  #offlineUntilMs = 0;

  constructor(options: SimNetworkOptions) {
    this.#options = options;
  }

  /** The next `times` calls of this kind meet this. */
  fail(fault: NetworkFault, times: number): void {
    this.#faults.push(...Array.from({ length: times }, () => fault));
  }

  /** The next block is on the wire for so long. */
  slow(delayMs: number): void {
    this.#slow.push(delayMs);
  }

  offline(forMs: number): void {
    this.#offlineUntilMs = this.#options.clock.monotonicMs() + forMs;
  }

  heal(): void {
    this.#faults.length = 0;
    this.#slow.length = 0;
    this.#offlineUntilMs = 0;
  }

  get blockStore(): BlockStore {
    const { keep } = this.#options;
    return {
      md5: (data) => keep.md5(data),
      put: async (md5, data, options) => {
        await this.#wire(options.signal, this.#slow.shift());
        const fault = this.#meet('put');
        if (fault !== undefined) {
          keep.faults.add('put', { kind: fault.after ? 'lose' : 'error', error: errorOf(fault.code) });
        }
        const result = await keep.put(md5, data, options);
        await this.#wire(options.signal);
        return result;
      },
      get: async (locator, options) => {
        await this.#wire(options?.signal);
        const fault = this.#meet('get block');
        if (fault !== undefined) {
          throw errorOf(fault.code);
        }
        return keep.get(locator, options);
      },
      head: (locator, options) => keep.head(locator, options),
      close: () => keep.close(),
    };
  }

  /** The store as one client sees it. */
  collectionStore(client: { readonly dead: boolean }): CollectionStore {
    const { collections: real } = this.#options;
    return {
      get: (uuid, signal) =>
        this.#request('get', signal, () => {
          this.#options.onLook(uuid);
          return real.get(uuid);
        }),
      getWithManifest: (uuid, signal) =>
        this.#request('getWithManifest', signal, () => {
          this.#options.onLook(uuid);
          return real.getWithManifest(uuid);
        }),
      create: (wanted, signal) => this.#request('create', signal, () => real.create(wanted)),
      replaceFiles: (uuid, change, signal) =>
        this.#request('replaceFiles', signal, () => real.replaceFiles(uuid, change)),
      updateManifest: (uuid, text, signal) =>
        this.#request('updateManifest', signal, async () => {
          this.#options.onLateSave(client.dead);
          try {
            return await real.updateManifest(uuid, text);
          } finally {
            this.#options.onLateSave(false);
          }
        }),
      canReplaceFiles: () => real.canReplaceFiles(),
      previousVersionPdh: (uuid, signal) =>
        this.#request('previousVersionPdh', signal, () => real.previousVersionPdh(uuid)),
    };
  }

  async #request<T>(call: NetworkCall, signal: AbortSignal | undefined, ask: () => Promise<T>): Promise<T> {
    const answer = this.#roundTrip(call, ask);
    if (signal === undefined) {
      return answer;
    }
    // Whoever stops waiting does not stop what is on the wire.
    answer.catch(() => undefined);
    return Promise.race([answer, aborted(signal)]);
  }

  async #roundTrip<T>(call: NetworkCall, ask: () => Promise<T>): Promise<T> {
    await this.#wire();
    const fault = this.#meet(call);
    if (fault !== undefined && !fault.after) {
      throw errorOf(fault.code);
    }
    const answer = await ask();
    await this.#wire();
    if (fault !== undefined) {
      throw errorOf(fault.code);
    }
    return answer;
  }

  #wire(signal?: AbortSignal, delayMs?: number): Promise<void> {
    const { clock, fraction } = this.#options;
    return sleep(clock, delayMs ?? Math.floor(fraction() ** 2 * WIRE_MAX_MS), signal);
  }

  #meet(call: NetworkCall): NetworkFault | undefined {
    if (this.#options.clock.monotonicMs() < this.#offlineUntilMs) {
      this.#options.onFault(`${call}: offline`);
      return { call, code: 'OFFLINE', after: false };
    }
    const index = this.#faults.findIndex((fault) => fault.call === call);
    const fault = this.#faults[index];
    if (fault !== undefined) {
      this.#faults.splice(index, 1);
      this.#options.onFault(`${call}: ${fault.after ? 'answer lost' : fault.code}`);
    }
    return fault;
  }
}

function errorOf(code: ErrorCode): KeepsyncError {
  return new KeepsyncError(code, `The simulated server: ${code}`);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new KeepsyncError('CANCELLED', 'Stopped', { cause: signal.reason }));
    if (signal.aborted) {
      stop();
    } else {
      signal.addEventListener('abort', stop, { once: true });
    }
  });
}
