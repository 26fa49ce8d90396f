import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { KeepService } from '../../src/keep/ports.ts';
import { DEFAULT_SIGNING_TTL_SECONDS, signLocator, verifySignature } from '../../src/keep/signature.ts';
import { FaultQueue } from './keep-faults.ts';

/** What a request to the server meets. Where nothing else is said, a PUT that meets a fault does not store the block. */
export type KeepServerFault =
  | { readonly kind: 'status'; readonly status: number; readonly text?: string }
  /** Said at once, before the body is read. */
  | { readonly kind: 'early-status'; readonly status: number }
  | { readonly kind: 'reset-before-body' }
  | { readonly kind: 'reset-during-body'; readonly afterBytes: number }
  | { readonly kind: 'reset-after-body' }
  /** The block is stored, but nobody hears of it. */
  | { readonly kind: 'lost-answer' }
  | { readonly kind: 'hang' }
  /** The answer comes in pieces of so many bytes, one per turn of the event loop. */
  | { readonly kind: 'drip'; readonly pieceBytes: number }
  /** The block without its length, as proxies may give it. */
  | { readonly kind: 'in-chunks' }
  /** The full Content-Length, then only so many bytes and a cut connection. */
  | { readonly kind: 'cut-answer'; readonly afterBytes: number }
  | { readonly kind: 'wrong-md5' }
  | { readonly kind: 'wrong-size' }
  | { readonly kind: 'html' }
  | { readonly kind: 'redirect'; readonly to: string }
  /** Stored, with the class header as given; undefined leaves it out. */
  | { readonly kind: 'classes'; readonly header: string | undefined }
  /** Waits, then goes on as usual. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown> };

export interface KeepServerOptions {
  /** Last 15 characters of the service's uuid. */
  readonly uuidSuffix?: string;
  readonly serviceType?: string;
  readonly tls?: { readonly certificatePem: string; readonly keyPem: string };
  /** Blocks are signed and signatures checked for the token of each request; without it nothing is signed. */
  readonly signingKey?: string;
  /** X-Keep-Replicas-Stored; undefined leaves the header out. */
  readonly copies?: number | undefined;
  /** X-Keep-Storage-Classes-Confirmed; undefined leaves the header out. */
  readonly classes?: string | undefined;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  bodyBytes: number;
}

export interface KeepServer {
  readonly url: string;
  readonly service: KeepService;
  readonly faults: FaultQueue<'PUT' | 'GET' | 'HEAD', KeepServerFault>;
  readonly requests: SeenRequest[];
  /** By md5. */
  readonly blocks: Map<string, Uint8Array>;
  readonly connectionCount: number;
  sign(token: string, locator: string): string;
  close(): Promise<void>;
}

