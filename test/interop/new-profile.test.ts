import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snapshotSchema } from '../../src/contract/status.ts';
import type { Running } from '../support/interop-processes.ts';
import { contentOf, treeOf } from '../support/interop-tree.ts';
import {
  eventually,
  type InteropWorld,
  isInteropPossible,
  needsArvadosCommands,
  openInteropWorld,
} from '../support/interop-world.ts';

const CONFLICT = /~\d{8}-\d{6}~conflict~$/;

/** One life of a collection: each test goes on where the one before ended. */
describe('a new profile on a collection that has the files already', { timeout: 300_000 }, () => {
  needsArvadosCommands();
  let world: InteropWorld;
  let daemon: Running | undefined;
  let uuid: string;
  beforeAll(async () => {
    if (!isInteropPossible) {
      return;
    }
    world = await openInteropWorld();
    for (let i = 0; i < 60; i += 1) {
      mkdirSync(folder(`d${i % 4}`), { recursive: true });
      writeFileSync(folder(`d${i % 4}/f${i}`), contentOf(`f${i}`, i * 700));
    }
    writeFileSync(folder('large'), contentOf('large', 3_000_000));
  });
  afterAll(async () => {
    await world?.close();
  });

  const folder = (path: string) => world.path('kept', path);
  const status = async () =>
    snapshotSchema.parse(
      JSON.parse((await world.run({ command: 'keepsync', args: ['status', '--json'] })).stdout),
    );
  /** Another installation, which keeps the folder until all is saved. */
  const keptAnew = async (...more: string[]) => {
    rmSync(world.path('profile'), { recursive: true, force: true });
    await world.output('keepsync', 'folder', 'add', 'kept', '--deletes', 'mirror', ...more);
    daemon = world.start({ command: 'keepsync', args: ['daemon'] });
    await eventually('the daemon runs', () => daemon?.stderr().includes('until Ctrl-C') === true);
    await eventually('all of the folder is saved', async () => {
      const [first] = (await status()).folders;
      uuid = first?.collectionUuid ?? '';
      return first?.percentSaved === 100 && first.bar.saved.files === 61;
    });
  };
  const ended = async (exitCode = 0) => {
    daemon?.child.kill('SIGTERM');
    expect((await daemon?.done)?.exitCode).toBe(exitCode);
  };
  const touchAll = () => {
    for (const path of Object.keys(treeOf(world.path('kept')).files)) {
      utimesSync(folder(path), 1_600_000_000, 1_600_000_000);
    }
  };

  test('sends nothing for what another profile saved, whatever the times of the files', async () => {
    await keptAnew();
    await ended();
    const before = world.blocksSent();
    touchAll();
    await keptAnew('--update-collection', uuid);
    await ended();
    expect(world.blocksSent()).toBe(before);
    expect((await world.sdk.read(uuid)).files).toEqual(treeOf(world.path('kept')).files);
  });

  test('sends nothing for what arv-put saved', async () => {
    const put = await world.output('arv-put', '--no-progress', 'kept/');
    uuid = /[a-z0-9]{5}-4zz18-[a-z0-9]{15}/.exec(put)?.[0] ?? '';
    const before = world.blocksSent();
    await keptAnew('--update-collection', uuid);
    await ended();
    expect(world.blocksSent()).toBe(before);
    expect((await world.sdk.read(uuid)).files).toEqual(treeOf(world.path('kept')).files);
  });

  test('keeps just the version beside that differs, though its block holds others', async () => {
    writeFileSync(folder('d1/f5'), contentOf('other', 5 * 700));
    const before = world.blocksSent();
    await keptAnew('--update-collection', uuid);
    // Somebody has to look at the two versions; the files are saved a moment before that is told.
    await eventually('the conflict is told of', async () => (await status()).problems.length > 0);
    await ended(1);
    expect(world.blocksSent() - before).toBeGreaterThan(0);
    const { files } = await world.sdk.read(uuid);
    const beside = Object.keys(files).filter((path) => CONFLICT.test(path));
    expect(beside.map((path) => path.replace(CONFLICT, ''))).toEqual(['d1/f5']);
    const ours = Object.entries(files).filter(([path]) => !beside.includes(path));
    expect(Object.fromEntries(ours)).toEqual(treeOf(world.path('kept')).files);
  });
});
