import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compactTime } from '../../src/sync/save-places.ts';
import { JournalWorld } from './journal-model.ts';

const TTL = 1_000_000_000;
let world: JournalWorld;

beforeEach(async () => {
  world = new JournalWorld();
  await world.open();
});
afterEach(() => world.close());

const states = () => Object.fromEntries(world.rows().map((row) => [row.path, row.state]));
const beside = (path: string) => `${path}~${compactTime(world.nowMs)}~conflict~`;

/** What is on disk is scanned, what is gone confirmed, what is new uploaded; nothing is saved yet. */
async function ready(): Promise<void> {
  await world.scan();
  await world.journal.confirmDeletes(world.folderId, 'mirror', 'person');
  await world.upload(TTL);
}

async function saved(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    world.write(path, content);
  }
  await world.settle();
}

test('into an empty collection each file goes by its name, beside what others put there at that moment', async () => {
  world.write('d/a', 'one');
  world.write('b', '');
  world.mkdir('e/f');
  await ready();
  const built = await world.save({
    meanwhile: async () => {
      world.remote.write('d/theirs', 'stranger');
    },
  });
  expect(Object.keys(built?.replaceFiles ?? {}).sort()).toEqual(['/b', '/d/a', '/e/f']);
  expect([...world.remote.nodes.keys()].sort()).toEqual(['b', 'd', 'd/a', 'd/theirs', 'e', 'e/f']);
});

test('only what changed is sent', async () => {
  await saved({ a: 'one', b: 'two' });
  world.write('b', 'new');
  await ready();
  const built = await world.save({});
  expect(built).toMatchObject({ replaceFiles: { '/b': 'manifest_text/b' }, files: 1, bytes: 3, more: false });
  expect(await world.save({})).toBeUndefined();
});

test('names are escaped in the manifest and plain in the targets', async () => {
  await saved({ a: 'one' });
  world.write('d x/é :\\y', 'two');
  await ready();
  const built = await world.save({});
  expect(built?.replaceFiles).toEqual({ '/d x/é :\\y': 'manifest_text/d x/é :\\y' });
  expect(built?.manifestText).toContain('./d\\040x ');
  expect(built?.manifestText).toContain(':é\\040\\072\\134y');
});

test('a renamed folder is copied on the server and its old name removed, in one save', async () => {
  await saved({ 'd/a': 'one', 'd/b': 'two', k: '3' });
  world.rename('d', 'e');
  await ready();
  expect(await world.save({})).toMatchObject({
    manifestText: '',
    replaceFiles: { '/e/a': 'current/d/a', '/e/b': 'current/d/b', '/d': '' },
    files: 2,
    deleted: 2,
  });
  expect([...world.remote.nodes.keys()].sort()).toEqual(['e', 'e/a', 'e/b', 'k']);
});

test('renames need no signature, and go on when theirs have run out', async () => {
  await saved({ 'd/a': 'one', k: '3' });
  await world.journal.expireSignatures();
  world.rename('d', 'e');
  await ready();
  expect(await world.save({})).toMatchObject({ resetFiles: 0, files: 1 });
});

test('a copy is not made of what has changed since', async () => {
  await saved({ a: 'one', k: '3' });
  world.write('a', 'two');
  await ready();
  await world.save({
    meanwhile: async () => {
      world.write('b', 'one');
      await ready();
    },
  });
  expect((await world.save({}))?.replaceFiles).toEqual({ '/b': 'manifest_text/b' });
  expect(world.remote.contentOf('b')).toBe('one');
});

describe('a limit', () => {
  test('makes several saves, deletes in the last one', async () => {
    await saved({ old: 'x', k: 'kept' });
    world.remove('old');
    for (let index = 0; index < 20; index += 1) {
      world.write(`n${index}`, `${index}`);
    }
    await ready();
    const builds = [];
    for (
      let built = await world.save({ limitBytes: 300 });
      built;
      built = await world.save({ limitBytes: 300 })
    ) {
      builds.push(built);
    }
    expect(builds.length).toBeGreaterThan(3);
    expect(builds.map((built) => built.more)).toEqual([...builds.slice(1).map(() => true), false]);
    expect(builds.filter((built) => '/old' in built.replaceFiles)).toEqual([builds.at(-1)]);
    expect(world.remote.contentOf('n19')).toBe('19');
    expect(world.remote.contentOf('old')).toBeUndefined();
  });
});

