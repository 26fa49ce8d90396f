import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiClient, type ApiClientOptions } from '../../src/api/api-client.ts';
import { type AccountChecks, checkAccount } from '../../src/api/checks.ts';
import { reachKeepService } from '../../src/api/reach-keep.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { clientOptions, discoveryDocument, errorOf } from '../support/api-fixtures.ts';
import { ScriptedApiServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DISCOVERY = 'GET /discovery/v1/apis/arvados/v1/rest';
const USER = 'GET /arvados/v1/users/current';
const TOKEN = 'GET /arvados/v1/api_client_authorizations/current';
const SERVICES = 'GET /arvados/v1/keep_services/accessible';
const NOW = 'Sun, 01 Nov 2026 12:00:00 GMT';

const ada = { uuid: 'zzzzz-tpzed-000000000000001', full_name: 'Ada Byron', is_active: true };
const keep = (number: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  uuid: `zzzzz-bi6l4-00000000000000${number}`,
  service_host: `keep${number}.example.org`,
  service_port: 443,
  service_ssl_flag: true,
  service_type: 'disk',
  read_only: false,
  ...more,
});

let server: ScriptedApiServer;
let clock: ManualClock;

beforeEach(async () => {
  server = await ScriptedApiServer.start();
  clock = new ManualClock(Date.parse(NOW));
  server.on(DISCOVERY, { json: discoveryDocument(), headers: { date: NOW } });
  server.on(USER, { json: ada });
  server.on(TOKEN, { json: { uuid: 'zzzzz-gj3su-000000000000001', expires_at: '2026-11-11T12:00:00Z' } });
  server.on(SERVICES, { json: { items: [keep(0), keep(1)] } });
});

afterEach(async () => {
  await server.close();
});

async function check(
  more: Partial<ApiClientOptions> = {},
  reachKeep: (baseUrl: string) => void = () => undefined,
): Promise<AccountChecks> {
  const noRetries = { maxAttempts: 1, baseDelayMs: 1, maxDelayMs: 1 };
  const client = new ApiClient(clientOptions(server, { clock, retryPolicy: noRetries, ...more }));
  try {
    return await checkAccount({ client, clock, reachKeep: async ({ baseUrl }) => reachKeep(baseUrl) });
  } finally {
    client.close();
  }
}

/** `host+ token-`: the questions in order, and how each came out. */
function outcome(result: AccountChecks): string {
  return result.checks.map(({ id, ok }) => `${id}${ok ? '+' : '-'}`).join(' ');
}

