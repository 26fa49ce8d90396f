import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { makeTestCertificate, type TestCertificate } from './api-certificate.ts';

/** A request as the server saw it, with the method that `_method` asked for. */
export interface SeenRequest {
  readonly httpMethod: string;
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly json: unknown;
}

/** What a script answers. `lost`: the connection is cut. `silent`: nothing, ever. */
export type ScriptedAnswer =
  | {
      readonly status?: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: OutgoingHttpHeaders;
    }
  | 'lost'
  | 'silent';

export type Script = (request: SeenRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/** An https server on loopback that answers as it is told and remembers what it was asked. */
export class ScriptedApiServer {
  readonly requests: SeenRequest[] = [];
  readonly server: Server;
  readonly certificate: TestCertificate;
  /** `localhost:port`; stays after the end. */
  host = '';
  readonly #scripts = new Map<string, Script[]>();
  readonly #sockets = new Set<Socket>();
  readonly #waiters: Array<() => void> = [];

  constructor(certificate: TestCertificate) {
    this.certificate = certificate;
    this.server = createServer({ cert: certificate.certificatePem, key: certificate.keyPem });
    this.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.server.on('request', (incoming, outgoing) => {
      const serve = async (): Promise<void> => {
        const request = await readRequest(incoming);
        this.requests.push(request);
        for (const wake of this.#waiters.splice(0)) {
          wake();
        }
        const answer = await this.#scriptFor(request)(request);
        if (answer === 'silent') {
          return;
        }
        if (answer === 'lost') {
          incoming.socket.destroy();
          return;
        }
        const isJson = answer.json !== undefined;
        outgoing.writeHead(answer.status ?? 200, {
          ...(isJson ? { 'content-type': 'application/json; charset=utf-8' } : {}),
          ...answer.headers,
        });
        outgoing.end(isJson ? JSON.stringify(answer.json) : answer.text);
      };
      serve().catch((thrown: unknown) => incoming.socket.destroy(thrown as Error));
    });
  }

  static async start(certificate?: TestCertificate): Promise<ScriptedApiServer> {
    const server = new ScriptedApiServer(certificate ?? (await makeTestCertificate()));
    server.server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    server.host = `localhost:${(server.server.address() as AddressInfo).port}`;
    return server;
  }

  /** Open connections, of clients that keep them alive too. */
  get connectionCount(): number {
    return this.#sockets.size;
  }

  /**
   * Answers for `METHOD /path`: one after the other, the last one for good. Replaces what was scripted for it before.
   */
  on(methodAndPath: string, ...scripts: ReadonlyArray<ScriptedAnswer | Script>): void {
    this.#scripts.set(
      methodAndPath,
      scripts.map((script) => (typeof script === 'function' ? script : () => script)),
    );
  }

  /** Resolves once `count` requests have come in since the start. */
  async waitForRequests(count: number): Promise<void> {
    while (this.requests.length < count) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  seen(methodAndPath: string): readonly SeenRequest[] {
    return this.requests.filter((request) => `${request.method} ${request.path}` === methodAndPath);
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await once(this.server, 'close');
  }

  #scriptFor(request: SeenRequest): Script {
    const scripts = this.#scripts.get(`${request.method} ${request.path}`);
    const script = scripts !== undefined && scripts.length > 1 ? scripts.shift() : scripts?.[0];
    return script ?? (() => ({ status: 404, json: { errors: ['Path not found'] } }));
  }
}

async function readRequest(incoming: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const url = new URL(incoming.url ?? '/', 'https://localhost');
  const isForm = incoming.headers['content-type'] === 'application/x-www-form-urlencoded';
  const query = isForm ? new URLSearchParams(text) : url.searchParams;
  const httpMethod = incoming.method ?? '';
  return {
    httpMethod,
    method: query.get('_method') ?? httpMethod,
    path: decodeURIComponent(url.pathname),
    url: incoming.url ?? '',
    query,
    headers: incoming.headers,
    text,
    json: text === '' || isForm ? undefined : JSON.parse(text),
  };
}
