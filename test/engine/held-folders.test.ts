import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { ROOT, World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = new World();
  world.disk.write(`${ROOT}/first`, 'saved before');
  await world.start();
  await world.settle();
  await world.crash();
});
afterEach(() => world.end());

const requests = () => [world.keep.calls.length, world.collections.calls.length];

describe('a folder of another cluster', () => {
  test('is held, asks, and sends nothing to the one that is signed in to now', async () => {
    const before = requests();
    world.clusterId = 'other';
    world.disk.write(`${ROOT}/second`, 'not for them');
    await world.start();
    await world.pass(3_600_000);
    expect(await world.status()).toMatchObject({
      tray: 'attention',
      folders: [{ phase: 'blocked', percentSaved: null, bar: { saved: { files: 1 } } }],
      problems: [{ code: 'OTHER_CLUSTER', folderId: 'pair01' }],
    });
    for (const name of ['folders.retry', 'folders.rescan', 'folders.resume'] as const) {
      await world.engine.run(name, { folderId: 'pair01' });
    }
    await world.pass(3_600_000);
    expect(requests()).toEqual(before);
  });

  test('goes on when its own cluster is signed in to again', async () => {
    world.clusterId = 'other';
    world.disk.write(`${ROOT}/second`, 'for ours');
    await world.start();
    await world.pass(60_000);
    await world.crash();
    world.clusterId = 'zzzzz';
    await world.start();
    await world.settle();
    expect(world.remote().get('second')).toBe('for ours');
  });

  test('ends without waiting for what it will never do', async () => {
    world.clusterId = 'other';
    world.disk.write(`${ROOT}/second`, 'for ours');
    await world.start();
    await world.engine.close({ finish: true });
    expect(world.remote().has('second')).toBe(false);
  });
});

describe('while nobody is signed in', () => {
  beforeEach(async () => {
    world.hold = new KeepsyncError('NOT_SIGNED_IN', 'There is no token');
    world.disk.write(`${ROOT}/second`, 'waits');
    await world.start();
    await world.pass(60_000);
  });

  test('the folders are there with what is saved of them, one problem says why they rest, nothing is asked', async () => {
    const before = requests();
    expect(await world.status()).toMatchObject({
      tray: 'error',
      folders: [{ phase: 'blocked', percentSaved: null, bar: { saved: { files: 1, bytes: 12 } } }],
      problems: [{ code: 'NOT_SIGNED_IN', folderId: null, actions: ['sign-in'] }],
    });
    expect(await world.engine.run('files.list', { folderId: 'pair01' })).toMatchObject({ total: 1 });
    await world.pass(7_200_000);
    expect(requests()).toEqual(before);
  });

  test('a folder can be set and removed, but none added', async () => {
    const { config } = await world.engine.run('folders.get', { folderId: 'pair01' });
    await world.engine.run('folders.set', { folderId: 'pair01', change: { name: 'renamed' } });
    expect((await world.status()).folders[0]?.name).toBe('renamed');
    const adding = world.engine.run('folders.add', config);
    await expect(adding).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    await world.engine.run('folders.remove', { folderId: 'pair01' });
    expect(world.pairs).toEqual([]);
  });
});

test('changes of a pair that come at the same time are all kept', async () => {
  await world.start();
  await Promise.all([
    world.engine.run('folders.set', { folderId: 'pair01', change: { name: 'renamed' } }),
    world.engine.run('folders.set', { folderId: 'pair01', change: { deletes: 'keep' } }),
  ]);
  expect(world.pairs).toMatchObject([{ config: { name: 'renamed', deletes: 'keep' }, clusterId: 'zzzzz' }]);
});