describe('signatures', () => {
  test('that run out send their files back to be read, and not by way of known bytes', async () => {
    await saved({ k: 'x' });
    world.write('a', 'bytes');
    await world.scan();
    await world.upload(30_000);
    expect(await world.save({})).toMatchObject({ replaceFiles: {}, resetFiles: 1 });
    expect(states()).toMatchObject({ a: 'pending' });
    const uploads = world.uploads;
    await world.settle();
    expect(world.uploads).toBe(uploads + 1);
    expect(world.remote.contentOf('a')).toBe('bytes');
  });

  test('that run out make no bytes known, wherever else they are written down', async () => {
    await saved({ g: 'before', k: 'x' });
    world.write('g', 'bytes');
    await world.scan();
    await world.upload(30_000);
    world.write('a', 'bytes');
    await world.scan();
    await world.upload(TTL);
    world.remove('g');
    await world.scan();
    expect(states()).toMatchObject({ a: 'stored', g: 'gone' });
    expect(await world.save({})).toMatchObject({ resetFiles: 1 });
    await world.upload(TTL);
    expect(await world.save({})).toMatchObject({ resetFiles: 0, files: 1 });
    expect(world.remote.contentOf('a')).toBe('bytes');
  });

  test('are taken over from a manifest', async () => {
    await saved({ a: 'one' });
    await world.journal.expireSignatures();
    const manifest = world.remote.manifest(world.nowMs + TTL);
    expect(await world.journal.refreshSignatures(world.folderId, manifest)).toBe(1);
    expect(await world.journal.refreshSignatures(world.folderId, manifest)).toBe(0);
    world.remote.remove('a');
    await world.settle();
    expect(world.remote.contentOf('a')).toBe('one');
    expect(world.uploads).toBe(1);
  });

  test('of blocks that the journal did not know are taken in', async () => {
    world.remote.write('theirs', 'foreign bytes');
    await saved({ k: 'x' });
    const uploads = world.uploads;
    const manifest = world.remote.manifest(world.nowMs + TTL);
    await world.journal.refreshSignatures(world.folderId, manifest);
    const [name = ''] = /[0-9a-f]{32}\+13/.exec(manifest) ?? [];
    expect(await world.journal.knownBlock(name, world.nowMs)).toMatch(/\+A/);
    expect(world.uploads).toBe(uploads);
  });
});

