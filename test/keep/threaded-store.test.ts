import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { startThread } from '../../src/base/thread.ts';
import { createKeepClient, type KeepClientOptions } from '../../src/keep/keep-client.ts';
import { KeepWriteError } from '../../src/keep/keep-errors.ts';
import { EMPTY_BLOCK_LOCATOR } from '../../src/keep/locator.ts';
import { createThreadedStore, type ThreadedStoreOptions } from '../../src/keep/threaded-store.ts';
import { codeOf, md5Of, sharedBytes } from '../support/block-store-conformance.ts';
import { type KeepServer, type KeepServerOptions, startKeepServer } from '../support/keep-server.ts';
import { fetchTargets } from '../support/keep-targets.ts';

const ONE_COPY = { copies: 1, storageClasses: [] };
const opened: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) {
    await close();
  }
});

async function startServer(options: KeepServerOptions = {}): Promise<KeepServer> {
  const server = await startKeepServer(options);
  opened.push(() => server.close());
  server.faults.assertAllMetAfterTest();
  return server;
}

/** A threaded store, and the workers that it starts. */
function storeOf(server: KeepServer, options: Partial<ThreadedStoreOptions> = {}) {
  const workers: Worker[] = [];
  const store = createThreadedStore({
    token: 'first-token',
    services: async () => [server.service],
    startThread: () => {
      const worker = startThread('keep/keep-thread');
      workers.push(worker);
      return worker;
    },
    ...options,
  });
  opened.push(() => store.close());
  return { store, workers };
}

