import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signLocator } from '../../src/keep/signature.ts';
import { type ClusterClient, ClusterStage, md5 } from '../support/cluster-client.ts';

const stage = new ClusterStage();
let client: ClusterClient;
let folder: string;

beforeAll(async () => {
  client = await stage.start();
  folder = client.cluster.keepFolders[0] ?? '';
});
afterAll(() => stage.cleanUp());

const text = (bytes: Buffer) => bytes.toString('utf8');
const fileOf = (hash: string) => join(folder, hash.slice(0, 3), hash);

function secretsOf(dataDir: string): {
  blobSigningKey: string;
  systemRootToken: string;
  managementToken: string;
} {
  return JSON.parse(readFileSync(join(dataDir, 'cluster.json'), 'utf8'));
}

describe('a block that is PUT', () => {
  test('is answered with a locator signed for the token, copies and classes', async () => {
    const answer = await client.keep('PUT', `/${md5('alpha')}`, {
      body: 'alpha',
      headers: { 'X-Request-Id': 'req-x' },
    });
    expect(answer.status).toBe(200);
    expect(text(answer.bytes)).toMatch(new RegExp(`^${md5('alpha')}\\+5\\+A[0-9a-f]{40}@[0-9a-f]{8}\\n$`));
    expect(answer.headers).toMatchObject({
      'x-keep-replicas-stored': '1',
      'x-keep-storage-classes-confirmed': 'default=1',
      'x-request-id': 'req-x',
    });
  });

  test('lies raw under its hash, for the owner only', async () => {
    await client.putBlock('on disk');
    const file = fileOf(md5('on disk'));
    expect(readFileSync(file, 'utf8')).toBe('on disk');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.startsWith('tmp'))).toEqual([]);
  });

  test('comes back whole, at any size up to the limit', async () => {
    for (const sizeBytes of [1, 131_072, 131_073, 1 << 20, (3 << 20) + 17, 64 << 20]) {
      const bytes = Buffer.alloc(sizeBytes, `size ${sizeBytes} `);
      const answer = await client.keep('GET', `/${await client.putBlock(bytes)}`);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-length']).toBe(String(sizeBytes));
      expect(md5(answer.bytes)).toBe(md5(bytes));
    }
  });

  test('may be sent without a token, and is then not signed', async () => {
    const answer = await client.keep('PUT', `/${md5('anon')}`, {
      body: 'anon',
      headers: { Authorization: '' },
    });
    expect(text(answer.bytes)).toBe(`${md5('anon')}+4\n`);
  });

  test('may name its size in the path', async () => {
    const answer = await client.keep('PUT', `/${md5('sized')}+5`, { body: 'sized' });
    expect(answer.status).toBe(200);
  });

  test('is refused with 400 when its bytes have another md5, and leaves nothing behind', async () => {
    const answer = await client.keep('PUT', `/${md5('other')}`, { body: 'these' });
    expect(answer.status).toBe(400);
    expect(readdirSync(folder).filter((name) => name.startsWith('tmp'))).toEqual([]);
  });

  test('is refused with 413 above 64 MiB, announced or not', async () => {
    const tooMuch = Buffer.alloc((64 << 20) + 1);
    const announced = await announce(client.cluster.keepUrls[0] ?? '', md5(tooMuch), tooMuch.length);
    expect(announced).toContain('413');
    const chunked = await putChunked(client.cluster.keepUrls[0] ?? '', md5(tooMuch), tooMuch);
    expect(chunked).toContain('413');
  });

  test('again only touches the one that is there', async () => {
    await client.putBlock('twice');
    const old = new Date('2020-01-01T00:00:00Z');
    utimesSync(fileOf(md5('twice')), old, old);
    const { ino } = statSync(fileOf(md5('twice')));
    await client.putBlock('twice');
    expect(statSync(fileOf(md5('twice'))).ino).toBe(ino);
    expect(statSync(fileOf(md5('twice'))).mtimeMs).toBeGreaterThan(old.getTime());
  });

  test('gives 500 when other bytes lie under its hash', async () => {
    for (const damaged of ['damage', 'damag', 'damage!!', '']) {
      plant(md5('wanted'), damaged);
      expect((await client.keep('PUT', `/${md5('wanted')}`, { body: 'wanted' })).status).toBe(500);
    }
  });

  test('leaves nothing behind when the sender goes away', async () => {
    const hash = md5(Buffer.alloc(1 << 20));
    await breakOff(client.cluster.keepUrls[0] ?? '', hash);
    await expect.poll(() => readdirSync(folder).filter((name) => name.startsWith('tmp'))).toEqual([]);
    expect((await client.keep('HEAD', `/${hash}+1048576`)).status).toBe(400);
  });

  test('may be the same block from many senders at once', async () => {
    const bytes = Buffer.alloc(2 << 20, 'race');
    const locators = await Promise.all(Array.from({ length: 12 }, () => client.putBlock(bytes)));
    expect(new Set(locators.map((locator) => locator.split('+')[0]))).toEqual(new Set([md5(bytes)]));
    expect(md5(readFileSync(fileOf(md5(bytes))))).toBe(md5(bytes));
  });
});

