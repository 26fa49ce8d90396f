import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { startCluster } from '../../src/cluster/cluster.ts';
import { defaultSettings, settingsSchema } from '../../src/contract/settings.ts';
import { HttpKeepClient } from '../../src/keep/http-keep-client.ts';
import { openPairStore } from '../../src/profile/pair-store.ts';
import { openSettings } from '../../src/profile/settings-store.ts';
import { TokenFile } from '../../src/profile/token-file.ts';
import { md5Of, sharedBytes } from '../support/block-store-conformance.ts';
import { seededFractions } from '../support/sim-disk-watcher.ts';

/** The journal has a test of its own with the same sample: test/sync/journal-open.test.ts. */
const FLIPS = Number(process.env.KEEPSYNC_BIT_FLIPS ?? 300);
const SEED = Number(process.env.KEEPSYNC_SEED ?? 20_261_122);
const HOST = 'zzzzz.example.org:8443';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keepsync-damage-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Copies of `good`, each with one bit turned; where, for the message. */
function* flips(good: Buffer): Generator<{ readonly bytes: Buffer; readonly where: string }> {
  const next = seededFractions(SEED);
  for (let round = 0; round < FLIPS; round += 1) {
    const bytes = Buffer.from(good);
    const at = Math.floor(next() * bytes.length);
    const bit = Math.floor(next() * 8);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    yield { bytes, where: `seed ${SEED}, round ${round}, byte ${at}, bit ${bit}` };
  }
}

const WRONG_FILES: ReadonlyArray<readonly [string, string | Buffer]> = [
  ['no bytes', ''],
  ['garbage', Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 167) % 256))],
  ['another kind of JSON', '[1, 2, 3]'],
  ['null', 'null'],
  ['half a file', '{"version": 1, "account": {"host": "zzz'],
];

describe('settings', () => {
  const open = (told: string[]) =>
    openSettings(join(folder, 'settings.json'), systemClock, (message) => told.push(message));

  it('with a flipped bit load, let nobody in, and are no trouble the next time', async () => {
    const file = join(folder, 'settings.json');
    const settings = { ...defaultSettings, account: { ...defaultSettings.account, host: HOST } };
    const tokens = new TokenFile(join(folder, 'token.json'));
    await tokens.write(HOST, 'v2/secret');
    for (const { bytes, where } of flips(Buffer.from(JSON.stringify(settings, null, 2)))) {
      writeFileSync(file, bytes);
      const store = await open([]);
      const { account } = store.get();
      expect(settingsSchema.safeParse(store.get()).success, where).toBe(true);
      expect([account.insecure, account.allowPlainHttpKeep], where).toEqual([false, false]);
      // What is taken for another host gets no token.
      expect(account.host === HOST || (await tokens.read(account.host ?? '')) === undefined, where).toBe(
        true,
      );
      store.set({ startAtLogin: true });
      const told: string[] = [];
      expect((await open(told)).get(), where).toEqual(store.get());
      expect(told, where).toEqual([]);
    }
  });

  it.each(WRONG_FILES)('of %s give way to the defaults, and work again', async (_name, content) => {
    writeFileSync(join(folder, 'settings.json'), content);
    const told: string[] = [];
    const store = await open(told);
    expect(store.get()).toEqual(defaultSettings);
    expect(told.length).toBeGreaterThan(0);
    store.set({ startAtLogin: true });
    expect((await open([])).get().startAtLogin).toBe(true);
  });

  it('of an older and of a newer Keepsync keep what is understood', async () => {
    const file = join(folder, 'settings.json');
    writeFileSync(file, JSON.stringify({ account: { host: HOST } }));
    expect((await open([])).get().account.host).toBe(HOST);
    writeFileSync(file, JSON.stringify({ version: 9, account: { host: HOST }, future: { of: 'things' } }));
    expect((await open([])).get().account.host).toBe(HOST);
  });
});

describe('the list of folders', () => {
  const load = (told: string[] = []) =>
    openPairStore({
      foldersFile: join(folder, 'folders.json'),
      clock: systemClock,
      tell: (message) => told.push(message),
    }).load();

  it('with a flipped bit loads, or is moved aside once', async () => {
    const good = JSON.stringify({
      version: 1,
      folders: [
        {
          publicId: 'pair01',
          createId: 'create01',
          clusterId: null,
          config: {
            roots: [{ diskPath: '/data', prefix: '' }],
            name: 'run',
            target: { collectionName: 'run' },
          },
        },
      ],
    });
    for (const { bytes, where } of flips(Buffer.from(good))) {
      writeFileSync(join(folder, 'folders.json'), bytes);
      const told: string[] = [];
      const pairs = await load(told);
      expect(pairs.length + told.length, where).toBe(1);
      const again: string[] = [];
      expect(await load(again), where).toEqual(pairs);
      expect(again, where).toEqual([]);
    }
  });

  it.each(WRONG_FILES)('of %s is moved aside, and nothing of it is lost', async (_name, content) => {
    writeFileSync(join(folder, 'folders.json'), content);
    expect(await load()).toEqual([]);
    const [aside] = readdirSync(folder);
    expect(readFileSync(join(folder, aside ?? ''))).toEqual(Buffer.from(content));
  });
});

describe('the file with the token', () => {
  it('with a flipped bit never gives the token to another host', async () => {
    const path = join(folder, 'token.json');
    const tokens = new TokenFile(path);
    await tokens.write(HOST, 'v2/zzzzz-gj3su-000000000000001/secret');
    for (const { bytes, where } of flips(readFileSync(path))) {
      writeFileSync(path, bytes);
      const read = await tokens.read('other.example.org').catch((thrown: unknown) => thrown);
      const refused = read instanceof KeepsyncError ? read.code : read;
      expect([undefined, 'NOT_SIGNED_IN'], where).toContain(refused);
    }
  });

  it.each(WRONG_FILES)('of %s means to sign in again', async (_name, content) => {
    writeFileSync(join(folder, 'token.json'), content);
    await expect(new TokenFile(join(folder, 'token.json')).read(HOST)).rejects.toMatchObject({
      code: 'NOT_SIGNED_IN',
    });
  });
});

describe('a stored block', () => {
  it('with a flipped bit is never taken for the block', async () => {
    const cluster = await startCluster({
      dataDir: join(folder, 'cluster'),
      log: silentLog,
      onRequest: () => undefined,
    });
    const client = new HttpKeepClient({
      token: cluster.token,
      services: async () => [
        {
          uuid: 'zzzzz-bi6l4-000000000000000',
          baseUrl: cluster.keepUrls[0] ?? '',
          serviceType: 'disk',
          readOnly: false,
        },
      ],
    });
    try {
      const next = seededFractions(SEED);
      const block = sharedBytes(Uint8Array.from({ length: 5_000 }, () => Math.floor(next() * 256)));
      const md5 = md5Of(block);
      const { locator } = await client.put(md5, block, { copies: 1, storageClasses: [] });
      const path = join(cluster.keepFolders[0] ?? '', md5.slice(0, 3), md5);
      for (const { bytes, where } of flips(Buffer.from(block))) {
        writeFileSync(path, bytes);
        const read = await client.get(locator).catch((thrown: unknown) => thrown);
        expect(read, where).toBeInstanceOf(KeepsyncError);
      }
      writeFileSync(path, block);
      expect(Buffer.from(await client.get(locator)).equals(Buffer.from(block))).toBe(true);
    } finally {
      await client.close();
      await cluster.close();
    }
  });
});
