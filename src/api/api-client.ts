import type * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import type { ProxySettings } from '../base/proxy.ts';
import { newRequestId, type Random } from '../base/random.ts';
import { redact } from '../base/redact.ts';
import { notArvados, statusError } from './answer-errors.ts';
import { type ApiHost, checkToken, parseApiHost, tokenSecrets } from './api-host.ts';
import { HttpsTransport, type RawAnswer, type TlsSettings } from './https-transport.ts';
import { cancelled, DEFAULT_RETRY_POLICY, type RetryPolicy, withRetries } from './retry.ts';

export interface ApiClientOptions {
  /** `h` or `h:port`; see `parseApiHost`. */
  readonly host: string;
  /** Left out, requests go without: discovery, config and the list of Keep services are public. */
  readonly token?: string | undefined;
  readonly insecure?: boolean | undefined;
  /** PEM certificates of a private authority. */
  readonly ca?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogPort;
  readonly proxy?: ProxySettings | undefined;
  /** Longest time without progress. 300 s, as in the official SDKs. */
  readonly requestTimeoutMs?: number | undefined;
  /** 256 MiB: twice the 128 MiB that a request may have, since signatures make manifests longer on the way back. */
  readonly maxAnswerBytes?: number | undefined;
  readonly retryPolicy?: RetryPolicy | undefined;
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface RequestOptions {
  /** Strings go as they are, everything else as JSON; undefined is left out. */
  readonly query?: Readonly<Record<string, unknown>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Whether to try again by the policy. As default every method but POST does; creating twice is never safe. */
  readonly retry?: boolean;
  /** Sends no token: for what is public. */
  readonly withoutToken?: boolean;
}

export interface ApiAnswer {
  /** A JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly requestId: string;
  /** The server's clock, from its Date header (whole seconds). */
  readonly serverTimeMs: number | undefined;
}

const DEFAULT_REQUEST_TIMEOUT_MS = 300_000;
const DEFAULT_MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** Longer URLs are refused by some servers; Arvados takes them as a POST with `_method`, as its SDKs do. */
const LONGEST_URL = 2_048;

const REQUEST_ID = /^req-[0-9a-z]{20}$/;

/** JSON over HTTPS with one Arvados API. Errors carry the request id; the token is in the Authorization header only. */
export class ApiClient {
  readonly host: ApiHost;
  readonly tls: TlsSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogPort;
  readonly retryPolicy: RetryPolicy;
  readonly #token: string | undefined;
  readonly #secrets: readonly string[];
  readonly #transport: HttpsTransport;
  #tokenExpiresAtMs: number | undefined;

