import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  LocalDisk,
  ScanRequest,
  ScanTotals,
  SmallFile,
  TreeChange,
  TreeRules,
} from '../../src/local/ports.ts';

/** A disk with a folder to play in, and a journal that remembers what it is told. */
export interface DiskWorld {
  readonly disk: LocalDisk;
  /** Absolute path of an empty folder. */
  readonly root: string;
  write(path: string, content: string): void;
  mkdir(path: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  symlink(target: string, path: string): void;
  mkfifo(path: string): void;
  writeSparse(path: string, sizeBytes: number): void;
  remember(changes: readonly TreeChange[]): void;
  rememberBytes(sizeBytes: number, digest: string): void;
  close(): Promise<void>;
}

export const PLAIN_RULES: TreeRules = { patterns: [], followLinks: false, allowUnreadableNames: false };

export const FOLDER_ID = 7;

export interface ScanResult {
  readonly changes: readonly TreeChange[];
  readonly totals: ScanTotals;
}

export async function scanAll(disk: LocalDisk, request: ScanRequest): Promise<ScanResult> {
  const changes: TreeChange[] = [];
  const totals = await disk.scan(FOLDER_ID, request, async (batch) => {
    changes.push(...batch);
  });
  return { changes, totals };
}

/** A change in a word or two, for comparing: `+file a/b`, `+dir a`, `-file a/b`, `-dir a`, `held a CODE`. */
export function inBrief(change: TreeChange): string {
  switch (change.type) {
    case 'file':
    case 'dir':
      return `+${change.type} ${change.path}`;
    case 'gone':
      return `-${change.wasDir ? 'dir' : 'file'} ${change.path}`;
    case 'held':
      return `held ${change.path} ${change.error.code}`;
  }
}

function sharedBytes(lengthBytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(lengthBytes));
}

