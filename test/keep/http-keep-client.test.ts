import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { HttpKeepClient, type HttpKeepClientOptions } from '../../src/keep/http-keep-client.ts';
import type { KeepService, ServerFailure } from '../../src/keep/ports.ts';
import { RateLimit } from '../../src/keep/rate-limit.ts';
import { rendezvousOrder } from '../../src/keep/rendezvous.ts';
import { makeTestCertificate, type TestCertificate } from '../support/api-certificate.ts';
import { md5Of, sharedBytes } from '../support/block-store-conformance.ts';
import {
  type KeepServer,
  type KeepServerFault,
  type KeepServerOptions,
  startKeepServer,
} from '../support/keep-server.ts';
import { StepClock } from '../support/step-clock.ts';

const TOKEN = 'v2/zzzzz-gj3su-000000000000001/verysecret';
const SMALL = sharedBytes('hello world\n');
const MD5 = '6f5902ac237024bdd0c176cb93063dc4';
const LOCATOR = `${MD5}+12`;
/** Large enough for `Expect: 100-continue`, and for many slices. */
const LARGE = sharedBytes(randomBytes(5_000_000));
const LARGE_MD5 = md5Of(LARGE);
const ONE_COPY = { copies: 1, storageClasses: [] };

const opened: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) {
    await close();
  }
});

/** Servers in the order in which block `md5` asks them. */
async function startServers(
  count: number,
  options: KeepServerOptions = {},
  md5 = MD5,
): Promise<KeepServer[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      startKeepServer({ uuidSuffix: String(i).padStart(15, '0'), ...options }),
    ),
  );
  for (const server of servers) {
    opened.push(() => server.close());
    server.faults.assertAllMetAfterTest();
  }
  const order = rendezvousOrder(
    md5,
    servers.map(({ service }) => service),
  );
  return servers.sort((a, b) => order.indexOf(a.service) - order.indexOf(b.service));
}

function clientOf(
  services: ReadonlyArray<KeepService | KeepServer>,
  options: Partial<HttpKeepClientOptions> = {},
): HttpKeepClient {
  const list = services.map((entry) => ('service' in entry ? entry.service : entry));
  const client = new HttpKeepClient({ token: TOKEN, services: async () => list, ...options });
  opened.push(() => client.close());
  return client;
}

async function errorOf(
  work: Promise<unknown>,
): Promise<KeepsyncError & { failures: readonly ServerFailure[] }> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof KeepsyncError) {
      return thrown as KeepsyncError & { failures: readonly ServerFailure[] };
    }
    throw thrown;
  }
  throw new Error('a failure was expected');
}

async function serverOf(fault: KeepServerFault, method: 'PUT' | 'GET' | 'HEAD' = 'PUT', times = 1) {
  const [server] = await startServers(1);
  if (!server) {
    throw new Error('no server');
  }
  server.faults.add(method, fault, times);
  server.blocks.set(MD5, SMALL.slice());
  server.blocks.set(LARGE_MD5, LARGE.slice());
  return server;
}

