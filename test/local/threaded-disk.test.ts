import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ScanHelpRequest } from '../../src/local/disk-service.ts';
import { createThreadedDisk, startDiskThread } from '../../src/local/threaded-disk.ts';
import { createThreadedWatcher } from '../../src/local/threaded-watcher.ts';
import { FOLDER_ID, PLAIN_RULES, scanAll } from '../support/disk-conformance.ts';
import { JournalFile } from '../support/disk-journal-file.ts';

describe('the disk in its threads', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'keepsync-threads-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const request = () => ({ roots: [{ diskPath: root, prefix: '' }], rules: PLAIN_RULES });

  it('reads files while a scan waits for whoever takes its changes', async () => {
    writeFileSync(join(root, 'a'), 'alpha');
    const disk = createThreadedDisk();
    const [stat] = await disk.stat([join(root, 'a')], false);
    let readInside = '';
    await disk.scan(FOLDER_ID, request(), async () => {
      const into = new Uint8Array(new SharedArrayBuffer(5));
      await disk.readPiece({ diskPath: join(root, 'a'), stamp: stat?.stamp ?? '', position: 0, into });
      readInside = Buffer.from(into.slice()).toString();
    });
    expect(readInside).toBe('alpha');
    await disk.close();
  });

  it('runs scans of several folders side by side', async () => {
    for (let index = 0; index < 50; index++) {
      writeFileSync(join(root, `f${index}`), '');
    }
    const disk = createThreadedDisk();
    const results = await Promise.all([1, 2, 3].map(() => scanAll(disk, request())));
    expect(results.map((result) => result.changes.length)).toEqual([50, 50, 50]);
    await disk.close();
  });

  it.each([
    ['reads', () => undefined],
    ['watches', (path: string) => createThreadedWatcher({ watchEntriesMax: 0, journalPath: path })],
  ])('finds the one change in a large tree, with the help of the thread that %s', async (_which, helper) => {
    const journalPath = join(root, 'journal.sqlite');
    const tree = join(root, 'tree');
    const folders = Array.from({ length: 30 }, (_, index) => join(tree, `d${index}`));
    for (const folder of folders) {
      mkdirSync(join(folder, 'inner'), { recursive: true });
      for (let index = 0; index < 150; index++) {
        writeFileSync(join(folder, `f${index}`), 'as it was');
      }
    }
    const roots = [{ diskPath: tree, prefix: '' }];
    const journal = new JournalFile(journalPath);
    const watcher = helper(journalPath);
    const watching = await watcher?.watch(roots, PLAIN_RULES, {
      onHints: () => undefined,
      onDoubt: () => undefined,
    });
    const helps: Array<Promise<void> | undefined> = [];
    const help = (asked: ScanHelpRequest) => {
      const helping = watcher?.helpScan(asked);
      helps.push(helping);
      return helping;
    };
    const disk = createThreadedDisk({ journalPath, help });
    const first = await scanAll(disk, { roots, rules: PLAIN_RULES });
    expect(helps).toEqual([]);
    journal.remember(FOLDER_ID, first.changes);
    const second = await scanAll(disk, { roots, rules: PLAIN_RULES });
    expect(second.changes).toEqual([]);
    expect(second.totals).toEqual(first.totals);
    const changed = join(tree, 'd20', 'f77');
    writeFileSync(changed, 'not any more');
    const third = await scanAll(disk, { roots, rules: PLAIN_RULES });
    expect(third.changes).toMatchObject([{ type: 'file', path: 'd20/f77' }]);
    expect(third.totals.files).toBe(first.totals.files);
    expect(helps).toHaveLength(2);
    expect(helps.every((one) => (one === undefined) === (watcher === undefined))).toBe(true);
    await Promise.all(helps);
    journal.close();
    await watching?.close();
    await disk.close();
  });

  it('looks at one large folder in two threads, and sees what changes there, whichever of them dies or closes', async () => {
    const journalPath = join(root, 'journal.sqlite');
    const tree = join(root, 'tree');
    mkdirSync(tree);
    for (let index = 0; index < 12_000; index++) {
      writeFileSync(join(tree, `f${index}`), '');
    }
    const roots = [{ diskPath: tree, prefix: '' }];
    const journal = new JournalFile(journalPath);
    const helpers: Worker[] = [];
    const watcher = createThreadedWatcher({
      watchEntriesMax: 0,
      journalPath,
      start: (data) => {
        const thread = startDiskThread(data);
        helpers.push(thread);
        return thread;
      },
    });
    const events = { onHints: () => undefined, onDoubt: () => undefined };
    const watching = await watcher.watch(roots, PLAIN_RULES, events);
    let onHelp: () => void = () => undefined;
    const help = (asked: ScanHelpRequest) => {
      const helping = watcher.helpScan(asked);
      onHelp();
      return helping;
    };
    const disk = createThreadedDisk({ journalPath, help });
    const first = await scanAll(disk, { roots, rules: PLAIN_RULES });
    journal.remember(FOLDER_ID, first.changes);
    expect(await scanAll(disk, { roots, rules: PLAIN_RULES })).toEqual({ changes: [], totals: first.totals });
    for (const index of [3, 5_000, 11_999]) {
      writeFileSync(join(tree, `f${index}`), 'not any more');
    }
    rmSync(join(tree, 'f8000'));
    const changed = ['f11999', 'f3', 'f5000', 'f8000'];
    const paths = async () => {
      const { changes } = await scanAll(disk, { roots, rules: PLAIN_RULES });
      return changes.map((change) => ('path' in change ? change.path : '')).sort();
    };
    expect(await paths()).toEqual(changed);
    let killed: Promise<number> | undefined;
    onHelp = () => {
      killed = helpers[0]?.terminate();
    };
    expect(await paths()).toEqual(changed);
    expect(killed).toBeDefined();
    await killed;
    onHelp = () => undefined;
    expect(await paths()).toEqual(changed);
    const closed: Array<Promise<void>> = [];
    onHelp = () => {
      closed.push(watching.close(), disk.close());
    };
    await expect(paths()).rejects.toMatchObject({ code: 'CLOSED' });
    await Promise.all(closed);
    journal.close();
  });

  it('reads into growable shared memory', async () => {
    writeFileSync(join(root, 'a'), 'alpha');
    const disk = createThreadedDisk();
    const [stat] = await disk.stat([join(root, 'a')], false);
    const into = new Uint8Array(new SharedArrayBuffer(8, { maxByteLength: 64 }), 2, 6);
    const files = [{ diskPath: join(root, 'a'), sizeBytes: 5, stamp: stat?.stamp ?? '' }];
    const [result] = await disk.readSmall(FOLDER_ID, { into, files });
    expect(result).toMatchObject({ outcome: 'read', offset: 0, lengthBytes: 5 });
    expect(Buffer.from(into.slice(0, 5)).toString()).toBe('alpha');
    await disk.close();
  });

  it('says JOURNAL when the journal cannot be read, and scans once it is there', async () => {
    writeFileSync(join(root, 'a'), 'alpha');
    const aside = mkdtempSync(join(tmpdir(), 'keepsync-journal-'));
    const journalPath = join(aside, 'journal.sqlite');
    const disk = createThreadedDisk({ journalPath });
    await expect(scanAll(disk, request())).rejects.toMatchObject({ code: 'JOURNAL' });
    const journal = new JournalFile(journalPath);
    expect((await scanAll(disk, request())).changes).toHaveLength(1);
    await disk.close();
    journal.close();
    rmSync(aside, { recursive: true, force: true });
  });

  it('fails what a dying thread was doing, and starts another one for the next call', async () => {
    writeFileSync(join(root, 'a'), 'alpha');
    const threads: Worker[] = [];
    const disk = createThreadedDisk({
      start: (data) => {
        const thread = startDiskThread(data);
        threads.push(thread);
        return thread;
      },
    });
    const scanning = disk.scan(FOLDER_ID, request(), async () => {
      await threads[0]?.terminate();
    });
    await expect(scanning).rejects.toMatchObject({ code: 'INTERNAL' });
    expect((await scanAll(disk, request())).totals.files).toBe(1);
    expect(threads).toHaveLength(2);
    await disk.close();
  });

  it('says CLOSED after it was closed, and for what was under way', async () => {
    const disk = createThreadedDisk();
    writeFileSync(join(root, 'a'), 'alpha');
    const scanning = disk.scan(FOLDER_ID, request(), () => disk.close());
    await expect(scanning).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(disk.stat([root], false)).rejects.toMatchObject({ code: 'CLOSED' });
    await disk.close();
  });
});