describe('checking an account', () => {
  test('says of each question that all is well, and brings what was learnt', async () => {
    const result = await check();
    expect(outcome(result)).toBe('host+ certificate+ arvados+ clock+ token+ keep+');
    expect(result.ok).toBe(true);
    expect(result.user?.fullName).toBe('Ada Byron');
    expect(result.discovery?.uuidPrefix).toBe('zzzzz');
    expect(result.keepServices).toHaveLength(2);
    expect(result.checks.find(({ id }) => id === 'token')?.message).toContain(
      'Ada Byron; the token is good for 10',
    );
    expect(result.checks.find(({ id }) => id === 'arvados')?.message).toBe('Arvados, cluster zzzzz');
    expect(result.checks.find(({ id }) => id === 'clock')?.message).toBe('Less than 2 seconds apart');
  });

  test('stops at a host that is away', async () => {
    const host = server.host;
    await server.close();
    const result = await check({ host });
    server = await ScriptedApiServer.start();
    expect(outcome(result)).toBe('host-');
    expect(result.ok).toBe(false);
    expect(result.checks[0]?.action).toBeDefined();
  });

  test('stops at a certificate that nobody vouches for, but not where a person said so', async () => {
    expect(outcome(await check({ ca: undefined }))).toBe('host+ certificate-');
    const insecure = await check({ ca: undefined, insecure: true });
    expect(insecure.ok).toBe(true);
    expect(insecure.checks[1]?.message).toContain('not checked');
  });

  test('stops at something that is no Arvados', async () => {
    server.on(DISCOVERY, { text: '<html>', headers: { 'content-type': 'text/html' } });
    const result = await check();
    expect(outcome(result)).toBe('host+ certificate+ arvados-');
    expect(result.checks[2]?.action).toContain('Workbench');
  });

  test.each([
    [-3_600_000, '60 minutes behind'],
    [3_600_000, '60 minutes ahead of'],
  ])('notices a clock that is wrong by %d ms, and goes on', async (skewMs, words) => {
    clock.advance(skewMs);
    clock = new ManualClock(Date.parse(NOW) + skewMs);
    const result = await check();
    expect(outcome(result)).toBe('host+ certificate+ arvados+ clock- token+ keep+');
    expect(result.ok).toBe(false);
    expect(result.checks[3]?.message).toContain(words);
  });

  test('lets a clock be wrong by a minute', async () => {
    clock = new ManualClock(Date.parse(NOW) + 60_000);
    expect((await check()).ok).toBe(true);
  });

  test('stops at a token that is not accepted', async () => {
    server.on(USER, { status: 401, json: { errors: ['Not logged in'] } });
    const result = await check();
    expect(outcome(result)).toBe('host+ certificate+ arvados+ clock+ token-');
    expect(result.checks[4]).toMatchObject({ requestId: expect.stringMatching(/^req-/) });
  });

  test('notices an account that is not active', async () => {
    server.on(USER, { json: { ...ada, is_active: false } });
    const result = await check();
    expect(outcome(result)).toBe('host+ certificate+ arvados+ clock+ token- keep+');
    expect(result.checks[4]?.message).toContain('not active');
  });

  test('is content with a token that may not read its own record', async () => {
    server.on(TOKEN, { status: 403, json: { errors: ['scope'] } });
    const result = await check();
    expect(result.ok).toBe(true);
    expect(result.token).toBeUndefined();
  });

  test.each([
    ['there is no Keep service', [], 'names no Keep service'],
    ['there are only gateways', [keep(0, { service_type: 'gateway:test' })], 'names no Keep service'],
    ['all are read-only', [keep(0, { read_only: true })], 'read-only'],
  ])('notices that %s', async (_what, items, words) => {
    server.on(SERVICES, { json: { items } });
    const result = await check();
    expect(outcome(result)).toBe('host+ certificate+ arvados+ clock+ token+ keep-');
    expect(result.checks[5]?.message).toContain(words);
  });

  test('asks every Keep service, and is content with some', async () => {
    const asked: string[] = [];
    const result = await check({}, (baseUrl) => {
      asked.push(baseUrl);
      if (baseUrl.includes('keep1')) {
        throw new KeepsyncError('OFFLINE', 'keep1 is away');
      }
    });
    expect(asked).toEqual(['https://keep0.example.org:443', 'https://keep1.example.org:443']);
    expect(result.ok).toBe(true);
    expect(result.checks[5]?.message).toBe('1 of 2 Keep services answer');
  });

  test('notices that no Keep service answers', async () => {
    const result = await check({}, () => {
      throw new KeepsyncError('OFFLINE', 'keep is away', { action: 'wait' });
    });
    expect(result.checks[5]).toMatchObject({ ok: false, message: 'keep is away', action: 'wait' });
  });

  test('ends with CANCELLED when asked to stop', async () => {
    server.on(USER, 'silent');
    const stop = new AbortController();
    const client = new ApiClient(clientOptions(server));
    const running = errorOf(
      checkAccount({ client, clock, reachKeep: async () => undefined, signal: stop.signal }),
    );
    await server.waitForRequests(2);
    stop.abort();
    expect((await running).code).toBe('CANCELLED');
    client.close();
  });
});

describe('reaching a Keep service', () => {
  let keepServer: Server;
  let headers: Record<string, unknown> | undefined;
  let answers: boolean;

  beforeEach(async () => {
    answers = true;
    keepServer = createServer((request, response) => {
      headers = request.headers;
      if (answers) {
        response.writeHead(401).end('Unauthorized');
      }
    }).listen(0, '127.0.0.1');
    await once(keepServer, 'listening');
  });

  afterEach(() => {
    keepServer.closeAllConnections();
    keepServer.close();
  });

  const reach = (signal?: AbortSignal): Promise<void> =>
    reachKeepService(
      {
        uuid: 'zzzzz-bi6l4-000000000000000',
        baseUrl: `http://127.0.0.1:${(keepServer.address() as AddressInfo).port}`,
        serviceType: 'disk',
        readOnly: false,
      },
      { tls: { insecure: false }, clock, requestId: 'req-1', signal },
    );

  test('takes any answer for an answer, and never sends a token', async () => {
    await reach();
    expect(headers).toMatchObject({ 'x-request-id': 'req-1' });
    expect(headers).not.toHaveProperty('authorization');
    expect(clock.timerCount).toBe(0);
  });

  test('fails with OFFLINE where nobody listens', async () => {
    const { port } = keepServer.address() as AddressInfo;
    keepServer.close();
    await once(keepServer, 'close');
    const error = await errorOf(
      reachKeepService(
        { uuid: 'x', baseUrl: `http://127.0.0.1:${port}`, serviceType: 'disk', readOnly: false },
        { tls: { insecure: false }, clock, requestId: 'req-1' },
      ),
    );
    expect(error.code).toBe('OFFLINE');
  });

  test('fails with TIMEOUT where there is silence, and with CANCELLED when asked to stop', async () => {
    answers = false;
    const waiting = errorOf(reach());
    await once(keepServer, 'request');
    clock.advance(20_000);
    expect((await waiting).code).toBe('TIMEOUT');
    const stop = new AbortController();
    const stopped = errorOf(reach(stop.signal));
    stop.abort();
    expect((await stopped).code).toBe('CANCELLED');
    expect((await errorOf(reach(stop.signal))).code).toBe('CANCELLED');
  });
});
