import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { ArvadosApi } from '../../src/api/arvados-api.ts';
import { readSocketMessage } from '../../src/api/event-messages.ts';
import { checkSocketUrl, listenToEvents } from '../../src/api/event-socket.ts';
import { type RemoteEventPorts, RemoteEvents } from '../../src/api/events.ts';
import { remoteEventPorts } from '../../src/api/remote-event-ports.ts';
import { systemClock } from '../../src/base/clock.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { type LogPort, silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { answerList } from '../support/api-fake-lists.ts';
import {
  COLLECTION_UUID,
  clientOptions,
  discoveryDocument,
  errorOf,
  TEST_TOKEN,
} from '../support/api-fixtures.ts';
import { ScriptedApiServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';

const OTHER_UUID = 'zzzzz-4zz18-000000000000002';
const LOGS = 'GET /arvados/v1/logs';

const logEvent = (id: number, objectUuid: string): string =>
  JSON.stringify({ msgID: id, id, uuid: 'x', object_uuid: objectUuid, event_type: 'update', properties: {} });

/** Keeps what is pushed until somebody asks for it. */
class Inbox<T> {
  readonly #items: T[] = [];
  readonly #takers: Array<(item: T) => void> = [];

  push(item: T): void {
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#items.push(item);
    } else {
      taker(item);
    }
  }

  next(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#takers.push(resolve)) : Promise.resolve(item);
  }

  get size(): number {
    return this.#items.length;
  }
}

describe('a message of the web socket', () => {
  test.each([
    [
      logEvent(7, COLLECTION_UUID),
      { kind: 'change', change: { objectUuid: COLLECTION_UUID, eventType: 'update', logId: 7 } },
    ],
    ['{"status":200}', { kind: 'answer', ok: true }],
    ['{"status":400}', { kind: 'answer', ok: false }],
    ['{}', { kind: 'ping' }],
    ['{"id":"x"}', { kind: 'unknown' }],
    ['[', { kind: 'unknown' }],
    ['null', { kind: 'unknown' }],
  ])('%s is understood', (text, expected) => {
    expect(readSocketMessage(text)).toEqual(expected);
  });
});

describe('the address of the web socket', () => {
  test.each([
    'wss://ws.example.org/websocket',
    'ws://localhost:8000/websocket',
    'ws://127.0.0.1/',
    'ws://[::1]/',
  ])('may be %s', (url) => {
    expect(checkSocketUrl(url).href).toBe(url);
  });

  test.each([
    ['ws://ws.example.org/websocket', 'PLAIN_HTTP'],
    ['ws://127.0.0.1.example.org/', 'PLAIN_HTTP'],
    ['https://ws.example.org/', 'BAD_ANSWER'],
    ['nonsense', 'BAD_ANSWER'],
  ])('may not be %s: %s', (url, code) => {
    expect(() => checkSocketUrl(url)).toThrowError(expect.objectContaining({ code }));
  });
});