describe('A PUT over HTTP', () => {
  it('says who asks, for what, and how much', async () => {
    const [server] = await startServers(1);
    const client = clientOf(server ? [server] : []);
    await client.put(MD5, SMALL, { copies: 1, storageClasses: ['slow', 'fast'] }).catch(() => undefined);
    expect(server?.requests[0]).toMatchObject({
      method: 'PUT',
      path: `/${MD5}`,
      bodyBytes: 12,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'content-length': '12',
        'x-keep-desired-replicas': '1',
        'x-keep-storage-classes': 'fast, slow',
        'x-request-id': expect.stringMatching(/^req-[0-9a-z]{20}$/),
      },
    });
  });

  it('makes two copies on three servers with exactly two requests', async () => {
    for (let i = 0; i < 10; i++) {
      const data = sharedBytes(randomBytes(1000));
      const servers = await startServers(3);
      const result = await clientOf(servers).put(md5Of(data), data, {
        copies: 2,
        storageClasses: ['default'],
      });
      expect(result.copies).toBe(2);
      expect(servers.flatMap(({ requests }) => requests)).toHaveLength(2);
    }
  });

  it('counts one copy where the server does not say how many', async () => {
    const [server] = await startServers(1, { copies: undefined });
    const client = clientOf(server ? [server] : []);
    expect((await client.put(MD5, SMALL, ONE_COPY)).copies).toBe(1);
  });

  it('uses one connection for block after block', async () => {
    const [server] = await startServers(1);
    const client = clientOf(server ? [server] : []);
    for (let i = 0; i < 5; i++) {
      await client.put(MD5, SMALL, ONE_COPY);
      await client.put(LARGE_MD5, LARGE, ONE_COPY);
    }
    expect(server?.connectionCount).toBe(1);
  });

  const refusals: Array<[number, string]> = [
    [400, 'REFUSED'],
    [401, 'NOT_SIGNED_IN'],
    [403, 'FORBIDDEN'],
    [413, 'TOO_LARGE'],
    [423, 'BUSY'],
    [429, 'BUSY'],
    [500, 'SERVER'],
    [503, 'BUSY'],
    [507, 'FULL'],
  ];
  it.each(refusals)('answered %i fails as %s, with status, words and request id', async (status, code) => {
    const server = await serverOf({ kind: 'status', status, text: 'no luck\n' });
    const error = await errorOf(clientOf([server]).put(MD5, SMALL, ONE_COPY));
    expect(error).toMatchObject({ name: 'KeepWriteError', code, httpStatus: status });
    expect(error.requestId).toBe(server.requests[0]?.headers['x-request-id']);
    expect(error.message).toContain('no luck');
    expect(error.message).toContain(server.url);
  });

  const accidents: Array<[string, KeepServerFault, string]> = [
    ['a reset before the body', { kind: 'reset-before-body' }, 'OFFLINE'],
    ['a reset in the middle of the body', { kind: 'reset-during-body', afterBytes: 1_500_000 }, 'OFFLINE'],
    ['a reset after the body', { kind: 'reset-after-body' }, 'OFFLINE'],
    ['a lost answer', { kind: 'lost-answer' }, 'OFFLINE'],
    ['a web page', { kind: 'html' }, 'BAD_ANSWER'],
    ['a redirect', { kind: 'redirect', to: 'http://127.0.0.1:1/' }, 'BAD_ANSWER'],
    ['the md5 of other bytes', { kind: 'wrong-md5' }, 'CHECKSUM'],
    ['another size', { kind: 'wrong-size' }, 'CHECKSUM'],
  ];
  it.each(accidents)('that meets %s fails, and succeeds the next time', async (_, fault, code) => {
    const server = await serverOf(fault);
    const client = clientOf([server]);
    expect((await errorOf(client.put(LARGE_MD5, LARGE, ONE_COPY))).code).toBe(code);
    expect((await client.put(LARGE_MD5, LARGE, ONE_COPY)).locator).toBe(`${LARGE_MD5}+${LARGE.length}`);
  });

  it('does not send a large block to a server that refuses it at once', async () => {
    const server = await serverOf({ kind: 'early-status', status: 401 });
    const error = await errorOf(clientOf([server]).put(LARGE_MD5, LARGE, ONE_COPY));
    expect(error.code).toBe('NOT_SIGNED_IN');
    expect(server.requests[0]?.bodyBytes).toBe(0);
  });

  it('never believes a success that comes before the whole block was sent', async () => {
    const server = await serverOf({ kind: 'early-status', status: 200 });
    expect((await errorOf(clientOf([server]).put(LARGE_MD5, LARGE, ONE_COPY))).code).toBe('BAD_ANSWER');
  });

  it('sends a large block after a second to a server that does not say to continue', async () => {
    const [server] = await startServers(1);
    const release = Promise.withResolvers<void>();
    server?.faults.add('PUT', { kind: 'hold', until: release.promise });
    const clock = new StepClock();
    const client = clientOf(server ? [server] : [], { clock });
    const work = client.put(LARGE_MD5, LARGE, ONE_COPY);
    while (server?.requests.length === 0) {
      await clock.step(0);
    }
    await clock.step(1000);
    release.resolve();
    expect((await work).copies).toBe(1);
  });

  it('meets an idle connection that the server has closed without counting it as a failure', async () => {
    const [server] = await startServers(1);
    const client = clientOf(server ? [server] : []);
    await client.put(MD5, SMALL, ONE_COPY);
    server?.faults.add('PUT', { kind: 'reset-after-body' });
    const attempts: string[] = [];
    await client.put(MD5, SMALL, { ...ONE_COPY, onAttempt: ({ outcome }) => attempts.push(outcome) });
    expect(attempts).toEqual(['started', 'stored']);
    expect(server?.connectionCount).toBe(2);
  });

  it('confirms nothing by an empty class header, and everything by none', async () => {
    const servers = await startServers(1);
    const [server] = servers;
    const wanted = { copies: 1, storageClasses: ['default'] };
    server?.faults.add('PUT', { kind: 'classes', header: '' });
    server?.faults.add('PUT', { kind: 'classes', header: undefined });
    const client = clientOf(servers);
    expect((await errorOf(client.put(MD5, SMALL, wanted))).code).toBe('CLASSES');
    expect(await client.put(MD5, SMALL, wanted)).toMatchObject({ copies: 1, classes: undefined });
  });

  it('is stopped in the middle by its caller', async () => {
    const server = await serverOf({ kind: 'hang' });
    const stop = new AbortController();
    const work = clientOf([server]).put(LARGE_MD5, LARGE, { ...ONE_COPY, signal: stop.signal });
    while (server.requests.length === 0) {
      await new Promise(setImmediate);
    }
    stop.abort();
    expect((await errorOf(work)).code).toBe('CANCELLED');
  });

  it('ends with CLOSED when the client is closed under it', async () => {
    const server = await serverOf({ kind: 'hang' });
    const client = clientOf([server]);
    const work = errorOf(client.put(MD5, SMALL, ONE_COPY));
    while (server.requests.length === 0) {
      await new Promise(setImmediate);
    }
    await client.close();
    expect((await work).code).toBe('CLOSED');
  });
});

