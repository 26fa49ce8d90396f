import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { startClusterInThread } from '../../src/cluster/cluster-in-thread.ts';
import { ClusterClient, ClusterStage, md5 } from '../support/cluster-client.ts';

const stage = new ClusterStage();
afterAll(() => stage.cleanUp());

const CHILD = fileURLToPath(new URL('../support/cluster-child.ts', import.meta.url));

describe('what was told to the cluster', () => {
  test('is there after a restart: port, token, certificate, records and blocks', async () => {
    const dataDir = stage.folder();
    const first = await stage.start({ dataDir, keepServers: 2 });
    const saved = await first.saveFiles({ 'a/b': 'lasting' }, { name: 'stays', properties: { p: 1 } });
    const userToken = await first.cluster.createUser();
    const certificate = readFileSync(first.cluster.caFile, 'utf8');
    const services = await first.list('keep_services/accessible');
    await stage.stop(first);

    const second = await stage.start({ dataDir, keepServers: 2 });
    expect(second.cluster.apiHost).toBe(first.cluster.apiHost);
    expect(second.cluster.keepUrls).toEqual(first.cluster.keepUrls);
    expect(second.cluster.token).toBe(first.cluster.token);
    expect(readFileSync(second.cluster.caFile, 'utf8')).toBe(certificate);
    expect((await second.list('keep_services/accessible')).map((one) => one.uuid)).toEqual(
      services.map((one) => one.uuid),
    );
    const found = await second.good('GET', `collections/${saved.uuid}`);
    expect(found).toMatchObject({
      name: 'stays',
      properties: { p: 1 },
      portable_data_hash: saved.portable_data_hash,
    });
    // signatures from before the restart hold
    const locator = String(saved.manifest_text).split(' ')[1];
    expect((await second.keep('GET', `/${locator}`)).bytes.toString()).toBe('lasting');
    expect((await new ClusterClient(second.cluster, userToken).good('GET', 'users/current')).is_admin).toBe(
      false,
    );
    await stage.stop(second);
  });

  test('is there after the process was killed in the middle of writing', async () => {
    const dataDir = stage.folder();
    const acknowledged = { blocks: new Map<string, string>(), collections: new Map<string, string>() };
    for (let round = 0; round < 2; round += 1) {
      const { client, kill } = await startChild(dataDir);
      await checkAll(client, acknowledged);
      let isKilled = false;
      const write = async (writer: number) => {
        for (let count = 0; !isKilled; count += 1) {
          const bytes = Buffer.alloc(200_000 + writer, `${round} ${writer} ${count} `);
          const locator = await client.putBlock(bytes, writer % 2);
          acknowledged.blocks.set(md5(bytes), locator);
          const made = await client.good('POST', 'collections', {
            manifest_text: `. ${locator} 0:${bytes.length}:f\n`,
          });
          acknowledged.collections.set(String(made.uuid), String(made.portable_data_hash));
        }
      };
      // they end by losing their connection
      const writers = Promise.allSettled(Array.from({ length: 6 }, (_, writer) => write(writer)));
      const enough = 20 * (round + 1);
      await expect.poll(() => acknowledged.collections.size, { timeout: 120_000 }).toBeGreaterThan(enough);
      await kill();
      isKilled = true;
      await writers;
    }
    const after = await stage.start({ dataDir, keepServers: 2 });
    await checkAll(after, acknowledged);
    for (const folder of after.cluster.keepFolders) {
      expect(readdirSync(folder).filter((name) => name.startsWith('tmp'))).toEqual([]);
      for (const sub of readdirSync(folder)) {
        for (const name of readdirSync(join(folder, sub))) {
          expect(md5(readFileSync(join(folder, sub, name)))).toBe(name);
        }
      }
    }
    await stage.stop(after);
  });

  test('is for its owner only', async () => {
    const dataDir = stage.folder();
    chmodSync(dataDir, 0o700);
    const client = await stage.start({ dataDir });
    const modeOf = (name: string) => statSync(join(dataDir, name)).mode & 0o777;
    for (const name of ['cluster.json', 'token', 'key.pem', 'records.sqlite']) {
      expect([name, modeOf(name)]).toEqual([name, 0o600]);
    }
    expect(readFileSync(join(dataDir, 'records.sqlite')).includes(client.token.split('/')[2] ?? '?')).toBe(
      false,
    );
    await stage.stop(client);
  });
});

