import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { OpenJournal } from '../../src/sync/journal-database.ts';
import { openThreadedJournal } from '../../src/sync/threaded-journal.ts';
import { CALM } from './journal-model.ts';

let folder = '';
let path = '';
let journal: OpenJournal | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keepsync-journal-thread-'));
  path = join(folder, 'journal.sqlite');
});

afterEach(async () => {
  await journal?.close();
  journal = undefined;
  rmSync(folder, { recursive: true });
});

test('the journal in its thread answers as the one in this thread', async () => {
  journal = await openThreadedJournal({ path });
  expect(journal.movedAside).toBeNull();
  const { id } = await journal.openFolder('pair');
  const stat = { kind: 'file' as const, sizeBytes: 3, stamp: '3:1', changedAtMs: 0 };
  const changes = [{ type: 'file' as const, path: 'a', diskPath: '/disk/a', stat }];
  expect(await journal.recordChanges(id, changes, { nowMs: 1, calm: CALM })).toEqual({
    pending: 1,
    taken: 0,
    gone: 0,
  });
  const limits = { files: 5, bytes: 5 };
  expect(await journal.claimPending(id, 1, limits)).toMatchObject([{ path: 'a', diskPath: '/disk/a' }]);
  expect(await journal.knownBlock('d41d8cd98f00b204e9800998ecf8427e+0', 0)).toBeUndefined();
  await journal.verify();
});

test('errors keep their code on the way', async () => {
  journal = await openThreadedJournal({ path });
  await expect(journal.updateFolder(99, { remotePdh: null })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a damaged file is reported, and its path', async () => {
  writeFileSync(path, 'garbage');
  journal = await openThreadedJournal({ path, nowMs: 0 });
  expect(journal.movedAside).toBe(`${path}~damaged-19700101-000000`);
});

test('a file that cannot be opened is an error, and no thread is left behind', async () => {
  await expect(openThreadedJournal({ path: join(folder, 'no', 'such', 'folder') })).rejects.toMatchObject({
    code: 'JOURNAL',
  });
});

test('calls after its end are refused', async () => {
  const closed = await openThreadedJournal({ path });
  await closed.close();
  await expect(closed.openFolder('pair')).rejects.toMatchObject({ code: 'CLOSED' });
});
