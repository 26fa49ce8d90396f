import { readFileSync } from 'node:fs';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';

/**
 * - `arrives`: the request's head is here, nothing of it has reached the server
 * - `done`: the server has done it, its answer is not on the way back
 * - `answered`: the answer is with the operating system, on its way to whoever asked
 */
export type Moment = 'arrives' | 'done' | 'answered';

export interface Passing {
  readonly method: string;
  readonly path: string;
  readonly bodyBytes: number;
}

export interface MomentProxyOptions {
  /** Base URL of the real server. */
  readonly target: string;
  /** PEM files to speak TLS with, on both sides; plain http without. */
  readonly tls?: { readonly certificateFile: string; readonly keyFile: string };
  readonly onMoment: (moment: Moment, passing: Passing) => void;
}

/** Stands in front of a server, passes everything on, and says at which moment of a request it is. */
export class MomentProxy {
  readonly #options: MomentProxyOptions;
  readonly #server: Server;
  readonly #ca: string | undefined;

  private constructor(options: MomentProxyOptions) {
    this.#options = options;
    const { tls } = options;
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#pass(request, response);
    if (tls === undefined) {
      this.#server = createServer(handle);
    } else {
      this.#ca = readFileSync(tls.certificateFile, 'utf8');
      this.#server = createTlsServer({ cert: this.#ca, key: readFileSync(tls.keyFile, 'utf8') }, handle);
    }
  }

  static async start(options: MomentProxyOptions): Promise<MomentProxy> {
    const proxy = new MomentProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** `localhost:PORT` */
  get host(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const { target, onMoment } = this.#options;
    const { method = '', url = '', headers } = request;
    const passing = { method, path: url, bodyBytes: Number(headers['content-length'] ?? 0) };
    onMoment('arrives', passing);
    const start = this.#ca === undefined ? httpRequest : httpsRequest;
    const onward = start(
      new URL(url, target),
      { method, headers, ...(this.#ca === undefined ? {} : { ca: this.#ca }), agent: false },
      (answer) => {
        onMoment('done', passing);
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.once('finish', () => onMoment('answered', passing));
        // Whoever asked may be dead by now.
        answer.on('error', () => response.destroy());
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    // A request that is cut off in its body is cut off for the server, too.
    request.on('close', () => request.complete || onward.destroy());
    request.on('error', () => onward.destroy());
    response.on('error', () => onward.destroy());
    request.pipe(onward);
  }
}
