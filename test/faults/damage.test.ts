import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { startCluster } from '../../src/cluster/cluster.ts';
import { defaultSettings, folderConfigSchema } from '../../src/contract/settings.ts';
import { HttpKeepClient } from '../../src/keep/http-keep-client.ts';
import { openPairStore } from '../../src/profile/pair-store.ts';
import { openSettings } from '../../src/profile/settings-store.ts';
import { withSum } from '../../src/profile/summed-file.ts';
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

  /** As Keepsync writes it: not what stands there by default. */
  const write = async () => {
    const store = await open([]);
    const { account, network, uploads } = store.get();
    return store.set({
      account: { ...account, host: HOST },
      network: { ...network, uploadLimitBytesPerSecond: 1_000_000 },
      uploads: { ...uploads, threads: 1 },
    });
  };

  it('with a flipped bit are never taken for right: those saved last are used, and the others kept', async () => {
    const settings = await write();
    const file = join(folder, 'settings.json');
    const good = readFileSync(file);
    let restored = 0;
    for (const { bytes, where } of flips(good)) {
      writeFileSync(file, bytes);
      const told: string[] = [];
      expect((await open(told)).get(), where).toEqual(settings);
      // A bit of a blank may make another blank.
      expect(told.length, where).toBeLessThanOrEqual(1);
      restored += told.length;
      const again: string[] = [];
      expect((await open(again)).get(), where).toEqual(settings);
      expect(again, where).toEqual([]);
    }
    expect(restored).toBeGreaterThan(FLIPS / 2);
  });

  it('with a flipped bit, and no copy, are those that were saved or the defaults, and let nobody in', async () => {
    const settings = await write();
    const file = join(folder, 'settings.json');
    const good = readFileSync(file);
    for (const { bytes, where } of flips(good)) {
      writeFileSync(file, bytes);
      rmSync(join(folder, 'settings.good.json'), { force: true });
      const told: string[] = [];
      const store = await open(told);
      expect(store.get(), where).toEqual(told.length === 0 ? settings : defaultSettings);
      store.set({ startAtLogin: true });
      const again: string[] = [];
      expect((await open(again)).get(), where).toEqual(store.get());
      expect(again, where).toEqual([]);
    }
  });

  it('whose copy has a flipped bit are none the worse', async () => {
    const settings = await write();
    const copy = join(folder, 'settings.good.json');
    writeFileSync(copy, 'no JSON');
    const store = await open([]);
    expect(store.get()).toEqual(settings);
    store.set({ startAtLogin: true });
    expect(readFileSync(copy)).toEqual(readFileSync(join(folder, 'settings.json')));
  });

  it('that a person changed are kept aside, and taken once their sum is removed', async () => {
    const settings = await write();
    const file = join(folder, 'settings.json');
    const edited = readFileSync(file, 'utf8').replace('"threads": 1', '"threads": 4');
    const threads = edited.replace('"threads": 4', '"threads":4');
    expect(threads).not.toBe(edited);
    writeFileSync(file, edited);
    const told: string[] = [];
    expect((await open(told)).get()).toEqual(settings);
    expect(told[0]).toMatch(/changed by another program.*remove its line "sum"/);
    const aside = readdirSync(folder).find((name) => name.startsWith('settings.json.damaged-'));
    expect(readFileSync(join(folder, aside ?? ''), 'utf8')).toBe(edited);
    writeFileSync(file, edited.replace(/,\s*"sum": "[0-9a-f]+"/, ''));
    const again: string[] = [];
    expect((await open(again)).get().uploads.threads).toBe(4);
    expect(again).toEqual([]);
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
    const newer = withSum({ version: 9, account: { host: HOST }, future: { of: 'things' } });
    writeFileSync(file, JSON.stringify(newer));
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

  const save = () =>
    openPairStore({
      foldersFile: join(folder, 'folders.json'),
      clock: systemClock,
      tell: () => undefined,
    }).save([
      {
        publicId: 'pair01',
        createId: 'create01',
        clusterId: null,
        config: folderConfigSchema.parse({
          roots: [{ diskPath: '/data', prefix: '' }],
          name: 'run',
          target: { collectionUuid: 'zzzzz-4zz18-000000000000000', collectionName: 'run' },
        }),
      },
    ]);

  it('with a flipped bit is never taken for right: the one saved last is used', async () => {
    await save();
    const right = await load();
    const good = readFileSync(join(folder, 'folders.json'));
    for (const { bytes, where } of flips(good)) {
      writeFileSync(join(folder, 'folders.json'), bytes);
      expect(await load(), where).toEqual(right);
      const again: string[] = [];
      expect(await load(again), where).toEqual(right);
      expect(again, where).toEqual([]);
    }
  });

  it('with a flipped bit, and no copy, is as it was, or moved aside once', async () => {
    await save();
    const right = await load();
    const good = readFileSync(join(folder, 'folders.json'));
    for (const { bytes, where } of flips(good)) {
      rmSync(join(folder, 'folders.good.json'), { force: true });
      writeFileSync(join(folder, 'folders.json'), bytes);
      const told: string[] = [];
      const pairs = await load(told);
      expect(pairs, where).toEqual(told.length === 0 ? right : []);
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
  it('with a flipped bit gives no other token, and none to another host', async () => {
    const path = join(folder, 'token.json');
    const token = 'v2/zzzzz-gj3su-000000000000001/secret';
    const tokens = new TokenFile(path);
    await tokens.write(HOST, token);
    for (const { bytes, where } of flips(readFileSync(path))) {
      writeFileSync(path, bytes);
      const read = await tokens.read('other.example.org').catch((thrown: unknown) => thrown);
      const refused = read instanceof KeepsyncError ? read.code : read;
      expect([undefined, 'NOT_SIGNED_IN'], where).toContain(refused);
      const mine = await tokens.read(HOST).catch((thrown: unknown) => thrown);
      expect([token, 'NOT_SIGNED_IN'], where).toContain(mine instanceof KeepsyncError ? mine.code : mine);
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
