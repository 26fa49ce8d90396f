import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IgnoreRules } from '../../src/local/ignore-rules.ts';
import type { ScanTotals, TreeChange } from '../../src/local/ports.ts';
import { type HelpTask, keyOf, type ScanHelp } from '../../src/local/scan-help.ts';
import { scanTree } from '../../src/local/scan-tree.ts';
import { type UnchangedFolder, unchangedFolder, unchangedSlice } from '../../src/local/unchanged-folder.ts';
import { PLAIN_RULES } from '../support/disk-conformance.ts';
import { RememberedTree } from '../support/disk-known.ts';
import { SimDisk } from '../support/sim-disk.ts';

const ROOT = '/root';
const RULES = { ...PLAIN_RULES, patterns: ['*.tmp', 'out/'] };
const PATTERNS = IgnoreRules.of(RULES.patterns);

function scan(disk: SimDisk, journal: RememberedTree, help?: ScanHelp) {
  const request = { roots: [{ diskPath: ROOT, prefix: '' }], rules: RULES };
  const steps = scanTree(disk, journal.knownTree(), request, help);
  const changes: TreeChange[] = [];
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      return { changes, totals: step.value satisfies ScanTotals };
    }
    changes.push(...step.value);
  }
}

/** Looks at once, at every folder and slice that it is offered; with a limit, at so many entries of each. */
class PromptHelp implements ScanHelp {
  isWanted = false;
  readonly hasRoom = true;
  readonly sliceNames: number;
  readonly found = new Map<string, UnchangedFolder | undefined>();
  slicesFound = 0;
  readonly #disk: SimDisk;
  readonly #journal: RememberedTree;
  readonly #entriesMax: number;

  constructor(
    disk: SimDisk,
    journal: RememberedTree,
    sliceNames = 500,
    entriesMax = Number.POSITIVE_INFINITY,
  ) {
    this.#disk = disk;
    this.#journal = journal;
    this.sliceNames = sliceNames;
    this.#entriesMax = entriesMax;
  }

  offer(task: HelpTask): void {
    let asked = 0;
    const comparison = {
      disk: this.#disk,
      known: this.#journal.knownTree(),
      rules: RULES,
      patterns: PATTERNS,
      isEnough: () => asked++ * ENTRIES_AT_ONCE >= this.#entriesMax,
    };
    const found = 'names' in task ? unchangedSlice(comparison, task) : unchangedFolder(comparison, task);
    this.found.set(keyOf(task), found);
    this.slicesFound += 'names' in task && found !== undefined ? 1 : 0;
  }

  foundIn(task: HelpTask): UnchangedFolder | undefined {
    return this.found.get(keyOf(task));
  }
}

/** After so many entries whoever is looked for is asked whether it is enough. */
const ENTRIES_AT_ONCE = 32;

const path = fc
  .array(fc.constantFrom('a', 'b', 'c', 'out', 'x.tmp', '.keepsyncignore'), { minLength: 1, maxLength: 4 })
  .map((parts) => `${ROOT}/${parts.join('/')}`);
const step = fc.record({ do: fc.constantFrom('write' as const, 'mkdir' as const, 'remove' as const), path });

function act(
  disk: SimDisk,
  steps: ReadonlyArray<typeof step extends fc.Arbitrary<infer T> ? T : never>,
): void {
  for (const one of steps) {
    try {
      if (one.do === 'write') {
        const above = one.path.slice(0, one.path.lastIndexOf('/'));
        disk.mkdir(above);
        disk.write(one.path, one.path.endsWith('ignore') ? 'b\n' : `${steps.length}`);
      } else if (one.do === 'mkdir') {
        disk.mkdir(one.path);
      } else {
        disk.remove(one.path);
      }
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown)) {
        throw thrown;
      }
    }
  }
}

