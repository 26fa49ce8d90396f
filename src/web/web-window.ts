import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../base/clock.ts';
import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import { VERSION } from '../base/version.ts';
import type { CommandHost } from '../contract/commands.ts';
import { REQUEST_MAX_BYTES } from '../contract/protocol.ts';
import { CLOSE_WRONG_KEY, WEB_SOCKET_PATH, windowContentSecurityPolicy } from '../contract/window-page.ts';
import { ProtocolSession } from '../control/protocol-session.ts';
import { offersOf, runShellCall, type ShellHandlers } from '../shell/shell-calls.ts';
import { readWindowFile, WINDOW_HEADERS } from '../shell/window-files.ts';

const LOOPBACK = '127.0.0.1';
/** Names of this computer that a browser may have put into its address bar. */
const OUR_NAMES: readonly string[] = [LOOPBACK, 'localhost'];
/** Tabs of one person; a bound, no more. */
const SOCKETS_MAX = 16;
/** A socket that has so much waiting is looked at again after this (milliseconds): ws tells no drain. */
const LAG_LOOK_EVERY_MS = 250;
/** Close codes of the WebSocket protocol: all is well; a policy was broken. */
const CLOSE_NORMAL = 1000;
const CLOSE_POLICY = 1008;
const CLOSE_GOING_AWAY = 1001;

export interface WebWindowOptions {
  readonly host: CommandHost;
  readonly shell: ShellHandlers;
  /** Whoever has it may do what the window can; in the fragment of the URL, so it never travels in a request line. */
  readonly key: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly rendererDir: string;
  readonly clock: Clock;
  readonly log: LogPort;
}

export interface WebWindow {
  /** With the key. For the eyes of whoever started it. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves the window to a browser on this computer: its files to anybody who asks from here, the contract over a WebSocket
 * to whoever has the key. Only loopback; only requests that were meant for it (Host, against rebinding) from its own page
 * (Origin). Throws USAGE where the port is taken.
 */
export async function startWebWindow(options: WebWindowOptions): Promise<WebWindow> {
  const server = createServer();
  const port = await listen(server, options.port);
  const hosts = OUR_NAMES.map((name) => `${name}:${port}`);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: REQUEST_MAX_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  server.on('request', (request, response) => {
    serveFile(options, hosts, request, response).catch((thrown: unknown) => {
      options.log.log('error', asKeepsyncError(thrown).message);
      response.destroy();
    });
  });
  server.on('upgrade', (request, socket, head) => {
    if (!isFromOurPage(request, hosts) || sockets.clients.size >= SOCKETS_MAX) {
      refuse(socket);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => speak(options, webSocket));
  });
  return {
    url: `http://${LOOPBACK}:${port}/#key=${options.key}`,
    port,
    close: async () => {
      for (const client of sockets.clients) {
        client.close(CLOSE_GOING_AWAY);
        client.terminate();
      }
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new KeepsyncError(
          'USAGE',
          `The window cannot listen on port ${port} (${cause.code ?? cause.message})`,
          {
            action: 'Choose another one with --port, or none for any that is free.',
            cause,
          },
        ),
      );
    });
    server.listen(port, LOOPBACK, () => resolve((server.address() as AddressInfo).port));
  });
}

/** A name that leads here by DNS only is refused: a page elsewhere could have made it up. */
function hasOurHost(request: IncomingMessage, hosts: readonly string[]): boolean {
  return hosts.includes((request.headers.host ?? '').toLowerCase());
}

function isFromOurPage(request: IncomingMessage, hosts: readonly string[]): boolean {
  const origin = (request.headers.origin ?? '').toLowerCase();
  const path = (request.url ?? '').split('?')[0];
  return (
    path === WEB_SOCKET_PATH &&
    hasOurHost(request, hosts) &&
    origin === `http://${(request.headers.host ?? '').toLowerCase()}`
  );
}

function refuse(socket: Duplex): void {
  // whoever is refused may be gone already
  socket.on('error', () => socket.destroy());
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

async function serveFile(
  options: WebWindowOptions,
  hosts: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const host = (request.headers.host ?? '').toLowerCase();
  const answer = (status: number, headers: Record<string, string> = {}, bytes?: Uint8Array) => {
    response.writeHead(status, {
      ...WINDOW_HEADERS,
      'content-security-policy': windowContentSecurityPolicy(`'self' ws://${host}`),
      'x-frame-options': 'DENY',
      'content-length': String(bytes?.byteLength ?? 0),
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };
  if (!hasOurHost(request, hosts)) {
    // without our name in it not even the policy is made up from what was sent
    response.writeHead(403, { 'content-length': '0', connection: 'close' });
    response.end();
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    answer(405, { allow: 'GET, HEAD' });
    return;
  }
  const file = await readWindowFile(options.rendererDir, request.url ?? '/');
  if (file === undefined) {
    answer(404);
    return;
  }
  answer(200, { 'content-type': file.mimeType }, file.bytes);
}

/** One tab. */
function speak(options: WebWindowOptions, socket: WebSocket): void {
  const { host, shell, key, clock, log } = options;
  let cancelLook: (() => void) | undefined;
  const session = new ProtocolSession(
    {
      isOpen: () => socket.readyState === socket.OPEN,
      send: (text) => {
        socket.send(text);
        lookWhetherCaughtUp();
      },
      bufferedBytes: () => socket.bufferedAmount,
      end: (error) => socket.close(closeCode(error)),
    },
    {
      host,
      key,
      hello: { version: VERSION, owner: 'daemon', pid: process.pid, offers: offersOf(shell) },
      clock,
      callShell: (name, input) => runShellCall(shell, name, input),
    },
  );
  const lookWhetherCaughtUp = () => {
    if (cancelLook === undefined && socket.bufferedAmount > 0) {
      cancelLook = clock.setTimer(LAG_LOOK_EVERY_MS, () => {
        cancelLook = undefined;
        if (socket.bufferedAmount === 0) {
          session.caughtUp();
        } else {
          lookWhetherCaughtUp();
        }
      });
    }
  };
  socket.on('message', (data, isBinary) => {
    if (isBinary) {
      session.endWith(new KeepsyncError('USAGE', 'A message is not text'));
      return;
    }
    session.take(String(data));
  });
  socket.on('error', (error) => log.log('info', 'A tab of the window broke off', { error: error.message }));
  socket.on('close', () => {
    cancelLook?.();
    session.stop();
  });
}

function closeCode(error: KeepsyncError): number {
  switch (error.code) {
    case 'FORBIDDEN':
      return CLOSE_WRONG_KEY;
    case 'CLOSED':
      return CLOSE_NORMAL;
    default:
      return CLOSE_POLICY;
  }
}
