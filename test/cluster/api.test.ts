import { readFileSync } from 'node:fs';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterClient, ClusterStage, type Fields } from '../support/cluster-client.ts';

const stage = new ClusterStage();
let admin: ClusterClient;

beforeAll(async () => {
  admin = await stage.start({ maxRequestSize: 100_000 });
});
afterAll(() => stage.cleanUp());

const errorOf = (body: Fields) => String((body.errors as string[] | undefined)?.[0]);

describe('the API', () => {
  test('is on https with a certificate that its own file makes good, and no other', async () => {
    const [host = '', port = ''] = admin.cluster.apiHost.split(':');
    const isTrusted = (ca: string | undefined, servername: string) =>
      new Promise<boolean>((resolve) => {
        const socket = tlsConnect({
          host,
          port: Number(port),
          servername,
          ...(ca === undefined ? {} : { ca }),
        });
        socket.once('secureConnect', () => {
          resolve(socket.authorized);
          socket.destroy();
        });
        socket.once('error', () => resolve(false));
      });
    const ca = readFileSync(admin.cluster.caFile, 'utf8');
    expect(await isTrusted(ca, 'localhost')).toBe(true);
    expect(await isTrusted(undefined, 'localhost')).toBe(false);
    expect(await isTrusted(ca, 'elsewhere.example')).toBe(false);
  });

  test('describes itself to anybody, under the name that they came by', async () => {
    for (const host of [admin.cluster.apiHost, admin.cluster.apiHost.replace('localhost', '127.0.0.1')]) {
      const headers = { Authorization: '', Host: host };
      const answer = await admin.raw('GET', '/discovery/v1/apis/arvados/v1/rest', { headers });
      const document: Fields = JSON.parse(answer.bytes.toString('utf8'));
      expect(document).toMatchObject({
        rootUrl: `https://${host}/`,
        servicePath: 'arvados/v1/',
        websocketUrl: `wss://${host}/websocket`,
        uuidPrefix: admin.cluster.clusterId,
        defaultCollectionReplication: 1,
        maxRequestSize: 100_000,
      });
      expect(answer.headers['cache-control']).toBeUndefined();
    }
  });

  test('does not let a foreign Host header into the document', async () => {
    const answer = await admin.raw('GET', '/discovery/v1/apis/arvados/v1/rest', {
      headers: { Host: 'evil.example' },
    });
    expect(answer.bytes.toString('utf8')).not.toContain('evil.example');
  });

  test('publishes its configuration', async () => {
    expect((await admin.api('GET', 'config', undefined, { Authorization: '' })).body).toMatchObject({
      ClusterID: admin.cluster.clusterId,
      Collections: {
        BlobSigning: true,
        BlobSigningTTL: '336h0m0s',
        CollectionVersioning: true,
        DefaultReplication: 1,
      },
      StorageClasses: { default: { Default: true } },
    });
  });

  test('shows outside clients proxies only, of which there are none', async () => {
    expect(await admin.list('keep_services/accessible')).toHaveLength(1);
    const outside = await admin.api('GET', 'keep_services/accessible', undefined, {
      'X-External-Client': '1',
    });
    expect(outside.body.items).toEqual([]);
  });

  test('knows who asks by a v2 token, a bare secret, and a token in the query', async () => {
    const secret = admin.token.split('/')[2] ?? '';
    for (const headers of [
      { Authorization: `Bearer ${admin.token}` },
      { Authorization: `OAuth2 ${secret}` },
    ]) {
      expect((await admin.api('GET', 'users/current', undefined, headers)).body.is_admin).toBe(true);
    }
    const query = `users/current?api_token=${encodeURIComponent(admin.token)}`;
    expect((await admin.api('GET', query, undefined, { Authorization: '' })).status).toBe(200);
    const authorization = await admin.good('GET', 'api_client_authorizations/current');
    expect(authorization).toMatchObject({ api_token: secret, scopes: ['all'], expires_at: null });
  });

  test.each([
    ['no token', ''],
    ['an unknown token', 'Bearer nobodyknowsthis'],
    ['a known secret under another uuid', 'v2'],
  ])('answers 401 to %s', async (_, authorization) => {
    const secret = admin.token.split('/')[2];
    const Authorization =
      authorization === 'v2' ? `Bearer v2/zzzzz-gj3su-000000000000000/${secret}` : authorization;
    const answer = await admin.api('GET', 'users/current', undefined, { Authorization });
    expect(answer.status).toBe(401);
    expect(errorOf(answer.body)).toMatch(/^Not logged in \(req-[0-9a-z]{20}\)$/);
  });

  test('gives back the request id, in the header and in errors', async () => {
    const answer = await admin.api('GET', 'nothing/here', undefined, { 'X-Request-Id': 'req-abc' });
    expect(answer.status).toBe(404);
    expect(answer.headers['x-request-id']).toBe('req-abc');
    expect(errorOf(answer.body)).toBe('Path not found (req-abc)');
  });

  test('answers 405 to a method that a path does not take', async () => {
    expect((await admin.api('DELETE', 'users/current')).status).toBe(405);
  });

  test('answers 413 to a body over its limit, and reads on well after it', async () => {
    const answer = await admin.api('POST', 'collections', { description: 'x'.repeat(100_000) });
    expect(answer.status).toBe(413);
    expect((await admin.api('GET', 'users/current')).status).toBe(200);
  });

  test('answers 400 to a body that is not JSON', async () => {
    const headers = { 'Content-Type': 'application/json' };
    expect((await admin.raw('POST', '/arvados/v1/collections', { headers, body: '{' })).status).toBe(400);
    expect((await admin.raw('POST', '/arvados/v1/collections', { headers, body: '[]' })).status).toBe(400);
  });
});

