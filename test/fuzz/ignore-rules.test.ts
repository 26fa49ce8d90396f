import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainIgnored, IgnoreRules } from '../../src/local/ignore-rules.ts';
import { poisonedText, refusal, resultOrRefusal, tries } from '../support/hostile.ts';
import { SEED } from '../support/seed.ts';

const pattern = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'*?[]!^-\\/ab. {}()+|$#~\t'), maxLength: 30 }),
  fc
    .array(
      fc.constantFrom(
        '*',
        '**',
        '/',
        '**/',
        '[a-',
        '[!',
        ']',
        '[z-a]',
        '[[:alpha:]]',
        'a',
        '?',
        '\\',
        '!',
        ' ',
      ),
      {
        maxLength: 10,
      },
    )
    .map((parts) => parts.join('')),
  poisonedText,
);
const name = fc
  .oneof(fc.string({ unit: fc.constantFrom(...'ab.*?[]\\ !#-'), minLength: 1, maxLength: 8 }), poisonedText)
  .filter((text) => text !== '' && text !== '.' && text !== '..' && !/[/\0]/.test(text));

describe(`ignore files of whatever text (seed ${SEED})`, { timeout: 600_000 }, () => {
  test('give a verdict or are refused', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 6 }),
        fc.array(pattern, { maxLength: 6 }),
        fc.array(name, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (settings, lines, parts, isDir) => {
          const read = (dir: string) => (dir === '' || dir === parts[0] ? lines.join('\n') : undefined);
          const verdict = resultOrRefusal(() => explainIgnored(settings, read, parts.join('/'), isDir));
          expect([true, false, undefined]).toContain(verdict?.ignored);
        },
      ),
      { seed: SEED, numRuns: tries(2_000, 20_000) },
    );
  });

  // Each of these takes hours where matching goes back and forth; the test's own time limit is the only clock.
  const repeated = (text: string, times: number) => text.repeat(times);
  test.each([
    ['*a', 'b', repeated('a', 250)],
    ['*ab', 'c', repeated('ab', 125)],
    ['*[ab]', 'c', repeated('a', 250)],
    ['*[!c]', 'c', repeated('a', 250)],
    ['*?', 'c', repeated('a', 250)],
    ['a*', 'b', repeated('a', 250)],
    ['**a', 'b', repeated('a', 250)],
    ['*\\a', 'b', repeated('a', 250)],
    ['**/a/', 'b', `${repeated('a/', 150)}a`],
    ['a/**/', 'b', `${repeated('a/', 150)}a`],
    ['/**/*a*', 'b', `${repeated('a/', 150)}a`],
    ['*/', 'b', `${repeated('a/', 150)}a`],
    ['[ab]*', '/b', repeated('a', 250)],
  ])('"%s" again and again does not keep the walk busy', (piece, last, path) => {
    for (const times of [1, 2, 3, 8, 40]) {
      const rules = resultOrRefusal(() => IgnoreRules.of([repeated(piece, times) + last]));
      expect(rules?.tester()(path, false).ignored ?? false).toBe(false);
    }
  });

  test.each([
    ['a pattern with "**" three times', 'a/**/b/**/c/**/d'],
    ['an endless pattern', 'x'.repeat(5_000)],
    ['more patterns than anybody writes', 'x\n'.repeat(10_000)],
  ])('%s is refused, and says where it stands', (_what, text) => {
    let error: unknown;
    try {
      IgnoreRules.of([]).withFile('deep', text);
    } catch (thrown) {
      error = refusal(thrown);
    }
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('deep/.keepsyncignore') });
  });

  test('comments and empty lines do not count', () => {
    const rules = IgnoreRules.of([]).withFile('', `${'# ** ** **\n\n'.repeat(6_000)}*.o\n`);
    expect(rules.tester()('x.o', false)).toMatchObject({ ignored: true, rule: { line: 12_001 } });
  });
});