function clientOf(server: KeepServer, options: Partial<KeepClientOptions> = {}) {
  const workers: Worker[] = [];
  const client = createKeepClient({
    token: 'first-token',
    services: async () => [server.service],
    baseMs: 1,
    startThread: () => {
      const worker = startThread('keep/keep-thread');
      workers.push(worker);
      return worker;
    },
    ...options,
  });
  opened.push(() => client.close());
  return { client, workers };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const block = (sizeBytes = 1000) => {
  const data = sharedBytes(randomBytes(sizeBytes));
  return { data, md5: md5Of(data), locator: `${md5Of(data)}+${sizeBytes}` };
};

describe('A store in threads', () => {
  it('starts no thread before it is used, and no more than it was told', async () => {
    const { store, workers } = storeOf(await startServer(), { threads: 2 });
    expect(workers).toHaveLength(0);
    await Promise.all(
      Array.from({ length: 8 }, () => {
        const { md5, data } = block();
        return store.put(md5, data, ONE_COPY);
      }),
    );
    expect(workers).toHaveLength(2);
  });

  it('has its threads and its servers at hand once it was told to get ready', async () => {
    const server = await startServer();
    let asked = 0;
    const { client, workers } = clientOf(server, {
      threads: 2,
      services: async () => {
        asked += 1;
        return [server.service];
      },
    });
    client.prepare();
    expect([workers.length, asked]).toEqual([2, 1]);
    const { md5, data, locator } = block();
    server.blocks.set(md5, data.slice());
    expect(md5Of(await client.get(locator))).toBe(md5);
    client.prepare();
    expect([workers.length, asked]).toEqual([2, 1]);
  });

  it('uploads one block per thread at a time', async () => {
    const server = await startServer();
    const gate = Promise.withResolvers<void>();
    server.faults.add('PUT', { kind: 'hold', until: gate.promise }, 5);
    const { store } = storeOf(server, { threads: 2 });
    const started: string[] = [];
    const work = Promise.all(
      Array.from({ length: 5 }, () => {
        const { md5, data } = block();
        return store.put(md5, data, {
          ...ONE_COPY,
          onAttempt: ({ outcome }) => outcome === 'started' && started.push(md5),
        });
      }),
    );
    await until(() => server.requests.length === 2);
    // The threads are there for something else meanwhile.
    await store.md5(block().data);
    expect(started).toHaveLength(2);
    expect(server.requests).toHaveLength(2);
    gate.resolve();
    await work;
    expect(started).toHaveLength(5);
  });

  it('gives the failure of a round its class and its progress again', async () => {
    const server = await startServer();
    server.faults.add('PUT', { kind: 'status', status: 507 }).add('GET', { kind: 'status', status: 503 });
    const { store } = storeOf(server);
    const { md5, data, locator } = block();
    const refused = await store.put(md5, data, ONE_COPY).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(KeepWriteError);
    expect(refused).toMatchObject({
      name: 'KeepWriteError',
      code: 'FULL',
      httpStatus: 507,
      requestId: server.requests[0]?.headers['x-request-id'],
      progress: { copies: 0, dropped: [{ serviceUuid: server.service.uuid, code: 'FULL' }] },
    });
    await expect(store.get(locator)).rejects.toMatchObject({
      name: 'KeepReadError',
      code: 'BUSY',
      failures: [{ httpStatus: 503 }],
    });
    await expect(store.get(locator)).rejects.toMatchObject({ name: 'KeepNotFoundError' });
  });

  it('cancels an upload that is under way, and the one that waits behind it', async () => {
    const server = await startServer();
    server.faults.add('PUT', { kind: 'hang' });
    const { store } = storeOf(server, { threads: 1 });
    const stop = new AbortController();
    const [one, two, three] = [block(), block(), block()];
    const options = { ...ONE_COPY, signal: stop.signal };
    const first = codeOf(store.put(one.md5, one.data, options));
    await until(() => server.requests.length === 1);
    const second = codeOf(store.put(two.md5, two.data, options));
    const third = store.put(three.md5, three.data, ONE_COPY);
    stop.abort();
    expect(await Promise.all([first, second])).toEqual(['CANCELLED', 'CANCELLED']);
    expect((await third).copies).toBe(1);
    expect(server.requests).toHaveLength(2);
  });

  it('rejects what is under way and what waits with CLOSED when it is closed', async () => {
    const server = await startServer();
    server.faults.add('PUT', { kind: 'hang' });
    const { store } = storeOf(server, { threads: 1 });
    const [one, two] = [block(), block()];
    const work = [one, two].map(({ md5, data }) => codeOf(store.put(md5, data, ONE_COPY)));
    await until(() => server.requests.length === 1);
    await store.close();
    expect(await Promise.all(work)).toEqual(['CLOSED', 'CLOSED']);
  });

  it('fails the calls of a thread that dies so that they are tried again, and starts another', async () => {
    const server = await startServer();
    server.faults.add('PUT', { kind: 'hang' }).add('GET', { kind: 'hang' });
    const { store, workers } = storeOf(server, { threads: 1 });
    const { md5, data, locator } = block();
    const put = store.put(md5, data, ONE_COPY);
    const get = store.get(locator);
    const outcomes = Promise.allSettled([put, get]);
    await until(() => server.requests.length === 2);
    await workers[0]?.terminate();
    const [putOutcome, getOutcome] = await outcomes;
    expect(putOutcome).toMatchObject({
      status: 'rejected',
      reason: { name: 'KeepWriteError', code: 'COPIES' },
    });
    expect(getOutcome).toMatchObject({ status: 'rejected', reason: { name: 'KeepReadError', code: 'BUSY' } });
    expect((await store.put(md5, data, ONE_COPY)).locator).toBe(locator);
    expect(workers).toHaveLength(2);
  });

  it('tells a thread that is started later the token of now', async () => {
    const server = await startServer();
    const { store, workers } = storeOf(server, { threads: 1 });
    const { md5, data } = block();
    await store.put(md5, data, ONE_COPY);
    store.setToken('second-token');
    await store.put(md5, data, ONE_COPY);
    const ended = new Promise((resolve) => workers[0]?.once('exit', resolve));
    await workers[0]?.terminate();
    await ended;
    await store.put(md5, data, ONE_COPY);
    expect(workers).toHaveLength(2);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer first-token',
      'Bearer second-token',
      'Bearer second-token',
    ]);
  });

  it('takes an md5 on another thread when the first one dies', async () => {
    const server = await startServer();
    const { store, workers } = storeOf(server, { threads: 1 });
    const data = new Uint8Array(new SharedArrayBuffer(50_000_000));
    const md5 = store.md5(data);
    await until(() => workers.length === 1);
    await workers[0]?.terminate();
    expect(await md5).toBe(md5Of(data));
    expect(workers).toHaveLength(2);
  });
});

