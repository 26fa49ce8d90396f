import type { Worker } from 'node:worker_threads';
import { type ErrorCode, KeepsyncError } from '../base/errors.ts';
import { type LogPort, silentLog } from '../base/log.ts';
import { startThread } from '../base/thread.ts';
import { CallScope } from './call-scope.ts';
import type { TlsSettings } from './http-agents.ts';
import {
  KeepReadError,
  KeepWriteError,
  NO_GET_PROGRESS,
  NO_PUT_PROGRESS,
  reviveKeepError,
} from './keep-errors.ts';
import type { KeepTimeouts } from './keep-request.ts';
import type { ReadInput } from './keep-thread-api.ts';
import { parseLocator } from './locator.ts';
import { LANES_FROM_BYTES } from './md5.ts';
import type {
  BlockAttempt,
  BlockFetcher,
  BlockStore,
  FetchResult,
  FetchTargets,
  GetOptions,
  KeepService,
  PutOptions,
  PutResult,
} from './ports.ts';
import { checkPutOptions } from './put-round.ts';
import { RateLimit } from './rate-limit.ts';
import { ServiceList } from './service-list.ts';
import { ThreadDied, ThreadPool } from './thread-pool.ts';

export interface ThreadedStoreOptions {
  readonly token: string;
  /** Asked on the calling thread, before the first round and again before each retry. */
  readonly services: () => Promise<readonly KeepService[]>;
  /** 2 by default: on a fast line a block's md5 is taken while another one is sent. */
  readonly threads?: number;
  readonly tls?: TlsSettings;
  readonly allowPlainHttp?: boolean;
  readonly timeouts?: Partial<KeepTimeouts>;
  /** Memory of RateLimits, for whoever sets the limits. */
  readonly uploadLimit?: SharedArrayBuffer;
  readonly downloadLimit?: SharedArrayBuffer;
  readonly log?: LogPort;
  /** How a thread is started; another one for tests. */
  readonly startThread?: () => Worker;
}

/** A store in worker threads: each call is one round, as in HttpKeepClient. */
export interface ThreadedStore extends BlockStore, BlockFetcher {
  /** The token of every call from now on. */
  setToken(token: string): void;
  /** Starts the threads and asks for the servers, while whoever will need them waits for something else. */
  prepare(): void;
}

/** So few files in a block: what their writing costs is their bytes. */
const STREAM_TARGETS = 16;

/** Whether to fetch this is mostly to take an md5, not to make files. */
function isStream(locator: string, targets: FetchTargets): boolean {
  return targets.paths.length <= STREAM_TARGETS && parseLocator(locator).sizeBytes >= LANES_FROM_BYTES;
}

/**
 * Starts no thread yet: the first calls do. A thread that dies fails its calls with a code that a retry gets over, and the
 * next call starts another.
 */
export function createThreadedStore(options: ThreadedStoreOptions): ThreadedStore {
  return new KeepThreads(options);
}

/** Md5 is pure: if its thread dies another one is asked, so often. */
const MD5_ATTEMPTS = 3;

class KeepThreads implements ThreadedStore {
  readonly #pool: ThreadPool;
  readonly #services: ServiceList;
  readonly #calls = new CallScope();
  readonly #attemptListeners = new Map<number, (attempt: BlockAttempt) => void>();
  readonly #log: LogPort;
  /** Blocks that came in and whose call is about to be answered. */
  readonly #arrived = new Map<number, Uint8Array>();
  #token: string;
  #nextCallId = 1;

