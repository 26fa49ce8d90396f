import { afterEach, describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { ROOT, World, type WorldOptions } from '../support/world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

const LARGE = Array.from({ length: 60 }, (_, i) => String(i).padStart(5, '.')).join('');

/** A folder that one client has saved, and is gone: small files packed with each other, large ones, copies, empty ones. */
const saved = async (options: WorldOptions = {}) => {
  const w = new World(options);
  world = w;
  for (let i = 0; i < 40; i += 1) {
    w.disk.write(`${ROOT}/d${i % 3}/f${i}`, `${i}`.repeat(1 + (i % 9)));
  }
  w.disk.write(`${ROOT}/large`, LARGE);
  w.disk.write(`${ROOT}/empty`, '');
  w.disk.write(`${ROOT}/copy`, '7'.repeat(8));
  w.disk.mkdir(`${ROOT}/empty dir`);
  await w.start();
  await w.settle();
  await w.crash();
  return w;
};

/** Copied by something that keeps no times. */
const touchAll = (w: World) => {
  for (const path of w.disk.filesBelow(ROOT)) {
    w.disk.setMtime(path, w.clock.nowMs() - 60_000);
  }
};

const puts = (w: World) => w.keep.calls.filter((call) => call.startsWith('put')).length;
const gets = (w: World) => w.keep.calls.filter((call) => call.startsWith('get')).length;
const conflicts = (w: World) => [...w.remote().keys()].filter((path) => path.includes('~conflict~'));

describe('a new profile on a collection that has the files already', () => {
  it('sends nothing, fetches nothing and keeps nothing beside', async () => {
    const w = await saved();
    const before = { puts: puts(w), gets: gets(w), version: versionOf(w) };
    touchAll(w);
    await w.newProfile();
    await w.start();
    await w.settle();
    expect({ puts: puts(w), gets: gets(w), version: versionOf(w) }).toEqual(before);
    expect(w.remote()).toEqual(new Map([...w.local(), ['empty dir/', '']]));
    const [folder] = (await w.status()).folders;
    expect(folder?.bar.saved.files).toBe(w.local().size);
  });

  it('sends and keeps beside just the file that differs, though it shares a block with others', async () => {
    const w = await saved();
    w.disk.write(`${ROOT}/d1/f4`, 'other');
    w.disk.write(`${ROOT}/new`, 'new');
    const before = puts(w);
    await w.newProfile();
    await w.start();
    await w.settle();
    expect(puts(w) - before).toBe(1);
    expect(conflicts(w)).toHaveLength(1);
    expect(w.remote().get(conflicts(w)[0] ?? '')).toBe('44444');
    expect(gets(w)).toBe(1);
  });

  it.each(['keep', 'mirror'] as const)(
    'goes on as any other folder then, with deletes %s',
    async (deletes) => {
      const w = await saved();
      await w.newProfile((config) => ({ ...config, deletes }));
      await w.start();
      await w.settle();
      const before = puts(w);
      w.disk.rename(`${ROOT}/d0/f3`, `${ROOT}/renamed`);
      w.disk.rename(`${ROOT}/d2`, `${ROOT}/d3`);
      w.disk.write(`${ROOT}/copy 2`, LARGE);
      await w.pass(120_000);
      expect(puts(w)).toBe(before);
      expect(w.remote().get('renamed')).toBe('3333');
      expect(w.remote().has('d2/f2')).toBe(deletes === 'keep');
      expect(w.remote().get('copy 2')).toBe(LARGE);
      w.disk.remove(`${ROOT}/d1`);
      await w.pass(120_000);
      expect(w.remote().has('d1/f1')).toBe(deletes === 'keep');
    },
  );

  it('finds what is there in blocks that somebody else packed across the files', async () => {
    const w = new World();
    world = w;
    const files = new Map(Array.from({ length: 20 }, (_, i) => [`s${i}`, `${i},`.repeat(4 + i)]));
    for (const [path, content] of files) {
      w.disk.write(`${ROOT}/${path}`, content);
    }
    await w.start();
    await w.settle();
    await packAsOneStream(w, files);
    await w.newProfile();
    const before = puts(w);
    await w.start();
    await w.settle();
    expect([puts(w) - before, gets(w), conflicts(w)]).toEqual([0, 0, []]);
  });

  it('waits for a network that fails, and sends nothing meanwhile', async () => {
    const w = await saved();
    w.disk.write(`${ROOT}/d1/f4`, 'other');
    const before = puts(w);
    await w.newProfile();
    w.collections.failures.push(
      { method: 'get', error: new KeepsyncError('SERVER', '500'), after: false },
      { method: 'getWithManifest', error: new KeepsyncError('OFFLINE', 'reset'), after: false },
    );
    w.keep.faults.add('get', { kind: 'error', error: new KeepsyncError('OFFLINE', 'reset') }, 2);
    await w.start();
    await w.settle();
    expect(conflicts(w)).toHaveLength(1);
    expect(puts(w) - before).toBe(1);
  });

  it('sends what it cannot compare, because Keep has lost the block', async () => {
    const w = await saved();
    w.disk.write(`${ROOT}/d1/f4`, 'other');
    await w.newProfile();
    w.keep.faults.add('get', { kind: 'error', error: new KeepsyncError('NOT_FOUND', 'lost') }, 1);
    await w.start();
    await w.settle();
    expect(conflicts(w).length).toBeGreaterThan(1);
    expect(w.differences()).toEqual([]);
  });

  it('notices an edit in the middle of the comparison', async () => {
    const w = await saved();
    w.disk.onNextRead(`${ROOT}/d1/f4`, () => w.disk.write(`${ROOT}/d1/f4`, 'in the middle'));
    await w.newProfile();
    await w.start();
    await w.settle();
    expect(w.remote().get('d1/f4')).toBe('in the middle');
    expect(conflicts(w)).toHaveLength(1);
  });

  it('repeats the comparison after a kill', async () => {
    const w = await saved();
    await w.newProfile();
    const before = puts(w);
    for (let i = 0; i < 12; i += 1) {
      await w.start();
      await w.pass(i * 5);
      await w.crash();
    }
    await w.start();
    await w.settle();
    expect([puts(w) - before, conflicts(w)]).toEqual([0, []]);
  });

  it('sends nothing again where just the journal was lost', async () => {
    const w = await saved();
    const { pairs } = w;
    await w.newProfile();
    w.pairs = pairs;
    const before = puts(w);
    await w.start();
    await w.settle();
    expect([puts(w) - before, conflicts(w)]).toEqual([0, []]);
    await w.pass(60_000);
    expect(w.pairs[0]?.rebuilding).not.toBe(true);
  });
});

const versionOf = (w: World) => w.collections.collections.get(w.collectionUuid)?.record.version;

/** The files as `arv-put` lays them out: end to end over blocks of 64 bytes, wherever one begins. */
async function packAsOneStream(w: World, files: ReadonlyMap<string, string>): Promise<void> {
  const all = Buffer.from([...files.values()].join(''));
  const locators: string[] = [];
  for (let at = 0; at < all.length; at += 64) {
    const block = all.subarray(at, at + 64);
    const put = await w.keep.put(await w.keep.md5(block), block, { copies: 1, storageClasses: [] });
    locators.push(put.locator);
  }
  w.collections.edit(w.collectionUuid, (edited) => {
    let start = 0;
    for (const [path, content] of files) {
      const ranges = [];
      for (let at = start; at < start + content.length; ) {
        const block = Math.floor(at / 64);
        const end = Math.min(start + content.length, (block + 1) * 64);
        ranges.push({ locator: locators[block] ?? '', offset: at - block * 64, length: end - at });
        at = end;
      }
      edited.set(path, ranges);
      start += content.length;
    }
  });
}
