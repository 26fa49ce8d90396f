import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspectJournal } from '../../src/sync/journal-inspect.ts';
import { JournalWorld } from './journal-model.ts';

let world: JournalWorld;

beforeEach(async () => {
  world = new JournalWorld();
  await world.open();
});
afterEach(() => world.close());

const TTL_MS = 1_000_000_000;

/** How many lines a table of the journal's file has. */
const linesOf = (table: 'whole_save' | 'save_row') => {
  const database = new DatabaseSync(world.path, { readOnly: true });
  const { n } = database.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get() ?? {};
  database.close();
  return n;
};
const states = () => Object.fromEntries(world.rows().map((row) => [row.path, row.state]));
const counts = () => world.journal.counts(world.folderId);

const uploadTree = async () => {
  world.write('a', 'alpha');
  world.write('d/b', 'beta');
  world.write('d/large', 'gamma'.repeat(5));
  await world.scan();
  await world.upload(TTL_MS);
};

describe('a save of just what is stored', () => {
  test('is noted as one line, and so is that it was answered', async () => {
    await uploadTree();
    const before = await counts();
    await world.save({
      meanwhile: async () => expect([linesOf('whole_save'), linesOf('save_row')]).toEqual([1, 0]),
    });
    expect([linesOf('whole_save'), linesOf('save_row')]).toEqual([1, 0]);
    expect(states()).toEqual({ a: 'stored', d: 'saved', 'd/b': 'stored', 'd/large': 'stored' });
    expect(await counts()).toEqual({
      ...before,
      stored: { files: 0, bytes: 0 },
      saved: before.stored,
      oldestStoredAtMs: null,
      storedBlocks: { files: 0, bytes: 0 },
      savedBlocks: before.storedBlocks,
    });
  });

  test('counts the same when it is written into the rows as before', async () => {
    await uploadTree();
    await world.save({});
    const noted = await counts();
    await world.journal.writeSaved();
    expect(await counts()).toEqual(noted);
    expect(states()).toEqual({ a: 'saved', d: 'saved', 'd/b': 'saved', 'd/large': 'saved' });
    expect(linesOf('whole_save')).toBe(0);
    await world.journal.verify();
  });

  test('is remembered over a restart, also by who looks at the journal from outside', async () => {
    await uploadTree();
    await world.save({});
    await world.restart();
    expect(await counts()).toMatchObject({ stored: { files: 0 }, saved: { files: 3 } });
    expect(inspectJournal(world.path)).toMatchObject({ state: 'sound', files: { saved: 3 } });
    const { rows } = await world.journal.listFiles(world.folderId, {
      search: '',
      states: [],
      offset: 0,
      limit: 10,
    });
    expect(rows.map((row) => row.state)).toEqual(['saved', 'saved', 'saved']);
    await world.journal.verify();
  });

  test('leaves nothing to be saved, read or sent', async () => {
    await uploadTree();
    await world.save({});
    await world.restart();
    const { uploads } = world;
    await world.scan();
    expect(await world.upload(TTL_MS)).toBe(0);
    expect(await world.save({})).toBeUndefined();
    expect(world.uploads).toBe(uploads);
    await world.journal.verify();
  });

  test('is written into the rows before one of them changes', async () => {
    await uploadTree();
    await world.save({});
    world.write('a', 'other');
    world.remove('d/b');
    await world.scan();
    expect(states()).toEqual({ a: 'pending', d: 'saved', 'd/b': 'gone', 'd/large': 'saved' });
    expect(await counts()).toMatchObject({ saved: { files: 1 }, pending: { files: 1 }, gone: { files: 1 } });
    await world.settle();
    expect(world.remote.contentOf('a')).toBe('other');
    expect(world.remote.contentOf('d/b')).toBeUndefined();
    await world.journal.verify();
  });

  test('takes back what a transaction that failed did to it', async () => {
    await uploadTree();
    await world.save({});
    await expect(world.journal.recordAdoption(world.folderId + 1, [], world.nowMs)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(linesOf('whole_save')).toBe(1);
    expect(await counts()).toMatchObject({ stored: { files: 0 }, saved: { files: 3 } });
    await world.journal.writeSaved();
    expect(states()).toMatchObject({ a: 'saved', 'd/b': 'saved' });
    await world.journal.verify();
  });
});

describe('while its answer is awaited', () => {
  test('a row that changes is not taken for saved', async () => {
    await uploadTree();
    await world.save({
      meanwhile: async () => {
        world.write('a', 'other');
        await world.scan();
        expect([linesOf('whole_save'), linesOf('save_row')]).toEqual([0, 3]);
      },
    });
    expect(states()).toEqual({ a: 'pending', d: 'saved', 'd/b': 'saved', 'd/large': 'saved' });
    await world.settle();
    expect(world.remote.contentOf('a')).toBe('other');
    await world.journal.verify();
  });

  test('a kill leaves it in doubt, and the next look finds what it did', async () => {
    await uploadTree();
    await world.save({ outcome: 'killed' });
    expect(await counts()).toMatchObject({ stored: { files: 3 }, saved: { files: 0 } });
    const { uploads } = world;
    world.write('a', 'other');
    await world.scan();
    await world.journal.compareRemote(world.folderId, world.remote.manifest(world.nowMs + TTL_MS));
    // What the save had put at the changed path is ours, no stranger's.
    expect(await world.journal.mayAdopt(world.folderId)).toBe(false);
    expect(states()).toEqual({ a: 'pending', d: 'saved', 'd/b': 'saved', 'd/large': 'saved' });
    await world.settle();
    expect([...world.remote.nodes.keys()].sort()).toEqual(['a', 'd', 'd/b', 'd/large']);
    expect(world.remote.contentOf('a')).toBe('other');
    expect(world.uploads).toBe(uploads + 1);
  });
});

test('a save that is about something else, too, is noted row by row', async () => {
  await uploadTree();
  await world.save({});
  world.write('c', 'new');
  world.remove('a');
  await world.scan();
  await world.upload(TTL_MS);
  await world.journal.confirmDeletes(world.folderId, 'mirror', 'person');
  await world.save({
    meanwhile: async () => expect([linesOf('whole_save'), linesOf('save_row')]).toEqual([0, 2]),
  });
  expect(states()).toEqual({ c: 'saved', d: 'saved', 'd/b': 'saved', 'd/large': 'saved' });
  await world.journal.verify();
});

describe('where there is no collection yet', () => {
  const build = () =>
    world.journal.buildSave({
      folderId: world.folderId,
      nowMs: world.nowMs,
      signatureValidUntilMs: world.nowMs,
      remoteUnchanged: false,
      limitBytes: 1_000_000,
      conflicts: 'keep-beside',
      isNew: true,
    });

  test('a save is a manifest, with its hash and no targets', async () => {
    await uploadTree();
    const built = await build();
    world.remote.nodes = new Map();
    world.remote.apply(
      { manifestText: built?.manifestText ?? '', replaceFiles: { '/d': 'manifest_text/d' } },
      world.nowMs,
    );
    expect(world.remote.contentOf('d/b')).toBe('beta');
    expect(built).toMatchObject({ replaceFiles: {}, files: 3, more: false });
    expect(built?.portableDataHash).toMatch(/^[0-9a-f]{32}\+\d+$/);
  });

  test('there is none while nobody knows what became of an earlier one', async () => {
    await uploadTree();
    const built = await build();
    await world.journal.abandonSave(built?.saveId ?? 0);
    world.remove('a');
    await world.scan();
    await world.journal.confirmDeletes(world.folderId, 'mirror', 'person');
    expect(await build()).toBeUndefined();
    expect(states()).toMatchObject({ a: 'deleted', 'd/b': 'stored' });
  });

  test('there is none of what a manifest alone cannot say', async () => {
    await uploadTree();
    world.mkdir('empty');
    await world.scan();
    expect(await build()).toBeUndefined();
    expect([linesOf('whole_save'), linesOf('save_row')]).toEqual([0, 0]);
  });
});