describe('a scan with help', () => {
  it('reports and counts what it would have alone', () => {
    let helped = 0;
    let slices = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.array(step, { maxLength: 4 }), (before, after) => {
        const disk = new SimDisk({ nowMs: () => 1_000 });
        disk.mkdir(ROOT);
        act(disk, before);
        const journal = new RememberedTree();
        journal.remember(scan(disk, journal).changes);
        act(disk, after);
        for (const sliceNames of [500, 1]) {
          const help = new PromptHelp(disk, journal, sliceNames);
          expect(scan(disk, journal, help)).toEqual(scan(disk, journal));
          helped += [...help.found.values()].filter((found) => found !== undefined).length;
          slices += help.slicesFound;
        }
      }),
      { numRuns: 400, seed: 20_261_123 },
    );
    expect(helped).toBeGreaterThan(0);
    expect(slices).toBeGreaterThan(0);
  });

  it('does so, too, in large folders of which help has looked at the beginning, or at slices', () => {
    const names = Array.from({ length: 200 }, (_, index) => `f${index}`);
    const place = fc.record({
      do: fc.constantFrom('write' as const, 'mkdir' as const, 'remove' as const),
      path: fc.tuple(fc.constantFrom('', 'a/', 'b/'), fc.constantFrom(...names, 'new', 'f1a', 'x.tmp', 'é')),
    });
    let taken = 0;
    fc.assert(
      fc.property(
        fc.array(place, { maxLength: 3 }),
        fc.array(place, { maxLength: 3 }),
        fc.integer({ min: 10, max: 60 }),
        fc.integer({ min: 0, max: 250 }),
        (before, after, sliceNames, entriesMax) => {
          const inRoot = (steps: typeof before) =>
            steps.map((one) => ({ do: one.do, path: `${ROOT}/${one.path.join('')}` }));
          const disk = new SimDisk({ nowMs: () => 1_000 });
          for (const name of names) {
            disk.write(`${ROOT}/${name}`, 'x');
            disk.write(`${ROOT}/a/${name}`, 'x');
            disk.write(`${ROOT}/b/${name}`, 'x');
          }
          act(disk, inRoot(before));
          const journal = new RememberedTree();
          journal.remember(scan(disk, journal).changes);
          act(disk, inRoot(after));
          const alone = scan(disk, journal);
          const help = new PromptHelp(disk, journal, sliceNames, entriesMax);
          expect(scan(disk, journal, help)).toEqual(alone);
          taken += help.slicesFound;
        },
      ),
      { numRuns: 40, seed: 20_261_123 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it('takes over the beginning of a folder that help has not finished, and looks at the rest itself', () => {
    const disk = new SimDisk({ nowMs: () => 1_000 });
    for (const folder of ['a', 'b', 'c']) {
      for (let index = 0; index < 200; index++) {
        disk.write(`${ROOT}/${folder}/f${index}`, 'x');
      }
    }
    const journal = new RememberedTree();
    journal.remember(scan(disk, journal).changes);
    const before = disk.callsOf('lstat');
    const alone = scan(disk, journal);
    const looks = disk.callsOf('lstat') - before;
    const help = new PromptHelp(disk, journal, 500, 64);
    const beforeHelp = disk.callsOf('lstat');
    expect(scan(disk, journal, help)).toEqual(alone);
    expect([...help.found.values()].map((found) => found?.entries)).toEqual([64, 64]);
    // each entry once, whoever looks
    expect(disk.callsOf('lstat') - beforeHelp).toBe(looks);
  });

  it('sees what changed in a slice after help has looked at the others', () => {
    const disk = new SimDisk({ nowMs: () => 1_000 });
    for (let index = 0; index < 2_000; index++) {
      disk.write(`${ROOT}/f${index}`, 'x');
    }
    const journal = new RememberedTree();
    journal.remember(scan(disk, journal).changes);
    disk.write(`${ROOT}/f1999`, 'another');
    disk.remove(`${ROOT}/f0`);
    const help = new PromptHelp(disk, journal, 100);
    const { changes, totals } = scan(disk, journal, help);
    expect(changes.map((change) => [change.type, change.path])).toEqual(
      scan(disk, journal).changes.map((change) => [change.type, change.path]),
    );
    expect(changes).toHaveLength(2);
    expect(totals.files).toBe(1_999);
  });

  it('offers folders to help that comes in the middle of a large one', () => {
    const disk = new SimDisk({ nowMs: () => 1_000 });
    for (let index = 0; index < 3_000; index++) {
      disk.write(`${ROOT}/a/f${index}`, 'x');
    }
    for (const name of ['b', 'c', 'd']) {
      disk.write(`${ROOT}/${name}/f`, 'x');
    }
    const journal = new RememberedTree();
    journal.remember(scan(disk, journal).changes);
    const looksBefore = disk.callsOf('lstat');
    let looksAtOffer = Number.POSITIVE_INFINITY;
    const help: ScanHelp = {
      isWanted: false,
      sliceNames: 500,
      get hasRoom() {
        return this.isWanted;
      },
      offer: () => {
        looksAtOffer = Math.min(looksAtOffer, disk.callsOf('lstat') - looksBefore);
      },
      foundIn: () => undefined,
    };
    expect(scan(disk, journal, help).changes).toEqual([]);
    expect(looksAtOffer).toBeLessThan(3_000);
  });

  it('asks for help once it has found some hundred files as they were', () => {
    const disk = new SimDisk({ nowMs: () => 1_000 });
    disk.mkdir(ROOT);
    for (let index = 0; index < 600; index++) {
      disk.write(`${ROOT}/f${index}`, 'x');
    }
    const journal = new RememberedTree();
    const first = new PromptHelp(disk, journal);
    journal.remember(scan(disk, journal, first).changes);
    expect(first.isWanted).toBe(false);
    const second = new PromptHelp(disk, journal);
    expect(scan(disk, journal, second).changes).toEqual([]);
    expect(second.isWanted).toBe(true);
  });
});
