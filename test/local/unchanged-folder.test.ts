import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IgnoreRules } from '../../src/local/ignore-rules.ts';
import type { ScanTotals, TreeChange } from '../../src/local/ports.ts';
import type { ScanHelp } from '../../src/local/scan-help.ts';
import { scanTree } from '../../src/local/scan-tree.ts';
import { type UnchangedFolder, unchangedFolder } from '../../src/local/unchanged-folder.ts';
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

/** Looks at once, at every folder that it is offered. */
class PromptHelp implements ScanHelp {
  isWanted = false;
  readonly hasRoom = true;
  readonly found = new Map<string, UnchangedFolder | undefined>();
  readonly #disk: SimDisk;
  readonly #journal: RememberedTree;

  constructor(disk: SimDisk, journal: RememberedTree) {
    this.#disk = disk;
    this.#journal = journal;
  }

  offer(place: { readonly path: string; readonly diskPath: string }): void {
    const known = this.#journal.knownTree();
    this.found.set(place.path, unchangedFolder(this.#disk, known, RULES, PATTERNS, place));
  }

  foundIn(path: string): UnchangedFolder | undefined {
    return this.found.get(path);
  }
}

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
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.array(step, { maxLength: 4 }), (before, after) => {
        const disk = new SimDisk({ nowMs: () => 1_000 });
        disk.mkdir(ROOT);
        act(disk, before);
        const journal = new RememberedTree();
        journal.remember(scan(disk, journal).changes);
        act(disk, after);
        const help = new PromptHelp(disk, journal);
        expect(scan(disk, journal, help)).toEqual(scan(disk, journal));
        helped += [...help.found.values()].filter((found) => found !== undefined).length;
      }),
      { numRuns: 400 },
    );
    expect(helped).toBeGreaterThan(0);
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

  it('asks for help once it has found a few thousand files as they were', () => {
    const disk = new SimDisk({ nowMs: () => 1_000 });
    disk.mkdir(ROOT);
    for (let index = 0; index < 2_100; index++) {
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