describe('a start', () => {
  test('is refused while another cluster has the folder', async () => {
    const dataDir = stage.folder();
    const { kill } = await startChild(dataDir);
    await expect(stage.start({ dataDir })).rejects.toMatchObject({ code: 'LOCKED' });
    await kill();
    await stage.stop(await stage.start({ dataDir }));
  });

  test('says so when the port is taken, and leaves nothing running', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const address = blocker.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const dataDir = stage.folder();
    await expect(stage.start({ dataDir, port })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(String(port)),
      action: expect.stringContaining('another port'),
    });
    blocker.close();
    const client = await stage.start({ dataDir, port });
    expect(client.cluster.apiHost).toBe(`localhost:${port}`);
    await stage.stop(client);
  });

  test('finds another port for Keep when the remembered one is taken', async () => {
    const dataDir = stage.folder();
    const first = await stage.start({ dataDir });
    const { port } = new URL(first.cluster.keepUrls[0] ?? '');
    await stage.stop(first);
    const blocker = createServer().listen(Number(port), '127.0.0.1');
    await once(blocker, 'listening');
    const second = await stage.start({ dataDir });
    expect(second.cluster.keepUrls).not.toEqual(first.cluster.keepUrls);
    expect((await second.putBlock('elsewhere')).length).toBeGreaterThan(40);
    await stage.stop(second);
    blocker.close();
  });

  test('with a damaged identity is refused, and does not make a new one over it', async () => {
    const dataDir = stage.folder();
    await stage.stop(await stage.start({ dataDir }));
    writeFileSync(join(dataDir, 'cluster.json'), '{"clusterId"');
    await expect(stage.start({ dataDir })).rejects.toMatchObject({ code: 'STATE' });
    expect(readFileSync(join(dataDir, 'cluster.json'), 'utf8')).toBe('{"clusterId"');
  });

  test('makes a new certificate where half of it is lost', async () => {
    const dataDir = stage.folder();
    const first = await stage.start({ dataDir });
    const before = readFileSync(first.cluster.caFile, 'utf8');
    await stage.stop(first);
    unlinkSync(join(dataDir, 'key.pem'));
    const second = await stage.start({ dataDir });
    expect(readFileSync(second.cluster.caFile, 'utf8')).not.toBe(before);
    expect((await second.good('GET', 'users/current')).is_admin).toBe(true);
    await stage.stop(second);
  });

  test('without the records keeps the token good', async () => {
    const dataDir = stage.folder();
    await stage.stop(await stage.start({ dataDir }));
    for (const name of ['records.sqlite', 'records.sqlite-wal']) {
      if (existsSync(join(dataDir, name))) {
        unlinkSync(join(dataDir, name));
      }
    }
    const second = await stage.start({ dataDir });
    expect((await second.good('GET', 'users/current')).is_admin).toBe(true);
    await stage.stop(second);
  });
});

describe('in a thread of its own', () => {
  test('the cluster does the same', async () => {
    const cluster = await startClusterInThread({ dataDir: stage.folder(), keepServers: 2, log: silentLog });
    try {
      const client = new ClusterClient(cluster, await cluster.createUser({ name: 'Threaded' }));
      const saved = await client.saveFiles({ f: 'threaded' });
      expect(await client.manifest(String(saved.uuid))).toBe(`. ${md5('threaded')}+8 0:8:f\n`);
      expect(cluster.env()).toEqual({
        ARVADOS_API_HOST: cluster.apiHost,
        ARVADOS_API_TOKEN: cluster.token,
        SSL_CERT_FILE: cluster.caFile,
      });
      await cluster.sweep();
    } finally {
      await cluster.close();
      await cluster.close();
    }
  });

  test('a start that fails fails with the same error', async () => {
    const options = { dataDir: stage.folder(), keepServers: 0, log: silentLog };
    await expect(startClusterInThread(options)).rejects.toMatchObject({ code: 'USAGE' });
  });
});

async function startChild(dataDir: string): Promise<{ client: ClusterClient; kill: () => Promise<void> }> {
  const child = spawn(process.execPath, [CHILD, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const facts: ClusterClient['cluster'] = JSON.parse(line);
  return {
    client: new ClusterClient(facts),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function checkAll(
  client: ClusterClient,
  acknowledged: { blocks: ReadonlyMap<string, string>; collections: ReadonlyMap<string, string> },
): Promise<void> {
  for (const [hash, locator] of acknowledged.blocks) {
    const answers = await Promise.all([0, 1].map((server) => client.keep('GET', `/${locator}`, {}, server)));
    const found = answers.filter((answer) => answer.status === 200);
    expect(found.map((answer) => md5(answer.bytes))).toEqual([hash]);
  }
  for (const [uuid, pdh] of acknowledged.collections) {
    expect((await client.good('GET', `collections/${uuid}`)).portable_data_hash).toBe(pdh);
  }
}
