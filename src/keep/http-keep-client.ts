import { KeepRounds, type KeepRoundsOptions } from './keep-rounds.ts';
import type { BlockStore, GetOptions, KeepService, PutOptions, PutResult } from './ports.ts';
import { ServiceList } from './service-list.ts';

export interface HttpKeepClientOptions extends KeepRoundsOptions {
  /** Asked before the first round, and again before each later one. */
  readonly services: () => Promise<readonly KeepService[]>;
}

/**
 * The Keep servers over HTTP, as a store. Each call is one round over the servers: retries, cache and threads are around
 * it. It does its md5 and its TLS on the thread that it is used on.
 */
export class HttpKeepClient implements BlockStore {
  readonly #rounds: KeepRounds;
  readonly #services: ServiceList;

  constructor(options: HttpKeepClientOptions) {
    this.#rounds = new KeepRounds(options);
    this.#services = new ServiceList(options.services);
  }

  setToken(token: string): void {
    this.#rounds.setToken(token);
  }

  md5(data: Uint8Array): Promise<string> {
    return this.#rounds.md5(data);
  }

  async put(md5: string, data: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#rounds.put(md5, data, await this.#services.forPut(options), options);
  }

  async get(locator: string, options: GetOptions = {}): Promise<Uint8Array> {
    return this.#rounds.get(locator, await this.#services.forGet(options), options);
  }

  async head(locator: string, options: GetOptions = {}): Promise<void> {
    await this.#rounds.head(locator, await this.#services.forGet(options), options);
  }

  close(): Promise<void> {
    return this.#rounds.close();
  }
}
