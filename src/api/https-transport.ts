import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { CancelTimer, Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import { agentProxy, type ProxySettings } from '../base/proxy.ts';
import type { ApiHost } from './api-host.ts';
import { connectionError } from './connection-errors.ts';
import { cancelled } from './retry.ts';

/** How the server is reached, and its certificate judged. */
export interface TlsSettings {
  /** Takes any certificate. Only where a person said so (ARVADOS_API_HOST_INSECURE). */
  readonly insecure: boolean;
  /** PEM certificates of a private authority, trusted beside those that Node brings. */
  readonly ca?: string | undefined;
  readonly proxy?: ProxySettings | undefined;
}

/** Made once for each settings: reading all root certificates takes tens of milliseconds. */
const contexts = new WeakMap<TlsSettings, SecureContext>();

/**
 * The options that node:tls, node:https and ws take for it. A context and not `ca`: an agent would make the text of every
 * root certificate part of the name that it looks up at each request.
 */
export function tlsOptions(tls: TlsSettings): { rejectUnauthorized: boolean; secureContext?: SecureContext } {
  if (tls.ca === undefined) {
    return { rejectUnauthorized: !tls.insecure };
  }
  const secureContext = contexts.get(tls) ?? createSecureContext({ ca: [...rootCertificates, tls.ca] });
  contexts.set(tls, secureContext);
  return { rejectUnauthorized: !tls.insecure, secureContext };
}

export interface TransportOptions {
  readonly host: ApiHost;
  readonly tls: TlsSettings;
  readonly clock: Clock;
  /** Longest time without any progress, in either direction. */
  readonly idleTimeoutMs: number;
  /** Longer answers are cut off and refused. */
  readonly maxAnswerBytes: number;
}

export interface RawRequest {
  readonly method: string;
  /** With query, starting with a slash. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: Uint8Array | undefined;
  readonly requestId: string;
  readonly signal?: AbortSignal | undefined;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Bodies over TLS go out in slices: as one piece they take twice the CPU time (measured). */
const SLICE_BYTES = 256 * 1024;

/** Sockets that stay open for the next request. */
const MAX_FREE_SOCKETS = 4;

/** Sends one HTTPS request at a time of the caller's choosing, over connections that stay open. Never follows redirects. */
export class HttpsTransport {
  readonly #options: TransportOptions;
  readonly #agent: Agent;
  readonly #running = new Set<(error: KeepsyncError) => void>();
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#agent = new Agent({
      keepAlive: true,
      maxFreeSockets: MAX_FREE_SOCKETS,
      ...tlsOptions(options.tls),
      ...agentProxy(options.tls.proxy),
    });
  }

  /**
   * The whole answer, whatever its status. Throws OFFLINE, TLS, TIMEOUT, TOO_LARGE (the answer is over the limit),
   * CANCELLED, or CLOSED.
   */
  send(request: RawRequest): Promise<RawAnswer> {
    if (this.#closed) {
      return Promise.reject(new KeepsyncError('CLOSED', 'The connection to the API is closed'));
    }
    if (request.signal?.aborted) {
      return Promise.reject(cancelled(request.signal.reason));
    }
    return new Promise((resolve, reject) => this.#exchange(request, resolve, reject));
  }

  /** Ends requests under way with CLOSED, and the connections. */
  close(): void {
    this.#closed = true;
    for (const fail of this.#running) {
      fail(new KeepsyncError('CLOSED', 'The connection to the API is closed'));
    }
    this.#agent.destroy();
  }

  #exchange(
    request: RawRequest,
    resolve: (answer: RawAnswer) => void,
    reject: (error: KeepsyncError) => void,
  ): void {
    const { host, clock, idleTimeoutMs } = this.#options;
    let settled = false;
    let cancelTimer: CancelTimer = () => undefined;

    const settle = (): boolean => {
      if (settled) {
        return false;
      }
      settled = true;
      cancelTimer();
      request.signal?.removeEventListener('abort', onAbort);
      this.#running.delete(fail);
      return true;
    };
    const fail = (thrown: unknown): void => {
      if (settle()) {
        outgoing.destroy();
        reject(connectionError(thrown, host.text, request.requestId));
      }
    };
    const onAbort = (): void => fail(cancelled(request.signal?.reason));
    const progress = (): void => {
      cancelTimer();
      if (!settled) {
        cancelTimer = clock.setTimer(idleTimeoutMs, () =>
          fail(
            new KeepsyncError('TIMEOUT', `${host.text} did not answer within ${idleTimeoutMs / 1_000} s`, {
              action: 'Check the network; if it is fine, the server is overloaded.',
              requestId: request.requestId,
            }),
          ),
        );
      }
    };

    const outgoing = httpsRequest({
      host: host.hostName,
      port: host.port,
      method: request.method,
      path: request.path,
      agent: this.#agent,
      headers: {
        ...request.headers,
        ...(request.body === undefined ? {} : { 'content-length': request.body.byteLength }),
      },
    });
    this.#running.add(fail);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    progress();
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      const done = (body: Buffer): void => {
        if (settle()) {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body });
        }
      };
      collect(incoming, this.#options.maxAnswerBytes, progress, done, (error) =>
        fail(error ?? this.#tooLong(request)),
      );
    });
    writeInSlices(outgoing, request.body, progress);
  }

  #tooLong(request: RawRequest): KeepsyncError {
    const { host, maxAnswerBytes } = this.#options;
    return new KeepsyncError(
      'TOO_LARGE',
      `The answer of ${host.text} is longer than ${Math.round(maxAnswerBytes / 1024 / 1024)} MiB`,
      { requestId: request.requestId },
    );
  }
}

/** Gathers the answer; `failed` without an error means that it is over the limit. */
function collect(
  incoming: IncomingMessage,
  maxBytes: number,
  progress: () => void,
  done: (body: Buffer) => void,
  failed: (error?: unknown) => void,
): void {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) {
    failed();
    return;
  }
  incoming.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) {
      failed();
      return;
    }
    chunks.push(chunk);
    progress();
  });
  incoming.on('error', failed);
  incoming.on('aborted', () => failed(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })));
  incoming.on('end', () => done(Buffer.concat(chunks, sizeBytes)));
}

function writeInSlices(outgoing: ClientRequest, body: Uint8Array | undefined, progress: () => void): void {
  let sentBytes = 0;
  const next = (): void => {
    while (body !== undefined && sentBytes < body.byteLength) {
      const slice = body.subarray(sentBytes, sentBytes + SLICE_BYTES);
      sentBytes += slice.byteLength;
      if (!outgoing.write(slice)) {
        outgoing.once('drain', () => {
          progress();
          next();
        });
        return;
      }
    }
    outgoing.end();
  };
  next();
}