  /** Throws USAGE where the host or the token cannot be one. */
  constructor(options: ApiClientOptions) {
    this.host = parseApiHost(options.host);
    this.tls = { insecure: options.insecure ?? false, ca: options.ca, proxy: options.proxy };
    this.clock = options.clock;
    this.random = options.random;
    this.log = options.log;
    this.retryPolicy = options.retryPolicy ?? DEFAULT_RETRY_POLICY;
    this.#token = options.token === undefined ? undefined : checkToken(options.token);
    this.#secrets = this.#token === undefined ? [] : tokenSecrets(this.#token);
    this.#transport = new HttpsTransport({
      host: this.host,
      tls: this.tls,
      clock: options.clock,
      idleTimeoutMs: options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
      maxAnswerBytes: options.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES,
    });
  }

  /** Remembers when the token ends, so that a later NOT_SIGNED_IN can say that it did. */
  noteTokenExpiry(expiresAtMs: number | undefined): void {
    this.#tokenExpiresAtMs = expiresAtMs;
  }

  /**
   * One request and its answer, at `path` below the host, such as `/arvados/v1/users/current`. Throws OFFLINE, TIMEOUT,
   * TLS, NOT_ARVADOS, BAD_ANSWER, CANCELLED, CLOSED, and what the status means (NOT_SIGNED_IN, FORBIDDEN, NOT_FOUND,
   * REFUSED, TOO_LARGE, BUSY, SERVER, FULL).
   */
  async request(method: HttpMethod, path: string, options: RequestOptions = {}): Promise<ApiAnswer> {
    if (!(options.retry ?? method !== 'POST')) {
      return await this.#once(method, path, options);
    }
    return await this.retrying(options.signal, () => this.#once(method, path, options));
  }

  /** Runs something by this client's policy of retries; for what has to look before it tries again. */
  async retrying<T>(
    signal: AbortSignal | undefined,
    attemptOnce: (attempt: number) => Promise<T>,
  ): Promise<T> {
    const { clock, random } = this;
    return await withRetries(
      this.retryPolicy,
      {
        clock,
        random,
        signal,
        onRetry: (error, attempt, delayMs) =>
          this.log.log('info', 'A request to the API failed and will be tried again', {
            code: error.code,
            requestId: error.requestId,
            attempt,
            delayMs: Math.round(delayMs),
          }),
      },
      attemptOnce,
    );
  }

  close(): void {
    this.#transport.close();
  }

  async #once(method: HttpMethod, path: string, options: RequestOptions): Promise<ApiAnswer> {
    if (options.signal?.aborted) {
      throw cancelled(options.signal.reason);
    }
    const ownId = newRequestId(this.random);
    const startedMs = this.clock.monotonicMs();
    const encoded = encodeRequest(method, path, options, this.host.text);
    const answer = await this.#transport.send({
      method: encoded.method,
      path: encoded.path,
      body: encoded.body,
      headers: this.#headers(encoded.contentType, options, ownId),
      requestId: ownId,
      signal: options.signal,
    });
    const requestId = readRequestId(answer) ?? ownId;
    this.log.log('debug', 'Asked the API', {
      method,
      path,
      status: answer.status,
      requestId,
      durationMs: Math.round(this.clock.monotonicMs() - startedMs),
    });
    const json = readJson(answer);
    if (answer.status < 200 || answer.status >= 300) {
      throw statusError({
        status: answer.status,
        headers: answer.headers,
        json,
        host: this.host.text,
        requestId,
        tokenExpiresAtMs: this.#tokenExpiresAtMs,
        nowMs: this.clock.nowMs(),
        redact: (text) => redact(text, this.#secrets),
      });
    }
    return {
      body: this.#checkBody(answer, json, requestId),
      requestId,
      serverTimeMs: readDate(answer),
    };
  }

  #headers(
    contentType: string | undefined,
    options: RequestOptions,
    requestId: string,
  ): Record<string, string> {
    return {
      accept: 'application/json',
      'user-agent': 'keepsync',
      'x-request-id': requestId,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...(this.#token === undefined || options.withoutToken === true
        ? {}
        : { authorization: `Bearer ${this.#token}` }),
    };
  }

  #checkBody(answer: RawAnswer, json: unknown, requestId: string): Readonly<Record<string, unknown>> {
    const details = { requestId, httpStatus: answer.status };
    const type = mediaType(answer);
    if (type !== 'application/json' && answer.body.byteLength > 0) {
      throw notArvados(
        this.host.text,
        type === 'text/html' ? 'it sends a web page' : `it sends ${type || 'something unnamed'}, not JSON`,
        details,
      );
    }
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      const what =
        answer.body.byteLength === 0
          ? 'an empty answer'
          : json === undefined
            ? 'broken JSON'
            : 'no JSON object';
      throw new KeepsyncError('BAD_ANSWER', `${this.host.text} sent ${what}`, {
        action: 'If it goes on, give the administrators the request id.',
        ...details,
      });
    }
    return json as Readonly<Record<string, unknown>>;
  }
}

/** What `schema` makes of the answer. Throws BAD_ANSWER, naming the first field that does not fit. */
export function readAnswer<S extends z.ZodType>(schema: S, answer: ApiAnswer, what: string): z.output<S> {
  const parsed = schema.safeParse(answer.body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')})`;
    throw new KeepsyncError('BAD_ANSWER', `The server's answer about ${what} makes no sense${field}`, {
      action: 'If it goes on, give the administrators the request id.',
      requestId: answer.requestId,
    });
  }
  return parsed.data;
}

interface EncodedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array | undefined;
  readonly contentType: string | undefined;
}

function encodeRequest(
  method: HttpMethod,
  path: string,
  options: RequestOptions,
  host: string,
): EncodedRequest {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined) {
      query.set(name, typeof value === 'string' ? value : JSON.stringify(value));
    }
  }
  const text = query.toString();
  const whole = text === '' ? path : `${path}?${text}`;
  if (method === 'GET' && `https://${host}${whole}`.length > LONGEST_URL) {
    query.set('_method', 'GET');
    return {
      method: 'POST',
      path,
      body: Buffer.from(query.toString()),
      contentType: 'application/x-www-form-urlencoded',
    };
  }
  return {
    method,
    path: whole,
    body: options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body)),
    contentType: options.body === undefined ? undefined : 'application/json',
  };
}

/** The parsed body, or undefined where the server did not send JSON. */
function readJson(answer: RawAnswer): unknown {
  if (answer.status === 204) {
    return {};
  }
  if (mediaType(answer) !== 'application/json') {
    return undefined;
  }
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) {
      return undefined;
    }
    throw thrown;
  }
}

function mediaType(answer: RawAnswer): string {
  return (answer.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** The server may have given the request an id of its own; a malformed one is not repeated. */
function readRequestId(answer: RawAnswer): string | undefined {
  const header = answer.headers['x-request-id'];
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : undefined;
}

function readDate(answer: RawAnswer): number | undefined {
  const atMs = Date.parse(answer.headers.date ?? '');
  return Number.isNaN(atMs) ? undefined : atMs;
}
