import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../support/seed.ts';
import { dirOf, JournalWorld } from './journal-model.ts';

const PATHS = ['a', 'b', 'd', 'é :\\', 'd/a', 'd/b', 'd/d', 'd/d/a', 'd/d/b', 'a/a'];

/** Histories that once went wrong. */
const MENDED: Array<[number[]]> = [
  // A new file has the size of one that a stranger put at its path: it waits to be compared with that.
  [[1_835_828_065, 335_355_210, 157_181_741, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  // The answer to a save is lost; the folder of an empty folder in it is a file by then, and gone before the next look.
  [[108_989_058, 1_932_691_334, 2_126_169_559, 0, 0, 0, 0, 0, 0, 0, 555_612_000, 1_803_922_884, 0]],
  // A file takes the place of a deleted folder, whose own deleted folder is forgotten because of a stranger's file in it.
  [
    [
      1_108_929_623, 1_502_077_749, 1_979_277_743, 1_701_166_755, 139_652_246, 453_114_410, 0, 0, 0,
      1_754_875_686, 0, 0, 0, 0, 0, 0,
    ],
  ],
  // A file of ours makes way for a folder with an empty one in it, and both are gone before the save's answer is there.
  [
    [
      1_981_002_635, 453_228_847, 282_180_299, 1_469_366_075, 1_749_813_790, 0, 0, 0, 0, 381_644_080, 0, 0, 0,
      795_261_771, 1_345_786_517,
    ],
  ],
];

/** Numbers from one seed, in order. */
function numbersFrom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return Math.floor((((state ^ (state >>> 13)) >>> 0) / 2 ** 32) * limit);
  };
}

interface Strangers {
  /** What strangers wrote and did not remove again; it must be somewhere in the collection for ever. */
  readonly contents: Set<string>;
  /** Directories that came with what they wrote, or that what they removed was in: an empty one may be meant. */
  readonly dirs: Set<string>;
  count: number;
}

/** Kinds of steps; those from ALONE_FROM on do not happen in the middle of a save. */
const KINDS = 22;
const ALONE_FROM = 14;

function strangerStep(world: JournalWorld, at: string, isRemoval: boolean, strangers: Strangers): void {
  const isMeant = (other: string) =>
    other === at || other.startsWith(`${at}/`) || (!isRemoval && at.startsWith(`${other}/`));
  for (const other of world.remote.nodes.keys()) {
    if (isMeant(other)) {
      strangers.contents.delete(world.remote.contentOf(other) ?? '');
    }
  }
  for (let dir = dirOf(at); dir !== ''; dir = dirOf(dir)) {
    strangers.dirs.add(dir);
  }
  if (isRemoval) {
    world.remote.remove(at);
    return;
  }
  strangers.count += 1;
  const written = `stranger ${strangers.count}`;
  world.remote.write(at, written);
  strangers.contents.add(written);
}

