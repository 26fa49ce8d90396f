import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeDisk } from '../../src/local/sync-disk.ts';
import { countInThread } from '../../src/shell/count-in-thread.ts';
import { countFolder, type FolderCount } from '../../src/shell/folder-count.ts';
import { ignoringPattern } from '../../src/shell/ignored-path.ts';
import { type Counting, Previews } from '../../src/shell/previews.ts';
import { ManualClock } from '../support/manual-clock.ts';

let root: string;

function put(path: string, sizeBytes: number): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), 'x'.repeat(sizeBytes));
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keepsync-count-'));
  put('a.txt', 10);
  put('b.tmp', 20);
  put('run/c.tmp', 30);
  put('run/d.txt', 40);
  put('.DS_Store', 5);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function count(rules: ReadonlyArray<{ pattern: string; on: boolean }>): FolderCount {
  const counting = countFolder(nodeDisk, { diskPath: root, rules }, false);
  for (;;) {
    const step = counting.next();
    if (step.done === true) {
      return step.value;
    }
    expect(step.value.complete).toBe(false);
  }
}

describe('counting a folder', () => {
  test('without rules: everything but what is never sent', () => {
    expect(count([])).toEqual({
      files: 4,
      bytes: 100,
      leftOutFiles: 0,
      leftOutBytes: 0,
      blocks: 1,
      rules: [],
      complete: true,
    });
  });

  test('each rule counts what it matches first, on or off; only those that are on leave out', () => {
    const found = count([
      { pattern: '*.tmp', on: true },
      { pattern: 'run/', on: false },
    ]);
    expect(found).toMatchObject({ files: 2, bytes: 50, leftOutFiles: 2, leftOutBytes: 50 });
    expect(found.rules).toEqual([
      { pattern: '*.tmp', files: 2, bytes: 50, examplePath: expect.stringContaining('.tmp') },
      { pattern: 'run/', files: 1, bytes: 40, examplePath: 'run/d.txt' },
    ]);
  });

  test('runs in a thread of its own', async () => {
    const counting = countInThread({ diskPath: root, rules: [{ pattern: '*.tmp', on: true }] });
    expect(await counting.done).toMatchObject({ files: 2, leftOutFiles: 2, complete: true });
    await counting.close();
  });

  test('a folder that is not there is an error, not nothing', async () => {
    const counting = countInThread({ diskPath: join(root, 'gone'), rules: [] });
    await expect(counting.done).rejects.toMatchObject({ code: 'ROOT_GONE' });
    await counting.close();
  });
});

describe('the rule that leaves a path out', () => {
  test.each([
    ['b.tmp', '*.tmp'],
    ['run/c.tmp', '*.tmp'],
    ['a.txt', null],
    ['.DS_Store', '.DS_Store'],
    ['not/there.tmp', '*.tmp'],
    ['../b.tmp', null],
    ['', null],
  ])('%s: %s', async (path, pattern) => {
    expect(await ignoringPattern(root, ['*.tmp'], path)).toBe(pattern);
  });

  test('may stand in an ignore file on the way', async () => {
    writeFileSync(join(root, 'run', '.keepsyncignore'), 'd.*\n');
    expect(await ignoringPattern(root, [], 'run/d.txt')).toBe('d.*');
  });
});

describe('previews', () => {
  function world() {
    const clock = new ManualClock();
    const walks: Array<{
      tell(count: FolderCount): void;
      end(count: FolderCount): void;
      fail(error: Error): void;
      closed: boolean;
    }> = [];
    const start = (): Counting => {
      const done = Promise.withResolvers<FolderCount>();
      const listeners: Array<(count: FolderCount) => void> = [];
      const walk = {
        tell: (one: FolderCount) => {
          for (const listener of listeners) {
            listener(one);
          }
        },
        end: done.resolve,
        fail: done.reject,
        closed: false,
      };
      walks.push(walk);
      return {
        onCount: (listener) => listeners.push(listener),
        done: done.promise,
        close: async () => {
          walk.closed = true;
        },
      };
    };
    return { clock, walks, previews: new Previews({ clock, start }) };
  }
  const some = (files: number, complete = false): FolderCount => ({
    files,
    bytes: 0,
    leftOutFiles: 0,
    leftOutBytes: 0,
    blocks: 0,
    rules: [],
    complete,
  });
  const request = { diskPath: '/a', rules: [] };
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  test('answer with what there is while the walk goes on, and with the whole in the end', async () => {
    const { clock, walks, previews } = world();
    const first = previews.preview(request);
    await settled();
    clock.advance(300);
    expect(await first).toMatchObject({ files: 0, complete: false });
    walks[0]?.tell(some(7));
    expect(await previews.preview(request)).toMatchObject({ files: 7, complete: false });
    walks[0]?.end(some(9, true));
    await settled();
    expect(await previews.preview(request)).toMatchObject({ files: 9, complete: true });
    expect(walks).toHaveLength(1);
    expect(walks[0]?.closed).toBe(true);
  });

  test('a small folder is answered whole at once', async () => {
    const { walks, previews, clock } = world();
    const asked = previews.preview(request);
    walks[0]?.end(some(3, true));
    expect(await asked).toMatchObject({ files: 3, complete: true });
    expect(clock.timerCount).toBe(0);
  });

  test('other rules end the walk before', async () => {
    const { clock, walks, previews } = world();
    const first = previews.preview(request);
    await settled();
    clock.advance(300);
    await first;
    const second = previews.preview({ ...request, rules: [{ pattern: 'x', on: true }] });
    await settled();
    clock.advance(300);
    await second;
    expect(walks.map((walk) => walk.closed)).toEqual([true, false]);
    await previews.close();
    expect(walks[1]?.closed).toBe(true);
  });

  test('a failure is told once, and the next time is a new try', async () => {
    const { walks, previews } = world();
    const first = previews.preview(request);
    walks[0]?.fail(new Error('denied'));
    await expect(first).rejects.toThrow('denied');
    const second = previews.preview(request);
    walks[1]?.end(some(1, true));
    expect(await second).toMatchObject({ files: 1 });
  });
});
