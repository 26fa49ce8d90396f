import { type Clock, systemClock } from '../base/clock.ts';
import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import { newRequestId, type Random, systemRandom } from '../base/random.ts';
import { CallScope } from './call-scope.ts';
import { getRound } from './get-round.ts';
import { createAgents, type HttpAgents, type TlsSettings } from './http-agents.ts';
import { KeepReadError, KeepWriteError, NO_GET_PROGRESS, NO_PUT_PROGRESS } from './keep-errors.ts';
import { DEFAULT_TIMEOUTS, HttpKeepServers, type KeepTimeouts } from './keep-request.ts';
import { BLOCK_LIMIT_BYTES, EMPTY_BLOCK_LOCATOR, parseLocator } from './locator.ts';
import { blockMd5 } from './md5.ts';
import type { BlockStore, GetOptions, KeepService, PutOptions, PutResult } from './ports.ts';
import { checkPutOptions, putRound } from './put-round.ts';
import { RateLimit } from './rate-limit.ts';

export interface HttpKeepClientOptions {
  readonly token: string;
  /** The services as they are now; asked once per call, which is one round. */
  readonly services: (round: number) => Promise<readonly KeepService[]>;
  readonly tls?: TlsSettings;
  /** Whether the token may go over plain http to a host other than this one. */
  readonly allowPlainHttp?: boolean;
  readonly timeouts?: Partial<KeepTimeouts>;
  /** Memory of RateLimits that other threads share; without them nothing is held back. */
  readonly uploadLimit?: SharedArrayBuffer;
  readonly downloadLimit?: SharedArrayBuffer;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * The Keep servers over HTTP. Each call is one round over the servers: retries, cache and threads are around it. It does
 * its md5 and its TLS on the thread that it is used on.
 */
export class HttpKeepClient implements BlockStore {
  readonly #services: (round: number) => Promise<readonly KeepService[]>;
  readonly #servers: HttpKeepServers;
  readonly #agents: HttpAgents;
  readonly #newRequestId: () => string;
  readonly #calls = new CallScope();
  #token: string;

  constructor(options: HttpKeepClientOptions) {
    const clock = options.clock ?? systemClock;
    const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
    this.#token = options.token;
    this.#services = options.services;
    this.#newRequestId = () => newRequestId(options.random ?? systemRandom);
    this.#agents = createAgents(options.tls ?? { rejectUnauthorized: true });
    this.#servers = new HttpKeepServers({
      token: () => this.#token,
      allowPlainHttp: options.allowPlainHttp ?? false,
      timeouts,
      exchange: {
        agents: this.#agents,
        clock,
        limits: timeouts,
        uploadPacer: new RateLimit(options.uploadLimit ?? RateLimit.share(), clock),
        downloadPacer: new RateLimit(options.downloadLimit ?? RateLimit.share(), clock),
      },
    });
  }

  /** The token of every request from now on. Locators are signed per token: those of the old one no longer serve. */
  setToken(token: string): void {
    this.#token = token;
  }

  md5(data: Uint8Array): Promise<string> {
    return this.#calls.run(undefined, (signal) => blockMd5(data, signal));
  }

  put(md5: string, data: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#calls.run(options.signal, async (signal) => {
      checkPutOptions(options);
      const fail = (error: KeepsyncError) =>
        new KeepWriteError(error.code, error.message, {
          failures: [],
          progress: options.progress ?? NO_PUT_PROGRESS,
          cause: error,
        });
      if (data.length === 0) {
        return { locator: EMPTY_BLOCK_LOCATOR, copies: options.copies, classes: undefined };
      }
      if (data.length > BLOCK_LIMIT_BYTES) {
        throw fail(tooLarge(data.length));
      }
      const services = await this.#listServices(options.round, fail);
      const env = { servers: this.#servers, newRequestId: this.#newRequestId };
      return putRound(md5, data, services, { ...options, signal }, env);
    });
  }

  async get(locator: string, options: GetOptions = {}): Promise<Uint8Array> {
    const { sizeBytes } = parseLocator(locator);
    if (sizeBytes > BLOCK_LIMIT_BYTES) {
      throw tooLarge(sizeBytes);
    }
    const data = new Uint8Array(new SharedArrayBuffer(sizeBytes));
    await this.getInto(locator, data, options);
    return data;
  }

  /** As `get`, into memory of the caller's, which is as long as the block. After a failure what it holds is undefined. */
  getInto(locator: string, into: Uint8Array, options: GetOptions = {}): Promise<void> {
    return this.#read(locator, options, (service, context) =>
      this.#servers.get(service, locator, into, context),
    );
  }

  head(locator: string, options: GetOptions = {}): Promise<void> {
    return this.#read(locator, options, (service, context) => this.#servers.head(service, locator, context));
  }

  async close(): Promise<void> {
    await this.#calls.close();
    this.#agents.destroy();
  }

  #read(locator: string, options: GetOptions, ask: Parameters<typeof getRound>[3]): Promise<void> {
    return this.#calls.run(options.signal, async (signal) => {
      if (parseLocator(locator).sizeBytes === 0) {
        return;
      }
      const services = await this.#listServices(
        options.round,
        (error) =>
          new KeepReadError(error.code, error.message, {
            failures: [],
            progress: options.progress ?? NO_GET_PROGRESS,
            cause: error,
          }),
      );
      await getRound(locator, services, { ...options, signal }, ask, this.#newRequestId);
    });
  }

  async #listServices(
    round: number | undefined,
    fail: (error: KeepsyncError) => KeepsyncError,
  ): Promise<readonly KeepService[]> {
    try {
      return await this.#services(round ?? 1);
    } catch (thrown) {
      throw fail(asKeepsyncError(thrown));
    }
  }
}

function tooLarge(sizeBytes: number): KeepsyncError {
  return new KeepsyncError('TOO_LARGE', `A block of ${sizeBytes} bytes is over Keep's limit of 64 MiB`);
}