describe('The whole client', () => {
  it('goes on after a thread died, without its caller noticing', async () => {
    const server = await startServer();
    server.faults.add('PUT', { kind: 'hang' });
    const { client, workers } = clientOf(server, { threads: 1 });
    const { md5, data, locator } = block();
    const rounds: number[] = [];
    const put = client.put(md5, data, { ...ONE_COPY, onAttempt: ({ round }) => rounds.push(round) });
    await until(() => server.requests.length === 1);
    await workers[0]?.terminate();
    expect((await put).locator).toBe(locator);
    expect(rounds).toEqual([1, 2, 2]);
  });

  it('sends a block again only to the server that failed', async () => {
    const servers = [
      await startServer({ uuidSuffix: '000000000000000' }),
      await startServer({ uuidSuffix: '000000000000001' }),
    ];
    servers[0]?.faults.add('PUT', { kind: 'status', status: 503 }, 2);
    const client = createKeepClient({
      token: 't',
      services: async () => servers.map(({ service }) => service),
      baseMs: 1,
    });
    opened.push(() => client.close());
    const { md5, data } = block();
    expect(await client.put(md5, data, { copies: 2, storageClasses: ['default'] })).toMatchObject({
      copies: 2,
      classes: { default: 2 },
    });
    expect(servers.map(({ requests }) => requests.length)).toEqual([3, 1]);
  });

  it('lists the services again before it tries again', async () => {
    const [old, fresh] = [await startServer(), await startServer()];
    old.faults.add('PUT', { kind: 'status', status: 503 });
    let asked = 0;
    const { client } = clientOf(old, {
      services: async () => {
        asked += 1;
        return [asked === 1 ? old.service : { ...fresh.service, uuid: 'zzzzz-bi6l4-000000000000009' }];
      },
    });
    const { md5, data } = block();
    await client.put(md5, data, ONE_COPY);
    expect([old.requests.length, fresh.requests.length]).toEqual([1, 1]);
  });

  it('reads a block once and then from memory', async () => {
    const server = await startServer();
    const { client } = clientOf(server);
    const { md5, data, locator } = block();
    await client.put(md5, data, ONE_COPY);
    expect(client.cached(locator)).toBeUndefined();
    await Promise.all([client.get(locator), client.get(locator)]);
    await client.get(locator);
    expect(server.requests.filter(({ method }) => method === 'GET')).toHaveLength(1);
    expect(client.cached(locator)?.length).toBe(1000);
  });

  it('feels a limit that is set while it uploads', async () => {
    const server = await startServer();
    const { client } = clientOf(server, { uploadBytesPerSecond: 1 });
    const { md5, data } = block(100_000);
    let stored = false;
    const put = client.put(md5, data, ONE_COPY).then(() => {
      stored = true;
    });
    await until(() => server.requests.length === 1);
    expect(stored).toBe(false);
    client.setLimit(0);
    await put;
    expect(stored).toBe(true);
  });
});

