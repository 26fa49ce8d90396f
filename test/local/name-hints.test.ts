import fc from 'fast-check';
import ignore from 'ignore';
import { expect, test } from 'vitest';
import { NameHints } from '../../src/local/name-hints.ts';

const patternPart = fc.string({
  unit: fc.constantFrom(
    'a',
    'b',
    'A',
    '.',
    '*',
    '**',
    '?',
    '[ab]',
    '[!a]',
    '\\',
    ' ',
    '/',
    '!',
    '#',
    '\t',
    'é',
    '$',
  ),
  minLength: 1,
  maxLength: 7,
});
const namePart = fc.string({
  unit: fc.constantFrom('a', 'b', 'A', '.', '*', '?', '[', ' ', '!', '#', '\t', 'é', '$', '\\'),
  minLength: 1,
  maxLength: 6,
});

test.each([false, true])(
  'a name that no pattern can be about is left out by none (case folded: %s)',
  (ignoreCase) => {
    fc.assert(
      fc.property(
        fc.array(patternPart, { maxLength: 4 }),
        namePart,
        fc.boolean(),
        (patterns, name, isDir) => {
          fc.pre(name !== '.' && name !== '..' && !name.includes('\\'));
          const matcher = ignore({ ignoreCase, allowRelativePaths: true }).add(
            patterns.map((pattern) => ({ pattern })),
          );
          const hints = new NameHints(patterns, ignoreCase);
          for (const above of ['', 'b/a/']) {
            const isAboveIgnored = above !== '' && matcher.ignores(above);
            if (!isAboveIgnored && matcher.ignores(`${above}${name}${isDir ? '/' : ''}`)) {
              expect(hints.maySuit(name)).toBe(true);
            }
          }
        },
      ),
      { numRuns: 2_000 },
    );
  },
);

test('ordinary names suit no pattern about special ones', () => {
  const hints = new NameHints(['.*.sw[nop]', '~$*', 'Thumbs.db', '*.tmp', 'build/', '!a'], false);
  expect(['sample-1.txt', 'a', 'Thumbs.dbx', 'tmp', 'rebuild'].filter((name) => hints.maySuit(name))).toEqual(
    [],
  );
  expect(['.a.swp', '~$letter', 'Thumbs.db', 'x.tmp', 'build'].every((name) => hints.maySuit(name))).toBe(
    true,
  );
});