describe('A GET over HTTP', () => {
  const damages: Array<[string, KeepServerFault, string]> = [
    ['a 502', { kind: 'status', status: 502 }, 'SERVER'],
    ['a reset', { kind: 'reset-before-body' }, 'OFFLINE'],
    ['a full length and then a cut', { kind: 'cut-answer', afterBytes: 5 }, 'BAD_ANSWER'],
    ['other bytes', { kind: 'wrong-md5' }, 'CHECKSUM'],
    ['too many bytes', { kind: 'wrong-size' }, 'BAD_ANSWER'],
    ['a web page', { kind: 'html' }, 'BAD_ANSWER'],
    ['a redirect', { kind: 'redirect', to: 'http://127.0.0.1:1/' }, 'BAD_ANSWER'],
  ];
  it.each(damages)('answered with %s goes on to the next server', async (_, fault) => {
    const servers = await startServers(2);
    for (const server of servers) {
      server.blocks.set(MD5, SMALL.slice());
    }
    servers[0]?.faults.add('GET', fault);
    expect(Buffer.from(await clientOf(servers).get(LOCATOR)).toString()).toBe('hello world\n');
    expect(servers.map(({ requests }) => requests.length)).toEqual([1, 1]);
  });

  it.each(damages)('answered with %s everywhere fails, and may be tried again', async (_, fault, code) => {
    const server = await serverOf(fault, 'GET');
    const client = clientOf([server]);
    const error = await errorOf(client.get(LOCATOR));
    expect(error).toMatchObject({ name: 'KeepReadError', code });
    expect(error.failures).toHaveLength(1);
    expect((await client.get(LOCATOR)).length).toBe(12);
  });

  it('puts a block together that comes in drips', async () => {
    const server = await serverOf({ kind: 'drip', pieceBytes: 3 }, 'GET');
    expect(Buffer.from(await clientOf([server]).get(LOCATOR)).toString()).toBe('hello world\n');
  });

  it('uses one connection for block after block, and another one where the server has hung up on it', async () => {
    const server = await serverOf({ kind: 'drip', pieceBytes: 1000 }, 'GET');
    const client = clientOf([server]);
    for (let i = 0; i < 3; i++) {
      expect(md5Of(await client.get(`${LARGE_MD5}+${LARGE.length}`))).toBe(LARGE_MD5);
      expect((await client.get(LOCATOR)).length).toBe(12);
    }
    expect(server.connectionCount).toBe(1);
    server.faults.add('GET', { kind: 'reset-after-body' });
    expect((await client.get(LOCATOR)).length).toBe(12);
    expect(server.connectionCount).toBe(2);
  });

  it('leaves a server that gives blocks in chunks to an HTTP client that understands them', async () => {
    const server = await serverOf({ kind: 'in-chunks' }, 'GET', 4);
    const client = clientOf([server]);
    for (let i = 0; i < 3; i++) {
      expect(Buffer.from(await client.get(LOCATOR)).toString()).toBe('hello world\n');
    }
    expect(server.requests).toHaveLength(4);
  });

  it('takes no more than its rate limit allows, and is as right', async () => {
    const server = await serverOf({ kind: 'drip', pieceBytes: 400_000 }, 'GET');
    const downloadLimit = RateLimit.share();
    new RateLimit(downloadLimit, systemClock).setLimit(20_000_000);
    const client = clientOf([server], { downloadLimit });
    expect(md5Of(await client.get(`${LARGE_MD5}+${LARGE.length}`))).toBe(LARGE_MD5);
  });

  it('sends the whole locator with its hints', async () => {
    const [server] = await startServers(1, { signingKey: 'key' });
    server?.blocks.set(MD5, SMALL.slice());
    const signed = `${server?.sign(TOKEN, LOCATOR)}+Zhint`;
    await clientOf(server ? [server] : []).get(signed);
    expect(server?.requests[0]?.path).toBe(`/${signed}`);
  });

  it('finds nothing where each server says 404, 410 or 403', async () => {
    const servers = await startServers(3);
    servers[0]?.faults.add('GET', { kind: 'status', status: 410 });
    servers[1]?.faults.add('GET', { kind: 'status', status: 403 });
    const error = await errorOf(clientOf(servers).get(LOCATOR));
    expect(error).toMatchObject({ name: 'KeepNotFoundError', code: 'NOT_FOUND' });
    expect(error.failures.map(({ httpStatus }) => httpStatus)).toEqual([410, 403, 404]);
  });

  it('does not say "not found" where one server could not be asked', async () => {
    const servers = await startServers(2);
    servers[1]?.faults.add('GET', { kind: 'status', status: 503 });
    const error = await errorOf(clientOf(servers).get(LOCATOR));
    expect(error).toMatchObject({ name: 'KeepReadError', code: 'BUSY' });
    expect(error.message).toContain(servers[0]?.url);
    expect(error.message).toContain(servers[1]?.url);
  });

  it('does not ask a server again in the next round that said no', async () => {
    const servers = await startServers(2);
    servers[1]?.faults.add('GET', { kind: 'status', status: 503 });
    const client = clientOf(servers);
    const error = await errorOf(client.get(LOCATOR));
    const { progress } = error as unknown as { progress: { dropped: ServerFailure[] } };
    const second = await errorOf(client.get(LOCATOR, { round: 2, progress }));
    expect(second.code).toBe('NOT_FOUND');
    expect(servers.map(({ requests }) => requests.length)).toEqual([1, 2]);
  });

  it('tells a signature that ran out from a token that does not count', async () => {
    const [server] = await startServers(1, { signingKey: 'key' });
    const client = clientOf(server ? [server] : []);
    expect((await errorOf(client.get(`${LOCATOR}+A${'0'.repeat(40)}@00000001`))).code).toBe('SIGNATURE');
    expect((await errorOf(client.get(LOCATOR))).code).toBe('SIGNATURE');
    server?.faults.add('GET', { kind: 'status', status: 401 });
    expect((await errorOf(client.get(server?.sign(TOKEN, LOCATOR) ?? ''))).code).toBe('NOT_SIGNED_IN');
  });

  it('asks for no block that is larger than blocks are', async () => {
    const [server] = await startServers(1);
    const error = await errorOf(clientOf(server ? [server] : []).get(`${MD5}+67108865`));
    expect(error.code).toBe('TOO_LARGE');
    expect(server?.requests).toHaveLength(0);
  });

  it('uses a new token from the next request on', async () => {
    const server = await serverOf({ kind: 'drip', pieceBytes: 12 }, 'GET');
    const client = clientOf([server]);
    await client.get(LOCATOR);
    client.setToken('another');
    await client.get(LOCATOR);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${TOKEN}`,
      'Bearer another',
    ]);
  });
});

describe('A HEAD over HTTP', () => {
  it('goes on to the next server, and minds the size', async () => {
    const servers = await startServers(3);
    for (const server of servers) {
      server.blocks.set(MD5, SMALL.slice());
    }
    servers[0]?.faults.add('HEAD', { kind: 'status', status: 503 });
    servers[1]?.faults.add('HEAD', { kind: 'wrong-size' });
    await clientOf(servers).head(LOCATOR);
    expect(servers.map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
  });
});

describe('Time limits', () => {
  it.each([
    ['a disk server', 'disk', 1, 2000],
    ['a disk server in the third round', 'disk', 3, 8000],
    ['a proxy', 'proxy', 1, 20_000],
    ['a proxy in a late round', 'proxy', 9, 300_000],
  ])('give %s so long for a connection', async (_, serviceType, round, limitMs) => {
    // A TLS client of a server that never says a word is connecting for good.
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const sockets: Array<{ destroy(): void }> = [];
    const accepted = Promise.withResolvers<void>();
    silent.on('connection', (socket) => {
      sockets.push(socket);
      accepted.resolve();
    });
    opened.push(async () => {
      for (const socket of sockets) {
        socket.destroy();
      }
      await new Promise((resolve) => silent.close(resolve));
    });
    const address = silent.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const clock = new StepClock();
    const service = { uuid: 'zzzzz-bi6l4-000000000000000', serviceType, readOnly: false };
    const timeouts = { idleMs: 1_000_000, slowWindowMs: 1_000_000 };
    const client = clientOf([{ ...service, baseUrl: `https://localhost:${port}` }], { clock, timeouts });
    let settled = false;
    const work = errorOf(client.get(LOCATOR, { round })).finally(() => {
      settled = true;
    });
    await accepted.promise;
    await clock.step(limitMs - 1);
    expect(settled).toBe(false);
    await clock.step(1);
    expect((await work).code).toBe('TIMEOUT');
  });

  it('end a request that a server lets hang', async () => {
    const server = await serverOf({ kind: 'hang' }, 'GET');
    const clock = new StepClock();
    const work = errorOf(clientOf([server], { clock, timeouts: { idleMs: 5000 } }).get(LOCATOR));
    while (server.requests.length === 0) {
      await clock.step(0);
    }
    await clock.step(5000);
    const error = await work;
    expect(error.code).toBe('TIMEOUT');
    expect(clock.timerCount).toBe(0);
  });
});