describe('one connection to the events', () => {
  let server: ScriptedApiServer;
  let sockets: WebSocketServer;
  let connections: Inbox<{ socket: WebSocket; url: string; subscription: unknown }>;
  let clock: ManualClock;
  let stop: AbortController;

  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    connections = new Inbox();
    clock = new ManualClock();
    stop = new AbortController();
    sockets = new WebSocketServer({ server: server.server, path: '/websocket' });
    sockets.on('connection', (socket, request) => {
      socket.once('message', (data) =>
        connections.push({ socket, url: request.url ?? '', subscription: JSON.parse(String(data)) }),
      );
    });
  });

  afterEach(async () => {
    stop.abort();
    sockets.close();
    await server.close();
  });

  function listen(heard: Inbox<unknown>, lastLogId?: number): Promise<KeepsyncError> {
    return errorOf(
      listenToEvents({
        url: `wss://${server.host}/websocket`,
        token: TEST_TOKEN,
        tls: { insecure: false, ca: server.certificate.certificatePem },
        clock,
        lastLogId,
        signal: stop.signal,
        onSubscribed: () => heard.push('subscribed'),
        onChange: (change) => heard.push(change),
      }),
    );
  }

  test('subscribes with the token, from where it was, and tells of changes', async () => {
    const heard = new Inbox<unknown>();
    const ended = listen(heard, 41);
    const { socket, url, subscription } = await connections.next();
    expect(new URL(url, 'wss://h').searchParams.get('api_token')).toBe(TEST_TOKEN);
    expect(subscription).toMatchObject({ method: 'subscribe', last_log_id: 41 });
    socket.send('{"status":200}');
    expect(await heard.next()).toBe('subscribed');
    socket.send('{}');
    socket.send('garbage');
    socket.send(logEvent(42, COLLECTION_UUID));
    expect(await heard.next()).toEqual({ objectUuid: COLLECTION_UUID, eventType: 'update', logId: 42 });
    stop.abort();
    expect((await ended).code).toBe('CANCELLED');
    expect(clock.timerCount).toBe(0);
  });

  test('ends with OFFLINE when the server ends it', async () => {
    const ended = listen(new Inbox());
    const { socket } = await connections.next();
    socket.close();
    expect((await ended).code).toBe('OFFLINE');
  });

  test('ends with REFUSED when the subscription is not taken', async () => {
    const ended = listen(new Inbox());
    const { socket } = await connections.next();
    socket.send('{"status":400}');
    expect((await ended).code).toBe('REFUSED');
  });

  test('ends with TIMEOUT after two and a half minutes of silence, which any message breaks', async () => {
    const heard = new Inbox<unknown>();
    const ended = listen(heard);
    const { socket } = await connections.next();
    clock.advance(149_000);
    socket.send('{"status":200}');
    await heard.next();
    clock.advance(149_999);
    expect(clock.timerCount).toBe(1);
    clock.advance(1);
    expect((await ended).code).toBe('TIMEOUT');
  });

  test('never puts the token into an error, whatever happens', async () => {
    sockets.close();
    const errors = [await listen(new Inbox())];
    sockets = new WebSocketServer({ noServer: true });
    await server.close();
    errors.push(await listen(new Inbox()));
    server = await ScriptedApiServer.start();
    for (const error of errors) {
      expect(error.code).toBe('OFFLINE');
      expect(`${error.message}${error.stack}${JSON.stringify(error)}${error.cause}`).not.toContain('s3cr3t');
    }
  });
});

describe('listening to the server', () => {
  type Ports = {
    url: string | undefined;
    sockets: Inbox<Parameters<RemoteEventPorts['listen']>[0] & { fail: (error: KeepsyncError) => void }>;
    polls: Inbox<number>;
    logs: Array<{ objectUuid: string; eventType: string; logId: number }>;
    pollError: KeepsyncError | undefined;
  };

  let ports: Ports;
  let clock: ManualClock;
  let events: RemoteEvents;
  let heard: Inbox<unknown>;
  let logLines: string[];

  beforeEach(() => {
    ports = {
      url: 'wss://h/websocket',
      sockets: new Inbox(),
      polls: new Inbox(),
      logs: [],
      pollError: undefined,
    };
    clock = new ManualClock();
    heard = new Inbox();
    logLines = [];
    const log: LogPort = { log: (...line) => logLines.push(JSON.stringify(line)) };
    events = new RemoteEvents({
      clock,
      random: { bytes: systemRandom.bytes, fraction: () => 0.5 },
      log,
      isWanted: (uuid) => uuid === COLLECTION_UUID,
      ports: {
        socketUrl: async () => ports.url,
        listen: (options) =>
          new Promise((_resolve, reject) => {
            options.signal.addEventListener('abort', () => reject(options.signal.reason), { once: true });
            ports.sockets.push({ ...options, fail: reject });
          }),
        newestLogId: async () => {
          ports.polls.push(-1);
          if (ports.pollError) {
            throw ports.pollError;
          }
          return ports.logs.at(-1)?.logId ?? 0;
        },
        changesSince: async (afterId) => {
          ports.polls.push(afterId);
          if (ports.pollError) {
            throw ports.pollError;
          }
          return ports.logs.filter(({ logId }) => logId > afterId);
        },
      },
    });
    events.events.on('change', ({ objectUuid }) => heard.push(`change ${objectUuid}`));
    events.events.on('doubt', ({ reason }) => heard.push(`doubt: ${reason}`));
    events.events.on('mode', (mode) => heard.push(mode));
  });

  afterEach(async () => {
    await events.close();
    expect(clock.timerCount).toBe(0);
  });

  const change = (logId: number, objectUuid = COLLECTION_UUID) => ({
    objectUuid,
    eventType: 'update',
    logId,
  });

  test('by web socket tells of what is wanted, and of nothing else', async () => {
    events.start();
    const socket = await ports.sockets.next();
    socket.onSubscribed();
    expect([await heard.next(), await heard.next()]).toEqual(['live', 'doubt: connected']);
    socket.onChange(change(1, OTHER_UUID));
    socket.onChange(change(2));
    expect(await heard.next()).toBe(`change ${COLLECTION_UUID}`);
    expect(heard.size).toBe(0);
  });

  test('polls while the web socket is away, and goes on there where it was', async () => {
    events.start();
    const first = await ports.sockets.next();
    first.onSubscribed();
    first.onChange(change(5));
    ports.logs = [change(5), change(6)];
    first.fail(new KeepsyncError('OFFLINE', 'gone'));
    expect(await ports.polls.next()).toBe(5);
    await expect.poll(() => heard.size, { timeout: 60_000 }).toBe(5);
    expect(events.mode).toBe('polling');
    clock.advance(1_000);
    const second = await ports.sockets.next();
    expect(second.lastLogId).toBe(6);
  });

  test('waits longer each time for a web socket that never works, and starts afresh after one that did', async () => {
    events.start();
    const delays: number[] = [];
    for (let tries = 0; tries < 4; tries++) {
      const socket = await ports.sockets.next();
      if (tries === 3) {
        socket.onSubscribed();
      }
      socket.fail(new KeepsyncError('OFFLINE', 'no'));
      await ports.polls.next();
      await expect.poll(() => clock.timerCount, { timeout: 60_000 }).toBe(1);
      const startMs = clock.nowMs();
      while (clock.timerCount === 1) {
        clock.advance(100);
      }
      delays.push(clock.nowMs() - startMs);
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 1_000]);
  });

  test('polls every 15 seconds where the cluster has no web socket', async () => {
    ports.url = undefined;
    events.start();
    expect(await ports.polls.next()).toBe(-1);
    expect(await heard.next()).toBe('doubt: polling starts');
    expect(await heard.next()).toBe('polling');
    ports.logs = [change(1, OTHER_UUID), change(2)];
    for (let rounds = 0; rounds < 12 && heard.size === 0; rounds++) {
      await expect.poll(() => clock.timerCount, { timeout: 60_000 }).toBe(1);
      clock.advance(15_000);
      await ports.polls.next();
    }
    expect(await heard.next()).toBe(`change ${COLLECTION_UUID}`);
  });

  test('says when neither way works, and recovers', async () => {
    ports.url = undefined;
    ports.pollError = new KeepsyncError('OFFLINE', 'no network');
    events.start();
    await ports.polls.next();
    await expect.poll(() => logLines.length, { timeout: 60_000 }).toBeGreaterThan(0);
    expect(events.mode).toBe('away');
    ports.pollError = undefined;
    await expect.poll(() => clock.timerCount, { timeout: 60_000 }).toBe(1);
    clock.advance(15_000);
    await expect.poll(() => events.mode, { timeout: 60_000 }).toBe('polling');
  });
});

