import { describe, expect, test } from 'vitest';
import { snapshotSchema } from '../../src/contract/status.ts';
import type { FolderFacts, StatusInput } from '../../src/status/inputs.ts';
import { StatusFold } from '../../src/status/status-fold.ts';
import { NOW_MS, signedIn, someBlock, someConfig, someFolder, someProblem, someTallies } from './make.ts';

function fold(...inputs: StatusInput[]) {
  const status = new StatusFold('daemon', '0.1.0');
  status.apply({ type: 'account', account: signedIn }, NOW_MS);
  for (const input of inputs) {
    status.apply(input, NOW_MS);
  }
  return status;
}
const folder = (part: Partial<FolderFacts>): StatusInput => ({ type: 'folder', facts: someFolder(part) });
const saved = someTallies({ saved: { files: 784, bytes: 2 ** 30 } });

describe('the answer to "is my data safe?"', () => {
  test('says that everything is saved, and when', () => {
    const snapshot = fold(folder({ tallies: saved, lastSaveAtMs: NOW_MS - 120_000 })).snapshot(NOW_MS);
    expect(snapshot.tray).toBe('ready');
    expect(snapshot.verdict).toEqual({
      sentence: 'Everything saved 2 minutes ago',
      detail: '784 files, 1 GiB',
    });
    expect(snapshot.folders[0]?.percentSaved).toBe(100);
    expect(snapshotSchema.parse(snapshot)).toEqual(snapshot);
  });

  test('one stored byte keeps it from green: stored is not safe', () => {
    const tallies = someTallies({
      saved: { files: 999, bytes: 10_000_000 },
      stored: { files: 1, bytes: 1 },
      storedBlocks: { files: 1, bytes: 1 },
      oldestStoredAtMs: NOW_MS - 32_000,
    });
    const snapshot = fold(folder({ tallies, lastSaveAtMs: NOW_MS })).snapshot(NOW_MS);
    expect(snapshot.tray).toBe('syncing');
    expect(snapshot.folders[0]?.percentSaved).toBe(99);
    expect(snapshot.verdict.detail).toBe('Stored, not saved: 1 B, oldest 32 s');
  });

  test('a folder that was never looked at is not saved, though nothing is known to be missing', () => {
    const snapshot = fold(folder({ tallies: someTallies(), lastScanAtMs: null })).snapshot(NOW_MS);
    expect(snapshot.tray).toBe('syncing');
    expect(snapshot.folders[0]?.percentSaved).toBe(0);
  });

  test.each(['paused', 'blocked', 'starting'] as const)(
    'nobody looks at a folder that is %s: its last bytes being saved says nothing of now',
    (phase) => {
      const shown = (part: Partial<FolderFacts>) =>
        fold(folder({ phase, ...part })).snapshot(NOW_MS).folders[0];
      expect(shown({ tallies: saved })?.percentSaved).toBeNull();
      expect(shown({ tallies: { ...saved, gone: { files: 9, bytes: 9 } } })?.percentSaved).toBeNull();
      expect(shown({ tallies: null })?.percentSaved).toBeNull();
      const half = someTallies({ saved: { files: 1, bytes: 50 }, pending: { files: 1, bytes: 50 } });
      expect(shown({ tallies: half })?.percentSaved).toBe(50);
    },
  );

  test('names how many folders are on their way', () => {
    const pending = someTallies({ pending: { files: 3, bytes: 4096 } });
    const snapshot = fold(
      folder({ phase: 'uploading', tallies: pending }),
      folder({ id: 'f2', config: someConfig('Two'), phase: 'uploading', tallies: pending }),
    ).snapshot(NOW_MS);
    expect(snapshot.verdict.sentence).toBe('Uploading 2 folders');
    expect(snapshot.verdict.detail).toBe('Not saved yet: 6 files, 8 KiB');
  });

  test('counts only problems that need a person', () => {
    const snapshot = fold(folder({ tallies: saved }), {
      type: 'problems',
      folderId: 'f1',
      problems: [
        someProblem(),
        someProblem({ code: 'BAD_NAME', files: 1 }),
        someProblem({ code: 'FILE_CHANGED' }),
      ],
    }).snapshot(NOW_MS);
    expect(snapshot.tray).toBe('attention');
    expect(snapshot.verdict.sentence).toBe('2 problems need you');
    expect(snapshot.problems.map((problem) => problem.title)).toEqual([
      '3 files: no permission to read',
      '1 file: a name that Arvados or its tools cannot hold',
      '3 files waiting: still being written',
    ]);
  });

  test('says since when it is offline', () => {
    const since = new Date(2026, 10, 22, 13, 10).getTime();
    const snapshot = fold(folder({ tallies: saved }), {
      type: 'account',
      account: { ...signedIn, connected: false, offlineSinceMs: since },
    }).snapshot(since + 60_000);
    expect(snapshot.tray).toBe('offline');
    expect(snapshot.verdict).toEqual({
      sentence: 'Offline since 13:10',
      detail: 'Goes on when the cluster answers.',
    });
  });

  test('a pause is said, and outranks what goes on elsewhere', () => {
    const snapshot = fold(
      folder({ phase: 'paused', tallies: saved }),
      folder({ id: 'f2', phase: 'uploading', tallies: someTallies({ pending: { files: 1, bytes: 1 } }) }),
    ).snapshot(NOW_MS);
    expect(snapshot.tray).toBe('paused');
    expect(snapshot.verdict.sentence).toBe('Paused until you resume');
  });

  test('the worst of all wins, also where the problem belongs to no folder', () => {
    const snapshot = fold(folder({ tallies: saved }), {
      type: 'problems',
      folderId: null,
      problems: [someProblem({ code: 'NOT_SIGNED_IN', files: 0, examplePath: null })],
    }).snapshot(NOW_MS);
    expect(snapshot.tray).toBe('error');
    expect(snapshot.verdict).toEqual({
      sentence: '1 problem needs you',
      detail: 'Your token is missing or has expired. Sign in, uploads go on where they stopped.',
    });
  });

  test('without an account it asks to sign in; without folders, for a folder', () => {
    expect(new StatusFold('daemon', '0').snapshot(NOW_MS).verdict.sentence).toBe('Not signed in');
    expect(fold().snapshot(NOW_MS).verdict.sentence).toBe('No folders yet');
  });
});

