import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { barText, cellsOf, progressLines } from '../../src/cli/progress/bar-text.ts';
import { terminalStyle } from '../../src/cli/progress/progress-view.ts';
import { type Bar, STAGES } from '../../src/contract/status.ts';
import { StatusFold } from '../../src/status/status-fold.ts';
import { NOW_MS, signedIn, someFolder, someTallies } from '../status/make.ts';

const plain = { width: 60, hasColor: false, hasUnicode: false };
const bar = (amounts: readonly number[]) =>
  Object.fromEntries(STAGES.map((stage, index) => [stage, { files: 0, bytes: amounts[index] ?? 0 }])) as Bar;

describe('the bar', () => {
  test('gives each part its share, with a letter of its own', () => {
    expect(barText(bar([50, 10, 10, 10, 10, 10]), 10, plain)).toBe('SSSSSTUF.x');
    expect(barText(bar([0, 0, 0, 0, 0, 0]), 10, plain)).toBe('');
  });

  test('a small part is never invisible, and the whole is as long as it should be', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(10_000), { minLength: 6, maxLength: 6 }),
        fc.integer({ min: 6, max: 60 }),
        (amounts, cells) => {
          const counts = cellsOf(bar(amounts), cells);
          const isEmpty = amounts.every((amount) => amount === 0);
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(isEmpty ? 0 : cells);
          for (const [index, amount] of amounts.entries()) {
            expect((counts[index] ?? 0) > 0).toBe(amount > 0);
          }
        },
      ),
    );
  });

  test('is green for saved and nothing else', () => {
    const green = '\u001b[32m';
    const style = { ...plain, hasColor: true };
    expect(barText(bar([0, 1, 1, 1, 1, 1]), 12, style)).not.toContain(green);
    expect(barText(bar([1, 0, 0, 0, 0, 0]), 12, style)).toContain(green);
  });
});

describe('progress on a terminal', () => {
  const snapshot = (saved: number, stored: number) => {
    const fold = new StatusFold('command', '0');
    fold.apply({ type: 'account', account: signedIn }, NOW_MS);
    const tallies = someTallies({
      saved: { files: 1, bytes: saved },
      stored: { files: stored > 0 ? 1 : 0, bytes: stored },
    });
    fold.apply({ type: 'folder', facts: someFolder({ tallies }) }, NOW_MS);
    return fold.snapshot(NOW_MS);
  };

  test('never fills a line, however narrow', () => {
    for (const width of [10, 20, 39, 79, 200]) {
      for (const line of progressLines(snapshot(1_000_000, 5_000_000), { ...plain, width })) {
        expect(line.length).toBeLessThanOrEqual(width);
      }
    }
  });

  test('says 100 % only when everything is saved, and no time left that it cannot know', () => {
    const width = 200;
    expect(progressLines(snapshot(999_999_999, 1), { ...plain, width })[0]).toContain(' 99%');
    expect(progressLines(snapshot(1, 0), { ...plain, width })[0]).toContain('100%');
    expect(progressLines(snapshot(1, 1), { ...plain, width })[1]).toContain('left -');
  });

  test('respects NO_COLOR, dumb terminals and plain ASCII locales', () => {
    const stream = { isTTY: true, columns: 100 } as Parameters<typeof terminalStyle>[1];
    expect(terminalStyle({ LANG: 'C.UTF-8' }, stream)).toEqual({
      width: 99,
      hasColor: true,
      hasUnicode: true,
    });
    expect(terminalStyle({ NO_COLOR: '1', LANG: 'C' }, stream)).toMatchObject({
      hasColor: false,
      hasUnicode: false,
    });
    expect(terminalStyle({ TERM: 'dumb', LC_ALL: 'POSIX', LANG: 'C.UTF-8' }, stream)).toMatchObject({
      hasColor: false,
      hasUnicode: false,
    });
  });
});
