import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TreeChange } from '../../src/local/ports.ts';
import { scanTree } from '../../src/local/scan-tree.ts';
import { PLAIN_RULES } from '../support/disk-conformance.ts';
import { RememberedTree } from '../support/disk-known.ts';
import { SimDisk, SimError } from '../support/sim-disk.ts';

const ROOT = '/root';
const NAMES = ['a', 'b', 'c'];

const path = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const action = fc.oneof(
  fc.record({ do: fc.constant('write' as const), path, content: fc.string({ maxLength: 5 }) }),
  fc.record({ do: fc.constant('mkdir' as const), path }),
  fc.record({ do: fc.constant('remove' as const), path }),
  fc.record({ do: fc.constant('rename' as const), path, to: path }),
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** Does what can be done; a program that asks for the impossible gets an error and goes on. */
function act(disk: SimDisk, step: Action): void {
  try {
    switch (step.do) {
      case 'write':
        disk.write(`${ROOT}/${step.path}`, step.content);
        break;
      case 'mkdir':
        disk.mkdir(`${ROOT}/${step.path}`);
        break;
      case 'remove':
        disk.remove(`${ROOT}/${step.path}`);
        break;
      case 'rename':
        if (!`${step.to}/`.startsWith(`${step.path}/`)) {
          disk.rename(`${ROOT}/${step.path}`, `${ROOT}/${step.to}`);
        }
        break;
    }
  } catch (thrown) {
    if (!(thrown instanceof SimError)) {
      throw thrown;
    }
  }
}

function scan(disk: SimDisk, journal: RememberedTree, only?: readonly string[]): TreeChange[] {
  const request = { roots: [{ diskPath: ROOT, prefix: '' }], rules: PLAIN_RULES };
  return [...scanTree(disk, journal.knownTree(), only === undefined ? request : { ...request, only })].flat();
}

/** The whole truth, as rows of a journal. */
function truth(disk: SimDisk): Map<string, { kind: string; stamp: string }> {
  const journal = new RememberedTree();
  journal.remember(scan(disk, journal));
  const rows = new Map<string, { kind: string; stamp: string }>();
  for (const [at, { kind, stamp }] of journal.rows) {
    rows.set(at, { kind, stamp });
  }
  for (const file of disk.filesBelow(ROOT)) {
    if (!rows.has(file.slice(ROOT.length + 1))) {
      throw new Error(`a first scan missed ${file}`);
    }
  }
  return rows;
}

function remembered(journal: RememberedTree): Map<string, { kind: string; stamp: string }> {
  return new Map([...journal.rows].map(([at, { kind, stamp }]) => [at, { kind, stamp }]));
}

function newDisk(): SimDisk {
  const disk = new SimDisk({ nowMs: () => 1_000 });
  disk.mkdir(ROOT);
  return disk;
}

it('after any changes, what a scan reports makes the journal equal to the disk', () => {
  fc.assert(
    fc.property(fc.array(fc.array(action, { maxLength: 8 }), { maxLength: 6 }), (rounds) => {
      const disk = newDisk();
      const journal = new RememberedTree();
      for (const steps of rounds) {
        for (const step of steps) {
          act(disk, step);
        }
        journal.remember(scan(disk, journal));
        expect(remembered(journal)).toEqual(truth(disk));
        expect(scan(disk, journal)).toEqual([]);
      }
    }),
    { numRuns: 300 },
  );
});

it('a scan of the paths that were touched finds the same as a scan of everything', () => {
  fc.assert(
    fc.property(fc.array(fc.array(action, { maxLength: 5 }), { maxLength: 6 }), (rounds) => {
      const disk = newDisk();
      const journal = new RememberedTree();
      const touched = new Set<string>();
      disk.onTouched((at) => touched.add(at.slice(ROOT.length + 1)));
      for (const steps of rounds) {
        touched.clear();
        for (const step of steps) {
          act(disk, step);
        }
        journal.remember(scan(disk, journal, [...touched]));
        expect(remembered(journal)).toEqual(truth(disk));
      }
    }),
    { numRuns: 300 },
  );
});

it('reports nothing gone that lies at or below a folder which cannot be read', () => {
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 12 }),
      fc.array(action, { maxLength: 6 }),
      path,
      (before, after, denied) => {
        const disk = newDisk();
        const journal = new RememberedTree();
        for (const step of before) {
          act(disk, step);
        }
        journal.remember(scan(disk, journal));
        for (const step of after) {
          act(disk, step);
        }
        fc.pre(disk.exists(`${ROOT}/${denied}`) && disk.stat(`${ROOT}/${denied}`)?.mode === 0o040755n);
        disk.deny(`${ROOT}/${denied}`);
        const known = journal.rows.get(denied)?.kind;
        const gone = scan(disk, journal).flatMap((change) => (change.type === 'gone' ? [change.path] : []));
        const wrongly = gone.filter(
          (at) => at.startsWith(`${denied}/`) || (at === denied && known === 'dir'),
        );
        expect(wrongly).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});