function sha256Short(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

/** What every LocalDisk does, whatever is behind it. */
export function describeLocalDisk(name: string, open: () => Promise<DiskWorld>): void {
  describe(`${name} as a local disk`, () => {
    let world: DiskWorld;
    beforeEach(async () => {
      world = await open();
    });
    afterEach(() => world.close());

    const at = (path: string) => `${world.root}/${path}`;
    const scan = (change: Partial<ScanRequest> = {}) =>
      scanAll(world.disk, { roots: [{ diskPath: world.root, prefix: '' }], rules: PLAIN_RULES, ...change });
    const scanAndRemember = async (change: Partial<ScanRequest> = {}) => {
      const result = await scan(change);
      world.remember(result.changes);
      return result.changes.map(inBrief);
    };
    const fileAt = async (path: string): Promise<SmallFile> => {
      const [stat] = await world.disk.stat([at(path)], false);
      if (stat === undefined) {
        throw new Error(`there is no ${path}`);
      }
      return { diskPath: at(path), sizeBytes: stat.sizeBytes, stamp: stat.stamp };
    };

    it('reports everything the first time and nothing the second', async () => {
      world.write('a.txt', 'alpha');
      world.write('dir/sub/b.txt', 'beta');
      world.mkdir('empty');
      const first = await scan();
      expect(first.changes.map(inBrief)).toEqual([
        '+file a.txt',
        '+dir dir',
        '+dir dir/sub',
        '+file dir/sub/b.txt',
        '+dir empty',
      ]);
      expect(first.totals).toEqual({ files: 2, dirs: 3, bytes: 9, ignored: 0, links: 0 });
      world.remember(first.changes);
      const second = await scan();
      expect(second.changes).toEqual([]);
      expect(second.totals).toEqual(first.totals);
    });

    it('reports an edited file with its new stat', async () => {
      world.write('a.txt', 'alpha');
      await scanAndRemember();
      world.write('a.txt', 'alphabet');
      const { changes } = await scan();
      expect(changes).toHaveLength(1);
      expect(changes[0]).toMatchObject({
        type: 'file',
        diskPath: at('a.txt'),
        stat: { kind: 'file', sizeBytes: 8 },
      });
    });

    it('reports what is gone, children first', async () => {
      world.write('dir/sub/b.txt', 'beta');
      world.write('keep.txt', 'keep');
      await scanAndRemember();
      world.remove('dir');
      expect(await scanAndRemember()).toEqual(['-file dir/sub/b.txt', '-dir dir/sub', '-dir dir']);
      expect(await scanAndRemember()).toEqual([]);
    });

    it('reports a file again that was gone and came back', async () => {
      world.write('a.txt', 'alpha');
      await scanAndRemember();
      world.rename('a.txt', '../aside.txt');
      expect(await scanAndRemember()).toEqual(['-file a.txt']);
      world.rename('../aside.txt', 'a.txt');
      expect(await scanAndRemember()).toEqual(['+file a.txt']);
    });

    it('keeps the stamps of what lies in a renamed folder', async () => {
      world.write('old/a.txt', 'alpha');
      const before = await fileAt('old/a.txt');
      world.rename('old', 'new');
      expect((await fileAt('new/a.txt')).stamp).toBe(before.stamp);
    });

    it('reports a folder that took the place of a file, and the other way round', async () => {
      world.write('x', 'file');
      world.write('y/inside', 'file');
      await scanAndRemember();
      world.remove('x');
      world.write('x/inside', 'file');
      world.remove('y');
      world.write('y', 'file');
      expect(await scanAndRemember()).toEqual([
        '-file x',
        '-file y/inside',
        '-dir y',
        '+file y',
        '+dir x',
        '+file x/inside',
      ]);
      expect(await scanAndRemember()).toEqual([]);
    });

    it('looks only at the paths that it is asked for', async () => {
      world.write('a/one', '1');
      world.write('a/two', '2');
      world.write('b/three', '3');
      await scanAndRemember();
      world.write('a/one', 'changed');
      world.write('a/two', 'changed');
      world.remove('b');
      expect(await scanAndRemember({ only: ['a/one', 'nowhere/at/all'] })).toEqual(['+file a/one']);
      expect(await scanAndRemember({ only: ['b/three'] })).toEqual(['-file b/three', '-dir b']);
      expect(await scanAndRemember({ only: [''] })).toEqual(['+file a/two']);
    });

    it('puts roots where their prefixes say and leaves the rest of the collection alone', async () => {
      world.write('data/one', '1');
      world.write('single.txt', '2');
      const roots = [
        { diskPath: at('data'), prefix: 'x/y' },
        { diskPath: at('single.txt'), prefix: 'x/single.txt' },
      ];
      world.remember([
        { type: 'dir', path: 'x', diskPath: '' },
        { type: 'dir', path: 'x/other', diskPath: '' },
      ]);
      expect(await scanAndRemember({ roots })).toEqual(['+file x/single.txt', '+dir x/y', '+file x/y/one']);
      expect(await scanAndRemember({ roots })).toEqual([]);
    });

    it('says ROOT_GONE for a root that is not there', async () => {
      const roots = [{ diskPath: at('missing'), prefix: '' }];
      await expect(scan({ roots })).rejects.toMatchObject({ code: 'ROOT_GONE' });
    });

    it('counts links that it does not follow, and follows them when told to', async () => {
      world.write('real/a.txt', 'alpha');
      world.symlink('real', 'linked');
      world.symlink('real/a.txt', 'link.txt');
      const plain = await scan();
      expect(plain.changes.map(inBrief)).toEqual(['+dir real', '+file real/a.txt']);
      expect(plain.totals.links).toBe(2);
      const followed = await scan({ rules: { ...PLAIN_RULES, followLinks: true } });
      expect(followed.changes.map(inBrief)).toEqual([
        '+file link.txt',
        '+dir linked',
        '+file linked/a.txt',
        '+dir real',
        '+file real/a.txt',
      ]);
    });

    it('holds links that lead nowhere or in a circle', async () => {
      world.symlink('nothing', 'dangling');
      world.symlink('self', 'self');
      world.mkdir('dir');
      world.symlink('../dir', 'dir/round');
      const { changes } = await scan({ rules: { ...PLAIN_RULES, followLinks: true } });
      expect(changes.map(inBrief)).toEqual([
        'held dangling FILE_GONE',
        'held self FILE_KIND',
        '+dir dir',
        'held dir/round FILE_KIND',
      ]);
    });

    it('holds a FIFO without waiting for somebody to write into it', async () => {
      world.mkfifo('pipe');
      expect(await scanAndRemember()).toEqual(['held pipe FILE_KIND']);
      const [stat] = await world.disk.stat([at('pipe')], false);
      expect(stat?.kind).toBe('other');
      const [result] = await world.disk.readSmall(FOLDER_ID, {
        into: sharedBytes(10),
        files: [{ diskPath: at('pipe'), sizeBytes: 0, stamp: stat?.stamp ?? '' }],
      });
      expect(result).toMatchObject({ outcome: 'failed', error: { code: 'FILE_KIND' } });
    });

    it('obeys the ignore files it meets, and never takes what is ignored for gone', async () => {
      world.write('keep.log', '1');
      world.write('sub/skip.log', '2');
      world.write('sub/other.txt', '3');
      await scanAndRemember();
      world.write('sub/.keepsyncignore', '*.log\n');
      expect(await scanAndRemember()).toEqual(['+file sub/.keepsyncignore']);
      world.remove('sub/skip.log');
      expect(await scanAndRemember()).toEqual([]);
    });

    it('stops when its signal is aborted', async () => {
      for (let index = 0; index < 30; index++) {
        world.write(`f${index}`, 'x');
      }
      const controller = new AbortController();
      const request = { roots: [{ diskPath: world.root, prefix: '' }], rules: PLAIN_RULES };
      const scanning = world.disk.scan(
        FOLDER_ID,
        request,
        async () => {
          controller.abort(new Error('enough'));
        },
        controller.signal,
      );
      await expect(scanning).rejects.toThrow();
      expect((await scan()).totals.files).toBe(30);
    });

    it('passes on the error of whoever takes the changes, and can scan again', async () => {
      world.write('a', 'x');
      const request = { roots: [{ diskPath: world.root, prefix: '' }], rules: PLAIN_RULES };
      const failing = world.disk.scan(FOLDER_ID, request, async () => {
        throw new Error('no room');
      });
      await expect(failing).rejects.toThrow('no room');
      expect((await scan()).totals.files).toBe(1);
    });

    it('says of each path what is there', async () => {
      world.write('a.txt', 'alpha');
      world.mkdir('dir');
      world.symlink('a.txt', 'link');
      const stats = await world.disk.stat(['a.txt', 'dir', 'link', 'none', 'a.txt/below'].map(at), false);
      expect(stats.map((stat) => stat?.kind)).toEqual(['file', 'dir', 'other', undefined, undefined]);
      const [followed] = await world.disk.stat([at('link')], true);
      expect(followed).toEqual(stats[0]);
      expect(stats[0]?.sizeBytes).toBe(5);
    });

    it('lays small files one after the other into the buffer', async () => {
      world.write('a', 'alpha');
      world.write('empty', '');
      world.write('b', 'beta');
      const into = sharedBytes(20);
      const files = [await fileAt('a'), await fileAt('empty'), await fileAt('b')];
      const results = await world.disk.readSmall(FOLDER_ID, { into, files });
      expect(results).toEqual([
        { outcome: 'read', offset: 0, lengthBytes: 5, digest: sha256Short('alpha') },
        { outcome: 'read', offset: 5, lengthBytes: 0, digest: sha256Short('') },
        { outcome: 'read', offset: 5, lengthBytes: 4, digest: sha256Short('beta') },
      ]);
      expect(Buffer.from(into.slice(0, 9)).toString()).toBe('alphabeta');
    });

    it('says full for the first file that does not fit and for all after it', async () => {
      world.write('a', 'alpha');
      world.write('big', 'x'.repeat(20));
      world.write('b', 'b');
      const files = [await fileAt('a'), await fileAt('big'), await fileAt('b')];
      const results = await world.disk.readSmall(FOLDER_ID, { into: sharedBytes(10), files });
      expect(results.map((result) => result.outcome)).toEqual(['read', 'full', 'full']);
    });

    it('uses the space of a file again whose bytes are known', async () => {
      world.write('a', 'alpha');
      world.write('b', 'beta!');
      world.rememberBytes(5, sha256Short('alpha'));
      const into = sharedBytes(5);
      const results = await world.disk.readSmall(FOLDER_ID, {
        into,
        files: [await fileAt('a'), await fileAt('b')],
      });
      expect(results).toEqual([
        { outcome: 'known', digest: sha256Short('alpha') },
        { outcome: 'read', offset: 0, lengthBytes: 5, digest: sha256Short('beta!') },
      ]);
      expect(Buffer.from(into.slice()).toString()).toBe('beta!');
    });

    it('refuses a file that is not in the state it was seen in, and reads the others', async () => {
      for (const name of ['edited', 'replaced', 'gone', 'folder', 'fine']) {
        world.write(name, 'alpha');
      }
      const files = await Promise.all(['edited', 'replaced', 'gone', 'folder', 'fine'].map(fileAt));
      world.write('edited', 'other');
      world.write('new', 'alpha');
      world.rename('new', 'replaced');
      world.remove('gone');
      world.remove('folder');
      world.mkdir('folder');
      const results = await world.disk.readSmall(FOLDER_ID, { into: sharedBytes(100), files });
      expect(
        results.map((result) => (result.outcome === 'failed' ? result.error.code : result.outcome)),
      ).toEqual(['FILE_CHANGED', 'FILE_CHANGED', 'FILE_GONE', 'FILE_KIND', 'read']);
    });

    it('reads a piece out of the middle of a file', async () => {
      world.write('a', '0123456789');
      const { diskPath, stamp } = await fileAt('a');
      const into = sharedBytes(8).subarray(2, 6);
      await world.disk.readPiece({ diskPath, stamp, position: 3, into });
      expect(Buffer.from(into.slice()).toString()).toBe('3456');
    });

    it('says FILE_CHANGED for a piece beyond the end or of a file that grew', async () => {
      world.write('a', '0123456789');
      const { diskPath, stamp } = await fileAt('a');
      const beyond = world.disk.readPiece({ diskPath, stamp, position: 8, into: sharedBytes(4) });
      await expect(beyond).rejects.toMatchObject({ code: 'FILE_CHANGED' });
      world.write('a', '0123456789 and more');
      const grown = world.disk.readPiece({ diskPath, stamp, position: 0, into: sharedBytes(4) });
      await expect(grown).rejects.toMatchObject({ code: 'FILE_CHANGED' });
      world.remove('a');
      const gone = world.disk.readPiece({ diskPath, stamp, position: 0, into: sharedBytes(4) });
      await expect(gone).rejects.toMatchObject({ code: 'FILE_GONE' });
    });

    it('reads the end of a sparse file of a tebibyte', async () => {
      const sizeBytes = 2 ** 40;
      world.writeSparse('huge', sizeBytes);
      const { diskPath, stamp, sizeBytes: seen } = await fileAt('huge');
      expect(seen).toBe(sizeBytes);
      const into = sharedBytes(1_000).fill(7);
      await world.disk.readPiece({ diskPath, stamp, position: sizeBytes - 1_000, into });
      expect(into.every((byte) => byte === 0)).toBe(true);
    });
  });
}
