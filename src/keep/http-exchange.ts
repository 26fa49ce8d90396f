import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import { ExchangeGuard } from './exchange-guard.ts';
import type { HttpAgents } from './http-agents.ts';
import { type ExchangeAnswer, type Receive, readAnswer } from './http-answer.ts';
import { socketError } from './keep-errors.ts';
import type { KeepMethod } from './keep-status.ts';
import type { ProgressLimits } from './progress-watch.ts';
import type { Pacer } from './rate-limit.ts';

/** Bodies from here on wait for the server's `100 Continue`, so that a server that refuses is not sent 64 MiB. */
const EXPECT_FROM_BYTES = 1_048_576;
/** How long: some servers never say it. */
const CONTINUE_WAIT_MS = 1000;

export interface ExchangeRequest {
  readonly method: KeepMethod;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly connectTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly receive?: Receive;
}

export interface ExchangeEnvironment {
  readonly agents: HttpAgents;
  readonly clock: Clock;
  readonly limits: ProgressLimits;
  readonly uploadPacer: Pacer;
  readonly downloadPacer: Pacer;
}

/** The connection was an idle one that the server had hung up on: nothing was heard of this request. */
export class StaleConnection extends Error {}

export function noAnswer(): KeepsyncError {
  return new KeepsyncError('OFFLINE', 'the connection closed without an answer');
}

/** As `exchange`, by Node's HTTP client; rejects with StaleConnection besides, unless the connection is a fresh one. */
export function httpExchange(
  request: ExchangeRequest,
  env: ExchangeEnvironment,
  isFresh: boolean,
): Promise<ExchangeAnswer> {
  return new Exchange(request, env, isFresh).run();
}

class Exchange {
  readonly #request: ExchangeRequest;
  readonly #env: ExchangeEnvironment;
  readonly #fresh: boolean;
  readonly #guard: ExchangeGuard;
  readonly #done = Promise.withResolvers<ExchangeAnswer>();
  readonly #closed = Promise.withResolvers<void>();
  #isOver = false;
  #isAnswering = false;
  #isBodySent = false;
  /** The answer came to its end, so that the connection may serve again. */
  #isAnswered = false;

  constructor(request: ExchangeRequest, env: ExchangeEnvironment, fresh: boolean) {
    this.#request = request;
    this.#env = env;
    this.#fresh = fresh;
    this.#guard = new ExchangeGuard(request, env, this.#done.reject);
  }

  async run(): Promise<ExchangeAnswer> {
    let message: http.ClientRequest | undefined;
    try {
      this.#guard.begin();
      message = this.#open();
      this.#watchConnect(message, this.#guard.connecting());
      this.#listen(message);
      this.#send(message).catch((thrown) => this.#done.reject(asKeepsyncError(thrown)));
      return await this.#done.promise;
    } finally {
      this.#isOver = true;
      this.#guard.end();
      if (message && !(this.#isAnswered && this.#isBodySent)) {
        message.destroy();
        await this.#closed.promise;
      }
    }
  }

  #open(): http.ClientRequest {
    const { method, url, headers, body } = this.#request;
    const { agents } = this.#env;
    const options = {
      method,
      agent: this.#fresh ? agents.fresh(url) : agents.for(url),
      headers: {
        ...headers,
        ...(body ? { 'Content-Length': String(body.length) } : {}),
        ...(body && body.length >= EXPECT_FROM_BYTES ? { Expect: '100-continue' } : {}),
      },
    };
    return url.protocol === 'https:' ? https.request(url, options) : http.request(url, options);
  }

  #listen(message: http.ClientRequest): void {
    message.on('error', (error: NodeJS.ErrnoException) => this.#fail(message, error));
    message.once('close', () => {
      this.#closed.resolve();
      if (!this.#isAnswering) {
        this.#done.reject(noAnswer());
      }
    });
    message.once('response', (answer) => {
      // From here on nothing more of the body is sent: whoever answers early does not want it.
      this.#isAnswering = true;
      this.#guard.watch.moved(0);
      const { signal, receive } = this.#request;
      const env = { watch: this.#guard.watch, pacer: this.#env.downloadPacer, signal };
      readAnswer(answer, receive, env).then(
        (answered) => this.#accept(answered, answer.complete),
        this.#done.reject,
      );
    });
  }

  #accept(answered: ExchangeAnswer, isComplete: boolean): void {
    if (!this.#isBodySent && answered.status < 300) {
      const why = `said ${answered.status} before it had the whole block`;
      this.#done.reject(new KeepsyncError('BAD_ANSWER', why, { httpStatus: answered.status }));
      return;
    }
    this.#isAnswered = isComplete;
    this.#done.resolve(answered);
  }

  #fail(message: http.ClientRequest, error: NodeJS.ErrnoException): void {
    if (this.#isAnswering) {
      // The answer's own events tell it better.
      return;
    }
    if (message.reusedSocket && !this.#fresh && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) {
      this.#done.reject(new StaleConnection());
      return;
    }
    this.#done.reject(socketError(error));
  }

  #watchConnect(message: http.ClientRequest, connected: () => void): void {
    message.once('socket', (socket: Socket) => {
      if (message.reusedSocket) {
        connected();
      } else {
        socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
      }
    });
  }

  async #send(message: http.ClientRequest): Promise<void> {
    const { body, signal } = this.#request;
    if (body && body.length >= EXPECT_FROM_BYTES) {
      await this.#mayContinue(message);
    }
    let offset = 0;
    while (body && offset < body.length) {
      const slice = body.subarray(offset, offset + this.#env.uploadPacer.sliceBytes());
      const turn = this.#env.uploadPacer.take(slice.length, signal);
      if (turn) {
        this.#guard.watch.pause();
        await turn;
        this.#guard.watch.resume();
      }
      if (this.#isOver || this.#isAnswering) {
        return;
      }
      // Slice by slice, each with its drain: TLS is twice as fast so, and progress is seen.
      const written = new Promise<void>((resolve) => message.write(slice, () => resolve()));
      await Promise.race([written, this.#closed.promise]);
      offset += slice.length;
      this.#guard.watch.moved(slice.length);
    }
    if (!this.#isOver && !this.#isAnswering) {
      this.#isBodySent = true;
      message.end();
    }
  }

  #mayContinue(message: http.ClientRequest): Promise<void> {
    message.flushHeaders();
    return new Promise((resolve) => {
      const cancel = this.#env.clock.setTimer(CONTINUE_WAIT_MS, resolve);
      for (const event of ['continue', 'response', 'close']) {
        message.once(event, () => {
          cancel();
          resolve();
        });
      }
    });
  }
}