describe('while a save is under way', () => {
  test('a file that is edited stays to be saved', async () => {
    await saved({ k: 'x' });
    world.write('a', 'one');
    await ready();
    await world.save({
      meanwhile: async () => {
        world.write('a', 'two');
        await world.scan();
        await world.upload(TTL);
      },
    });
    expect(states()).toMatchObject({ a: 'stored' });
    await world.settle();
    expect(world.remote.contentOf('a')).toBe('two');
  });

  test('a new file that is removed is removed from the collection, too', async () => {
    await saved({ k: 'x' });
    world.write('d/a', 'one');
    await ready();
    await world.save({
      meanwhile: async () => {
        world.remove('d');
        await world.scan();
      },
    });
    expect(world.remote.contentOf('d/a')).toBe('one');
    await world.settle();
    expect([...world.remote.nodes.keys()]).toEqual(['k']);
  });

  test('a folder that took the place of a file and is removed again is removed from the collection, too', async () => {
    await saved({ d: 'one', k: 'x' });
    world.write('d/e', 'two');
    await ready();
    const built = await world.save({
      meanwhile: async () => {
        world.remove('d');
        await world.scan();
      },
    });
    expect(built?.replaceFiles).toEqual({ '/d': '', '/d/e': 'manifest_text/d/e' });
    await world.settle();
    expect([...world.remote.nodes.keys()]).toEqual(['k']);
  });

  test('a deleted file that is back is saved again', async () => {
    await saved({ a: 'one', k: 'x' });
    const node = world.disk.get('a');
    world.remove('a');
    await ready();
    await world.save({
      meanwhile: async () => {
        if (node !== undefined) {
          world.disk.set('a', node);
        }
        await world.scan();
      },
    });
    expect(states()).toMatchObject({ a: 'stored' });
    await world.settle();
    expect(world.remote.contentOf('a')).toBe('one');
  });

  test.each(['answer-lost', 'killed'] as const)(
    'our own content is no conflict after an end by "%s"',
    async (outcome) => {
      await saved({ a: 'one', k: 'x' });
      world.write('a', 'two');
      await ready();
      await world.save({ outcome });
      world.write('a', 'three');
      await ready();
      expect((await world.save({}))?.conflicts).toEqual([]);
      expect([...world.remote.nodes.keys()].sort()).toEqual(['a', 'k']);
      expect(world.remote.contentOf('a')).toBe('three');
    },
  );

  test('what the server took without our knowing counts as saved at the next look', async () => {
    await saved({ k: 'x' });
    world.write('a', 'one');
    await ready();
    await world.save({ outcome: 'answer-lost' });
    expect(states()).toMatchObject({ a: 'stored' });
    await world.journal.compareRemote(world.folderId, world.remote.manifest(world.nowMs));
    expect(states()).toMatchObject({ a: 'saved' });
    await world.settle();
    expect(await world.save({})).toBeUndefined();
  });

  test('finishing or abandoning a save that is not under way is an error', async () => {
    const result = { atMs: 1, portableDataHash: 'x', version: 1, collided: false };
    await expect(world.journal.finishSave(77, result)).rejects.toMatchObject({ code: 'STATE' });
    await expect(world.journal.abandonSave(77)).rejects.toMatchObject({ code: 'STATE' });
  });
});

describe('directories', () => {
  test('go as a whole when all in them is ours', async () => {
    await saved({ 'd/a': '1', 'd/d/b': '2', k: 'x' });
    world.mkdir('d/e');
    await world.settle();
    world.remove('d');
    await ready();
    expect(await world.save({})).toMatchObject({ replaceFiles: { '/d': '' }, deleted: 2 });
    expect([...world.remote.nodes.keys()]).toEqual(['k']);
    expect(states()).toEqual({ k: 'saved' });
  });

  test('stay with what strangers have in them', async () => {
    world.remote.write('d/theirs', 'stranger');
    await saved({ 'd/a': '1', 'd/d/b': '2', k: 'x' });
    world.remove('d');
    await ready();
    const built = await world.save({});
    expect(built?.replaceFiles).toEqual({ '/d/d': '', '/d/a': '' });
    expect([...world.remote.nodes.keys()].sort()).toEqual(['d', 'd/theirs', 'k']);
    expect(states()).toEqual({ k: 'saved' });
  });

  test('that become empty stay as empty ones', async () => {
    await saved({ 'd/a': '1', k: 'x' });
    world.remove('d/a');
    await world.settle();
    expect(world.remote.nodes.get('d')).toEqual({ kind: 'dir' });
  });
});