describe('the six parts', () => {
  test('live blocks say where the pending part is, and never make it larger', () => {
    const tallies = someTallies({
      pending: { files: 4, bytes: 250 },
      saved: { files: 6, bytes: 750 },
      held: { files: 1, bytes: 5 },
    });
    const snapshot = fold(
      folder({ phase: 'uploading', tallies }),
      { type: 'block', block: someBlock() },
      { type: 'block', block: someBlock({ blockId: 'b1', state: 'WRITABLE', sizeBytes: 200, files: 2 }) },
    ).snapshot(NOW_MS);
    expect(snapshot.bar).toEqual({
      saved: { files: 6, bytes: 750 },
      stored: { files: 0, bytes: 0 },
      uploading: { files: 1, bytes: 100 },
      filling: { files: 2, bytes: 150 },
      waiting: { files: 1, bytes: 0 },
      failed: { files: 1, bytes: 5 },
    });
    expect(snapshot.folders[0]?.percentSaved).toBe(74);
    expect(snapshot.pendingBlocks).toBe(1);
  });

  test('an acknowledged block that the journal has not recorded is still on its way', () => {
    const tallies = someTallies({ pending: { files: 1, bytes: 100 } });
    const status = fold(folder({ phase: 'uploading', tallies }), {
      type: 'block',
      block: someBlock({ state: 'COMMITTED', locator: 'd41d8cd98f00b204e9800998ecf8427e+100+A1@2' }),
    });
    const snapshot = status.snapshot(NOW_MS);
    expect(snapshot.bar.stored.bytes).toBe(0);
    expect(snapshot.bar.uploading.bytes).toBe(100);
    expect(snapshot.pipeline.uploading.blocks).toBe(1);
    expect(status.liveBlocks(null)[0]?.locator).toBe('d41d8cd98f00b204e9800998ecf8427e+100');
  });

  test('pieces of a large file that are acknowledged show as stored', () => {
    const tallies = someTallies({ pending: { files: 1, bytes: 1000 } });
    const snapshot = fold(folder({ phase: 'uploading', tallies, acknowledgedPieceBytes: 640 })).snapshot(
      NOW_MS,
    );
    expect(snapshot.bar.stored).toEqual({ files: 0, bytes: 640 });
    expect(snapshot.bar.waiting).toEqual({ files: 1, bytes: 360 });
  });

  test('a removed folder takes its blocks and problems with it', () => {
    const status = fold(
      folder({ tallies: saved }),
      { type: 'block', block: someBlock() },
      { type: 'problems', folderId: 'f1', problems: [someProblem()] },
      { type: 'folder-removed', folderId: 'f1' },
    );
    const snapshot = status.snapshot(NOW_MS);
    expect(snapshot.folders).toEqual([]);
    expect(snapshot.problems).toEqual([]);
    expect(status.liveBlocks(null)).toEqual([]);
  });

  test('changed blocks are handed out once', () => {
    const status = fold(
      { type: 'block', block: someBlock() },
      { type: 'block', block: someBlock({ blockId: 'b1' }) },
    );
    status.apply({ type: 'block-removed', blockId: 'b1' }, NOW_MS);
    expect(status.takeChangedBlocks().map((row) => row.id)).toEqual(['bufferblock0']);
    expect(status.takeChangedBlocks()).toEqual([]);
  });

  test('a block that is stored is told as stored, although it is no longer live', () => {
    const status = fold({ type: 'block', block: someBlock() });
    status.takeChangedBlocks();
    status.apply({ type: 'block', block: someBlock({ state: 'COMMITTED' }) }, NOW_MS);
    status.apply({ type: 'block-removed', blockId: 'bufferblock0' }, NOW_MS);
    expect(status.takeChangedBlocks().map((row) => [row.id, row.stage])).toEqual([
      ['bufferblock0', 'stored'],
    ]);
    expect(status.liveBlocks(null)).toEqual([]);
    expect(status.takeChangedBlocks()).toEqual([]);
  });
});
