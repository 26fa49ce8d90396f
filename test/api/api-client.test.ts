import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiClient, type ApiClientOptions } from '../../src/api/api-client.ts';
import type { LogPort } from '../../src/base/log.ts';
import { clientOptions, errorOf, QUICK_RETRIES, TEST_TOKEN } from '../support/api-fixtures.ts';
import { type ScriptedAnswer, ScriptedApiServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';

const PATH = '/arvados/v1/things';
const GET = `GET ${PATH}`;

let server: ScriptedApiServer;
let clients: ApiClient[];

beforeEach(async () => {
  server = await ScriptedApiServer.start();
  clients = [];
});

afterEach(async () => {
  for (const client of clients) {
    client.close();
  }
  await server.close();
});

function newClient(more: Partial<ApiClientOptions> = {}): ApiClient {
  const client = new ApiClient(clientOptions(server, more));
  clients.push(client);
  return client;
}

describe('a request', () => {
  test('carries the token as a header, a request id of its own, and its query as JSON', async () => {
    server.on(GET, { json: { items: [] } });
    const answer = await newClient().request('GET', PATH, {
      query: { filters: [['uuid', '=', 'x']], limit: 5, order: 'uuid asc', none: undefined },
    });
    const [seen] = server.seen(GET);
    expect(answer.body).toEqual({ items: [] });
    expect(seen?.headers.authorization).toBe(`Bearer ${TEST_TOKEN}`);
    expect(seen?.headers['x-request-id']).toMatch(/^req-[0-9a-z]{20}$/);
    expect(Object.fromEntries(seen?.query ?? [])).toEqual({
      filters: '[["uuid","=","x"]]',
      limit: '5',
      order: 'uuid asc',
    });
    expect(seen?.url).not.toContain('s3cr3t');
  });

  test('goes without the token where that is asked', async () => {
    server.on(GET, { json: {} });
    await newClient().request('GET', PATH, { withoutToken: true });
    expect(server.seen(GET)[0]?.headers.authorization).toBeUndefined();
  });

  test('with a URL over 2048 characters goes as a form with _method', async () => {
    server.on(GET, { json: {} });
    const uuids = Array.from({ length: 80 }, (_, i) => `zzzzz-4zz18-${String(i).padStart(15, '0')}`);
    await newClient().request('GET', PATH, { query: { filters: [['uuid', 'in', uuids]] } });
    const [seen] = server.seen(GET);
    expect(seen?.httpMethod).toBe('POST');
    expect(seen?.url).toBe(PATH);
    expect(seen?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(JSON.parse(seen?.query.get('filters') ?? '')).toEqual([['uuid', 'in', uuids]]);
  });

  test('sends a body of several MiB whole', async () => {
    server.on(`PUT ${PATH}`, (request) => ({ json: { length: request.text.length } }));
    const body = { manifest_text: 'ü'.repeat(3 * 1024 * 1024) };
    const answer = await newClient().request('PUT', PATH, { body });
    expect(answer.body).toEqual({ length: JSON.stringify(body).length });
    expect(server.requests[0]?.json).toEqual(body);
  });

  test('uses the open connection of the one before', async () => {
    server.on(GET, { json: {} });
    const client = newClient();
    await client.request('GET', PATH);
    await client.request('GET', PATH);
    expect(server.connectionCount).toBe(1);
  });

  test('tells the time of the server', async () => {
    server.on(GET, { json: {}, headers: { date: 'Sun, 01 Nov 2026 12:00:00 GMT' } });
    const answer = await newClient().request('GET', PATH);
    expect(answer.serverTimeMs).toBe(Date.parse('2026-11-01T12:00:00Z'));
  });

  test('ends with CANCELLED when asked to stop, before and while it runs', async () => {
    server.on(GET, 'silent');
    const stop = new AbortController();
    const running = errorOf(newClient().request('GET', PATH, { signal: stop.signal }));
    await server.waitForRequests(1);
    stop.abort();
    expect((await running).code).toBe('CANCELLED');
    expect((await errorOf(newClient().request('GET', PATH, { signal: stop.signal }))).code).toBe('CANCELLED');
    expect(server.requests).toHaveLength(1);
  });

  test('ends with CLOSED when the client is closed, and later ones never start', async () => {
    server.on(GET, 'silent');
    const client = newClient();
    const running = errorOf(client.request('GET', PATH));
    await server.waitForRequests(1);
    client.close();
    expect((await running).code).toBe('CLOSED');
    expect((await errorOf(client.request('GET', PATH))).code).toBe('CLOSED');
  });
});

describe('retries', () => {
  test('are made of what may get better, up to the policy', async () => {
    server.on(
      GET,
      'lost',
      { status: 503, json: { errors: ['later'] } },
      { status: 500 },
      { json: { ok: 1 } },
    );
    expect((await newClient().request('GET', PATH)).body).toEqual({ ok: 1 });
    expect(server.requests).toHaveLength(4);
    const ids = server.requests.map((request) => request.headers['x-request-id']);
    expect(new Set(ids).size).toBe(4);
  });

  test('end with the last error', async () => {
    server.on(GET, { status: 503, json: { errors: ['later'] } });
    expect((await errorOf(newClient().request('GET', PATH))).code).toBe('BUSY');
    expect(server.requests).toHaveLength(QUICK_RETRIES.maxAttempts);
  });

  test('are never made of a POST unless it says that it can be repeated', async () => {
    server.on(`POST ${PATH}`, 'lost');
    expect((await errorOf(newClient().request('POST', PATH, { body: {} }))).code).toBe('OFFLINE');
    expect(server.requests).toHaveLength(1);
  });

  test('are never made of what only a person can put right', async () => {
    server.on(GET, { status: 403, json: { errors: ['no'] } });
    expect((await errorOf(newClient().request('GET', PATH))).code).toBe('FORBIDDEN');
    expect(server.requests).toHaveLength(1);
  });

  test('wait as long as the server asks, up to the cap', async () => {
    server.on(GET, { status: 429, json: {}, headers: { 'retry-after': '40' } }, { json: {} });
    const delays: unknown[] = [];
    const log: LogPort = { log: (_level, _message, fields) => delays.push(fields?.delayMs) };
    const retryPolicy = { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 20 };
    await newClient({ log, retryPolicy }).request('GET', PATH);
    expect(delays).toContain(20);
  });
});

describe('an answer that is no success', () => {
  test.each([
    [400, 'REFUSED'],
    [401, 'NOT_SIGNED_IN'],
    [403, 'FORBIDDEN'],
    [404, 'NOT_FOUND'],
    [405, 'REFUSED'],
    [409, 'BUSY'],
    [410, 'NOT_FOUND'],
    [413, 'TOO_LARGE'],
    [422, 'REFUSED'],
    [429, 'BUSY'],
    [500, 'SERVER'],
    [502, 'SERVER'],
    [503, 'BUSY'],
    [504, 'BUSY'],
    [507, 'FULL'],
  ])('with status %d is %s, with the words and the request id of the server', async (status, code) => {
    const requestId = 'req-abcdefghij0123456789';
    server.on(GET, {
      status,
      json: { errors: [`the reason (${requestId})`] },
      headers: { 'x-request-id': requestId },
    });
    const error = await errorOf(newClient().request('GET', PATH, { retry: false }));
    expect(error).toMatchObject({ code, httpStatus: status, requestId });
    expect(error.message).toContain('the reason');
    expect(error.message).not.toContain(requestId);
  });

  test('with a malformed request id goes by ours', async () => {
    server.on(GET, { status: 422, json: {}, headers: { 'x-request-id': '<b>' } });
    const error = await errorOf(newClient().request('GET', PATH));
    expect(error.requestId).toBe(server.requests[0]?.headers['x-request-id']);
  });

  test('because the token has run out says when it did', async () => {
    server.on(GET, { status: 401, json: { errors: ['Not logged in'] } });
    const client = newClient({ clock: new ManualClock(Date.parse('2026-11-01T12:00:00Z')) });
    expect((await errorOf(client.request('GET', PATH))).message).toContain('does not accept the token');
    client.noteTokenExpiry(Date.parse('2026-10-31T12:00:00Z'));
    expect((await errorOf(client.request('GET', PATH))).message).toContain('expired on 2026-10-31');
  });

  test('never makes the token, or its secret, part of an error or of the log', async () => {
    const lines: string[] = [];
    const log: LogPort = { log: (...line) => lines.push(JSON.stringify(line)) };
    const secret = TEST_TOKEN.split('/')[2] ?? '';
    server.on(GET, { status: 503, json: { errors: [`bad token ${TEST_TOKEN}, also ${secret}`] } });
    const error = await errorOf(newClient({ log }).request('GET', PATH, { query: { a: 1 } }));
    expect(lines.length).toBeGreaterThan(0);
    const everything = `${lines.join()} ${JSON.stringify(error)} ${error.message} ${error.stack} ${error.cause}`;
    expect(everything).toContain('bad token');
    expect(everything).not.toContain(secret);
  });

  test('with endless words of the server is cut', async () => {
    server.on(GET, { status: 422, json: { errors: ['x'.repeat(100_000)] } });
    expect((await errorOf(newClient().request('GET', PATH))).message.length).toBeLessThan(600);
  });

  test.each([
    ['a redirect', { status: 302, headers: { location: 'https://localhost/elsewhere' } }],
    ['a page for 404', { status: 404, text: '<html>', headers: { 'content-type': 'text/html' } }],
    ['a page for 401', { status: 401, text: '<html>', headers: { 'content-type': 'text/html' } }],
  ] satisfies ReadonlyArray<readonly [string, ScriptedAnswer]>)(
    'as %s is not from an Arvados',
    async (_what, answer) => {
      server.on(GET, answer);
      const error = await errorOf(newClient().request('GET', PATH));
      expect(error.code).toBe('NOT_ARVADOS');
      expect(error.action).toBeDefined();
      expect(server.requests).toHaveLength(1);
    },
  );

  test.each([
    [502, 'SERVER'],
    [503, 'BUSY'],
    [413, 'TOO_LARGE'],
  ])('as a page of the web server in front, with %d, is still %s', async (status, code) => {
    server.on(GET, { status, text: '<html>', headers: { 'content-type': 'text/html' } });
    expect((await errorOf(newClient().request('GET', PATH, { retry: false }))).code).toBe(code);
  });
});

describe('a success that is none', () => {
  test.each([
    ['a web page', { text: '<html>', headers: { 'content-type': 'text/html' } }, 'NOT_ARVADOS'],
    ['plain text', { text: 'ok', headers: { 'content-type': 'text/plain' } }, 'NOT_ARVADOS'],
    ['text without a type', { text: 'ok' }, 'NOT_ARVADOS'],
    ['an empty answer', { text: '' }, 'BAD_ANSWER'],
    ['broken JSON', { text: '{"a":', headers: { 'content-type': 'application/json' } }, 'BAD_ANSWER'],
    ['a JSON array', { json: [] }, 'BAD_ANSWER'],
    ['null', { json: null }, 'BAD_ANSWER'],
    ['a JSON string', { json: 'hello' }, 'BAD_ANSWER'],
  ] satisfies ReadonlyArray<readonly [string, ScriptedAnswer, string]>)(
    'as %s is told apart',
    async (_what, answer, code) => {
      server.on(GET, answer);
      const error = await errorOf(newClient().request('GET', PATH, { retry: false }));
      expect(error.code).toBe(code);
      expect(error.message).toContain(server.host);
      expect(error.requestId).toMatch(/^req-/);
    },
  );

  test.each([
    ['says how long it is', { 'content-length': 2_000_020 }],
    ['does not say so', { 'transfer-encoding': 'chunked' }],
  ])('because it is longer than allowed is cut off, where it %s', async (_how, headers) => {
    server.on(GET, {
      text: JSON.stringify({ x: 'x'.repeat(2_000_012) }),
      headers: { 'content-type': 'application/json', ...headers },
    });
    const error = await errorOf(newClient({ maxAnswerBytes: 1_000_000 }).request('GET', PATH));
    expect(error.code).toBe('TOO_LARGE');
    expect(server.requests).toHaveLength(1);
  });

  test('because it breaks off half-way is OFFLINE', async () => {
    server.server.removeAllListeners('request');
    server.server.on('request', (_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      outgoing.write('{"a":1', () => outgoing.destroy());
    });
    expect((await errorOf(newClient().request('GET', PATH, { retry: false }))).code).toBe('OFFLINE');
  });
});

describe('silence', () => {
  test('ends with TIMEOUT after 300 seconds, not before', async () => {
    const clock = new ManualClock();
    server.on(GET, 'silent');
    let error: unknown;
    const running = errorOf(newClient({ clock }).request('GET', PATH, { retry: false })).then((thrown) => {
      error = thrown;
    });
    await server.waitForRequests(1);
    clock.advance(299_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(error).toBeUndefined();
    clock.advance(1);
    await running;
    expect(error).toMatchObject({ code: 'TIMEOUT' });
    expect(clock.timerCount).toBe(0);
  });

  test('leaves no timer after a good answer', async () => {
    const clock = new ManualClock();
    server.on(GET, { json: {} });
    await newClient({ clock }).request('GET', PATH);
    expect(clock.timerCount).toBe(0);
  });
});