describe('a request', () => {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

  test('may be a form whose values are JSON', async () => {
    const body = new URLSearchParams({
      collection: '{"name":"by form"}',
      ensure_unique_name: 'true',
    }).toString();
    const answer = await admin.raw('POST', '/arvados/v1/collections', { headers: form, body });
    expect(JSON.parse(answer.bytes.toString('utf8')).name).toBe('by form');
  });

  test.each(['_method in the form', 'X-HTTP-Method-Override'])(
    'may be a GET in the clothes of a POST: %s',
    async (how) => {
      const isHeader = how.startsWith('X-');
      const filters = JSON.stringify([['name', '=', 'no such name']]);
      const body = new URLSearchParams({ filters, ...(isHeader ? {} : { _method: 'GET' }) }).toString();
      const headers = isHeader ? { ...form, 'X-HTTP-Method-Override': 'GET' } : form;
      const answer = await admin.raw('POST', '/arvados/v1/collections', { headers, body });
      expect(JSON.parse(answer.bytes.toString('utf8'))).toMatchObject({
        items: [],
        kind: 'arvados#collectionList',
      });
    },
  );

  test('may carry alt=json, which means nothing', async () => {
    expect((await admin.api('GET', 'users/current?alt=json')).status).toBe(200);
    expect((await admin.api('POST', 'collections?alt=json', { name: 'alt' })).status).toBe(200);
  });

  test('takes attributes bare or wrapped, but options beside bare ones for attributes: 422', async () => {
    const wrapped = await admin.good('POST', 'collections', { collection: { name: 'w' }, select: ['name'] });
    expect(Object.keys(wrapped).sort()).toEqual(['etag', 'kind', 'name']);
    const bare = await admin.api('POST', 'collections', { name: 'b', select: ['name'] });
    expect(bare.status).toBe(422);
  });

  test('with an attribute or a selection that does not exist is 422', async () => {
    expect((await admin.api('POST', 'collections', { colour: 'red' })).status).toBe(422);
    expect((await admin.api('GET', 'collections?select=["colour"]')).status).toBe(422);
    expect((await admin.api('GET', 'collections?order=colour')).status).toBe(422);
    expect((await admin.api('GET', 'collections?filters=[["colour","=","red"]]')).status).toBe(422);
    expect((await admin.api('GET', 'collections?filters=[["name","resembles","red"]]')).status).toBe(422);
  });
});

describe('users', () => {
  test('see and change what is theirs or in their projects, and nothing of others', async () => {
    const one = await stage.start();
    const anna = new ClusterClient(one.cluster, await one.cluster.createUser({ name: 'Anna' }));
    const bert = new ClusterClient(one.cluster, await one.cluster.createUser({ name: 'Bert' }));
    const project = await anna.good('POST', 'groups', { group: { group_class: 'project', name: 'P' } });
    const inside = await anna.good('POST', 'groups', {
      group: { group_class: 'project', name: 'Q', owner_uuid: project.uuid },
    });
    const mine = await anna.good('POST', 'collections', { name: 'mine', owner_uuid: inside.uuid });
    expect((await anna.api('GET', `collections/${mine.uuid}`)).status).toBe(200);
    expect((await one.api('GET', `collections/${mine.uuid}`)).status).toBe(200);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect(
        (await bert.api(method, `collections/${mine.uuid}`, method === 'PUT' ? {} : undefined)).status,
      ).toBe(404);
    }
    expect(await bert.list('collections')).toEqual([]);
    expect(await bert.list('logs')).toEqual([]);
    expect((await bert.api('GET', `groups/${project.uuid}/contents`)).status).toBe(404);
    expect((await bert.api('POST', 'collections', { owner_uuid: inside.uuid })).status).toBe(403);
    expect(
      (await anna.api('POST', 'collections', { owner_uuid: 'zzzzz-j7d0g-000000000000000' })).status,
    ).toBe(422);
    expect((await bert.api('POST', 'users', { email: 'x@y' })).status).toBe(403);
    await stage.stop(one);
  });
});

describe('faults that a test asks for', () => {
  test('hit the request that they are meant for: status, cut, delay, and an answer lost after it took effect', async () => {
    const faults = [
      { kind: 'status', status: 503 },
      { kind: 'reset' },
      { kind: 'delay', delayMs: 1 },
      { kind: 'loseAnswer' },
    ] as const;
    const left = [...faults];
    const faulty = await stage.start({
      onRequest: ({ server, method, path }) =>
        server === 'api' && method === 'POST' && path.endsWith('/collections') ? left.shift() : undefined,
    });
    expect((await faulty.api('POST', 'collections', { name: 'a' })).status).toBe(503);
    await expect(faulty.api('POST', 'collections', { name: 'b' })).rejects.toThrow();
    expect((await faulty.api('POST', 'collections', { name: 'c' })).status).toBe(200);
    await expect(faulty.api('POST', 'collections', { name: 'd' })).rejects.toThrow();
    const names = (await faulty.list('collections', { order: 'created_at' })).map((item) => item.name);
    expect(names).toEqual(['c', 'd']);
    await stage.stop(faulty);
  });

  test('hit Keep too', async () => {
    let isFaulty = true;
    const faulty = await stage.start({
      onRequest: ({ server }) => (server === 'keep' && isFaulty ? { kind: 'loseAnswer' } : undefined),
    });
    await expect(faulty.putBlock('stored all the same')).rejects.toThrow();
    isFaulty = false;
    expect((await faulty.putBlock('stored all the same')).length).toBeGreaterThan(40);
    await stage.stop(faulty);
  });
});