describe('a block that is asked for', () => {
  const sign = (hash: string, hints: string, options: { token?: string; expiry?: number } = {}) => {
    const { blobSigningKey } = secretsOf(join(folder, '..'));
    const expiry = options.expiry ?? Math.floor(Date.now() / 1000) + 1000;
    return signLocator(blobSigningKey, options.token ?? client.token, `${hash}${hints}`, expiry);
  };

  test('needs a token: 401', async () => {
    const locator = await client.putBlock('guarded');
    expect((await client.keep('GET', `/${locator}`, { headers: { Authorization: '' } })).status).toBe(401);
  });

  test('takes the token as OAuth2, as a Basic password and in the query too', async () => {
    const locator = await client.putBlock('guarded');
    const basic = Buffer.from(`none:${client.token}`).toString('base64');
    for (const Authorization of [`OAuth2 ${client.token}`, `Basic ${basic}`]) {
      expect((await client.keep('GET', `/${locator}`, { headers: { Authorization } })).status).toBe(200);
    }
    const query = `?api_token=${encodeURIComponent(client.token)}`;
    expect((await client.keep('GET', `/${locator}${query}`, { headers: { Authorization: '' } })).status).toBe(
      200,
    );
  });

  test.each([
    ['no signature', (hash: string) => `${hash}+7`, 400],
    [
      'the signature of another block',
      (hash: string) => `${hash}+7+${sign(md5('x'), '+1').split('+')[2]}`,
      400,
    ],
    ['the signature of another token', (hash: string) => sign(hash, '+7', { token: 'v2/a/b' }), 400],
    ['an expired signature', (hash: string) => sign(hash, '+7', { expiry: 1_000_000_000 }), 401],
    ['no size', (hash: string) => hash, 405],
    ['a malformed hint', (hash: string) => `${hash}+7+a`, 400],
    [
      'a good signature behind another hint',
      (hash: string) => `${hash}+7+Zx+${sign(hash, '+7').split('+')[2]}`,
      200,
    ],
  ])('with %s', async (_, locatorOf, status) => {
    const hash = (await client.putBlock('present')).split('+')[0] ?? '';
    expect((await client.keep('GET', `/${locatorOf(hash)}`)).status).toBe(status);
  });

  test('is 404 where it was never stored, the empty block too', async () => {
    expect((await client.keep('GET', `/${sign(md5('absent'), '+6')}`)).status).toBe(404);
    expect((await client.keep('GET', `/${sign(md5(''), '+0')}`)).status).toBe(404);
  });

  test('with HEAD gives its size and no bytes, verified', async () => {
    const locator = await client.putBlock('headed');
    const answer = await client.keep('HEAD', `/${locator}`);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-length']).toBe('6');
    plant(md5('headed'), 'hacked');
    expect((await client.keep('HEAD', `/${locator}`)).status).toBe(502);
  });

  test('is 502 when it is small and damaged on disk', async () => {
    const locator = await client.putBlock('sound!');
    plant(md5('sound!'), 'broken');
    expect((await client.keep('GET', `/${locator}`)).status).toBe(502);
  });

  test('is cut short when it is large and damaged on disk', async () => {
    const bytes = Buffer.alloc(300_000, 'sound');
    const locator = await client.putBlock(bytes);
    const broken = Buffer.from(bytes);
    broken[299_999] = 0;
    plant(md5(bytes), broken);
    const answer = await client.keep('GET', `/${locator}`);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-length']).toBe('300000');
    expect(answer.isComplete).toBe(false);
  });

  test('is never given out under a size that it does not have', async () => {
    const hash = (await client.putBlock('present')).split('+')[0] ?? '';
    expect((await client.keep('GET', `/${sign(hash, '+8')}`)).status).toBe(502);
  });
});