describe('The token', () => {
  const elsewhere: KeepService = {
    uuid: 'zzzzz-bi6l4-000000000000000',
    baseUrl: 'http://keep.invalid:25107',
    serviceType: 'disk',
    readOnly: false,
  };

  it('is never sent over plain http to another host', async () => {
    const client = clientOf([elsewhere]);
    const error = await errorOf(client.put(MD5, SMALL, ONE_COPY));
    expect(error.code).toBe('PLAIN_HTTP');
    expect(error.action).toBeTruthy();
    expect((await errorOf(client.get(LOCATOR))).code).toBe('PLAIN_HTTP');
  });

  it('is taken out of the words of a server that repeats it', async () => {
    const [server] = await startServers(1);
    server?.faults.add('PUT', { kind: 'status', status: 400, text: `no ${TOKEN}, verysecret` });
    const error = await errorOf(clientOf(server ? [server] : []).put(MD5, SMALL, ONE_COPY));
    expect(error.message).toContain('400: no ');
    expect(error.message).not.toContain('verysecret');
  });

  it('is, where the user allowed it', async () => {
    const [server] = await startServers(1);
    // Leads to this host, but is not known to: to the client it is another one.
    const baseUrl = server?.url.replace('127.0.0.1', '0.0.0.0') ?? '';
    expect((await errorOf(clientOf([{ ...elsewhere, baseUrl }]).get(LOCATOR))).code).toBe('PLAIN_HTTP');
    expect(server?.requests).toHaveLength(0);
    await clientOf([{ ...elsewhere, baseUrl }], { allowPlainHttp: true }).put(MD5, SMALL, ONE_COPY);
    expect(server?.requests).toHaveLength(1);
  });

  it.each(['http://127.0.0.1.evil.invalid', 'http://localhost.evil.invalid', 'http://127.1.evil.invalid:80'])(
    'is not taken in by %s',
    async (baseUrl) => {
      expect((await errorOf(clientOf([{ ...elsewhere, baseUrl }]).get(LOCATOR))).code).toBe('PLAIN_HTTP');
    },
  );

  it('is not sent where a redirect points', async () => {
    const target = await serverOf({ kind: 'status', status: 500 }, 'GET', 0);
    const server = await serverOf({ kind: 'redirect', to: target.url }, 'GET');
    expect((await errorOf(clientOf([server]).get(LOCATOR))).code).toBe('BAD_ANSWER');
    expect(target.requests).toHaveLength(0);
  });

  it('is in no error', async () => {
    const server = await serverOf({ kind: 'status', status: 401 });
    const error = await errorOf(clientOf([server]).put(MD5, SMALL, ONE_COPY));
    expect(JSON.stringify([error, error.message, error.stack, error.info])).not.toContain('verysecret');
  });
});

