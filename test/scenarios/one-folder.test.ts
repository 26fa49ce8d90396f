import { afterEach, describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { ROOT, World, type WorldOptions } from '../support/world.ts';

let world: World | undefined;
const begin = async (options: WorldOptions = {}) => {
  world = new World(options);
  return world;
};
/** A saved folder that lost more than half of its files a minute ago. */
const afterSixOfTenAreGone = async () => {
  const w = await begin();
  for (let i = 0; i < 10; i += 1) {
    w.disk.write(`${ROOT}/f${i}`, `content ${i}`);
  }
  await w.start();
  await w.settle();
  for (let i = 0; i < 6; i += 1) {
    w.disk.remove(`${ROOT}/f${i}`);
  }
  await w.pass(60_000);
  return w;
};
/** The directories that are listed from now on. */
const listings = (w: World): readonly string[] => {
  const listed: string[] = [];
  const list = w.disk.list.bind(w.disk);
  w.disk.list = (dir) => {
    listed.push(dir);
    return list(dir);
  };
  return listed;
};
afterEach(async () => {
  await world?.end();
  world = undefined;
});

describe('a folder kept by a running client', () => {
  it('is saved as it is found, small files packed and large ones in pieces', async () => {
    const w = await begin();
    w.disk.write(`${ROOT}/a.txt`, 'alpha\n');
    w.disk.write(`${ROOT}/deep/er/b.txt`, 'beta\n');
    w.disk.write(`${ROOT}/large.bin`, 'x'.repeat(200));
    w.disk.write(`${ROOT}/empty`, '');
    w.disk.mkdir(`${ROOT}/empty dir`);
    await w.start();
    await w.settle();
    expect(w.remote()).toEqual(new Map([...w.local(), ['empty dir/', '']]));
    expect(w.keep.mostPutsAtOnce).toBeLessThanOrEqual(2);
  });

  it('looks at everything once, also where its first save makes the collection', async () => {
    const w = await begin();
    w.disk.write(`${ROOT}/deep/a.txt`, 'alpha');
    const listed = listings(w);
    await w.start();
    await w.settle();
    await w.pass(60_000);
    expect(w.remote()).toEqual(w.local());
    expect(listed.filter((dir) => dir === `${ROOT}/deep`)).toHaveLength(1);
  });

  it('looks at everything once when it starts again, with the watcher there before', async () => {
    const w = await begin();
    w.disk.write(`${ROOT}/deep/a.txt`, 'alpha');
    await w.start();
    await w.settle();
    await w.crash();
    const listed = listings(w);
    w.disk.write(`${ROOT}/deep/b.txt`, 'while nobody looked');
    await w.start();
    await w.settle();
    expect(w.remote()).toEqual(w.local());
    expect(listed.filter((dir) => dir === `${ROOT}/deep`)).toHaveLength(1);
  });

  it('tells the watcher how much there was at the last look, so that it need not count', async () => {
    const told: Array<number | undefined> = [];
    const w = await begin({
      wrapWatcher: (watcher) => ({
        watch: (roots, rules, events, knownEntries) => {
          told.push(knownEntries);
          return watcher.watch(roots, rules, events, knownEntries);
        },
      }),
    });
    for (let i = 0; i < 7; i += 1) {
      w.disk.write(`${ROOT}/f${i}`, `content ${i}`);
    }
    await w.start();
    await w.settle();
    await w.crash();
    await w.start();
    await w.settle();
    expect(told).toEqual([0, 7]);
  });

  it('follows edits, new files and deletes', async () => {
    const w = await begin();
    for (let i = 0; i < 10; i += 1) {
      w.disk.write(`${ROOT}/f${i}`, `content ${i}`);
    }
    await w.start();
    await w.settle();
    w.disk.write(`${ROOT}/f0`, 'other content');
    w.disk.write(`${ROOT}/new/file`, 'new');
    w.disk.remove(`${ROOT}/f1`);
    await w.settle();
    expect(w.remote().get('f0')).toBe('other content');
    expect(w.remote().has('f1')).toBe(false);
  });

  it('does not save a file that is still being written', async () => {
    const w = await begin();
    w.disk.write(`${ROOT}/done`, 'done');
    await w.start();
    await w.settle();
    w.disk.write(`${ROOT}/growing`, '0');
    for (let i = 1; i < 20; i += 1) {
      await w.pass(1_000);
      w.disk.append(`${ROOT}/growing`, `${i}`);
      expect(w.remote().has('growing')).toBe(false);
    }
    await w.settle();
    expect(w.remote().get('growing')).toBe(w.local().get('growing'));
  });

  it('sends no block for a renamed folder, a renamed file, or a copy', async () => {
    const w = await begin();
    for (let i = 0; i < 20; i += 1) {
      w.disk.write(`${ROOT}/old/f${i}`, `content ${i}`);
    }
    w.disk.write(`${ROOT}/big`, 'y'.repeat(150));
    w.disk.write(`${ROOT}/stay`, 'stay');
    await w.start();
    await w.settle();
    const puts = () => w.keep.calls.filter((call) => call.startsWith('put')).length;
    const before = puts();
    w.disk.rename(`${ROOT}/old`, `${ROOT}/new`);
    await w.settle();
    w.disk.rename(`${ROOT}/new/f3`, `${ROOT}/alone`);
    w.disk.write(`${ROOT}/copy of f4`, 'content 4');
    w.disk.rename(`${ROOT}/big`, `${ROOT}/bigger`);
    await w.settle();
    expect(puts()).toBe(before);
    expect([...w.remote().keys()].some((path) => path.startsWith('old'))).toBe(false);
  });

  it('saves a renamed folder once, however long it takes to list it', async () => {
    let batches = 0;
    const w = await begin({
      wrapDisk: (disk) => ({
        ...disk,
        scan: (folderId, request, onChanges, signal) =>
          disk.scan(
            folderId,
            request,
            async (changes) => {
              for (const change of changes) {
                await onChanges([change]);
                await new Promise<void>((resolve) => w.clock.setTimer(1_000, resolve));
                // whatever makes it think of saving meanwhile
                w.tellOfCollection(null);
                batches += 1;
              }
            },
            signal,
          ),
      }),
    });
    for (let i = 0; i < 20; i += 1) {
      w.disk.write(`${ROOT}/old/f${i}`, `content ${i}`);
      w.disk.write(`${ROOT}/stay/f${i}`, `stays ${i}`);
    }
    await w.start();
    await w.settle();
    const saves = () => w.collections.calls.filter((call) => call.startsWith('replaceFiles')).length;
    const before = { saves: saves(), batches };
    w.disk.rename(`${ROOT}/old`, `${ROOT}/new`);
    await w.settle();
    expect(batches - before.batches).toBeGreaterThan(20);
    expect(saves() - before.saves).toBe(1);
    expect(w.remote()).toEqual(w.local());
  });

  it('asks before it mirrors the loss of more than half of a folder', async () => {
    const w = await afterSixOfTenAreGone();
    const asked = await w.status();
    expect(asked.tray).toBe('attention');
    expect(asked.problems.map((problem) => problem.code)).toEqual(['MASS_DELETE']);
    expect(w.remote().size).toBe(10);
    await w.engine.run('folders.confirmDeletes', { folderId: 'pair01' });
    await w.settle();
    expect(w.remote().size).toBe(4);
  });

  it('goes on after the same question without a delete where the person keeps the collection', async () => {
    const w = await afterSixOfTenAreGone();
    const asked = await w.status();
    expect(asked.problems).toMatchObject([{ code: 'MASS_DELETE' }]);
    // every byte that is there is saved, but nothing goes on: no percentage says it all
    expect(asked.folders[0]).toMatchObject({ phase: 'blocked', percentSaved: null });
    await w.engine.run('folders.set', { folderId: 'pair01', change: { deletes: 'keep' } });
    await w.engine.run('folders.retry', { folderId: 'pair01', problemId: 'MASS_DELETE:pair01' });
    w.disk.write(`${ROOT}/new`, 'new');
    await w.pass(120_000);
    expect(await w.status()).toMatchObject({ tray: 'ready', problems: [] });
    expect(w.remote().size).toBe(11);
  });

  it('is not let go on by a retry of everything, which is no answer to the question', async () => {
    const w = await begin();
    for (let i = 0; i < 4; i += 1) {
      w.disk.write(`${ROOT}/f${i}`, `content ${i}`);
    }
    await w.start((config) => ({ ...config, deletes: 'keep' }));
    await w.settle();
    for (let i = 0; i < 3; i += 1) {
      w.disk.remove(`${ROOT}/f${i}`);
    }
    await w.pass(60_000);
    await w.engine.run('folders.retry', {});
    await w.pass(60_000);
    expect((await w.status()).problems).toMatchObject([{ code: 'MASS_DELETE' }]);
  });

  it('keeps the collection when the folder is unmounted, and goes on when it is back', async () => {
    const w = await begin();
    w.disk.write(`${ROOT}/f`, 'precious');
    await w.start();
    await w.settle();
    const back = w.disk.unmount(ROOT);
    await w.engine.run('folders.rescan', {});
    await w.pass(120_000);
    expect((await w.status()).problems.map((problem) => problem.code)).toEqual(['ROOT_GONE']);
    expect(w.remote().get('f')).toBe('precious');
    back();
    await w.settle();
  });

  it('leaves files of others alone, and keeps both where the same path was changed', async () => {
    const w = await begin();
    w.disk.write(`${ROOT}/ours`, 'first');
    await w.start();
    await w.settle();
    const other = Buffer.from('written by somebody else');
    const put = await w.keep.put(await w.keep.md5(other), other, { copies: 1, storageClasses: [] });
    w.collections.edit(w.collectionUuid, (files) => {
      files.set('theirs', [{ locator: put.locator, offset: 0, length: other.length }]);
      files.set('ours', [{ locator: put.locator, offset: 0, length: 7 }]);
    });
    w.disk.write(`${ROOT}/ours`, 'second');
    await w.pass(60_000);
    const told = await w.status();
    expect(told).toMatchObject({ tray: 'attention', problems: [{ code: 'CONFLICT', count: 1 }] });
    // a client that starts again tells it, too: nobody has seen it yet
    await w.crash();
    await w.start();
    await w.pass(60_000);
    expect((await w.status()).problems).toMatchObject([
      { code: 'CONFLICT', examplePath: told.problems[0]?.examplePath },
    ]);
    // until somebody has looked, which `settle` does
    await w.settle();
    expect((await w.status()).problems).toEqual([]);
    const remote = w.remote();
    expect(remote.get('ours')).toBe('second');
    expect(remote.get('theirs')).toBe('written by somebody else');
    const conflict = [...remote.keys()].find((path) => /^ours~\d{8}-\d{6}~conflict~$/.test(path));
    expect(remote.get(conflict ?? '')).toBe('written');
  });

  it.each([
    ['of our collection', (world: World) => world.collectionUuid],
    ['that may have been missed', () => null],
  ])('looks at once what others did on an event %s', async (_, uuidOf) => {
    const w = await begin();
    await w.start();
    w.disk.write(`${ROOT}/a`, 'ours');
    await w.settle();
    w.collections.edit(w.collectionUuid, (files) => {
      files.delete('a');
    });
    w.tellOfCollection('zzzzz-4zz18-000000000000000');
    await w.pass(5_000);
    expect([...w.collections.filesIn(w.collectionUuid).keys()]).toEqual([]);
    w.tellOfCollection(uuidOf(w));
    await w.pass(5_000);
    expect([...w.collections.filesIn(w.collectionUuid).keys()]).toEqual(['a']);
  });

  it('sends small files while a huge one is on its way', async () => {
    const w = await begin();
    const pieces = 40;
    w.disk.write(
      `${ROOT}/huge`,
      Array.from({ length: pieces * 16 }, (_, i) => String(i).padStart(4, '.')).join(''),
    );
    for (let put = 1; put <= pieces; put += 1) {
      const until = new Promise<void>((resolve) => w.clock.setTimer(put * 10_000, resolve));
      w.keep.faults.add('put', { kind: 'hold', until });
    }
    await w.start();
    await w.pass(60_000);
    w.disk.write(`${ROOT}/small`, 'written meanwhile');
    await w.pass(60_000);
    await w.pass(60_000);
    const sent = [...w.keep.blocks.values()].map((block) => Buffer.from(block).toString());
    expect(sent).toContain('written meanwhile');
    expect(sent.length).toBeLessThan(pieces);
    await w.settle();
    expect(w.remote()).toEqual(w.local());
  });

  it('goes on after a kill without sending what was acknowledged', async () => {
    const w = await begin();
    w.disk.write(
      `${ROOT}/large`,
      Array.from({ length: 100 }, (_, i) => String(i).padStart(10, '.')).join(''),
    );
    let release: (() => void) | undefined;
    const stuck = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (let i = 0; i < 8; i += 1) {
      w.keep.faults.add('put', { kind: 'hold', until: Promise.resolve() });
    }
    w.keep.faults.add('put', { kind: 'hold', until: stuck }, 4);
    await w.start();
    await w.pass(10_000);
    const acknowledged = new Set(w.keep.blocks.keys());
    expect(acknowledged.size).toBeGreaterThan(0);
    await w.crash();
    release?.();
    const before = w.keep.calls.length;
    await w.start();
    await w.settle();
    const again = w.keep.calls
      .slice(before)
      .filter((call) => call.startsWith('put') && acknowledged.has(call.slice(4)));
    expect(again).toEqual([]);
  });

  it('shuts the gate on a full cluster, says so once, and goes on after Retry', async () => {
    const w = await begin();
    for (let i = 0; i < 40; i += 1) {
      w.disk.write(`${ROOT}/f${i}`, `${i}`.repeat(20));
    }
    w.keep.faults.add('put', { kind: 'error', error: new KeepsyncError('FULL', '507: no space') }, 2);
    await w.start();
    await w.pass(5_000);
    const full = await w.status();
    expect(full.tray).toBe('error');
    expect(full.problems).toHaveLength(1);
    expect(full.problems[0]).toMatchObject({ code: 'FULL', kind: 'needs-you' });
    await w.engine.run('folders.retry', {});
    await w.settle();
  });

  it('makes the collection with all that is in it, and asks no more of the cluster', async () => {
    const w = await begin();
    w.disk.write(`${ROOT}/deep/a.txt`, 'alpha');
    w.disk.write(`${ROOT}/b.txt`, 'beta');
    await w.start();
    await w.settle();
    expect(w.remote()).toEqual(w.local());
    expect(w.collections.calls.filter((call) => /create|replaceFiles|Manifest/.test(call))).toEqual([
      'create',
    ]);
  });

  it('never makes a second collection when the answer to the first was lost', async () => {
    const w = await begin();
    w.disk.write(`${ROOT}/f`, 'x');
    w.collections.failures.push({
      method: 'create',
      error: new KeepsyncError('OFFLINE', 'reset'),
      after: true,
    });
    await w.start();
    w.disk.write(`${ROOT}/g`, 'y');
    await w.settle();
    expect(w.collections.collections.size).toBe(1);
    expect(w.remote()).toEqual(w.local());
  });

  it('is never called saved while anything is not', async () => {
    const w = await begin({ dropRate: 0.3, seed: 7 });
    for (let i = 0; i < 30; i += 1) {
      w.disk.write(`${ROOT}/d${i % 3}/f${i}`, `${i}`.repeat(i));
    }
    await w.start();
    await w.settle();
    const early = w.snapshots.filter(
      (snapshot) => snapshot.tray === 'ready' && snapshot.bar.saved.files < 30,
    );
    expect(early.map((snapshot) => snapshot.verdict.sentence)).toEqual([]);
  });
});

describe('on a cluster without replace_files', () => {
  it('saves whole manifests after a fresh read, and still leaves files of others alone', async () => {
    const w = await begin({ replaceFiles: false });
    w.disk.write(`${ROOT}/a/f`, 'x');
    w.disk.write(`${ROOT}/g`, 'y');
    w.disk.write(`${ROOT}/h`, 'z');
    await w.start();
    await w.settle();
    const block = w.collections.filesIn(w.collectionUuid).get('g') ?? [];
    w.collections.edit(w.collectionUuid, (files) => files.set('theirs', block));
    w.disk.write(`${ROOT}/a/f`, 'changed');
    w.disk.remove(`${ROOT}/g`);
    await w.settle();
    expect(w.remote().get('theirs')).toBe('y');
    expect(w.collections.calls).not.toContain('replaceFiles');
  });

  it('does not replace what somebody else put there after the look at the collection', async () => {
    const w = await begin({ replaceFiles: false });
    w.disk.write(`${ROOT}/g`, 'y');
    await w.start();
    await w.settle();
    const block = w.collections.filesIn(w.collectionUuid).get('g') ?? [];
    const read = w.collections.getWithManifest.bind(w.collections);
    w.collections.getWithManifest = (uuid) => {
      w.collections.getWithManifest = read;
      w.collections.edit(w.collectionUuid, (files) => files.set('name/theirs', block));
      return read(uuid);
    };
    w.disk.write(`${ROOT}/name`, 'ours');
    await w.settle();
    const remote = w.remote();
    expect(remote.get('name')).toBe('ours');
    expect([...remote].filter(([path, text]) => path.includes('theirs') && text === 'y')).toHaveLength(1);
  });
});