describe('Blocks fetched to disk', () => {
  const folderOf = () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'keepsync-fetch-'));
    opened.push(async () => fs.rmSync(folder, { recursive: true }));
    return folder;
  };

  it('land in their files by ranges, after a retry, and tell which could not be written', async () => {
    const server = await startServer();
    const { client } = clientOf(server);
    const { md5, data, locator } = block(3000);
    await client.put(md5, data, ONE_COPY);
    server.faults.add('GET', { kind: 'wrong-md5' }).add('GET', { kind: 'cut-answer', afterBytes: 1000 });
    const folder = folderOf();
    const result = await client.fetchTo(
      locator,
      fetchTargets([
        { diskPath: path.join(folder, 'a'), fileOffset: 0, blockOffset: 0, lengthBytes: 1000 },
        { diskPath: path.join(folder, 'no/b'), fileOffset: 0, blockOffset: 1000, lengthBytes: 1000 },
        { diskPath: path.join(folder, 'c'), fileOffset: 10, blockOffset: 2000, lengthBytes: 1000 },
      ]),
    );
    expect(result).toMatchObject({ writtenBytes: 2000, failures: [{ index: 1, code: 'FILE_GONE' }] });
    expect(fs.readFileSync(path.join(folder, 'a')).equals(Buffer.from(data.subarray(0, 1000)))).toBe(true);
    const c = fs.readFileSync(path.join(folder, 'c'));
    expect(c.subarray(10).equals(Buffer.from(data.subarray(2000)))).toBe(true);
    expect(server.requests.filter(({ method }) => method === 'GET')).toHaveLength(3);
  });

  it('come several at a time without their bytes getting mixed', async () => {
    const server = await startServer();
    const { client } = clientOf(server);
    const folder = folderOf();
    const blocks = Array.from({ length: 20 }, (_, i) => block(1 + i * 200_000));
    for (const { md5, data } of blocks) {
      await client.put(md5, data, ONE_COPY);
    }
    await Promise.all(
      blocks.map(({ locator, md5, data }) =>
        client.fetchTo(
          locator,
          fetchTargets([
            { diskPath: path.join(folder, md5), fileOffset: 0, blockOffset: 0, lengthBytes: data.length },
          ]),
        ),
      ),
    );
    for (const { md5, data } of blocks) {
      expect(fs.readFileSync(path.join(folder, md5)).equals(Buffer.from(data))).toBe(true);
    }
  });

  it('come in on one thread where md5 is most of the work, up to four, and else on as many as there are', async () => {
    const server = await startServer();
    const folder = folderOf();
    const data = [4_194_304, 4_194_305, 4_194_306, 4_194_307, 4_194_308].map(block);
    const { store } = storeOf(server);
    for (const { md5, data: bytes } of data) {
      await store.put(md5, bytes, ONE_COPY);
    }
    const threadsFor = async (blocks: number, files: number) => {
      const { store: reader, workers } = storeOf(server);
      await Promise.all(
        data.slice(0, blocks).map(({ md5, data: bytes, locator }) => {
          const lengthBytes = Math.floor(bytes.length / files);
          const targets = Array.from({ length: files }, (_, file) => ({
            diskPath: path.join(folder, `${md5}-${files}-${file}`),
            fileOffset: 0,
            blockOffset: file * lengthBytes,
            lengthBytes,
          }));
          return reader.fetchTo(locator, fetchTargets(targets));
        }),
      );
      return workers.length;
    };
    expect(await threadsFor(4, 1)).toBe(1);
    expect(await threadsFor(5, 1)).toBe(2);
    expect(await threadsFor(2, 17)).toBe(2);
    for (const { md5, data: bytes } of data) {
      expect(fs.readFileSync(path.join(folder, `${md5}-1-0`)).equals(Buffer.from(bytes))).toBe(true);
    }
  });

  it('write nothing of a block that cannot be had', async () => {
    const server = await startServer();
    const { client } = clientOf(server);
    const folder = folderOf();
    const target = { diskPath: path.join(folder, 'a'), fileOffset: 0, blockOffset: 0, lengthBytes: 10 };
    await expect(client.fetchTo(block().locator, fetchTargets([target]))).rejects.toBeInstanceOf(
      KeepsyncError,
    );
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('make empty files of the empty block without asking for it', async () => {
    const server = await startServer();
    const { client } = clientOf(server);
    const diskPath = path.join(folderOf(), 'empty');
    await client.fetchTo(
      EMPTY_BLOCK_LOCATOR,
      fetchTargets([{ diskPath, fileOffset: 0, blockOffset: 0, lengthBytes: 0 }]),
    );
    expect(fs.statSync(diskPath).size).toBe(0);
    expect(server.requests).toHaveLength(0);
  });
});