/** A Keep server on loopback, in memory, that keeps the protocol as keepstore does, and breaks it on order. */
export async function startKeepServer(options: KeepServerOptions = {}): Promise<KeepServer> {
  const { classes, copies } = { classes: 'default=1', copies: 1, ...options };
  const blocks = new Map<string, Uint8Array>();
  const requests: SeenRequest[] = [];
  const faults: KeepServer['faults'] = new FaultQueue();
  const sockets = new Set<Socket>();
  let connectionCount = 0;

  const sign = (token: string, locator: string) => {
    const expirySeconds = Math.floor(Date.now() / 1000) + DEFAULT_SIGNING_TTL_SECONDS;
    return options.signingKey === undefined
      ? locator
      : signLocator(options.signingKey, token, locator, expirySeconds);
  };

  const handle = async (request: http.IncomingMessage, answer: http.ServerResponse, mayRead: () => void) => {
    const method = request.method as 'PUT' | 'GET' | 'HEAD';
    const seen: SeenRequest = { method, path: request.url ?? '', headers: request.headers, bodyBytes: 0 };
    requests.push(seen);
    const fault = faults.next(method);
    if (fault?.kind === 'hang') {
      return;
    }
    if (fault?.kind === 'hold') {
      await fault.until;
    }
    if (fault?.kind === 'early-status') {
      answer.writeHead(fault.status).end('early\n');
      return;
    }
    if (fault?.kind === 'reset-before-body') {
      request.socket.resetAndDestroy();
      return;
    }
    mayRead();
    const pieces: Buffer[] = [];
    for await (const piece of request) {
      pieces.push(piece);
      seen.bodyBytes += piece.length;
      if (fault?.kind === 'reset-during-body' && seen.bodyBytes >= fault.afterBytes) {
        request.socket.resetAndDestroy();
        return;
      }
    }
    if (fault?.kind === 'reset-after-body') {
      request.socket.resetAndDestroy();
      return;
    }
    if (fault?.kind === 'status') {
      answer.writeHead(fault.status, { 'Content-Type': 'text/plain' }).end(fault.text ?? 'scripted\n');
      return;
    }
    if (fault?.kind === 'html') {
      const page = '<html><body>Welcome to the hotel</body></html>';
      answer.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': String(page.length) }).end(page);
      return;
    }
    if (fault?.kind === 'redirect') {
      answer.writeHead(302, { Location: fault.to }).end();
      return;
    }
    const token = (request.headers.authorization ?? '').replace(/^(Bearer|OAuth2) /, '');
    if (method === 'PUT') {
      store(seen, Buffer.concat(pieces), token, fault, request, answer);
    } else {
      give(seen, token, fault, request, answer);
    }
  };

  const store = (
    seen: SeenRequest,
    body: Buffer,
    token: string,
    fault: KeepServerFault | undefined,
    request: http.IncomingMessage,
    answer: http.ServerResponse,
  ) => {
    const md5 = createHash('md5').update(body).digest('hex');
    if (md5 !== seen.path.slice(1, 33)) {
      answer.writeHead(400).end('hash mismatch\n');
      return;
    }
    blocks.set(md5, Uint8Array.from(body));
    if (fault?.kind === 'lost-answer') {
      request.socket.resetAndDestroy();
      return;
    }
    let locator = `${md5}+${body.length}`;
    if (fault?.kind === 'wrong-md5') {
      locator = `${'0'.repeat(32)}+${body.length}`;
    } else if (fault?.kind === 'wrong-size') {
      locator = `${md5}+${body.length + 1}`;
    }
    const confirmed = fault?.kind === 'classes' ? fault.header : classes;
    answer.writeHead(200, {
      ...(copies === undefined ? {} : { 'X-Keep-Replicas-Stored': String(copies) }),
      ...(confirmed === undefined ? {} : { 'X-Keep-Storage-Classes-Confirmed': confirmed }),
    });
    answer.end(`${sign(token, locator)}\n`);
  };

  const give = (
    seen: SeenRequest,
    token: string,
    fault: KeepServerFault | undefined,
    request: http.IncomingMessage,
    answer: http.ServerResponse,
  ) => {
    const locator = seen.path.slice(1);
    if (options.signingKey !== undefined) {
      const nowSeconds = Math.floor(Date.now() / 1000);
      const verdict = verifySignature(options.signingKey, token, locator, nowSeconds);
      if (verdict !== 'valid') {
        answer.writeHead(verdict === 'expired' ? 401 : 400).end(`${verdict} signature\n`);
        return;
      }
    }
    const block = blocks.get(locator.slice(0, 32));
    if (!block) {
      answer.writeHead(404).end('not found\n');
      return;
    }
    let body = Buffer.from(block);
    if (fault?.kind === 'wrong-md5') {
      body = Buffer.alloc(block.length, 'x');
    } else if (fault?.kind === 'wrong-size') {
      body = Buffer.concat([block, Buffer.from('x')]);
    }
    answer.writeHead(200, fault?.kind === 'in-chunks' ? {} : { 'Content-Length': String(body.length) });
    if (seen.method === 'HEAD') {
      answer.end();
    } else if (fault?.kind === 'cut-answer') {
      answer.write(body.subarray(0, fault.afterBytes), () => request.socket.destroy());
    } else if (fault?.kind === 'drip') {
      drip(answer, body, fault.pieceBytes);
    } else {
      answer.end(body);
    }
  };

  const listen = (request: http.IncomingMessage, answer: http.ServerResponse, mayRead: () => void) => {
    handle(request, answer, mayRead).catch((thrown: unknown) => {
      // A request that the client gave up ends here.
      request.destroy(thrown instanceof Error ? thrown : undefined);
    });
  };
  const server = options.tls
    ? https.createServer({ cert: options.tls.certificatePem, key: options.tls.keyPem })
    : http.createServer();
  server.on('request', (request, answer) => listen(request, answer, () => undefined));
  server.on('checkContinue', (request, answer) => listen(request, answer, () => answer.writeContinue()));
  server.on('connection', (socket: Socket) => {
    connectionCount += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  return {
    url,
    service: {
      uuid: `zzzzz-bi6l4-${options.uuidSuffix ?? '000000000000000'}`,
      baseUrl: url,
      serviceType: options.serviceType ?? 'disk',
      readOnly: false,
    },
    faults,
    requests,
    blocks,
    get connectionCount() {
      return connectionCount;
    },
    sign,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) {
          socket.destroy();
        }
      }),
  };
}

function drip(answer: http.ServerResponse, body: Buffer, pieceBytes: number): void {
  if (body.length <= pieceBytes) {
    answer.end(body);
    return;
  }
  answer.write(body.subarray(0, pieceBytes), () => {
    setImmediate(() => drip(answer, body.subarray(pieceBytes), pieceBytes));
  });
}
