import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PendingFile } from '../../src/sync/journal-port.ts';
import { JournalWorld, md5, signed } from './journal-model.ts';

const TTL = 1_000_000_000;
const LATER_MS = 1_000_000_000_000 + 3_600_000;
const ERROR = { code: 'OFFLINE' as const, name: 'KeepsyncError', message: 'no way out' };
let world: JournalWorld;

beforeEach(async () => {
  world = new JournalWorld();
  await world.open();
});
afterEach(() => world.close());

const states = () => Object.fromEntries(world.rows().map((row) => [row.path, row.state]));
const claim = (files = 100, bytes = 1_000_000) =>
  world.journal.claimPending(world.folderId, world.nowMs, { files, bytes });

async function pending(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    world.write(path, content);
  }
  await world.scan();
}

async function one(): Promise<PendingFile> {
  const [file] = await claim(1);
  if (file === undefined) {
    throw new Error('nothing is pending');
  }
  return file;
}

function block(content: string, ttlMs = TTL) {
  world.blocks.set(`${md5(content)}+${content.length}`, content);
  return { locator: signed(content, world.nowMs + ttlMs), sizeBytes: content.length, reused: false };
}

const pack = (file: PendingFile, content: string, stamp = file.stamp) =>
  world.journal.recordPackedBlock(
    world.folderId,
    block(content),
    [{ entryId: file.entryId, stamp, digest: md5(content), offset: 0, lengthBytes: content.length }],
    world.nowMs,
  );

describe('claiming', () => {
  test('hands out what is due, oldest first, within its limits, and nothing twice', async () => {
    await pending({ a: '1' });
    world.nowMs += 10;
    await pending({ b: '22', c: '333' });
    expect((await claim(2)).map((file) => file.path)).toEqual(['a', 'b']);
    expect((await claim()).map((file) => file.path)).toEqual(['c']);
    expect(await claim()).toEqual([]);
    expect(await world.journal.nextDueAtMs(world.folderId)).toBeNull();
  });

  test('gives at least one file, however large', async () => {
    await pending({ a: '12345678', b: '1' });
    expect(await claim(10, 3)).toHaveLength(1);
  });

  test('gives again what was let go', async () => {
    await pending({ a: '1' });
    const file = await one();
    await world.journal.releaseFiles([file.entryId]);
    expect(await one()).toEqual(file);
  });

  test('holds nothing after a restart', async () => {
    await pending({ a: '1' });
    await claim();
    await world.journal.writeFound(world.folderId);
    await world.restart();
    expect(await claim()).toHaveLength(1);
  });
});

describe('a block of small files', () => {
  test('makes them stored in one go', async () => {
    await pending({ a: 'one', b: 'two' });
    await world.upload(TTL);
    expect(await world.journal.counts(world.folderId)).toMatchObject({
      pending: { files: 0 },
      stored: { files: 2, bytes: 6 },
      storedBlocks: { files: 1, bytes: 6 },
      savedBlocks: { files: 0, bytes: 0 },
    });
  });

  test('leaves a file that changed meanwhile as it is, but remembers the block', async () => {
    await pending({ a: 'one' });
    const file = await one();
    world.write('a', 'new');
    await world.scan();
    await pack(file, 'one');
    expect(states()).toEqual({ a: 'pending' });
    expect(await world.journal.knownBlock(`${md5('one')}+3`, world.nowMs)).toBeDefined();
    expect(await claim()).toHaveLength(1);
  });

  test('is known by its name until its signature runs out', async () => {
    await pending({ a: 'one' });
    await pack(await one(), 'one');
    const name = `${md5('one')}+3`;
    expect(await world.journal.knownBlock(name, world.nowMs + TTL - 1_000)).toBe(
      signed('one', world.nowMs + TTL),
    );
    expect(await world.journal.knownBlock(name, world.nowMs + TTL + 1_000)).toBeUndefined();
    expect(await world.journal.knownBlock(`${md5('two')}+3`, 0)).toBeUndefined();
    const other = await world.journal.openFolder('other');
    expect(await world.journal.knownBlock(name, world.nowMs, other.id)).toBeUndefined();
    expect(await world.journal.knownBlock(name, world.nowMs, world.folderId)).toBeDefined();
    await world.journal.expireSignatures();
    expect(await world.journal.knownBlock(name, world.nowMs)).toBeUndefined();
  });
});

