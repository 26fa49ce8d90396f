import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { PROTOCOL_VERSION, type ProtocolReply } from '../../src/contract/protocol.ts';
import { CLOSE_WRONG_KEY, WEB_SOCKET_PATH } from '../../src/contract/window-page.ts';
import { startWebWindow, type WebWindow } from '../../src/web/web-window.ts';
import { ScriptedEngine } from '../cli/support/scripted-engine.ts';

const KEY = 'a-key-of-some-length';
let dir: string;
let web: WebWindow;
let engine: ScriptedEngine;
const sockets: WebSocket[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'keepsync-web-'));
  mkdirSync(join(dir, 'page', 'assets'), { recursive: true });
  writeFileSync(join(dir, 'page', 'index.html'), '<title>the window</title>');
  writeFileSync(join(dir, 'page', 'assets', 'main.js'), 'void 0');
  writeFileSync(join(dir, 'page', 'main.js.map'), '{}');
  writeFileSync(join(dir, 'secret.json'), '{}');
  symlinkSync(join(dir, 'secret.json'), join(dir, 'page', 'link.json'));
  engine = new ScriptedEngine();
  web = await startWebWindow({
    host: engine,
    shell: {
      copyText: ({ text }) => {
        engine.calls.push(`copied ${text}`);
        return { ok: true };
      },
    },
    key: KEY,
    port: 0,
    rendererDir: join(dir, 'page'),
    clock: systemClock,
    log: silentLog,
  });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) {
    socket.terminate();
  }
  await web.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Page> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: web.port, path, method, headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += String(chunk);
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });

/** A tab: what it was told, and how it ended. */
class Tab {
  readonly socket: WebSocket;
  readonly replies: ProtocolReply[] = [];
  readonly closed: Promise<number>;

  constructor(headers: Record<string, string> = { origin: `http://127.0.0.1:${web.port}` }) {
    this.socket = new WebSocket(`ws://127.0.0.1:${web.port}${WEB_SOCKET_PATH}`, { headers });
    sockets.push(this.socket);
    this.socket.on('message', (data) => this.replies.push(JSON.parse(String(data)) as ProtocolReply));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code) => resolve(code));
      this.socket.on('error', () => resolve(-1));
    });
  }

  async say(message: object): Promise<ProtocolReply> {
    if (this.socket.readyState === this.socket.CONNECTING) {
      await new Promise((resolve) => this.socket.once('open', resolve));
    }
    const before = this.replies.length;
    this.socket.send(JSON.stringify(message));
    await expect.poll(() => this.replies.length).toBeGreaterThan(before);
    return this.replies[before] as ProtocolReply;
  }

  hello(key = KEY): Promise<ProtocolReply> {
    return this.say({ type: 'hello', id: 1, protocol: PROTOCOL_VERSION, key });
  }
}

describe('the files of the window', () => {
  test('are served with a policy that lets nothing else in', async () => {
    const page = await get('/');
    expect(page.status).toBe(200);
    expect(page.text).toContain('the window');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${web.port}`);
    expect(policy).not.toContain('unsafe');
    expect(page.headers['access-control-allow-origin']).toBeUndefined();
    expect((await get('/assets/main.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
  });

  test.each([
    '/../secret.json',
    '/%2e%2e/secret.json',
    '/..%2fsecret.json',
    '/assets/%5c..%5c..%5csecret.json',
    '/link.json',
    '/%',
    '/assets',
    '/main.js.map',
    '/%00index.html',
  ])('nothing beside them is: %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  test('are not given under a name that somebody else may have pointed here', async () => {
    expect((await get('/', { host: `evil.example.org:${web.port}` })).status).toBe(403);
    expect((await get('/', { host: `localhost:${web.port}` })).status).toBe(200);
  });

  test('are only read', async () => {
    expect((await get('/', {}, 'POST')).status).toBe(405);
    expect((await get('/', {}, 'HEAD')).text).toBe('');
  });
});

describe('the socket of the window', () => {
  test('runs commands and calls for whoever has the key', async () => {
    const tab = new Tab();
    expect(await tab.hello()).toMatchObject({
      type: 'result',
      result: { owner: 'daemon', offers: ['copyText'] },
    });
    expect(await tab.say({ type: 'run', id: 2, command: 'status.get', input: {} })).toMatchObject({
      id: 2,
      result: { verdict: expect.anything() },
    });
    await tab.say({ type: 'run', id: 3, command: 'shell.copyText', input: { text: 'x' } });
    expect(engine.calls).toContain('copied x');
    expect(await tab.say({ type: 'run', id: 4, command: 'shell.signOut', input: {} })).toMatchObject({
      error: { code: 'USAGE' },
    });
    expect(
      await tab.say({ type: 'run', id: 5, command: 'shell.copyText', input: { text: 7 } }),
    ).toMatchObject({
      error: { code: 'USAGE' },
    });
  });

  test('sends events to whoever subscribed, until the tab is closed', async () => {
    const tab = new Tab();
    await tab.hello();
    await tab.say({ type: 'subscribe', id: 2, event: 'activity' });
    engine.events.emit('activity', { seq: 1, atMs: 0, level: 'info', folderId: null, message: 'hi' });
    await expect.poll(() => tab.replies.at(-1)).toMatchObject({ type: 'event', payload: { message: 'hi' } });
    tab.socket.close();
    await tab.closed;
    await expect.poll(() => engine.events.listenerCount('activity')).toBe(0);
  });

  test.each(['', 'a-key-of-some-lengti', `${KEY}x`])('refuses the key "%s" for good', async (key) => {
    const tab = new Tab();
    expect(await tab.hello(key)).toMatchObject({ type: 'error', error: { code: 'FORBIDDEN' } });
    expect(await tab.closed).toBe(CLOSE_WRONG_KEY);
    expect(engine.calls).toEqual([]);
  });

  test('hears nobody before hello, and nothing that is not text', async () => {
    const early = new Tab();
    await early.say({ type: 'run', id: 1, command: 'status.get', input: {} });
    expect(await early.closed).toBe(CLOSE_WRONG_KEY);
    const binary = new Tab();
    await binary.hello();
    binary.socket.send(Buffer.from([1, 2, 3]), { binary: true });
    expect(await binary.closed).toBe(1008);
    expect(engine.calls).toEqual([]);
  });

  test.each([
    ['another page', () => ({ origin: 'https://evil.example.org' })],
    ['another port of this computer', () => ({ origin: 'http://127.0.0.1:1' })],
    ['no page', () => ({})],
    [
      'a page that was led here by name',
      () => ({ origin: `http://evil.example.org:${web.port}`, host: `evil.example.org:${web.port}` }),
    ],
  ])('is not opened for %s', async (_name, headers) => {
    expect(await new Tab(headers()).closed).toBe(-1);
  });

  test('a port that is taken is said', async () => {
    const again = startWebWindow({
      host: engine,
      shell: {},
      key: KEY,
      port: web.port,
      rendererDir: dir,
      clock: systemClock,
      log: silentLog,
    });
    await expect(again).rejects.toMatchObject({ code: 'USAGE', action: expect.stringContaining('--port') });
  });
});
