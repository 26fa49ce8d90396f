import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { type ErrorCode, KeepsyncError } from '../base/errors.ts';
import { redact } from '../base/redact.ts';
import { type ExchangeWays, exchange } from './exchange.ts';
import type { TakeBytes } from './http-answer.ts';
import type { ExchangeRequest } from './http-exchange.ts';
import { adviceFor, type KeepMethod, statusCode } from './keep-status.ts';
import { type Locator, parseLocator, signatureExpiryMs } from './locator.ts';
import type { Md5Streams } from './md5.ts';
import type { Md5Stream } from './md5-lanes.ts';
import type { KeepService } from './ports.ts';
import type { ProgressLimits } from './progress-watch.ts';

export interface KeepTimeouts extends ProgressLimits {
  /** For a connection to a `disk` service, in the first round; it doubles with each round. */
  readonly connectMs: number;
  /** The same for proxies and gateways, which may be far away. */
  readonly proxyConnectMs: number;
}

/** As the SDKs have them, but for `idleMs`, which is ours: half of the time that a creeping transfer gets. */
export const DEFAULT_TIMEOUTS: KeepTimeouts = {
  connectMs: 2000,
  proxyConnectMs: 20_000,
  idleMs: 128_000,
  slowBytesPerSecond: 32_768,
  slowWindowMs: 256_000,
};

/** Doubling stops here: eleven rounds would make 20 s nearly six hours. */
const LONGEST_CONNECT_MS = 300_000;

/** What one request to one server needs beside the server. */
export interface RequestContext {
  readonly requestId: string;
  readonly round: number;
  readonly signal: AbortSignal;
}

export interface PutAnswer {
  readonly locator: string;
  readonly copies: number;
  /** Undefined where the server did not say. */
  readonly classes: Readonly<Record<string, number>> | undefined;
}

/** Asks single Keep servers. Every method rejects with a KeepsyncError that says what that server did wrong. */
export interface KeepServers {
  put(
    service: KeepService,
    block: { readonly md5: string; readonly data: Uint8Array },
    wanted: { readonly copies: number; readonly storageClasses: readonly string[] },
    context: RequestContext,
  ): Promise<PutAnswer>;
  /**
   * Calls `begin` when the block's bytes come, at most once, and what that returns with each piece. They are the block's
   * only if this resolves.
   */
  get(service: KeepService, locator: string, begin: () => TakeBytes, context: RequestContext): Promise<void>;
  head(service: KeepService, locator: string, context: RequestContext): Promise<void>;
}