describe('a large file', () => {
  const piece = (file: PendingFile, index: number, content: string) =>
    world.journal.recordPieceBlock(
      world.folderId,
      block(content),
      { entryId: file.entryId, stamp: file.stamp, index, lengthBytes: content.length },
      world.nowMs,
    );

  test('is stored when all its pieces are there, and not before', async () => {
    await pending({ a: 'aaaaaaaabbb' });
    const file = await one();
    await piece(file, 1, 'bbb');
    expect(await world.journal.recordLargeFile(file.entryId, file.stamp, world.nowMs)).toBe(false);
    await piece(file, 0, 'aaaaaaaa');
    expect(await world.journal.recordLargeFile(file.entryId, file.stamp, world.nowMs)).toBe(true);
    expect(states()).toEqual({ a: 'stored' });
    await world.save({});
    expect(world.remote.contentOf('a')).toBe('aaaaaaaabbb');
  });

  test('goes on after a restart from the pieces that were acknowledged', async () => {
    await pending({ a: 'aaaaaaaabbb' });
    const file = await one();
    await piece(file, 1, 'bbb');
    await world.restart();
    expect(await world.journal.piecesOf(file.entryId, file.stamp, world.nowMs)).toEqual([1]);
    expect(await world.journal.piecesOf(file.entryId, 'other stamp', world.nowMs)).toEqual([]);
    expect(await world.journal.piecesOf(file.entryId, file.stamp, world.nowMs + 2 * TTL)).toEqual([]);
  });

  test('that changed has no pieces any more', async () => {
    await pending({ a: 'aaaaaaaabbb' });
    const file = await one();
    await piece(file, 0, 'aaaaaaaa');
    expect((await world.journal.counts(world.folderId)).storedBlocks.files).toBe(1);
    world.write('a', 'aaaaaaaaccc');
    await world.scan();
    expect(await world.journal.piecesOf(file.entryId, file.stamp, 0)).toEqual([]);
    expect((await world.journal.counts(world.folderId)).storedBlocks.files).toBe(0);
    expect(await world.journal.knownBlock(`${md5('aaaaaaaa')}+8`, world.nowMs)).toBeDefined();
  });

  test('is recognised under another name for the guard', async () => {
    world.write('a', 'aaaaaaaabbb');
    await world.settle();
    world.rename('a', 'z');
    await world.scan();
    await world.upload(TTL);
    expect(await world.journal.guardFigures(world.folderId)).toEqual({
      gone: 0,
      moved: 1,
      live: 1,
      outside: 0,
    });
  });
});

describe('known bytes', () => {
  test('are stored without a block: another file has them', async () => {
    world.write('a', 'same');
    await world.settle();
    await pending({ b: 'same' });
    const uploads = world.uploads;
    await world.upload(TTL);
    expect(world.uploads).toBe(uploads);
    expect((await world.save({}))?.replaceFiles).toEqual({ '/b': 'current/a' });
  });

  test('of a file that was only touched need no save', async () => {
    world.write('a', 'same');
    await world.settle();
    world.write('a', 'same');
    await world.scan();
    await world.upload(TTL);
    expect(states()).toEqual({ a: 'saved' });
  });

  test('are not believed for a file whose saved content changed while it waited', async () => {
    world.write('a', 'old');
    await world.settle();
    world.write('a', 'new');
    await world.scan();
    await world.upload(TTL);
    // While the new content is on its way, the old one comes back, and then a third.
    await world.save({
      meanwhile: async () => {
        for (const content of ['old', '3rd']) {
          world.write('a', content);
          await world.scan();
          if (content === 'old') {
            await world.upload(TTL);
          }
        }
      },
    });
    const file = await one();
    await world.journal.recordKnownFiles(
      world.folderId,
      [{ entryId: file.entryId, stamp: file.stamp, digest: md5('old') }],
      world.nowMs,
    );
    expect(states()).toEqual({ a: 'pending' });
    await world.settle();
    expect(world.remote.contentOf('a')).toBe('3rd');
  });

  test('are not called saved while another content is on its way to the same path', async () => {
    world.write('a', 'old');
    await world.settle();
    world.write('a', 'new');
    await world.scan();
    await world.upload(TTL);
    await world.save({
      outcome: 'answer-lost',
      meanwhile: async () => {
        world.write('a', 'old');
        await world.scan();
        await world.upload(TTL);
        expect(states()).toEqual({ a: 'stored' });
      },
    });
    expect(states()).toEqual({ a: 'stored' });
    await world.settle();
    expect(world.remote.contentOf('a')).toBe('old');
  });

  test('a file without bytes needs none', async () => {
    await pending({ a: '' });
    await world.upload(TTL);
    expect(states()).toEqual({ a: 'stored' });
    await world.save({});
    expect(world.remote.contentOf('a')).toBe('');
  });
});

