import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_CALM } from '../../src/local/calm.ts';
import type { TreeChange } from '../../src/local/ports.ts';
import { splitDiskPath } from '../../src/sync/journal-folders.ts';
import { JournalWorld } from './journal-model.ts';

const TTL = 1_000_000_000;
let world: JournalWorld;

beforeEach(async () => {
  world = new JournalWorld();
  await world.open();
});
afterEach(() => world.close());

const states = () => Object.fromEntries(world.rows().map((row) => [row.path, row.state]));
const record = (...changes: TreeChange[]) =>
  world.journal.recordChanges(world.folderId, changes, {
    nowMs: world.nowMs,
    calm: { calmBaseMs: 0, calmBytesPerSecond: 1, calmMaxMs: 0 },
  });

async function saved(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    world.write(path, content);
  }
  await world.settle();
}

describe('what a scan finds', () => {
  test('a new file waits to be read, a new directory that stays empty to be saved', async () => {
    world.write('d/a', 'x');
    world.mkdir('e');
    await world.scan();
    await world.journal.writeFound(world.folderId);
    expect(states()).toEqual({ d: 'saved', 'd/a': 'pending', e: 'stored' });
    expect((await world.journal.counts(world.folderId)).dirsToSave).toBe(1);
  });

  test('a file of the same stamp under another name has its bytes already', async () => {
    await saved({ 'd/a': 'one', 'd/b': 'two' });
    world.rename('d', 'e');
    expect(await record(...world.changes())).toEqual({ pending: 0, taken: 2, gone: 2 });
    expect(states()).toMatchObject({ 'e/a': 'stored', 'e/b': 'stored', 'd/a': 'gone', 'd/b': 'gone' });
    const uploads = world.uploads;
    await world.settle();
    expect(world.uploads).toBe(uploads);
    expect(world.remote.contentOf('e/b')).toBe('two');
  });

  test('so has a hard link to it', async () => {
    await saved({ a: 'one' });
    const node = world.disk.get('a');
    if (node !== undefined) {
      world.disk.set('link', node);
    }
    await world.scan();
    expect(states()).toEqual({ a: 'saved', link: 'stored' });
  });

  test('a file that is back as it was becomes what it was', async () => {
    await saved({ a: 'one' });
    const node = world.disk.get('a');
    world.remove('a');
    await world.scan();
    expect(states()).toEqual({ a: 'gone' });
    if (node !== undefined) {
      world.disk.set('a', node);
    }
    await world.scan();
    expect(states()).toEqual({ a: 'saved' });
  });

  test('what is gone and was never saved is forgotten', async () => {
    world.write('d/a', 'x');
    await world.scan();
    await world.upload(TTL);
    world.remove('d');
    await world.scan();
    expect(states()).toEqual({});
  });

  test('a directory that is gone takes everything below it along', async () => {
    await saved({ 'd/a': '1', 'd/d/b': '2', 'd.x': '3', d0: '4' });
    await record({ type: 'gone', path: 'd', wasDir: true });
    expect(states()).toEqual({
      d: 'gone',
      'd/a': 'gone',
      'd/d': 'gone',
      'd/d/b': 'gone',
      'd.x': 'saved',
      d0: 'saved',
    });
  });

  test('a directory that lost its last file before anything was saved is to be saved as an empty one', async () => {
    world.write('d/a', 'x');
    await world.scan();
    world.remove('d/a');
    await world.scan();
    expect(states()).toEqual({ d: 'stored' });
  });

  test('what is held keeps what was saved of it, and says why once', async () => {
    await saved({ a: 'one' });
    world.held.add('a');
    await world.scan();
    expect(states()).toEqual({ a: 'held' });
    const [problem] = await world.journal.listProblems(world.folderId);
    expect(problem).toMatchObject({ code: 'FILE_DENIED', state: 'held', count: 1, examplePath: 'a' });
    world.nowMs += 5;
    await world.scan();
    expect((await world.journal.listProblems(world.folderId))[0]?.sinceMs).toBe(problem?.sinceMs);
    world.held.clear();
    const uploads = world.uploads;
    await world.settle();
    expect(states()).toEqual({ a: 'saved' });
    expect(world.uploads).toBe(uploads);
  });

  test('a folder that was removed is not written to any more', async () => {
    await world.journal.removeFolder(world.folderId);
    const change = { type: 'dir' as const, path: 'd', diskPath: '/d' };
    await expect(record(change)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('calm', () => {
  const due = async (changedAtMs: number, sizeBytes = 1) => {
    const stat = { kind: 'file' as const, sizeBytes, stamp: `${sizeBytes}:${changedAtMs}`, changedAtMs };
    await world.journal.recordChanges(world.folderId, [{ type: 'file', path: 'a', diskPath: '/a', stat }], {
      nowMs: 1_000_000,
      calm: DEFAULT_CALM,
    });
    return (await world.journal.nextDueAtMs(world.folderId)) ?? 0;
  };

  test('a file that changed just now is due after its calm period', async () => {
    expect(await due(999_500)).toBe(1_001_500);
  });

  test('one that was left alone for long is due now', async () => {
    expect(await due(5)).toBe(1_000_000);
  });

  test('a change time in the future counts as now', async () => {
    expect(await due(9_000_000_000)).toBe(1_002_000);
  });

  test('larger files wait longer', async () => {
    expect(await due(1_000_000, 100 * 1024 * 1024)).toBe(1_004_000);
  });

  test('what was scheduled before the clock was set back a year is due', async () => {
    await due(999_500);
    const files = await world.journal.claimPending(world.folderId, 5, { files: 1, bytes: 1 });
    expect(files).toEqual([]);
    const yearAgoMs = 1_000_000 - 365 * 24 * 3_600_000;
    expect(await world.journal.claimPending(world.folderId, yearAgoMs, { files: 1, bytes: 1 })).toHaveLength(
      1,
    );
  });
});

describe('deletes', () => {
  test('are counted for the guard, renames apart', async () => {
    await saved({ a: 'same', b: 'other', c: 'third' });
    world.rename('a', 'z');
    world.remove('b');
    await world.scan();
    await world.upload(TTL);
    expect(await world.journal.guardFigures(world.folderId)).toEqual({
      gone: 1,
      moved: 1,
      live: 2,
      outside: 0,
    });
  });

  test('confirmed with "keep" are forgotten, and the collection keeps the file', async () => {
    await saved({ a: 'one', b: 'two' });
    world.remove('a');
    await world.scan();
    expect(await world.journal.confirmDeletes(world.folderId, 'keep', 'person')).toBe(1);
    await world.settle();
    expect(states()).toEqual({ b: 'saved' });
    expect(world.remote.contentOf('a')).toBe('one');
  });

  test('confirmed with "mirror" go with the next save', async () => {
    await saved({ a: 'one', b: 'two' });
    world.remove('a');
    await world.scan();
    await world.journal.confirmDeletes(world.folderId, 'mirror', 'person');
    expect((await world.save({}))?.replaceFiles).toEqual({ '/a': '' });
    expect(states()).toEqual({ b: 'saved' });
  });

  test('wait for a pending file of the same size, which may be the same under another name', async () => {
    await saved({ a: 'one', b: 'four' });
    world.rename('a', 'z');
    world.remove('b');
    await world.scan();
    expect(await world.journal.confirmDeletes(world.folderId, 'mirror', 'guard')).toBe(1);
    expect(states()).toEqual({ a: 'gone', b: 'deleted', z: 'pending' });
  });
});

describe('disk paths', () => {
  test.each([
    ['a/b', '/home/u/a/b', '/home/u/', 0],
    ['p/a/b', '/home/u/a/b', '/home/u', 1],
    ['x', '/etc/hosts', '/etc/hosts', 1],
    ['b/x', '/home/ab/x', '/home/ab', 1],
    ['a/b', 'C:\\data\\a\\b', 'C:\\data\\', 0],
    ['p/b c', 'C:\\data\\b c', 'C:\\data', 1],
  ])('%s at %s is stored as one beginning', (path, diskPath, base, cut) => {
    expect(splitDiskPath(path, diskPath)).toMatchObject({ base, cut });
  });

  test('come back as they were', async () => {
    const stat = (stamp: string) => ({ kind: 'file' as const, sizeBytes: 1, stamp, changedAtMs: 0 });
    const paths = {
      'a/b': '/home/u/a/b',
      'p/c': '/srv/c',
      x: '/etc/hosts',
      'q/d e': 'C:\\in\\d e',
      'q/r/s': 'C:\\in\\r\\s',
    };
    await record(
      ...Object.entries(paths).map(([path, diskPath]) => ({
        type: 'file' as const,
        path,
        diskPath,
        stat: stat(path),
      })),
    );
    const files = await world.journal.claimPending(world.folderId, world.nowMs, { files: 10, bytes: 100 });
    expect(Object.fromEntries(files.map((file) => [file.path, file.diskPath]))).toEqual(paths);
  });
});
