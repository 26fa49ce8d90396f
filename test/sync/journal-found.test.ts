import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TreeChange } from '../../src/local/ports.ts';
import type { AcknowledgedBlock, PendingFile, StoredFile } from '../../src/sync/journal-port.ts';
import { CALM, JournalWorld, md5, signed } from './journal-model.ts';

/** More than the journal keeps in memory. */
const MANY = 25_000;
const KEPT_MAX = 24_576;

let world: JournalWorld;

beforeEach(async () => {
  world = new JournalWorld();
  await world.open();
});
afterEach(() => world.close());

const counts = () => world.journal.counts(world.folderId);
const claim = (files = 1_000) =>
  world.journal.claimPending(world.folderId, world.nowMs, { files, bytes: 1_000_000_000 });
const written = () => Object.fromEntries(world.rows().map((row) => [row.path, row.state]));
const record = (changes: readonly TreeChange[]) =>
  world.journal.recordChanges(world.folderId, changes, { nowMs: world.nowMs, calm: CALM });

const fileAt = (path: string, sizeBytes = 1): TreeChange => ({
  type: 'file',
  path,
  diskPath: `/disk/${path}`,
  stat: { kind: 'file', sizeBytes, stamp: `${sizeBytes}:${path}`, changedAtMs: 0 },
});

const blockOf = (content: string): AcknowledgedBlock => ({
  locator: signed(content, world.nowMs + 1_000_000_000),
  sizeBytes: content.length,
  reused: false,
});

const storedFrom = (files: readonly PendingFile[]): StoredFile[] =>
  files.map(({ entryId, stamp }, offset) => ({
    entryId,
    stamp,
    digest: md5(stamp),
    offset,
    lengthBytes: 1,
  }));

describe('a file that was just found and is due', () => {
  test('is in no table before its block is acknowledged, and then with its directories', async () => {
    world.write('d/e/a', 'x');
    await world.scan();
    expect(written()).toEqual({});
    expect(await counts()).toMatchObject({ pending: { files: 1, bytes: 1 }, dirsToSave: 0 });
    await world.journal.recordPackedBlock(world.folderId, blockOf('x'), storedFrom(await claim()), 1);
    expect(written()).toEqual({ d: 'saved', 'd/e': 'saved', 'd/e/a': 'stored' });
    expect(await counts()).toMatchObject({ pending: { files: 0, bytes: 0 }, stored: { files: 1, bytes: 1 } });
    await world.journal.verify();
  });

  test('counts the same kept as written, and is the same work', async () => {
    world.write('a', 'xyz');
    world.write('d/b', 'x');
    world.mkdir('empty');
    await world.scan();
    const kept = await counts();
    const [first] = await claim(1);
    await world.journal.releaseFiles([first?.entryId ?? 0]);
    await world.journal.writeFound(world.folderId);
    expect(await counts()).toEqual(kept);
    expect(kept).toMatchObject({ pending: { files: 2, bytes: 4 }, dirsToSave: 1 });
    expect(await claim(1)).toEqual([first]);
    expect(written()).toEqual({ a: 'pending', d: 'saved', 'd/b': 'pending', empty: 'stored' });
    await world.journal.verify();
  });

  test('is found again after a kill, and nothing that was acknowledged is sent twice', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      world.write(`d/${name}`, name);
    }
    await world.scan();
    await world.journal.recordPackedBlock(world.folderId, blockOf('ab'), storedFrom(await claim(2)), 1);
    await world.restart();
    expect(await counts()).toMatchObject({ pending: { files: 0 }, stored: { files: 2 } });
    await world.scan();
    expect(await counts()).toMatchObject({ pending: { files: 2 }, stored: { files: 2 } });
    expect((await claim()).map((file) => file.path)).toEqual(['d/c', 'd/d']);
    await world.journal.verify();
  });

  test('is reported as gone by the next scan like any other', async () => {
    world.write('d/a', 'x');
    world.mkdir('d');
    await world.scan();
    world.remove('d/a');
    await world.scan();
    expect(await counts()).toMatchObject({ pending: { files: 0 }, dirsToSave: 1 });
    expect(written()).toEqual({ d: 'stored' });
  });

  test('that is found again as it was changes nothing, and with another stamp waits for that', async () => {
    await record([fileAt('a', 1)]);
    await record([fileAt('a', 1)]);
    expect(await counts()).toMatchObject({ pending: { files: 1, bytes: 1 } });
    await record([fileAt('a', 7)]);
    expect(await counts()).toMatchObject({ pending: { files: 1, bytes: 7 } });
    expect((await claim()).map((file) => file.stamp)).toEqual(['7:a']);
    await world.journal.verify();
  });

  test('waits in its turn among those that were written', async () => {
    const calm = { ...CALM, calmBaseMs: 1_000, calmMaxMs: 1_000 };
    const young: TreeChange = {
      type: 'file',
      path: 'young',
      diskPath: '/disk/young',
      stat: { kind: 'file', sizeBytes: 1, stamp: '1:young', changedAtMs: world.nowMs - 500 },
    };
    await world.journal.recordChanges(world.folderId, [fileAt('first'), young], { nowMs: world.nowMs, calm });
    expect(written()).toEqual({ young: 'pending' });
    world.nowMs += 1_000;
    await record([fileAt('last')]);
    expect((await claim()).map((file) => file.path)).toEqual(['first', 'young', 'last']);
  });
});

test('the first file of an empty directory that is to be saved is written with what it changes there', async () => {
  world.mkdir('d');
  await world.scan();
  await world.journal.writeFound(world.folderId);
  world.write('d/a', 'x');
  world.write('d/b', 'x');
  await world.scan();
  // Were none of them written, nobody would see after a kill that the directory is empty again.
  expect(written()).toEqual({ d: 'saved', 'd/a': 'pending' });
  await world.restart();
  world.remove('d/a');
  world.remove('d/b');
  await world.scan();
  expect(written()).toEqual({ d: 'stored' });
});

test('a call that fails leaves what was kept as it was', async () => {
  await record([fileAt('d/a'), fileAt('d/b')]);
  const files = await claim();
  const [first, second] = storedFrom(files);
  const unreadable = {
    ...second,
    get stamp(): string {
      throw new Error('no stamp');
    },
  } as StoredFile;
  const before = await counts();
  const recorded = world.journal.recordPackedBlock(
    world.folderId,
    blockOf('ab'),
    first === undefined ? [] : [first, unreadable],
    1,
  );
  await expect(recorded).rejects.toThrow('no stamp');
  expect(written()).toEqual({});
  expect(await counts()).toEqual(before);
  await world.journal.recordPackedBlock(world.folderId, blockOf('ab'), storedFrom(files), 1);
  expect(written()).toEqual({ 'd/a': 'stored', 'd/b': 'stored' });
  await world.journal.verify();
});

test('only so many are kept: what is found beyond is written at once', async () => {
  for (let from = 0; from < MANY; from += 5_000) {
    await record(Array.from({ length: 5_000 }, (_, index) => fileAt(`d/${from + index}`)));
  }
  expect(world.rows()).toHaveLength(MANY - KEPT_MAX);
  expect(await counts()).toMatchObject({ pending: { files: MANY, bytes: MANY } });
  expect(await claim(MANY)).toHaveLength(MANY);
  await world.journal.verify();
});