describe('A certificate', () => {
  let certificate: TestCertificate;
  beforeAll(async () => {
    certificate = await makeTestCertificate({ hostName: 'localhost' });
  });

  it('of an unknown authority is not accepted, and that is no passing failure', async () => {
    const servers = await startServers(1, { tls: certificate });
    const error = await errorOf(clientOf(servers).get(LOCATOR));
    expect(error.code).toBe('TLS');
    expect(servers[0]?.requests).toHaveLength(0);
  });

  it('of a private authority is, once that is known', async () => {
    const servers = await startServers(1, { tls: certificate });
    const tls = { rejectUnauthorized: true, ca: certificate.certificatePem };
    const client = clientOf(servers, { tls });
    expect((await client.put(LARGE_MD5, LARGE, ONE_COPY)).copies).toBe(1);
    for (let i = 0; i < 3; i++) {
      expect(md5Of(await client.get(`${LARGE_MD5}+${LARGE.length}`))).toBe(LARGE_MD5);
    }
    // one for what is sent, one for what is read
    expect(servers[0]?.connectionCount).toBe(2);
  });

  it('for another host is not, whoever signed it', async () => {
    const other = await makeTestCertificate({ hostName: 'other.example' });
    const servers = await startServers(1, { tls: other });
    const tls = { rejectUnauthorized: true, ca: other.certificatePem };
    expect((await errorOf(clientOf(servers, { tls }).get(LOCATOR))).code).toBe('TLS');
  });

  it('does not matter where the user said so', async () => {
    const servers = await startServers(1, { tls: certificate });
    const client = clientOf(servers, { tls: { rejectUnauthorized: false } });
    expect((await client.put(MD5, SMALL, ONE_COPY)).copies).toBe(1);
    expect((await client.get(LOCATOR)).length).toBe(12);
  });
});