export interface KeepServersOptions {
  /** Asked for each request, so that a new token counts at once. */
  readonly token: () => string;
  readonly allowPlainHttp: boolean;
  readonly timeouts: KeepTimeouts;
  /** Takes the md5 of what comes in. */
  readonly md5: Pick<Md5Streams, 'open'>;
  readonly exchange: ExchangeWays;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function fault(code: ErrorCode, message: string, httpStatus?: number): KeepsyncError {
  const action = adviceFor(code);
  return new KeepsyncError(code, message, {
    ...(action === undefined ? {} : { action }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
  });
}

/** `default=2, archive=1` as numbers; an empty header confirms nothing. */
function parseConfirmedClasses(header: string): Record<string, number> {
  const classes: Record<string, number> = {};
  for (const part of header.split(',')) {
    const [, name, count] = /^\s*([^\s=]+)\s*=\s*(\d+)\s*$/.exec(part) ?? [];
    if (name !== undefined) {
      classes[name] = Number(count);
    }
  }
  return classes;
}

function oneHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function putAnswer(headers: IncomingHttpHeaders, text: string, md5: string, sizeBytes: number): PutAnswer {
  const locator = text.trim();
  let stored: Locator;
  try {
    stored = parseLocator(locator);
  } catch (cause) {
    throw new KeepsyncError('BAD_ANSWER', 'answered something that is no locator', { cause });
  }
  if (stored.md5 !== md5 || stored.sizeBytes !== sizeBytes) {
    throw fault('CHECKSUM', `stored ${stored.md5}+${stored.sizeBytes} instead`);
  }
  const copies = oneHeader(headers, 'x-keep-replicas-stored');
  if (copies !== undefined && !/^\d{1,6}$/.test(copies)) {
    throw fault('BAD_ANSWER', 'answered a count of copies that is no number');
  }
  const classes = oneHeader(headers, 'x-keep-storage-classes-confirmed');
  return {
    locator,
    copies: copies === undefined ? 1 : Number(copies),
    classes: classes === undefined ? undefined : parseConfirmedClasses(classes),
  };
}

export class HttpKeepServers implements KeepServers {
  readonly #options: KeepServersOptions;
  readonly #clock: Clock;

  constructor(options: KeepServersOptions) {
    this.#options = options;
    this.#clock = options.exchange.clock;
  }

  async put(
    service: KeepService,
    { md5, data }: { readonly md5: string; readonly data: Uint8Array },
    wanted: { readonly copies: number; readonly storageClasses: readonly string[] },
    context: RequestContext,
  ): Promise<PutAnswer> {
    const headers: Record<string, string> = {
      'Content-Type': 'application/octet-stream',
      'X-Keep-Desired-Replicas': String(wanted.copies),
    };
    if (wanted.storageClasses.length > 0) {
      headers['X-Keep-Storage-Classes'] = [...wanted.storageClasses].sort().join(', ');
    }
    const answer = await this.#ask('PUT', service, md5, context, { headers, body: data });
    return putAnswer(answer.headers, answer.text, md5, data.length);
  }

  async get(
    service: KeepService,
    locator: string,
    begin: () => TakeBytes,
    context: RequestContext,
  ): Promise<void> {
    const { md5, sizeBytes } = parseLocator(locator);
    const hash = this.#options.md5.open(sizeBytes);
    try {
      await this.#receive(service, locator, sizeBytes, context, begin, hash);
      const got = hash.digest();
      if (got !== md5) {
        throw fault('CHECKSUM', `answered other bytes, of md5 ${got}`);
      }
    } finally {
      hash.close();
    }
  }

  async #receive(
    service: KeepService,
    locator: string,
    sizeBytes: number,
    context: RequestContext,
    begin: () => TakeBytes,
    hash: Pick<Md5Stream, 'update'>,
  ): Promise<void> {
    let gotBytes = 0;
    await this.#ask('GET', service, locator, context, {
      headers: { Accept: 'application/octet-stream' },
      receive: (headers) => {
        checkLength(headers, sizeBytes);
        const take = begin();
        return (chunk) => {
          gotBytes += chunk.length;
          if (gotBytes > sizeBytes) {
            throw fault('CHECKSUM', `answered more than ${sizeBytes} bytes`);
          }
          hash.update(chunk);
          return take(chunk);
        };
      },
    });
    if (gotBytes !== sizeBytes) {
      throw fault('CHECKSUM', `answered ${gotBytes} instead of ${sizeBytes} bytes`);
    }
  }

  async head(service: KeepService, locator: string, context: RequestContext): Promise<void> {
    const { sizeBytes } = parseLocator(locator);
    const answer = await this.#ask('HEAD', service, locator, context, { headers: {} });
    checkLength(answer.headers, sizeBytes);
  }

  async #ask(
    method: KeepMethod,
    service: KeepService,
    path: string,
    context: RequestContext,
    more: Pick<ExchangeRequest, 'headers' | 'body' | 'receive'>,
  ) {
    const url = new URL(`${service.baseUrl}/${path}`);
    const { allowPlainHttp, token } = this.#options;
    if (url.protocol !== 'https:' && !allowPlainHttp && !isLoopback(url.hostname)) {
      throw fault('PLAIN_HTTP', 'speaks plain http, and would get the token in the clear');
    }
    const answer = await exchange(
      {
        ...more,
        method,
        url,
        headers: {
          ...more.headers,
          Authorization: `Bearer ${token()}`,
          'X-Request-Id': context.requestId,
        },
        connectTimeoutMs: this.#connectTimeoutMs(service, context.round),
        signal: context.signal,
      },
      this.#options.exchange,
    );
    const isSuccess = method === 'PUT' ? answer.status >= 200 && answer.status < 300 : answer.status === 200;
    if (!isSuccess) {
      throw this.#refusal(method, path, answer.status, answer.text);
    }
    return answer;
  }

  #refusal(method: KeepMethod, path: string, status: number, text: string): KeepsyncError {
    let code = statusCode(method, status);
    if (code === 'NOT_SIGNED_IN' && method !== 'PUT') {
      // Keepstore says 401 both to a missing token and to a signature that has run out.
      const expiryMs = signatureExpiryMs(path);
      if (expiryMs !== undefined && expiryMs < this.#clock.nowMs()) {
        code = 'SIGNATURE';
      }
    }
    const words =
      status >= 300 && status < 400 ? ': a redirect, which is never followed' : this.#wordsOf(text);
    return fault(code, `${status}${words}`, status);
  }

  /** A server's own words, where it has any that are no web page; should it repeat the token, then without that. */
  #wordsOf(text: string): string {
    const [line = ''] = text.trim().split('\n');
    if (line === '' || line.startsWith('<')) {
      return '';
    }
    const token = this.#options.token();
    return `: ${redact(line, [token, ...token.split('/').slice(2)]).slice(0, 200)}`;
  }

  #connectTimeoutMs(service: KeepService, round: number): number {
    const { connectMs, proxyConnectMs } = this.#options.timeouts;
    const baseMs = service.serviceType === 'disk' ? connectMs : proxyConnectMs;
    return Math.min(LONGEST_CONNECT_MS, baseMs * 2 ** (round - 1));
  }
}

function checkLength(headers: IncomingHttpHeaders, sizeBytes: number): void {
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== sizeBytes) {
    throw fault('BAD_ANSWER', `answered ${length} instead of ${sizeBytes} bytes`);
  }
}
