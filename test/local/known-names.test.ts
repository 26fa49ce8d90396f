import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownNames } from '../../src/local/known-names.ts';
import { RememberedTree } from '../support/disk-known.ts';

const PAGE_ROWS = 3;
/** Two of them are in one order as UTF-8 and in the other as UTF-16. */
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'A', 'é', '\uff5e', '\u{1f600}');
const question = fc.record({ name, isMet: fc.boolean() });

function journalOf(names: Iterable<string>): RememberedTree {
  const journal = new RememberedTree();
  for (const known of names) {
    journal.rows.set(`dir/${known}`, { kind: 'file', stamp: `stamp of ${known}`, isHeld: false });
  }
  return journal;
}

const inUtf8 = (names: Iterable<string>) =>
  [...names].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));

describe('what the journal knows in a folder', () => {
  it('is answered, whatever the order of the questions', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name), fc.array(question), (rows, questions) => {
        const known = KnownNames.inFolder(journalOf(rows).knownTree(), 'dir', PAGE_ROWS);
        const left = new Set(rows);
        for (const asked of questions) {
          expect(known.get(asked.name)?.stamp).toBe(
            left.has(asked.name) ? `stamp of ${asked.name}` : undefined,
          );
          if (asked.isMet) {
            known.delete(asked.name);
            left.delete(asked.name);
          }
        }
        expect(inUtf8(known.left().map((entry) => entry.name))).toEqual(inUtf8(left));
      }),
      { seed: 20_261_123 },
    );
  });

  it('is fetched page by page while every name is met in order', () => {
    const names = inUtf8(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'é', '\uff5e', '\u{1f600}']);
    const tree = journalOf(names).knownTree();
    const limits: Array<number | undefined> = [];
    const known = KnownNames.inFolder(
      {
        ...tree,
        entriesOf: (dir, page) => {
          limits.push(page?.limit);
          return tree.entriesOf(dir, page);
        },
      },
      'dir',
      PAGE_ROWS,
    );
    for (const [index, each] of names.entries()) {
      expect(known.get(each)?.name).toBe(each);
      known.delete(each);
      expect(limits).toHaveLength(Math.floor(index / PAGE_ROWS) + 1);
    }
    expect(known.left()).toEqual([]);
    expect(limits).toEqual([PAGE_ROWS, PAGE_ROWS, PAGE_ROWS, PAGE_ROWS]);
  });

  it('counts as met what somebody else has met, in one go', () => {
    const names = inUtf8(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'é', '\uff5e', '\u{1f600}']);
    fc.assert(
      fc.property(
        fc.subarray(names),
        fc.nat(names.length),
        fc.nat(names.length),
        fc.array(question, { maxLength: 3 }),
        (rows, one, other, questions) => {
          const [from, to] = [Math.min(one, other), Math.max(one, other)];
          const known = KnownNames.inFolder(journalOf(rows).knownTree(), 'dir', PAGE_ROWS);
          const left = new Set(rows);
          // Those before were asked about, and met; now and then out of step.
          for (const each of [...names.slice(0, from), ...questions.map((asked) => asked.name)]) {
            known.get(each);
            known.delete(each);
            left.delete(each);
          }
          const run = names.slice(from, to);
          if (run.every((each) => rows.includes(each))) {
            known.deleteRun(names, from, to);
            for (const each of run) {
              left.delete(each);
            }
          }
          expect(inUtf8(known.left().map((entry) => entry.name))).toEqual(inUtf8(left));
        },
      ),
      { seed: 20_261_123, numRuns: 500 },
    );
  });
});