describe('events of a real connection', () => {
  test('come by polling the logs, 500 at a time, where the cluster has no web socket', async () => {
    const server = await ScriptedApiServer.start();
    server.on('GET /discovery/v1/apis/arvados/v1/rest', { json: discoveryDocument() });
    const rows = Array.from({ length: 1_200 }, (_, i) => ({
      id: i + 1,
      uuid: `zzzzz-57u5n-${String(i).padStart(15, '0')}`,
      object_uuid: i % 2 === 0 ? COLLECTION_UUID : null,
      event_type: 'update',
    }));
    server.on(LOGS, (request) => answerList(rows, request));
    const api = new ArvadosApi(clientOptions(server));
    const ports = remoteEventPorts(api, TEST_TOKEN);
    const { signal } = new AbortController();
    expect(await ports.socketUrl(signal)).toBeUndefined();
    expect(await ports.newestLogId(signal)).toBe(1_200);
    const changes = await ports.changesSince(100, signal);
    expect(changes.map(({ logId }) => logId)).toEqual(rows.slice(100).map(({ id }) => id));
    expect(changes[0]).toEqual({ objectUuid: COLLECTION_UUID, eventType: 'update', logId: 101 });
    api.close();
    await server.close();
  });

  test('come by web socket where it has one', async () => {
    const server = await ScriptedApiServer.start();
    server.on('GET /discovery/v1/apis/arvados/v1/rest', {
      json: discoveryDocument({ websocketUrl: `wss://${server.host}/websocket` }),
    });
    const sockets = new WebSocketServer({ server: server.server });
    sockets.on('connection', (socket) => {
      socket.once('message', () => {
        socket.send('{"status":200}');
        socket.send(logEvent(1, COLLECTION_UUID));
      });
    });
    const api = new ArvadosApi(clientOptions(server));
    const events = new RemoteEvents({
      ports: remoteEventPorts(api, TEST_TOKEN),
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      isWanted: () => true,
    });
    const heard = new Inbox<string>();
    events.events.on('change', ({ objectUuid }) => heard.push(objectUuid));
    events.start();
    expect(await heard.next()).toBe(COLLECTION_UUID);
    await events.close();
    api.close();
    sockets.close();
    await server.close();
  });
});
