import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { WEB_SOCKET_PATH } from '../../src/contract/window-page.ts';
import { startWebWindow, type WebWindow } from '../../src/web/web-window.ts';
import { ScriptedEngine } from '../cli/support/scripted-engine.ts';

const KEY = 'a-key-of-some-length';
const dir = mkdtempSync(join(tmpdir(), 'keepsync-web-attacks-'));
let web: WebWindow;
let engine: ScriptedEngine;

beforeAll(async () => {
  mkdirSync(join(dir, 'page'));
  writeFileSync(join(dir, 'page', 'index.html'), '<title>the window</title>');
  engine = new ScriptedEngine();
  web = await startWebWindow({
    host: engine,
    shell: {},
    key: KEY,
    port: 0,
    rendererDir: join(dir, 'page'),
    clock: systemClock,
    log: silentLog,
  });
});
afterAll(async () => {
  await web.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  engine.calls.length = 0;
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

function ask(method: string, path: string, headers: Record<string, string>, body = ''): Promise<Answer> {
  const sized = body === '' ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: web.port, method, path, headers: sized, agent: false },
      (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += String(chunk);
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      },
    );
    outgoing.on('upgrade', (answer, socket) => {
      socket.destroy();
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: '' });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const upgrade = (headers: Record<string, string>, path: string = WEB_SOCKET_PATH) =>
  ask('GET', path, {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
  });

describe('DNS rebinding', () => {
  test.each([
    ['a name of somebody else', (port: number) => `evil.example.org:${port}`],
    ['a name that begins like ours', (port: number) => `localhost.evil.example.org:${port}`],
    ['an address that is not ours', (port: number) => `127.0.0.2:${port}`],
    ['our name with another port', (port: number) => `localhost:${port + 1}`],
    ['our name without a port', () => 'localhost'],
    ['our name with a dot', (port: number) => `localhost.:${port}`],
    ['ours and another one', (port: number) => `localhost:${port}, evil.example.org`],
    ['ours behind a user', (port: number) => `localhost:${port}@evil.example.org`],
  ])('under %s nothing is served and no socket opened', async (_what, hostOf) => {
    const host = hostOf(web.port);
    const page = await ask('GET', '/', { host });
    expect(page.status).toBe(403);
    expect(page.text).toBe('');
    expect(page.headers['content-security-policy']).toBeUndefined();
    expect((await upgrade({ host, origin: `http://${host}` })).status).toBe(403);
    expect((await upgrade({ host, origin: `http://localhost:${web.port}` })).status).toBe(403);
  });

  test('its own names are served', async () => {
    for (const host of [`localhost:${web.port}`, `127.0.0.1:${web.port}`, `LOCALHOST:${web.port}`]) {
      expect((await ask('GET', '/', { host })).status).toBe(200);
    }
    const host = `localhost:${web.port}`;
    expect((await upgrade({ host, origin: `http://${host}` })).status).toBe(101);
  });
});

describe('a page of another origin', () => {
  test.each([
    'null',
    'http://evil.example.org',
    'https://localhost',
    'http://localhost',
    'file://',
    'http://127.0.0.1:1',
    '',
  ])('as "%s" opens no socket', async (origin) => {
    const headers: Record<string, string> = { host: `127.0.0.1:${web.port}` };
    expect((await upgrade(origin === '' ? headers : { ...headers, origin })).status).toBe(403);
  });

  test('that calls itself by our other name opens none either', async () => {
    const answer = await upgrade({ host: `127.0.0.1:${web.port}`, origin: `http://localhost:${web.port}` });
    expect(answer.status).toBe(403);
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('can have nothing done by %s', async (method) => {
    for (const path of ['/', WEB_SOCKET_PATH, '/status.get', '/shell.signOut']) {
      const answer = await ask(
        method,
        path,
        {
          host: `127.0.0.1:${web.port}`,
          origin: 'http://evil.example.org',
          'content-type': 'text/plain',
          'access-control-request-method': 'POST',
          'access-control-request-private-network': 'true',
        },
        JSON.stringify({ type: 'run', id: 1, command: 'owner.stop', input: { how: 'now' }, key: KEY }),
      );
      expect(answer.status).toBe(405);
      for (const header of Object.keys(answer.headers)) {
        expect(header).not.toMatch(/^access-control/);
      }
    }
    expect(engine.calls).toEqual([]);
  });

  test('may neither frame ours nor read it, nor learn where it came from', async () => {
    const { headers } = await ask('GET', '/', { host: `127.0.0.1:${web.port}` });
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['set-cookie']).toBeUndefined();
  });
});

test('the key is never part of a request: it stands in the fragment', () => {
  const { hash, pathname, search } = new URL(web.url);
  expect({ hash, pathname, search }).toEqual({ hash: `#key=${KEY}`, pathname: '/', search: '' });
});

test('nobody is heard on another address of this computer', async () => {
  const others = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address);
  // where there is no network at all, another address of loopback stands for it
  for (const host of [...others, '127.0.0.2']) {
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect({ host, port: web.port });
      socket.once('connect', () => {
        socket.destroy();
        resolve('connected');
      });
      socket.once('error', () => resolve('refused'));
    });
    expect([host, outcome]).toEqual([host, 'refused']);
  }
});