describe('a file and a directory change places', () => {
  test('a file becomes a directory', async () => {
    await saved({ a: 'one', k: 'x' });
    world.remove('a');
    world.write('a/b', 'two');
    await ready();
    expect((await world.save({}))?.replaceFiles).toEqual({ '/a': '', '/a/b': 'manifest_text/a/b' });
    expect(world.remote.contentOf('a/b')).toBe('two');
  });

  test('a file becomes an empty directory', async () => {
    await saved({ a: 'one', k: 'x' });
    world.remove('a');
    world.mkdir('a');
    await ready();
    await world.save({});
    expect(world.remote.nodes.get('a')).toEqual({ kind: 'dir' });
    expect(states()).toEqual({ a: 'saved', k: 'saved' });
  });

  test('a directory becomes a file', async () => {
    await saved({ 'a/b': 'one', 'a/c/d': 'two', k: 'x' });
    world.remove('a');
    world.write('a', 'three');
    await ready();
    expect(await world.save({})).toMatchObject({
      replaceFiles: { '/a': 'manifest_text/a' },
      files: 1,
      deleted: 2,
    });
    expect(world.remote.contentOf('a')).toBe('three');
    expect(states()).toEqual({ a: 'saved', k: 'saved' });
  });

  test('a directory becomes a file, when one inside it is known only by what is left in it', async () => {
    await saved({ 'd/d/a': 'one', k: 'x' });
    world.remove('d');
    world.remote.write('d/d/theirs', 'stranger');
    await ready();
    await world.save({ outcome: 'refused' });
    expect(states()).toEqual({ 'd/d/a': 'deleted', k: 'saved' });
    world.write('d', 'two');
    await ready();
    // The server refuses a target inside one with a source, such as /d/d/a here.
    expect(await world.save({})).toMatchObject({
      replaceFiles: { [`/${beside('d')}`]: 'current/d', '/d': 'manifest_text/d' },
      deleted: 1,
    });
    expect(world.remote.contentOf('d')).toBe('two');
    expect(world.remote.contentOf(`${beside('d')}/d/theirs`)).toBe('stranger');
    expect(states()).toEqual({ d: 'saved', k: 'saved' });
    expect(await world.save({})).toBeUndefined();
  });

  test('but not before it is agreed that what was in it may go', async () => {
    await saved({ 'a/b': 'one', k: 'x' });
    world.remove('a');
    world.write('a', 'three');
    await world.scan();
    await world.upload(TTL);
    expect(await world.save({})).toBeUndefined();
    expect(world.remote.contentOf('a/b')).toBe('one');
  });
});

describe('strangers', () => {
  test('their change of our file is kept beside ours, and ours at its place', async () => {
    await saved({ 'd/a': 'one', k: 'x' });
    world.remote.write('d/a', 'stranger');
    world.write('d/a', 'two');
    await ready();
    const built = await world.save({});
    expect(built?.conflicts).toEqual([{ path: 'd/a', beside: beside('d/a') }]);
    expect(world.remote.contentOf('d/a')).toBe('two');
    expect(world.remote.contentOf(beside('d/a'))).toBe('stranger');
  });

  test('it is not kept at a name below which something of ours is left', async () => {
    const taken = beside('a');
    await saved({ a: 'one', [`${taken}/b`]: 'two' });
    world.remove(taken);
    world.remote.write(`${taken}/theirs`, 'stranger');
    await ready();
    await world.save({ outcome: 'refused' });
    world.remote.remove(`${taken}/theirs`);
    world.remote.write('a', 'theirs');
    world.write('a', 'ours');
    await ready();
    const built = await world.save({});
    expect(built?.conflicts).toEqual([{ path: 'a', beside: `${taken}2` }]);
    expect(built?.replaceFiles).toMatchObject({ [`/${taken}/b`]: '' });
    expect(world.remote.contentOf(`${taken}2`)).toBe('theirs');
  });

  test('or replaced, if the request says so', async () => {
    await saved({ a: 'one', k: 'x' });
    world.remote.write('a', 'stranger');
    world.write('a', 'two');
    await ready();
    expect((await world.save({ conflicts: 'overwrite' }))?.conflicts).toEqual([]);
    expect([...world.remote.nodes.keys()].sort()).toEqual(['a', 'k']);
  });

  test('a file that was there before we came is kept beside ours, without another look', async () => {
    world.remote.write('a', 'stranger');
    await saved({ k: 'x' });
    world.write('a', 'ours');
    await ready();
    expect(await world.journal.needsRemote(world.folderId)).toBe(false);
    await world.save({});
    expect(world.remote.contentOf('a')).toBe('ours');
    expect(world.remote.contentOf(beside('a'))).toBe('stranger');
  });

  test('a directory of theirs where we have a file is kept beside it', async () => {
    world.remote.write('a/b/c', 'stranger');
    await saved({ a: 'ours', k: 'x' });
    expect(world.remote.contentOf('a')).toBe('ours');
    expect(world.remote.contentOf(`${beside('a')}/b/c`)).toBe('stranger');
  });

  test('a file of theirs where we have a directory is kept beside it', async () => {
    world.remote.write('d', 'stranger');
    await saved({ 'd/a': 'ours', k: 'x' });
    expect(world.remote.contentOf('d/a')).toBe('ours');
    expect(world.remote.contentOf(beside('d'))).toBe('stranger');
  });

  test('an empty directory of ours takes nothing of theirs away', async () => {
    world.remote.write('d/theirs', 'stranger');
    world.mkdir('d');
    await saved({ k: 'x' });
    expect(world.remote.contentOf('d/theirs')).toBe('stranger');
    expect(states()).toEqual({ d: 'saved', k: 'saved' });
  });

  test('what they changed is not deleted with our copy', async () => {
    await saved({ a: 'one', k: 'x' });
    world.remote.write('a', 'stranger');
    world.remove('a');
    await ready();
    await world.save({});
    expect(world.remote.contentOf('a')).toBe('stranger');
    expect(states()).toEqual({ k: 'saved' });
  });

  test('the same content from them needs no save of ours', async () => {
    await saved({ k: 'x' });
    world.write('a', 'same');
    await ready();
    world.remote.write('a', 'same');
    expect(await world.save({})).toBeUndefined();
    expect(states()).toEqual({ a: 'saved', k: 'saved' });
  });
});

