import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { windowContentSecurityPolicy } from '../../../src/contract/window-page.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface Site {
  /** The scripted window; a scenario and options go into the query. */
  readonly url: string;
  /** Its server, for tests that add a WebSocket. */
  readonly server: Server;
  close(): Promise<void>;
}

/** The built files of one mode, by their path. */
async function files(mode: 'fake' | 'production'): Promise<Map<string, string | Uint8Array>> {
  const built = await build({
    root: mode === 'fake' ? ROOT : `${ROOT}renderer`,
    configFile: `${ROOT}vite.config.ts`,
    mode,
    logLevel: 'error',
    build: { write: false, sourcemap: false, minify: false, reportCompressedSize: false },
  });
  const outputs = Array.isArray(built) ? built : [built];
  const found = new Map<string, string | Uint8Array>();
  for (const output of outputs) {
    if (!('output' in output)) {
      throw new Error('The build is watching instead of building');
    }
    for (const item of output.output) {
      found.set(`/${item.fileName}`, item.type === 'chunk' ? item.code : item.source);
    }
  }
  return found;
}

/**
 * Builds the window and serves it on loopback under the policy that the product uses. `fake` is the window over the
 * scripted bridge, `production` the one that looks for a real bridge.
 */
export async function serveWindow(mode: 'fake' | 'production' = 'fake'): Promise<Site> {
  const built = await files(mode);
  const page = [...built.keys()].find((path) => path.endsWith('.html'));
  if (page === undefined) {
    throw new Error('The build has no page');
  }
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://window').pathname;
    const body = built.get(path === '/' ? page : path);
    if (body === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': TYPES[extname(path === '/' ? page : path)] ?? 'application/octet-stream',
      'content-security-policy': windowContentSecurityPolicy("'self'"),
      'x-content-type-options': 'nosniff',
      'cache-control': path.startsWith('/assets/') ? 'public, max-age=3600, immutable' : 'no-store',
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${page}`,
    server,
    close: () =>
      new Promise((resolve, reject) => {
        server.closeAllConnections();
        server.close((error) => (error === undefined ? resolve() : reject(error)));
      }),
  };
}