describe('the maintenance of Keep', () => {
  test('lists blocks and mounts for the system root token only', async () => {
    await client.putBlock('listed');
    const { systemRootToken } = secretsOf(join(folder, '..'));
    const root = { headers: { Authorization: `Bearer ${systemRootToken}` } };
    expect((await client.keep('GET', '/index', { headers: { Authorization: '' } })).status).toBe(401);
    expect((await client.keep('GET', '/index')).status).toBe(403);
    const index = text((await client.keep('GET', `/index/${md5('listed').slice(0, 5)}`, root)).bytes);
    expect(index).toMatch(new RegExp(`^${md5('listed')}\\+6 \\d{19}\\n\\n$`));
    const mounts = JSON.parse(text((await client.keep('GET', '/mounts', root)).bytes));
    expect(mounts).toMatchObject([{ allow_write: true, replication: 1, storage_classes: { default: true } }]);
  });

  test('never deletes a block, whoever asks', async () => {
    const locator = await client.putBlock('precious');
    const { systemRootToken } = secretsOf(join(folder, '..'));
    const root = { headers: { Authorization: `Bearer ${systemRootToken}` } };
    expect((await client.keep('DELETE', `/${md5('precious')}`)).status).toBe(403);
    expect((await client.keep('DELETE', `/${md5('precious')}`, root)).status).toBe(405);
    expect((await client.keep('GET', `/${locator}`)).status).toBe(200);
  });

  test('tells its health to the management token', async () => {
    const { managementToken } = secretsOf(join(folder, '..'));
    const headers = { Authorization: `Bearer ${managementToken}` };
    expect(text((await client.keep('GET', '/_health/ping', { headers })).bytes)).toContain('OK');
    expect((await client.keep('GET', '/_health/ping')).status).toBe(403);
  });

  test('knows no status.json, no POST and no other path', async () => {
    expect((await client.keep('GET', '/status.json')).status).toBe(400);
    expect((await client.keep('POST', '/', { body: 'x' })).status).toBe(400);
  });
});

describe('volumes', () => {
  test('that are full answer 507, but still confirm what they hold', async () => {
    const small = await stage.start({ keepQuotaBytes: 10 });
    const locator = await small.putBlock('12345');
    expect((await small.keep('PUT', `/${md5('123456')}`, { body: '123456' })).status).toBe(507);
    expect((await small.keep('PUT', `/${md5('12345')}`, { body: '12345' })).status).toBe(200);
    expect((await small.keep('GET', `/${locator}`)).status).toBe(200);
    await stage.stop(small);
  });

  test('of several classes take what names one of theirs, and confirm what they are', async () => {
    const several = await stage.start({
      keepServers: 3,
      readOnlyKeep: [2],
      storageClasses: { hot: { isDefault: true }, cold: { isDefault: false } },
      keepClasses: [['hot'], ['cold', 'hot']],
    });
    const put = async (server: number, classes?: string) => {
      const headers: Record<string, string> =
        classes === undefined ? {} : { 'X-Keep-Storage-Classes': classes };
      const answer = await several.keep('PUT', `/${md5('classy')}`, { body: 'classy', headers }, server);
      return [answer.status, answer.headers['x-keep-storage-classes-confirmed']];
    };
    expect(await put(0)).toEqual([200, 'hot=1']);
    expect(await put(0, 'cold')).toEqual([507, undefined]);
    expect(await put(0, 'cold, hot')).toEqual([200, 'hot=1']);
    expect(await put(1, 'cold')).toEqual([200, 'cold=1, hot=1']);
    expect(await put(2, 'hot')).toEqual([507, undefined]);
    const services = await several.list('keep_services/accessible');
    expect(services.map((service) => service.read_only)).toEqual([false, false, true]);
    expect(services.map((service) => String(service.uuid).length)).toEqual([27, 27, 27]);
    await stage.stop(several);
  });

  test('speak https with the certificate of the API where that is wanted', async () => {
    const secure = await stage.start({ keepTls: true });
    expect(secure.cluster.keepUrls[0]).toMatch(/^https:/);
    const bytes = Buffer.alloc(5 << 20, 'tls');
    const answer = await secure.keep('GET', `/${await secure.putBlock(bytes)}`);
    expect(md5(answer.bytes)).toBe(md5(bytes));
    await stage.stop(secure);
  });

  test.each(['never', 'onSave', 'eachBlock'] as const)('store and save with fsync %s', async (fsync) => {
    const careful = await stage.start({ fsync });
    const saved = await careful.saveFiles({ 'a.txt': 'alpha', 'd/b.txt': 'beta' });
    expect(saved.file_count).toBe(2);
    await stage.stop(careful);
  });
});

/** Puts bytes under a hash behind the server's back. */
function plant(hash: string, bytes: string | Uint8Array): void {
  mkdirSync(join(folder, hash.slice(0, 3)), { recursive: true });
  writeFileSync(fileOf(hash), bytes);
}

/** Sends a body without saying how long it is; gives the status line. */
function putChunked(url: string, hash: string, bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', reject);
    socket.once('data', (data) => {
      resolve(data.toString('latin1').split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.write(`PUT /${hash} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`);
    socket.write(`${bytes.length.toString(16)}\r\n`);
    socket.write(bytes);
    socket.write('\r\n0\r\n\r\n');
  });
}

/** Sends the head of a PUT alone; the first line of the answer, which must not wait for the body. */
function announce(url: string, hash: string, lengthBytes: number): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', reject);
    socket.once('data', (data) => {
      resolve(data.toString('latin1').split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.write(`PUT /${hash} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${lengthBytes}\r\n\r\n`);
  });
}

/** Announces a megabyte, sends half of it and hangs up. */
function breakOff(url: string, hash: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.write(`PUT /${hash} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n`);
    socket.write(Buffer.alloc(1 << 19), () => socket.destroy());
  });
}
