import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ArvadosApi } from '../../src/api/arvados-api.ts';
import { parseGoDurationMs } from '../../src/api/cluster-config.ts';
import { readDiscovery } from '../../src/api/discovery.ts';
import { clientOptions, discoveryDocument, errorOf } from '../support/api-fixtures.ts';
import { ScriptedApiServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DISCOVERY = 'GET /discovery/v1/apis/arvados/v1/rest';

let server: ScriptedApiServer;
let api: ArvadosApi;
let clock: ManualClock;

beforeEach(async () => {
  server = await ScriptedApiServer.start();
  clock = new ManualClock();
  api = new ArvadosApi(
    clientOptions(server, { clock, retryPolicy: { maxAttempts: 1, baseDelayMs: 1, maxDelayMs: 1 } }),
  );
});

afterEach(async () => {
  api.close();
  await server.close();
});

describe('the discovery document', () => {
  test('is read without a token, once for all callers, and again the next day', async () => {
    server.on(DISCOVERY, { json: discoveryDocument({ websocketUrl: 'wss://ws.example.org/websocket' }) });
    const [first] = await Promise.all([api.discovery(), api.discovery()]);
    await api.discovery();
    expect(first).toEqual({
      uuidPrefix: 'zzzzz',
      revision: '20250402',
      defaultCollectionReplication: 2,
      maxRequestBytes: 134_217_728,
      websocketUrl: 'wss://ws.example.org/websocket',
      blobSignatureTtlMs: 1_209_600_000,
      canReplaceFiles: true,
    });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
    clock.advance(86_400_000);
    await api.discovery();
    expect(server.requests).toHaveLength(2);
  });

  test('is asked for again after a failure', async () => {
    server.on(DISCOVERY, { status: 503 }, { json: discoveryDocument() });
    expect((await errorOf(api.discovery())).code).toBe('BUSY');
    expect((await api.discovery()).uuidPrefix).toBe('zzzzz');
  });

  test('does not fail for one caller because another gave up', async () => {
    server.on(DISCOVERY, 'silent', { json: discoveryDocument() });
    const stop = new AbortController();
    const first = errorOf(api.discovery(stop.signal));
    await server.waitForRequests(1);
    const second = api.discovery();
    stop.abort();
    expect((await first).code).toBe('CANCELLED');
    expect((await second).uuidPrefix).toBe('zzzzz');
  });

  test('of something else is NOT_ARVADOS', async () => {
    server.on(DISCOVERY, { json: { kind: 'another#service' } });
    const error = await errorOf(api.discovery());
    expect(error.code).toBe('NOT_ARVADOS');
    expect(error.message).toContain('answers, but not as an Arvados API');
    expect(error.action).toContain('Workbench');
  });

  test('with the least that the official SDK needs is enough', () => {
    expect(
      readDiscovery({ rootUrl: 'https://h/', servicePath: '', uuidPrefix: 'abcde', resources: {} }),
    ).toEqual({
      uuidPrefix: 'abcde',
      revision: '',
      defaultCollectionReplication: 2,
      maxRequestBytes: 134_217_728,
      websocketUrl: '',
      blobSignatureTtlMs: 1_209_600_000,
      canReplaceFiles: false,
    });
  });

  const update = (method: unknown): unknown => ({ collections: { methods: { update: method } } });

  test.each([
    ['names the parameter', discoveryDocument(), true],
    [
      'names it in the request schema',
      discoveryDocument({ resources: update({ request: { properties: { replace_files: {} } } }) }),
      true,
    ],
    ['does not name it', discoveryDocument({ resources: update({ parameters: { uuid: {} } }) }), false],
    // 2.7 names it, but takes no `manifest_text/…` sources.
    ['is older than 3.0', discoveryDocument({ revision: '20231117' }), false],
    ['is of 3.0', discoveryDocument({ revision: '20240627' }), true],
    ['has no revision', discoveryDocument({ revision: undefined }), true],
  ])('of a server that %s decides about changing file by file', (_what, document, expected) => {
    expect(readDiscovery(document)?.canReplaceFiles).toBe(expected);
  });
});

describe('the configuration', () => {
  test('names the default storage classes and the lifetime of signatures', async () => {
    server.on('GET /arvados/v1/config', {
      json: {
        Collections: { BlobSigning: true, BlobSigningTTL: '48h0m0s', CollectionVersioning: true },
        StorageClasses: { fast: { Default: true }, archive: { Default: false }, cold: { Default: true } },
        Services: { Workbench2: { ExternalURL: 'https://wb.example.org/' }, Controller: null },
      },
    });
    expect(await api.config()).toEqual({
      storageClasses: ['archive', 'cold', 'fast'],
      defaultStorageClasses: ['cold', 'fast'],
      blobSigning: true,
      blobSigningTtlMs: 48 * 3_600_000,
      collectionVersioning: true,
      forwardSlashNameSubstitution: '',
      workbenchUrl: 'https://wb.example.org/',
    });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  test('that says nothing means what Arvados means by default', async () => {
    server.on('GET /arvados/v1/config', { json: {} });
    expect(await api.config()).toMatchObject({
      defaultStorageClasses: ['default'],
      blobSigning: true,
      blobSigningTtlMs: 14 * 86_400_000,
      workbenchUrl: undefined,
    });
  });

  test.each([
    ['336h0m0s', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['250ms', 250],
    ['-1s', -1_000],
    ['0', 0],
    ['12', undefined],
    ['', undefined],
    ['two weeks', undefined],
  ])('reads the duration %j as %j ms', (text, expected) => {
    expect(parseGoDurationMs(text)).toBe(expected);
  });
});

describe('the account', () => {
  test('is the user of the token', async () => {
    server.on('GET /arvados/v1/users/current', {
      json: {
        uuid: 'zzzzz-tpzed-000000000000001',
        email: 'ada@example.org',
        first_name: 'Ada',
        last_name: 'Byron',
        username: null,
        is_active: true,
        is_admin: false,
      },
    });
    expect(await api.currentUser()).toEqual({
      uuid: 'zzzzz-tpzed-000000000000001',
      email: 'ada@example.org',
      fullName: 'Ada Byron',
      username: '',
      isActive: true,
      isAdmin: false,
    });
  });

  test('that is none is a BAD_ANSWER which names the field', async () => {
    server.on('GET /arvados/v1/users/current', { json: { uuid: 5 } });
    const error = await errorOf(api.currentUser());
    expect(error.code).toBe('BAD_ANSWER');
    expect(error.message).toContain('uuid');
  });

  test('keeps the end of the token for the day when it is refused, and never the token', async () => {
    server.on('GET /arvados/v1/api_client_authorizations/current', {
      json: {
        uuid: 'zzzzz-gj3su-000000000000001',
        api_token: 's3cr3t',
        expires_at: '2026-11-02T00:00:00.000000000Z',
      },
    });
    const info = await api.tokenInfo();
    expect(info).toEqual({
      uuid: 'zzzzz-gj3su-000000000000001',
      expiresAtMs: Date.parse('2026-11-02T00:00:00Z'),
      scopes: ['all'],
    });
    clock.advance(2 * 86_400_000);
    server.on('GET /arvados/v1/users/current', { status: 401, json: { errors: ['Not logged in'] } });
    const error = await errorOf(api.currentUser());
    expect(error.code).toBe('NOT_SIGNED_IN');
    expect(error.message).toContain('expired on 2026-11-02');
  });
});

describe('the list of Keep services', () => {
  const service = (more: Record<string, unknown>): Record<string, unknown> => ({
    uuid: 'zzzzz-bi6l4-000000000000000',
    service_host: 'keep0.example.org',
    service_port: 25107,
    service_ssl_flag: false,
    service_type: 'disk',
    read_only: false,
    ...more,
  });

  test('becomes addresses', async () => {
    server.on('GET /arvados/v1/keep_services/accessible', {
      json: {
        items: [
          service({}),
          service({
            service_host: '::1',
            service_port: 443,
            service_ssl_flag: true,
            service_type: 'proxy',
            read_only: true,
          }),
        ],
      },
    });
    expect(await api.keepServices()).toEqual([
      {
        uuid: 'zzzzz-bi6l4-000000000000000',
        baseUrl: 'http://keep0.example.org:25107',
        serviceType: 'disk',
        readOnly: false,
      },
      {
        uuid: 'zzzzz-bi6l4-000000000000000',
        baseUrl: 'https://[::1]:443',
        serviceType: 'proxy',
        readOnly: true,
      },
    ]);
  });

  test.each([
    ['no items', {}],
    ['a port that is none', { items: [service({ service_port: 'x' })] }],
    ['a host that is none', { items: [service({ service_host: '' })] }],
  ])('with %s is a BAD_ANSWER', async (_what, json) => {
    server.on('GET /arvados/v1/keep_services/accessible', { json });
    expect((await errorOf(api.keepServices())).code).toBe('BAD_ANSWER');
  });
});
