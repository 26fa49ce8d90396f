import { createHash } from 'node:crypto';
import type { Clock } from '../../src/base/clock.ts';
import { asKeepsyncError, isRetriable, KeepsyncError } from '../../src/base/errors.ts';
import { CallScope } from '../../src/keep/call-scope.ts';
import {
  abortError,
  KeepNotFoundError,
  KeepReadError,
  KeepWriteError,
  NO_GET_PROGRESS,
  NO_PUT_PROGRESS,
} from '../../src/keep/keep-errors.ts';
import { EMPTY_BLOCK_LOCATOR, parseLocator, stripLocator } from '../../src/keep/locator.ts';
import type { BlockStore, GetOptions, PutOptions, PutResult } from '../../src/keep/ports.ts';
import { DEFAULT_SIGNING_TTL_SECONDS, signLocator, verifySignature } from '../../src/keep/signature.ts';
import { FaultQueue } from './keep-faults.ts';

export type FakeKeepMethod = 'md5' | 'put' | 'get' | 'head';

/**
 * What a call meets. `error`: it fails so. `lose`: a put stores the block and fails all the same. `hold`: it waits for the
 * promise and then goes on as usual. `damage`: a get fails as it does when every server's copy is damaged.
 */
export type FakeKeepFault =
  | { readonly kind: 'error'; readonly error: KeepsyncError }
  | { readonly kind: 'lose'; readonly error: KeepsyncError }
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  | { readonly kind: 'damage' };

export interface FakeKeepOptions {
  readonly clock?: Pick<Clock, 'nowMs'>;
  readonly token?: string;
  readonly signingTtlSeconds?: number;
}

/** A Keep that never was: blocks in memory, signed locators, no network, no time of its own, and faults on order. */
export class FakeKeep implements BlockStore {
  readonly faults = new FaultQueue<FakeKeepMethod, FakeKeepFault>();
  /** By `md5+size`. */
  readonly blocks = new Map<string, Uint8Array>();
  /** Every call in the order in which it began: `put md5+size`, `get md5+size`, … */
  readonly calls: string[] = [];
  /** The most puts that were under way at once. */
  mostPutsAtOnce = 0;

  readonly #scope = new CallScope();
  readonly #nowSeconds: () => number;
  readonly #token: string;
  readonly #ttlSeconds: number;
  #puts = 0;
  #requests = 0;

  constructor(options: FakeKeepOptions = {}) {
    const clock = options.clock ?? { nowMs: () => Date.parse('2026-11-22T12:00:00Z') };
    this.#nowSeconds = () => Math.floor(clock.nowMs() / 1000);
    this.#token = options.token ?? 'v2/zzzzz-gj3su-000000000000001/secret';
    this.#ttlSeconds = options.signingTtlSeconds ?? DEFAULT_SIGNING_TTL_SECONDS;
  }