async function step(world: JournalWorld, seed: number, strangers: Strangers): Promise<void> {
  const next = numbersFrom(seed);
  const path = () => PATHS[next(PATHS.length)] ?? 'a';
  const content = () =>
    'abcdefghijklmnopqrstuvwxyz'.slice(0, next(20)) + (next(2) === 0 ? '' : String(next(5)));
  switch (next(KINDS)) {
    case 0:
    case 1:
    case 2:
      return world.write(path(), content());
    case 3:
      return world.mkdir(path());
    case 4:
      return world.remove(path());
    case 5:
      return world.rename(path(), path());
    case 6: {
      const at = path();
      const node = world.disk.get(at);
      return node?.kind === 'file' ? world.write(at, node.content) : undefined;
    }
    case 7: {
      const at = path();
      return void (world.held.delete(at) || world.held.add(at));
    }
    case 8:
    case 9:
      return world.scan(1 + next(5), next(2) === 0);
    case 10:
    case 11:
      await world.upload(next(3) === 0 ? 30_000 : 1_000_000, 1 + next(5));
      return;
    case 12:
      await world.journal.confirmDeletes(world.folderId, 'mirror', 'person');
      return;
    case 13:
      if (next(3) === 0) {
        world.nowMs += next(200_000);
      }
      return;
    case ALONE_FROM:
      return world.restart();
    case ALONE_FROM + 1:
      return strangerStep(world, path(), next(3) === 0, strangers);
    default: {
      if (next(3) > 0) {
        await world.scan(1_000, next(2) === 0);
        if (next(2) === 0) {
          await world.journal.confirmDeletes(world.folderId, 'mirror', 'person');
        }
        await world.upload(next(4) === 0 ? 30_000 : 1_000_000);
      }
      const outcomes = ['done', 'done', 'done', 'answer-lost', 'refused', 'killed'] as const;
      await world.save({
        outcome: outcomes[next(outcomes.length)] ?? 'done',
        limitBytes: next(3) === 0 ? 100 : 1_000_000,
        meanwhile: async () => {
          for (let count = next(4); count > 0; count -= 1) {
            const seedInside = next(2 ** 31);
            if (numbersFrom(seedInside)(KINDS) < ALONE_FROM) {
              await step(world, seedInside, strangers);
            }
          }
        },
      });
      if ((await world.journal.openFolder('pair')).remotePdh === world.remote.pdh) {
        checkSaved(world);
      }
    }
  }
}

/** What is called saved is in the collection, with the very bytes that were read. */
function checkSaved(world: JournalWorld): void {
  for (const row of world.rows()) {
    if (row.kind === 'file' && row.state === 'saved') {
      expect([row.path, world.remote.contentOf(row.path)]).toEqual([
        row.path,
        world.contentOfStamp.get(row.stamp),
      ]);
    }
  }
}

function checkSame(world: JournalWorld, strangers: Strangers): void {
  checkSaved(world);
  const isHeld = (path: string) =>
    [...world.held].some((held) => path === held || path.startsWith(`${held}/`));
  const rows = new Map(world.rows().map((row) => [row.path, row]));
  for (const [path, node] of world.disk) {
    if (isHeld(path)) {
      continue;
    }
    if (node.kind === 'file') {
      expect([path, world.remote.contentOf(path)]).toEqual([path, node.content]);
    } else if (![...world.disk.keys()].some((other) => other.startsWith(`${path}/`) && isHeld(other))) {
      expect([path, world.remote.nodes.get(path)?.kind]).toEqual([path, 'dir']);
    }
  }
  const remains = [...world.remote.nodes.keys()];
  const isForeign = (path: string): boolean => {
    const node = world.remote.nodes.get(path);
    return node?.kind === 'file'
      ? world.remote.contentOf(path)?.startsWith('stranger') === true || path.includes('~conflict~')
      : remains.some((other) => other.startsWith(`${path}/`) && isForeign(other));
  };
  for (const [path, node] of world.remote.nodes) {
    const mayRemain =
      world.disk.has(path) || isForeign(path) || rows.has(path) || path.includes('~conflict~');
    expect([path, mayRemain || (node.kind === 'dir' && strangers.dirs.has(path))]).toEqual([path, true]);
  }
  const there = new Set(remains.map((path) => world.remote.contentOf(path)));
  for (const content of strangers.contents) {
    expect([content, there.has(content)]).toEqual([content, true]);
  }
}

test(
  'whatever happens in whatever order, the collection ends up as the disk is, and strangers lose nothing',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 10, maxLength: 70, size: 'max' }),
        async (seeds) => {
          const world = new JournalWorld();
          try {
            await world.open();
            const strangers: Strangers = { contents: new Set(), dirs: new Set(), count: 0 };
            for (const seed of seeds) {
              await step(world, seed, strangers);
            }
            await world.journal.verify();
            await world.settle();
            await world.journal.verify();
            checkSame(world, strangers);
          } finally {
            await world.close();
          }
        },
      ),
      { numRuns: runs(200), examples: MENDED },
    );
  },
  Math.max(600_000, runs(200) * 1_000),
);