  constructor(options: ThreadedStoreOptions) {
    const log = options.log ?? silentLog;
    this.#log = log;
    const uploadLimit = options.uploadLimit ?? RateLimit.share();
    const downloadLimit = options.downloadLimit ?? RateLimit.share();
    this.#token = options.token;
    this.#services = new ServiceList(options.services, log);
    this.#pool = new ThreadPool({
      threads: options.threads ?? 2,
      startThread: options.startThread ?? (() => startThread('keep/keep-thread')),
      setup: () => ({
        token: this.#token,
        tls: options.tls ?? { rejectUnauthorized: true },
        allowPlainHttp: options.allowPlainHttp ?? false,
        timeouts: options.timeouts ?? {},
        uploadLimit,
        downloadLimit,
      }),
      onAttempt: ({ callId, attempt }) => this.#attemptListeners.get(callId)?.(attempt),
      onBlock: ({ callId, data }) => this.#arrived.set(callId, data),
      log,
    });
  }

  setToken(token: string): void {
    this.#token = token;
    this.#pool
      .all((thread) => thread.call('setToken', token))
      .catch((thrown: unknown) => {
        // A thread that died gets the new token when it is started again.
        this.#log.log('debug', 'A Keep thread ended before it got the new token', {
          message: String(thrown),
        });
      });
  }

  prepare(): void {
    this.#pool.start();
    // Whoever asks for a block meets what was wrong.
    void Promise.allSettled([this.#services.forGet({})]);
  }

  md5(data: Uint8Array): Promise<string> {
    const shared = asShared(data);
    return this.#calls.run(undefined, async (signal) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#pool.run('quick', signal, (thread) => thread.call('md5', shared, signal));
        } catch (thrown) {
          if (!(thrown instanceof ThreadDied)) {
            throw thrown;
          }
          if (attempt >= MD5_ATTEMPTS) {
            throw new KeepsyncError('INTERNAL', 'The threads that take the md5 die', { cause: thrown });
          }
        }
      }
    });
  }

  put(md5: string, data: Uint8Array, options: PutOptions): Promise<PutResult> {
    const { signal: callerSignal, onAttempt, copies, storageClasses, progress, round } = options;
    return this.#calls.run(callerSignal, async (signal) => {
      checkPutOptions(options);
      const callId = this.#nextCallId++;
      const services = await this.#services.forPut(options);
      const input = {
        callId,
        md5,
        data: asShared(data),
        services,
        copies,
        storageClasses,
        round: round ?? 1,
        ...(progress ? { progress } : {}),
      };
      if (onAttempt) {
        this.#attemptListeners.set(callId, onAttempt);
      }
      try {
        return await this.#pool.run('upload', signal, (thread) => thread.call('put', input, signal));
      } catch (thrown) {
        throw this.#failure(thrown, 'COPIES', (code, message) => {
          return new KeepWriteError(code, message, { failures: [], progress: progress ?? NO_PUT_PROGRESS });
        });
      } finally {
        this.#attemptListeners.delete(callId);
      }
    });
  }

  get(locator: string, options: GetOptions = {}): Promise<Uint8Array> {
    return this.#read(locator, options, async (input, signal) => {
      const callId = this.#nextCallId++;
      try {
        await this.#pool.run('download', signal, (thread) =>
          thread.call('get', { ...input, callId }, signal),
        );
        const data = this.#arrived.get(callId);
        if (!data) {
          throw new KeepsyncError('INTERNAL', `The thread brought no bytes of block ${locator.slice(0, 32)}`);
        }
        return data;
      } finally {
        this.#arrived.delete(callId);
      }
    });
  }

  head(locator: string, options: GetOptions = {}): Promise<void> {
    return this.#read(locator, options, (input, signal) =>
      this.#pool.run('quick', signal, (thread) => thread.call('head', input, signal)),
    );
  }

  fetchTo(locator: string, targets: FetchTargets, options: GetOptions = {}): Promise<FetchResult> {
    return this.#read(locator, options, (input, signal) => {
      const lane = isStream(locator, targets) ? 'stream' : 'download';
      return this.#pool.run(lane, signal, (thread) => thread.call('fetchTo', { ...input, targets }, signal));
    });
  }

  async close(): Promise<void> {
    // The threads go first: a call must not wait for one that hangs.
    await this.#pool.close();
    await this.#calls.close();
  }

  #read<T>(
    locator: string,
    options: GetOptions,
    call: (input: ReadInput, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { signal: callerSignal, progress, round } = options;
    return this.#calls.run(callerSignal, async (signal) => {
      parseLocator(locator);
      const services = await this.#services.forGet(options);
      const input = { locator, services, round: round ?? 1, ...(progress ? { progress } : {}) };
      try {
        return await call(input, signal);
      } catch (thrown) {
        throw this.#failure(thrown, 'BUSY', (code, message) => {
          return new KeepReadError(code, message, { failures: [], progress: progress ?? NO_GET_PROGRESS });
        });
      }
    });
  }

  /** What a call rejects with; `diedCode` is one that the retry decorator goes on from. */
  #failure(
    thrown: unknown,
    diedCode: ErrorCode,
    died: (code: ErrorCode, message: string) => KeepsyncError,
  ): unknown {
    if (thrown instanceof ThreadDied) {
      return died(diedCode, 'The thread that moved the block died; it has been started again');
    }
    return thrown instanceof KeepsyncError ? reviveKeepError(thrown) : thrown;
  }
}

/**
 * `data` as a view of shared memory, which crosses to a thread as it is. Blocks of the app are; anything else, such as a
 * test's literal, has to be copied once.
 */
function asShared(data: Uint8Array): Uint8Array {
  if (data.buffer instanceof SharedArrayBuffer) {
    return data;
  }
  const shared = new Uint8Array(new SharedArrayBuffer(data.length));
  shared.set(data);
  return shared;
}
