import { validateHeaderValue } from 'node:http';
import { asKeepsyncError } from '../base/errors.ts';
import { type AnswerHead, endOfHead, HEAD_LIMIT_BYTES, plainHead, unchunked } from './answer-head.ts';
import { ExchangeGuard } from './exchange-guard.ts';
import {
  brokeOff,
  type ExchangeAnswer,
  type Receive,
  type TakeBytes,
  TEXT_LIMIT_BYTES,
} from './http-answer.ts';
import {
  type ExchangeEnvironment,
  type ExchangeRequest,
  noAnswer,
  StaleConnection,
} from './http-exchange.ts';
import { socketError } from './keep-errors.ts';
import type { ReadConnection, ReadConnections } from './read-connections.ts';

/** A request whose answer is bytes for somebody: a GET of a block. */
export type ReadRequest = ExchangeRequest & { readonly method: 'GET'; readonly receive: Receive };

/** The answer is none that can be read here, though Node's HTTP client may know better. Nothing was received of it. */
export class NotPlain extends Error {}

/**
 * One GET and its answer, on a connection that `connections` hands out. As `exchange`, and rejects with NotPlain and
 * StaleConnection besides.
 */
export function readExchange(
  request: ReadRequest,
  connection: ReadConnection,
  connections: ReadConnections,
  env: ExchangeEnvironment,
): Promise<ExchangeAnswer> {
  return new ReadExchange(request, connection, connections, env).run();
}

class ReadExchange {
  readonly #request: ReadRequest;
  readonly #connection: ReadConnection;
  readonly #connections: ReadConnections;
  readonly #env: ExchangeEnvironment;
  readonly #guard: ExchangeGuard;
  readonly #done = Promise.withResolvers<ExchangeAnswer>();
  /** What came of a head that is not whole yet. */
  #begun: Uint8Array = new Uint8Array(0);
  #head: AnswerHead | undefined;
  #take: TakeBytes | undefined;
  #receivedBytes = 0;
  /** The start of a body that nobody takes. */
  #text: Buffer = Buffer.alloc(0);
  /** The answer is whole, or failed. */
  #isOver = false;
  #keepsAlive = false;

  constructor(
    request: ReadRequest,
    connection: ReadConnection,
    connections: ReadConnections,
    env: ExchangeEnvironment,
  ) {
    this.#request = request;
    this.#connection = connection;
    this.#connections = connections;
    this.#env = env;
    this.#guard = new ExchangeGuard(request, env, this.#done.reject);
  }

  async run(): Promise<ExchangeAnswer> {
    try {
      this.#guard.begin();
      if (!this.#connection.isUsed) {
        this.#connection.whenConnected(this.#guard.connecting());
      }
      this.#connection.ask(requestText(this.#request), {
        onBytes: (bytes) => this.#onBytes(bytes),
        onEnd: (error) => this.#onEnd(error),
      });
      return await this.#done.promise;
    } catch (thrown) {
      this.#keepsAlive = false;
      throw thrown;
    } finally {
      this.#isOver = true;
      this.#guard.end();
      if (this.#keepsAlive) {
        this.#connections.giveBack(this.#connection);
      } else {
        await this.#connection.destroy();
      }
    }
  }

  #onEnd(error: NodeJS.ErrnoException | undefined): void {
    if (this.#isOver) {
      return;
    }
    const isOpenEnded = this.#head?.bodyBytes === undefined && this.#head?.isChunked === false;
    if (this.#head !== undefined && isOpenEnded && error === undefined) {
      this.#finish(this.#head);
    } else if (this.#head !== undefined) {
      this.#done.reject(brokeOff(this.#receivedBytes, this.#head.bodyBytes));
    } else if (this.#connection.isUsed && this.#begun.length === 0) {
      this.#done.reject(new StaleConnection());
    } else if (error !== undefined) {
      this.#done.reject(socketError(error));
    } else {
      this.#done.reject(noAnswer());
    }
  }

  #onBytes(bytes: Uint8Array): boolean {
    if (this.#isOver) {
      // Nobody asked for more.
      this.#keepsAlive = false;
      return false;
    }
    try {
      if (this.#head !== undefined) {
        return this.#readBody(this.#head, bytes);
      }
      const all = this.#begun.length === 0 ? bytes : Buffer.concat([this.#begun, bytes]);
      const end = endOfHead(all);
      if (end < 0 && all.length <= HEAD_LIMIT_BYTES) {
        this.#begun = all.slice();
        return true;
      }
      this.#head = this.#begin(end < 0 ? undefined : plainHead(all.subarray(0, end)));
      return this.#readBody(this.#head, all.subarray(end));
    } catch (thrown) {
      this.#isOver = true;
      this.#done.reject(thrown instanceof NotPlain ? thrown : asKeepsyncError(thrown));
      return false;
    }
  }

  #begin(head: AnswerHead | undefined): AnswerHead {
    if (head === undefined) {
      throw new NotPlain();
    }
    this.#guard.watch.moved(0);
    if (head.status === 200) {
      this.#take = this.#request.receive(head.headers);
    }
    return head;
  }

  #readBody(head: AnswerHead, bytes: Uint8Array): boolean {
    const part = bytes.subarray(0, (head.bodyBytes ?? Number.POSITIVE_INFINITY) - this.#receivedBytes);
    this.#receivedBytes += part.length;
    this.#guard.watch.moved(part.length);
    const waits = part.length === 0 ? undefined : this.#pass(part);
    const isWhole = head.isChunked
      ? unchunked(this.#text).endAt === this.#receivedBytes
      : this.#receivedBytes === head.bodyBytes;
    // Nobody needs the rest of a long error page.
    if (isWhole || this.#text.length >= TEXT_LIMIT_BYTES) {
      this.#keepsAlive = isWhole && head.keepsAlive && part.length === bytes.length;
      this.#finish(head, waits);
      return true;
    }
    if (waits === undefined) {
      return true;
    }
    this.#guard.watch.pause();
    waits.then(() => {
      this.#guard.watch.resume();
      if (!this.#isOver) {
        this.#connection.resume();
      }
    }, this.#fail);
    return false;
  }

  #finish({ status, headers, isChunked }: AnswerHead, waits?: Promise<unknown>): void {
    this.#isOver = true;
    const text = isChunked ? unchunked(this.#text).text : this.#text.toString('utf8');
    Promise.resolve(waits).then(() => this.#done.resolve({ status, headers, text }), this.#fail);
  }

  readonly #fail = (thrown: unknown): void => this.#done.reject(asKeepsyncError(thrown));

  #pass(part: Uint8Array): Promise<unknown> | undefined {
    const taken = this.#take?.(part);
    if (this.#take === undefined) {
      this.#text = Buffer.concat([this.#text, part]);
    }
    const turn = this.#env.downloadPacer.take(part.length, this.#request.signal);
    return (taken ?? turn) ? Promise.all([taken, turn]) : undefined;
  }
}

/** Throws as Node's HTTP client does where a header's value cannot be sent. */
function requestText({ url, headers }: ReadRequest): string {
  const fields = Object.entries({ Host: url.host, Connection: 'keep-alive', ...headers });
  for (const [name, value] of fields) {
    validateHeaderValue(name, value);
  }
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
