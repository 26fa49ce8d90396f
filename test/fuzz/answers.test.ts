import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchCurrentUser, fetchTokenInfo } from '../../src/api/account.ts';
import { ArvadosApi } from '../../src/api/arvados-api.ts';
import { fetchClusterConfig } from '../../src/api/cluster-config.ts';
import { fetchDiscovery, readDiscovery } from '../../src/api/discovery.ts';
import { readSocketMessage } from '../../src/api/event-messages.ts';
import { fetchKeepServices } from '../../src/api/keep-services.ts';
import {
  COLLECTION_UUID,
  clientOptions,
  collectionJson,
  discoveryDocument,
} from '../support/api-fixtures.ts';
import { type ScriptedAnswer, ScriptedApiServer } from '../support/api-server.ts';
import {
  damagedJson,
  damagedText,
  hostileJson,
  poisonedText,
  resultOrRefusalOf,
  tries,
} from '../support/hostile.ts';
import { SEED } from '../support/seed.ts';

let server: ScriptedApiServer;
beforeAll(async () => {
  server = await ScriptedApiServer.start();
});
afterAll(() => server.close());

const service = {
  uuid: 'zzzzz-bi6l4-000000000000001',
  service_host: 'keep.example.org',
  service_port: 443,
  service_ssl_flag: true,
  service_type: 'disk',
  read_only: false,
};
const user = {
  uuid: 'zzzzz-tpzed-000000000000001',
  email: 'a@example.org',
  full_name: 'A B',
  is_active: true,
};
const config = {
  Collections: { BlobSigning: true, BlobSigningTTL: '336h0m0s' },
  StorageClasses: { default: { Default: true } },
  Services: { Workbench2: { ExternalURL: 'https://wb.example.org/' } },
};
const token = { uuid: 'zzzzz-gj3su-000000000000001', expires_at: '2030-01-01T00:00:00Z', scopes: ['all'] };
const collection = collectionJson({ manifest_text: '' });

/** What a server, or whoever stands in its place, may answer to anything. */
const answerTo = (good: unknown): fc.Arbitrary<ScriptedAnswer> =>
  fc.oneof(
    { weight: 4, arbitrary: damagedJson(good).map((json): ScriptedAnswer => ({ json })) },
    { weight: 2, arbitrary: hostileJson.map((json): ScriptedAnswer => ({ json: json ?? null })) },
    {
      weight: 2,
      arbitrary: damagedText(fc.constant(JSON.stringify(good))).map(
        (text): ScriptedAnswer => ({ text, headers: { 'content-type': 'application/json' } }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(poisonedText, fc.constantFrom('text/html', 'application/json', 'x', 'application/json; x'))
        .map(([text, type]): ScriptedAnswer => ({ text, headers: { 'content-type': type } })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(201, 204, 302, 400, 401, 403, 404, 413, 422, 500, 507, 599), hostileJson)
        .map(
          ([status, json]): ScriptedAnswer =>
            status === 204
              ? { status }
              : { status, json: json ?? null, headers: { location: 'http://evil.example.org/' } },
        ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<ScriptedAnswer>({
        text: `${'['.repeat(50_000)}`,
        headers: { 'content-type': 'application/json' },
      }),
    },
  );

describe(`answers of a server that is not to be trusted (seed ${SEED})`, () => {
  const asked: ReadonlyArray<readonly [string, unknown, string, (api: ArvadosApi) => Promise<unknown>]> = [
    [
      'the discovery document',
      discoveryDocument(),
      '/discovery/v1/apis/arvados/v1/rest',
      (api) => fetchDiscovery(api.client),
    ],
    [
      'the Keep services',
      { items: [service] },
      '/arvados/v1/keep_services/accessible',
      async (api) => {
        for (const { baseUrl } of await fetchKeepServices(api.client)) {
          // a token will go there: it must be an address and nothing else
          expect(new URL(baseUrl)).toMatchObject({
            pathname: '/',
            search: '',
            hash: '',
            username: '',
            password: '',
          });
        }
      },
    ],
    ['the user', user, '/arvados/v1/users/current', (api) => fetchCurrentUser(api.client)],
    [
      'the token',
      token,
      '/arvados/v1/api_client_authorizations/current',
      (api) => fetchTokenInfo(api.client),
    ],
    ['the configuration', config, '/arvados/v1/config', (api) => fetchClusterConfig(api.client)],
    [
      'a collection',
      collection,
      `/arvados/v1/collections/${COLLECTION_UUID}`,
      (api) => api.collections.getWithManifest(COLLECTION_UUID),
    ],
    [
      'a list',
      { items: [collection] },
      '/arvados/v1/collections',
      async (api) => {
        let count = 0;
        for await (const item of api.collections.list()) {
          expect(typeof item.uuid).toBe('string');
          count += 1;
          if (count > 20) {
            break;
          }
        }
      },
    ],
  ];

  test.each(asked)(
    'about %s are taken right or refused',
    { timeout: 600_000 },
    async (_what, good, path, ask) => {
      const seen = { taken: 0, refused: 0 };
      const api = new ArvadosApi(
        clientOptions(server, { retryPolicy: { maxAttempts: 2, baseDelayMs: 0, maxDelayMs: 0 } }),
      );
      try {
        server.on(`GET ${path}`, { json: good });
        await ask(api);
        await fc.assert(
          fc.asyncProperty(answerTo(good), async (answer) => {
            server.on(`GET ${path}`, answer);
            const isTaken = (await resultOrRefusalOf(async () => [await ask(api)])) !== undefined;
            seen[isTaken ? 'taken' : 'refused'] += 1;
          }),
          { seed: SEED, numRuns: tries(120, 1_000) },
        );
      } finally {
        api.close();
      }
      expect(seen.refused).toBeGreaterThan(10);
    },
  );

  test('as a whole document of discovery', () => {
    fc.assert(
      fc.property(fc.oneof(damagedJson(discoveryDocument()), hostileJson), (body) => {
        const discovery = readDiscovery(body);
        if (discovery !== undefined) {
          expect(discovery.uuidPrefix).toMatch(/^[a-z0-9]{5}$/);
          expect(discovery.blobSignatureTtlMs).toBeGreaterThan(0);
          expect(discovery.maxRequestBytes).toBeGreaterThan(0);
        }
      }),
      { seed: SEED, numRuns: tries(2_000, 1_000) },
    );
  });

  test('over the web socket', () => {
    const good = fc.constantFrom(
      '{"status":200}',
      '{}',
      '{"id":7,"object_uuid":"zzzzz-4zz18-000000000000001","event_type":"update"}',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          damagedText(good),
          hostileJson.map((value) => JSON.stringify(value)),
          poisonedText,
        ),
        (text) => {
          expect(['change', 'answer', 'ping', 'unknown']).toContain(readSocketMessage(text).kind);
        },
      ),
      { seed: SEED, numRuns: tries(2_000, 1_000) },
    );
  });
});