describe('a look at the collection', () => {
  const compare = () => world.journal.compareRemote(world.folderId, world.remote.manifest(world.nowMs));

  test('finds what it lost, and only that', async () => {
    await saved({ a: 'one', 'd/b': 'two', c: '', k: 'x' });
    world.remote.remove('d');
    world.remote.write('a', 'stranger');
    expect(await compare()).toMatchObject({ lost: 2, examples: expect.arrayContaining(['a', 'd/b']) });
    expect(states()).toEqual({ a: 'stored', c: 'saved', d: 'saved', 'd/b': 'stored', k: 'saved' });
    await world.settle();
    expect(world.remote.contentOf('d/b')).toBe('two');
  });

  test('takes the same bytes for the same, however they are cut, named twice, or on other lines', async () => {
    await saved({ 'd/a': 'abcdefgh12', k: 'x' });
    const manifest = world.remote.manifest(world.nowMs);
    const [line = ''] = /\.\/d .*\n/.exec(manifest) ?? [];
    const [, first = '', second = ''] = line.split(' ');
    const cut = `./d ${first} 0:3:a\n./\\144 ${first} ${second} 3:2:a 5:5:a\n`;
    const other = `. ${first} ${second} 0:8:d/a 8:2:d/a\n`;
    for (const text of [cut, other]) {
      const whole = manifest.replace(line, '') + text;
      expect(await world.journal.compareRemote(world.folderId, whole)).toEqual({ lost: 0, examples: [] });
    }
    const swapped = manifest.replace(line, `./d ${first} ${second} 8:2:a 0:8:a\n`);
    expect((await world.journal.compareRemote(world.folderId, swapped)).lost).toBe(1);
  });

  test('at a text that is no manifest is refused and changes nothing', async () => {
    await saved({ a: 'one' });
    await expect(world.journal.compareRemote(world.folderId, 'nonsense')).rejects.toMatchObject({
      code: 'BAD_ANSWER',
    });
    expect(states()).toEqual({ a: 'saved' });
  });
});

test('a folder that is forgotten leaves no row behind', async () => {
  await saved({ 'd/a': 'one', b: 'abcdefghijkl' });
  world.remote.write('theirs', 'stranger');
  world.write('c', 'pending');
  await ready();
  await world.save({ outcome: 'answer-lost' });
  await world.journal.removeFolder(world.folderId);
  expect(world.rows()).toEqual([]);
  await world.journal.verify();
  world.folderId = (await world.journal.openFolder('pair')).id;
  expect(await world.journal.counts(world.folderId)).toMatchObject({
    saved: { files: 0 },
    savedBlocks: { files: 0 },
    dirsToSave: 0,
  });
});
