import { type Clock, systemClock } from '../base/clock.ts';
import { newRequestId, type Random, systemRandom } from '../base/random.ts';
import { CallScope } from './call-scope.ts';
import { getRound } from './get-round.ts';
import { createAgents, type HttpAgents, type TlsSettings } from './http-agents.ts';
import type { TakeBytes } from './http-answer.ts';
import { KeepReadError, KeepWriteError, NO_GET_PROGRESS, NO_PUT_PROGRESS } from './keep-errors.ts';
import { DEFAULT_TIMEOUTS, HttpKeepServers, type KeepTimeouts } from './keep-request.ts';
import { BLOCK_LIMIT_BYTES, EMPTY_BLOCK_LOCATOR, parseLocator } from './locator.ts';
import { blockMd5, Md5Streams } from './md5.ts';
import type { FetchResult, FetchTargets, GetOptions, KeepService, PutOptions, PutResult } from './ports.ts';
import { checkPutOptions, putRound } from './put-round.ts';
import { RateLimit } from './rate-limit.ts';
import { ReadConnections } from './read-connections.ts';
import { TargetWriter } from './target-writer.ts';

export interface KeepRoundsOptions {
  readonly token: string;
  /** Strict by default. */
  readonly tls?: TlsSettings;
  /** Whether the token may go over plain http to a host other than this one; false by default. */
  readonly allowPlainHttp?: boolean;
  readonly timeouts?: Partial<KeepTimeouts>;
  /** Memory of RateLimits that other threads share; without them nothing is held back. */
  readonly uploadLimit?: SharedArrayBuffer;
  readonly downloadLimit?: SharedArrayBuffer;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Single rounds over a given list of Keep servers, by HTTP, on the thread that it is used on. */
export class KeepRounds {
  readonly #servers: HttpKeepServers;
  readonly #agents: HttpAgents;
  readonly #connections: ReadConnections;
  readonly #newRequestId: () => string;
  readonly #calls = new CallScope();
  #token: string;

  constructor(options: KeepRoundsOptions) {
    const clock = options.clock ?? systemClock;
    const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
    this.#token = options.token;
    this.#newRequestId = () => newRequestId(options.random ?? systemRandom);
    this.#agents = createAgents(options.tls ?? { rejectUnauthorized: true });
    this.#connections = new ReadConnections(this.#agents.connect);
    this.#servers = new HttpKeepServers({
      token: () => this.#token,
      allowPlainHttp: options.allowPlainHttp ?? false,
      timeouts,
      md5: new Md5Streams(),
      exchange: {
        agents: this.#agents,
        connections: this.#connections,
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

  md5(data: Uint8Array, callerSignal?: AbortSignal): Promise<string> {
    return this.#calls.run(callerSignal, (signal) => blockMd5(data, signal));
  }

  put(
    md5: string,
    data: Uint8Array,
    services: readonly KeepService[],
    options: PutOptions,
  ): Promise<PutResult> {
    return this.#calls.run(options.signal, async (signal) => {
      checkPutOptions(options);
      if (data.length === 0) {
        return { locator: EMPTY_BLOCK_LOCATOR, copies: options.copies, classes: undefined };
      }
      if (data.length > BLOCK_LIMIT_BYTES) {
        const progress = options.progress ?? NO_PUT_PROGRESS;
        throw new KeepWriteError('TOO_LARGE', tooLarge(data.length), { failures: [], progress });
      }
      const env = { servers: this.#servers, newRequestId: this.#newRequestId };
      return putRound(md5, data, services, { ...options, signal }, env);
    });
  }

  /** The block's bytes, in memory that is the caller's. */
  async get(
    locator: string,
    services: readonly KeepService[],
    options: GetOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const data = new Uint8Array(readableSizeBytes(locator));
    const fill = (): TakeBytes => {
      let filledBytes = 0;
      return (chunk) => {
        data.set(chunk, filledBytes);
        filledBytes += chunk.length;
        return undefined;
      };
    };
    await this.#stream(locator, fill, services, options);
    return data;
  }

  /** Writes ranges of the block into files while it comes in. */
  async fetchTo(
    locator: string,
    targets: FetchTargets,
    services: readonly KeepService[],
    options: GetOptions,
  ): Promise<FetchResult> {
    const writer = new TargetWriter(readableSizeBytes(locator), targets, options.signal);
    await this.#stream(locator, () => writer.begin(), services, options);
    return writer.finish();
  }

  head(locator: string, services: readonly KeepService[], options: GetOptions): Promise<void> {
    return this.#read(locator, services, options, (service, context) =>
      this.#servers.head(service, locator, context),
    );
  }

  /** Ends what is under way with CLOSED, and every connection. */
  async close(): Promise<void> {
    await this.#calls.close();
    this.#connections.destroy();
    this.#agents.destroy();
  }

  #stream(
    locator: string,
    begin: () => TakeBytes,
    services: readonly KeepService[],
    options: GetOptions,
  ): Promise<void> {
    return this.#read(locator, services, options, (service, context) =>
      this.#servers.get(service, locator, begin, context),
    );
  }

  #read(
    locator: string,
    services: readonly KeepService[],
    options: GetOptions,
    ask: Parameters<typeof getRound>[3],
  ): Promise<void> {
    return this.#calls.run(options.signal, async (signal) => {
      if (parseLocator(locator).sizeBytes > 0) {
        await getRound(locator, services, { ...options, signal }, ask, this.#newRequestId);
      }
    });
  }
}

function tooLarge(sizeBytes: number): string {
  return `A block of ${sizeBytes} bytes is over Keep's limit of 64 MiB`;
}

/** Size of the block that `locator` names. Throws KeepReadError (TOO_LARGE) over 64 MiB, REFUSED for no locator. */
export function readableSizeBytes(locator: string): number {
  const { sizeBytes } = parseLocator(locator);
  if (sizeBytes > BLOCK_LIMIT_BYTES) {
    throw new KeepReadError('TOO_LARGE', tooLarge(sizeBytes), { failures: [], progress: NO_GET_PROGRESS });
  }
  return sizeBytes;
}