describe('failures', () => {
  test('wait for their time, or for a person', async () => {
    await pending({ a: '1', b: '2' });
    const [a, b] = await claim();
    await world.journal.recordFailures(
      [
        { entryId: a?.entryId ?? 0, error: ERROR, dueAtMs: world.nowMs + 50, state: 'failed' },
        { entryId: b?.entryId ?? 0, error: { ...ERROR, code: 'FORBIDDEN' }, dueAtMs: null, state: 'failed' },
      ],
      world.nowMs,
    );
    expect(await claim()).toEqual([]);
    expect(await world.journal.nextDueAtMs(world.folderId)).toBe(world.nowMs + 50);
    world.nowMs += 50;
    expect(await claim()).toMatchObject([{ path: 'a', attempts: 1 }]);
    expect(await world.journal.retry(world.folderId, { nowMs: world.nowMs })).toBe(2);
    expect(await claim()).toMatchObject([{ path: 'b', attempts: 0 }]);
  });

  test('are tried again by their code, held ones too', async () => {
    await pending({ a: '1', b: '2' });
    const [a, b] = await claim();
    await world.journal.recordFailures(
      [
        { entryId: a?.entryId ?? 0, error: { ...ERROR, code: 'BAD_NAME' }, dueAtMs: null, state: 'held' },
        { entryId: b?.entryId ?? 0, error: ERROR, dueAtMs: null, state: 'failed' },
      ],
      world.nowMs,
    );
    expect(states()).toEqual({ a: 'held', b: 'failed' });
    expect(await world.journal.retry(world.folderId, { code: 'BAD_NAME', nowMs: world.nowMs })).toBe(1);
    expect(states()).toEqual({ a: 'pending', b: 'failed' });
  });

  test('are grouped for the list of problems', async () => {
    await pending({ a: '1', b: '2', c: '3' });
    const files = await claim();
    const failures = files.map((file, index) => ({
      entryId: file.entryId,
      error: { ...ERROR, stack: 'secret places' },
      dueAtMs: world.nowMs + 100 * (3 - index),
      state: 'failed' as const,
    }));
    await world.journal.recordFailures(failures, world.nowMs);
    expect(await world.journal.listProblems(world.folderId)).toEqual([
      {
        code: 'OFFLINE',
        state: 'failed',
        count: 3,
        examplePath: 'a',
        error: ERROR,
        nextTryAtMs: world.nowMs + 100,
        sinceMs: world.nowMs,
      },
    ]);
  });
});

describe('lists', () => {
  beforeEach(async () => {
    await pending({ 'd/one': '1', 'd/two': '2', 'x_y%z': '3' });
    const file = await one();
    const failure = { entryId: file.entryId, error: ERROR, dueAtMs: LATER_MS, state: 'failed' as const };
    await world.journal.recordFailures([failure], world.nowMs);
  });
  const list = (query: Partial<Parameters<typeof world.journal.listFiles>[1]>) =>
    world.journal.listFiles(world.folderId, { search: '', states: [], offset: 0, limit: 10, ...query });

  test('files by state, text and error, in pages', async () => {
    expect((await list({})).total).toBe(3);
    expect(await list({ offset: 1, limit: 1 })).toMatchObject({ total: 3, rows: [{ path: 'd/one' }] });
    expect((await list({ search: 'D/O' })).rows.map((row) => row.path)).toEqual(['d/one']);
    expect((await list({ search: '_y%' })).rows.map((row) => row.path)).toEqual(['x_y%z']);
    expect((await list({ search: 'nothing' })).total).toBe(0);
    expect(await list({ states: ['failed'] })).toMatchObject({
      total: 1,
      rows: [{ dueAtMs: LATER_MS, error: ERROR }],
    });
    expect((await list({ code: 'OFFLINE' })).total).toBe(1);
    expect((await list({ code: 'FORBIDDEN' })).total).toBe(0);
  });

  test('blocks with the files that are in them', async () => {
    await world.upload(TTL);
    const blocks = (saved?: boolean) =>
      world.journal.listBlocks(world.folderId, {
        offset: 0,
        limit: 10,
        ...(saved === undefined ? {} : { saved }),
      });
    expect(await blocks()).toMatchObject({
      total: 1,
      rows: [{ sizeBytes: 2, saved: false, files: 2, storedAtMs: world.nowMs }],
    });
    await world.save({});
    expect((await blocks(true)).rows[0]?.examplePaths).toHaveLength(2);
    expect((await blocks(false)).total).toBe(0);
  });

  test('saves, newest first', async () => {
    await world.upload(TTL);
    await world.save({});
    world.write('new', 'n');
    world.nowMs += 5;
    await world.settle();
    const saves = await world.journal.listSaves(world.folderId, { offset: 0, limit: 10 });
    expect(saves[0]).toMatchObject({ portableDataHash: world.remote.pdh, deleted: 0 });
    expect(saves.at(-1)).toMatchObject({ atMs: world.nowMs - 5, files: 2, bytes: 2 });
  });
});
