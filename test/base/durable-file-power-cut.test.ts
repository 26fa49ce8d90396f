import { beforeEach, describe, expect, it, vi } from 'vitest';
import { writeDurably } from '../../src/base/durable-file.ts';

/** A file's bytes as programs see them, and as they are on the platter. */
interface Inode {
  seen: string;
  synced: string | undefined;
}

class PowerCut extends Error {}

/** A file system that after a power cut has only what was synced, and of the changes to folders any beginning. */
class UnsyncedFiles {
  /** What programs see. */
  names = new Map<string, Inode>();
  /** What is on the platter. */
  durable = new Map<string, Inode>();
  /** Changes to folders that are not on the platter yet. */
  pending: Array<(names: Map<string, Inode>) => void> = [];
  callsLeft = Number.POSITIVE_INFINITY;

  call(): void {
    if (this.callsLeft <= 0) {
      throw new PowerCut();
    }
    this.callsLeft -= 1;
  }

  change(work: (names: Map<string, Inode>) => void): void {
    work(this.names);
    this.pending.push(work);
  }

  syncFolder(): void {
    for (const work of this.pending.splice(0)) {
      work(this.durable);
    }
  }

  /** Everything that a file may hold when the power is back; undefined: it is not there. */
  afterPowerCut(path: string): Array<string | undefined> {
    return Array.from({ length: this.pending.length + 1 }, (_, count) => {
      const names = new Map(this.durable);
      for (const work of this.pending.slice(0, count)) {
        work(names);
      }
      const inode = names.get(path);
      return inode === undefined ? undefined : (inode.synced ?? '');
    });
  }
}

const { disk } = vi.hoisted(() => ({ disk: { files: undefined as unknown } }));
const files = () => disk.files as UnsyncedFiles;

vi.mock('node:fs/promises', () => ({
  mkdir: async () => undefined,
  open: async (path: string, flags: string) => {
    files().call();
    if (flags === 'r') {
      return {
        sync: async () => {
          files().call();
          files().syncFolder();
        },
        close: async () => undefined,
      };
    }
    const inode: Inode = { seen: '', synced: undefined };
    files().change((names) => names.set(path, inode));
    return {
      writeFile: async (content: string) => {
        files().call();
        inode.seen = content;
      },
      sync: async () => {
        files().call();
        inode.synced = inode.seen;
      },
      close: async () => undefined,
    };
  },
  rename: async (from: string, to: string) => {
    files().call();
    files().change((names) => {
      const inode = names.get(from);
      if (inode !== undefined) {
        names.delete(from);
        names.set(to, inode);
      }
    });
  },
  rm: async (path: string) => {
    files().call();
    files().change((names) => names.delete(path));
  },
  chmod: async () => undefined,
  readFile: async (path: string) => files().names.get(path)?.seen,
}));

const PATH = '/profile/folders.json';
/** More calls than a write makes. */
const CALLS_MAX = 20;

describe('a small file that is written durably', () => {
  beforeEach(async () => {
    disk.files = new UnsyncedFiles();
    await writeDurably(PATH, 'old');
  });

  it('is there after a power cut, once the call came back', () => {
    expect(new Set(files().afterPowerCut(PATH))).toEqual(new Set(['old']));
  });

  it('holds the old text or the new, wherever the power is cut', async () => {
    let cuts = 0;
    for (let calls = 0; calls < CALLS_MAX; calls += 1) {
      disk.files = new UnsyncedFiles();
      await writeDurably(PATH, 'old');
      files().callsLeft = calls;
      const written = await writeDurably(PATH, 'new').then(
        () => true,
        (thrown: unknown) => {
          expect(thrown).toBeInstanceOf(PowerCut);
          return false;
        },
      );
      const found = files().afterPowerCut(PATH);
      expect(written ? ['new'] : ['old', 'new']).toEqual(expect.arrayContaining(found));
      cuts += written ? 0 : 1;
    }
    expect(cuts).toBeGreaterThan(3);
  });
});
