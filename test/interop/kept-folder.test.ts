import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snapshotSchema } from '../../src/contract/status.ts';
import type { Running, SdkView } from '../support/interop-processes.ts';
import { contentOf, treeOf } from '../support/interop-tree.ts';
import {
  eventually,
  type InteropWorld,
  isInteropPossible,
  needsArvadosCommands,
  openInteropWorld,
} from '../support/interop-world.ts';

const CONFLICT = /^edited~\d{8}-\d{6}~conflict~$/;

/** One life of a folder: each test goes on where the one before ended. */
describe('the SDK follows a folder that the daemon keeps', { timeout: 300_000 }, () => {
  needsArvadosCommands();
  let world: InteropWorld;
  let daemon: Running;
  let uuid: string;
  beforeAll(async () => {
    if (!isInteropPossible) {
      return;
    }
    world = await openInteropWorld();
    mkdirSync(folder('sub/deep'), { recursive: true });
    writeFileSync(folder('edited'), 'first');
    writeFileSync(folder('sub/deep/large'), contentOf('large', 3_000_000));
    writeFileSync(folder('sub/small'), contentOf('small', 3_000));
    await world.output('keepsync', 'folder', 'add', 'kept', '--deletes', 'mirror');
    daemon = world.start({ command: 'keepsync', args: ['daemon'] });
    await eventually('the daemon listens', () => daemon.stderr().includes('until Ctrl-C'));
    await eventually('all is saved', async () => {
      const snapshot = await status();
      uuid = snapshot.folders[0]?.collectionUuid ?? '';
      return snapshot.tray === 'ready' && uuid !== '';
    });
  });
  afterAll(async () => {
    await world?.close();
  });

  const folder = (path: string) => world.path('kept', path);
  const status = async () =>
    snapshotSchema.parse(
      JSON.parse((await world.run({ command: 'keepsync', args: ['status', '--json'] })).stdout),
    );
  /** Until the SDK reads from the collection what is on disk, and what the tests know to be there besides. */
  const followed = async (besides: (path: string) => boolean = () => false) => {
    let view: SdkView | undefined;
    await eventually('the SDK reads what is on disk', async () => {
      view = await world.sdk.read(uuid);
      const files = Object.entries(view.files).filter(([path]) => !besides(path));
      return isDeepStrictEqual(
        { files: Object.fromEntries(files), emptyDirs: view.emptyDirs },
        treeOf(world.path('kept')),
      );
    });
    return view?.files ?? {};
  };

  test('a new file, an edit in place and a save by rename', async () => {
    await followed();
    writeFileSync(folder('sub/new: file'), contentOf('new', 70_000));
    const large = openSync(folder('sub/deep/large'), 'r+');
    writeSync(large, 'in the middle', 1_500_000);
    closeSync(large);
    writeFileSync(folder('edited.tmp'), 'second');
    renameSync(folder('edited.tmp'), folder('edited'));
    const files = await followed();
    expect(Object.keys(files).sort()).toEqual(['edited', 'sub/deep/large', 'sub/new: file', 'sub/small']);
  });

  test('a renamed folder sends no block', async () => {
    const before = world.blocksSent();
    expect(before).toBeGreaterThan(0);
    renameSync(folder('sub'), folder('renamed'));
    const files = await followed();
    expect(Object.keys(files)).toContain('renamed/deep/large');
    expect(world.blocksSent()).toBe(before);
  });

  test('deleted files and a folder that was emptied', async () => {
    rmSync(folder('renamed/small'));
    rmSync(folder('renamed/deep/large'));
    const files = await followed();
    expect(Object.keys(files).sort()).toEqual(['edited', 'renamed/new: file']);
  });

  test('a file that was edited on both sides is there twice, and files that were never ours stay', async () => {
    await world.sdk.edit(uuid, { write: { edited: 'by an SDK program', 'theirs/new': 'never ours' } });
    writeFileSync(folder('edited'), 'third, here');
    const files = await followed((path) => path === 'theirs/new' || CONFLICT.test(path));
    const conflict = Object.keys(files).find((path) => CONFLICT.test(path)) ?? '';
    expect(await world.output('arv-get', `${uuid}/${conflict}`, '-')).toBe('by an SDK program');
    expect(await world.output('arv-get', `${uuid}/theirs/new`, '-')).toBe('never ours');
    expect(await world.output('arv-get', `${uuid}/edited`, '-')).toBe('third, here');
    // the collection has it a moment before the daemon tells of it
    await eventually('the conflict is told of', async () => (await status()).problems.length > 0);
    const { problems } = await status();
    expect(problems).toMatchObject([{ code: 'CONFLICT', count: 1, examplePath: conflict }]);
    await world.output('keepsync', 'retry', problems[0]?.folderId ?? '');
    await eventually('nothing needs anybody', async () => (await status()).tray === 'ready');
  });

  test('what changes on both sides while no daemon runs is there after the next start', async () => {
    daemon.child.kill('SIGTERM');
    expect((await daemon.done).exitCode).toBe(0);
    await world.sdk.edit(uuid, { write: { 'theirs/later': 'still not ours' } });
    writeFileSync(folder('meanwhile'), 'written while nobody looked');
    rmSync(folder('renamed/new: file'));
    daemon = world.start({ command: 'keepsync', args: ['daemon'] });
    const files = await followed((path) => path.startsWith('theirs/') || CONFLICT.test(path));
    expect(
      Object.keys(files)
        .filter((path) => !CONFLICT.test(path))
        .sort(),
    ).toEqual(['edited', 'meanwhile', 'theirs/later', 'theirs/new']);
  });
});