  /** A locator as this fake signs it, whether it has the block or not. */
  sign(locator: string): string {
    const expirySeconds = this.#nowSeconds() + this.#ttlSeconds;
    return signLocator(FAKE_SIGNING_KEY, this.#token, locator, expirySeconds, this.#ttlSeconds);
  }

  md5(data: Uint8Array): Promise<string> {
    return this.#scope.run(undefined, async (signal) => {
      await this.#meet('md5', signal);
      return md5Hex(data);
    });
  }

  put(md5: string, data: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#scope.run(options.signal, async (signal) => {
      const key = `${md5}+${data.length}`;
      const attempt = {
        round: options.round ?? 1,
        server: 'http://fake',
        requestId: `req-${String(this.#requests++).padStart(20, '0')}`,
      };
      this.calls.push(`put ${key}`);
      this.#puts += 1;
      this.mostPutsAtOnce = Math.max(this.mostPutsAtOnce, this.#puts);
      options.onAttempt?.({ ...attempt, outcome: 'started' });
      try {
        const fault = await this.#meet('put', signal);
        if (md5Hex(data) !== md5) {
          throw new KeepsyncError('REFUSED', '400: the md5 is another one');
        }
        if (data.length > 0) {
          this.blocks.set(key, data.slice());
        }
        if (fault?.kind === 'lose') {
          throw fault.error;
        }
      } catch (thrown) {
        const error = asKeepsyncError(thrown);
        options.onAttempt?.({ ...attempt, outcome: 'failed', error: error.message });
        throw signal.aborted ? abortError(signal) : asWriteError(error, options);
      } finally {
        this.#puts -= 1;
      }
      options.onAttempt?.({ ...attempt, outcome: 'stored' });
      const classes = Object.fromEntries(options.storageClasses.map((name) => [name, options.copies]));
      const locator = data.length === 0 ? EMPTY_BLOCK_LOCATOR : this.sign(key);
      return { locator, copies: options.copies, classes };
    });
  }

  get(locator: string, options: GetOptions = {}): Promise<Uint8Array> {
    return this.#read('get', locator, options);
  }

  async head(locator: string, options: GetOptions = {}): Promise<void> {
    await this.#read('head', locator, options);
  }

  close(): Promise<void> {
    return this.#scope.close();
  }

  #read(method: 'get' | 'head', locator: string, options: GetOptions): Promise<Uint8Array> {
    return this.#scope.run(options.signal, async (signal) => {
      const key = stripLocator(locator);
      if (parseLocator(locator).sizeBytes === 0) {
        return new Uint8Array(0);
      }
      this.calls.push(`${method} ${key}`);
      const outcome = { failures: [], progress: options.progress ?? NO_GET_PROGRESS };
      const fault = await this.#meet(method, signal).catch((thrown: unknown) => {
        const error = asKeepsyncError(thrown);
        throw signal.aborted || error instanceof KeepReadError
          ? error
          : new KeepReadError(error.code, error.message, { ...outcome, cause: error });
      });
      const verdict = verifySignature(
        FAKE_SIGNING_KEY,
        this.#token,
        locator,
        this.#nowSeconds(),
        this.#ttlSeconds,
      );
      if (verdict !== 'valid') {
        throw new KeepReadError('SIGNATURE', `the locator's signature is ${verdict}`, outcome);
      }
      if (fault?.kind === 'damage') {
        throw new KeepReadError('CHECKSUM', `block ${key} is damaged`, outcome);
      }
      const block = this.blocks.get(key);
      if (!block) {
        throw new KeepNotFoundError(`No Keep server has block ${key}`, outcome);
      }
      const data = new Uint8Array(new SharedArrayBuffer(block.length));
      data.set(block);
      return data;
    });
  }

  async #meet(method: FakeKeepMethod, signal: AbortSignal): Promise<FakeKeepFault | undefined> {
    const fault = this.faults.next(method);
    if (fault?.kind === 'error') {
      throw fault.error;
    }
    if (fault?.kind === 'hold') {
      await Promise.race([fault.until, untilAborted(signal)]);
    }
    return fault;
  }
}

const FAKE_SIGNING_KEY = 'the fake Keep signs with this key';

function md5Hex(data: Uint8Array): string {
  return createHash('md5').update(data).digest('hex');
}

function asWriteError(error: KeepsyncError, options: PutOptions): KeepsyncError {
  if (error instanceof KeepWriteError) {
    return error;
  }
  const before = options.progress ?? NO_PUT_PROGRESS;
  const failure = {
    serviceUuid: 'zzzzz-bi6l4-000000000000000',
    server: 'http://fake',
    code: error.code,
    message: error.message,
    requestId: error.requestId ?? 'req-00000000000000000000',
  };
  const progress = isRetriable(error.code) ? before : { ...before, dropped: [...before.dropped, failure] };
  return new KeepWriteError(error.code, error.message, { failures: [failure], progress, cause: error });
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(abortError(signal));
    if (signal.aborted) {
      stop();
    } else {
      signal.addEventListener('abort', stop, { once: true });
    }
  });
}
