import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestCertificate } from './api-certificate.ts';

/** An answer on its way back, as a fault may change it. */
export interface FrontAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/** What a request meets between client and server. */
export type FrontFault =
  /** Answered here; the server never hears of it. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'reset-before-body' }
  | { readonly kind: 'reset-during-body' }
  | { readonly kind: 'reset-after-body' }
  /** It takes effect, but nobody hears of it. */
  | { readonly kind: 'lost-answer' }
  | { readonly kind: 'hang' }
  /** The answer comes in pieces of so many bytes, each so long after the other. */
  | { readonly kind: 'drip'; readonly pieceBytes: number; readonly everyMs: number }
  /** The right Content-Length, half of the body, and a cut connection. */
  | { readonly kind: 'truncate' }
  | { readonly kind: 'edit'; readonly edit: (answer: FrontAnswer) => FrontAnswer };

/** Every request for the path of the first one that meets the fault. */
export const ALL_OF_ONE = Number.POSITIVE_INFINITY;
/** Every request. */
export const ALL = Number.MAX_SAFE_INTEGER;

interface Script {
  readonly what: RegExp;
  readonly fault: FrontFault;
  /** How many requests still meet it; see `ALL_OF_ONE` and `ALL`. */
  left: number;
  path: string | undefined;
  met: number;
}

/** A server on loopback that hands each request on to another one, unless a scripted fault is in its way. */
export class FaultFront {
  /** `METHOD /path` of each request, in order. */
  readonly requests: string[] = [];
  url = '';
  readonly #server: http.Server;
  readonly #target: string;
  readonly #sockets = new Set<Socket>();
  readonly #scripts: Script[] = [];
  readonly #secure: boolean;

  private constructor(target: string, certificate: TestCertificate | undefined) {
    this.#target = target;
    this.#secure = certificate !== undefined;
    this.#server =
      certificate === undefined
        ? http.createServer()
        : https.createServer({ cert: certificate.certificatePem, key: certificate.keyPem });
    const serve = (request: http.IncomingMessage, answer: http.ServerResponse) => {
      this.#serve(request, answer).catch(() => request.socket.destroy());
    };
    this.#server.on('request', serve);
    this.#server.on('checkContinue', (request, answer) => {
      answer.writeContinue();
      serve(request, answer);
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** In front of `target`, `http(s)://host:port`; with a certificate it is spoken to by https. */
  static async start(target: string, certificate?: TestCertificate): Promise<FaultFront> {
    const front = new FaultFront(target, certificate);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    const { port } = front.#server.address() as AddressInfo;
    front.url = `${front.#secure ? 'https' : 'http'}://localhost:${port}`;
    return front;
  }

  /** The next `times` requests whose `METHOD /path` fits meet `fault`; `ALL_OF_ONE` and `ALL` go on until `heal`. */
  add(what: RegExp, fault: FrontFault, times = 1): void {
    this.#scripts.push({ what, fault, left: times, path: undefined, met: 0 });
  }

  /** The network is well again. Throws where a fault was met less often than it was scripted, or never. */
  heal(): void {
    const unmet = this.#scripts.filter(({ left, met }) => (left >= ALL ? met === 0 : left > 0));
    this.#scripts.length = 0;
    if (unmet.length > 0) {
      const listed = unmet.map(({ what, fault, met }) => `${what} ${fault.kind} (met ${met} times)`);
      throw new Error(`Faults that were never met: ${listed.join(', ')}`);
    }
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await closed;
  }

  #faultFor(line: string): FrontFault | undefined {
    const script = this.#scripts.find(
      ({ what, left, path }) => left > 0 && what.test(line) && (path === undefined || path === line),
    );
    if (script === undefined) {
      return undefined;
    }
    script.met += 1;
    if (script.left === ALL_OF_ONE) {
      script.path ??= line;
    } else if (script.left !== ALL) {
      script.left -= 1;
    }
    return script.fault;
  }

  async #serve(request: http.IncomingMessage, answer: http.ServerResponse): Promise<void> {
    const line = `${request.method} ${(request.url ?? '').split('?')[0]}`;
    this.requests.push(line);
    const fault = this.#faultFor(line);
    const { socket } = request;
    if (fault?.kind === 'reset-before-body') {
      cut(socket);
      return;
    }
    const pieces: Buffer[] = [];
    for await (const piece of request) {
      pieces.push(piece);
      if (fault?.kind === 'reset-during-body') {
        break;
      }
    }
    switch (fault?.kind) {
      case 'reset-during-body':
      case 'reset-after-body':
        cut(socket);
        return;
      case 'hang':
        return;
      case 'answer':
        answer.writeHead(fault.status, { 'content-type': 'text/plain', ...fault.headers });
        answer.end(fault.body ?? 'scripted\n');
        return;
      default:
    }
    const given = await this.#ask(request, Buffer.concat(pieces));
    if (fault?.kind === 'lost-answer') {
      socket.destroy();
      return;
    }
    const { status, headers, body } = fault?.kind === 'edit' ? fault.edit(given) : given;
    answer.writeHead(status, { ...headers, 'content-length': String(body.length) });
    if (fault?.kind === 'truncate') {
      answer.write(body.subarray(0, Math.floor(body.length / 2)), () => socket.destroy());
    } else if (fault?.kind === 'drip') {
      await drip(answer, body, fault.pieceBytes, fault.everyMs);
    } else {
      answer.end(body);
    }
  }

  #ask(request: http.IncomingMessage, body: Buffer): Promise<FrontAnswer> {
    const send = this.#target.startsWith('https:') ? https.request : http.request;
    const { expect: _, connection: __, 'transfer-encoding': ___, ...headers } = request.headers;
    return new Promise((resolve, reject) => {
      const onward = send(
        `${this.#target}${request.url}`,
        {
          method: request.method ?? 'GET',
          agent: false,
          rejectUnauthorized: false,
          headers: { ...headers, 'content-length': String(body.length) },
        },
        (answer) => {
          const pieces: Buffer[] = [];
          answer.on('data', (piece: Buffer) => pieces.push(piece));
          answer.on('error', reject);
          answer.on('end', () => {
            const { connection: ____, 'transfer-encoding': _____, ...rest } = answer.headers;
            resolve({ status: answer.statusCode ?? 0, headers: rest, body: Buffer.concat(pieces) });
          });
        },
      );
      onward.on('error', reject);
      onward.end(body);
    });
  }
}

/** A reset where there is one; the layer of TLS knows but an end without a farewell. */
function cut(socket: Socket): void {
  if ('encrypted' in socket) {
    socket.destroy();
  } else {
    socket.resetAndDestroy();
  }
}

async function drip(
  answer: http.ServerResponse,
  body: Uint8Array,
  pieceBytes: number,
  everyMs: number,
): Promise<void> {
  for (let at = 0; at < body.length && !answer.destroyed; at += pieceBytes) {
    answer.write(body.subarray(at, at + pieceBytes));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  answer.end();
}