describe('The list of services', () => {
  it('is asked for once, and again before each later round', async () => {
    const servers = await startServers(1);
    let asked = 0;
    const client = clientOf([], {
      services: async () => {
        asked += 1;
        return servers.map(({ service }) => service);
      },
    });
    await client.put(MD5, SMALL, ONE_COPY);
    await client.get(LOCATOR);
    expect(asked).toBe(1);
    await client.get(LOCATOR, { round: 2 });
    expect(asked).toBe(2);
  });

  it('that cannot be had fails the call by its own reason, and may be tried again', async () => {
    const client = clientOf([], { services: () => Promise.reject(new KeepsyncError('OFFLINE', 'no way')) });
    expect(await errorOf(client.put(MD5, SMALL, ONE_COPY))).toMatchObject({
      name: 'KeepWriteError',
      code: 'OFFLINE',
    });
    expect(await errorOf(client.get(LOCATOR))).toMatchObject({ name: 'KeepReadError', code: 'OFFLINE' });
  });

  it('serves on while it cannot be had afresh', async () => {
    const servers = await startServers(1);
    let broken = false;
    const client = clientOf([], {
      services: async () => {
        if (broken) {
          throw new KeepsyncError('OFFLINE', 'the API is down');
        }
        return servers.map(({ service }) => service);
      },
    });
    await client.put(MD5, SMALL, ONE_COPY);
    broken = true;
    expect((await client.get(LOCATOR, { round: 2 })).length).toBe(12);
  });

  it('that is empty is an error', async () => {
    expect((await errorOf(clientOf([]).put(MD5, SMALL, ONE_COPY))).code).toBe('NO_KEEP');
    expect((await errorOf(clientOf([]).get(LOCATOR))).code).toBe('NO_KEEP');
  });
});
