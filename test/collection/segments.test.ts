import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  locate,
  movedTo,
  pushRange,
  replaceRange,
  type Segment,
  sizeOf,
  truncateTo,
} from '../../src/collection/segments.ts';
import { runs, SEED } from '../support/seed.ts';

/** `a0-3 b5-2`: three bytes from 0 of block a, two from 5 of block b. */
function segmentsOf(spec: string): Segment[] {
  const segments: Segment[] = [];
  for (const [, locator = '', offset, length] of spec.matchAll(/([a-z])(\d+)-(\d+)/g)) {
    pushRange(segments, locator, Number(offset), Number(length));
  }
  return segments;
}
const show = (segments: ReadonlyArray<{ locator: string; offset: number; length: number }>) =>
  segments.map(({ locator, offset, length }) => `${locator}${offset}-${length}`).join(' ');
const replaced = (spec: string, start: number, range: string) => {
  const [only] = segmentsOf(range);
  return only === undefined ? 'no range' : show(replaceRange(segmentsOf(spec), start, only));
};

describe('segments', () => {
  test('are merged where they go on in the same block', () => {
    expect(show(segmentsOf('a0-3 a3-2 a9-1 b10-4 b14-0 b14-1'))).toBe('a0-5 a9-1 b10-5');
  });

  test.each([
    ['at the end', 'a0-3', 3, 'b0-2', 'a0-3 b0-2'],
    ['at the end, going on in the block', 'a0-3', 3, 'a3-2', 'a0-5'],
    ['inside one segment', 'a0-9', 3, 'b0-2', 'a0-3 b0-2 a5-4'],
    ['from a segment start past its end', 'a0-3 b0-3 c0-3', 3, 'x0-4', 'a0-3 x0-4 c1-2'],
    ['over whole segments', 'a0-3 b0-3 c0-3', 1, 'x0-7', 'a0-1 x0-7 c2-1'],
    ['over everything and more', 'a0-3 b0-3', 0, 'x0-9', 'x0-9'],
    ['exactly one segment', 'a0-3 b0-3 c0-3', 3, 'x0-3', 'a0-3 x0-3 c0-3'],
    ['so that it joins with what follows', 'a0-3 b5-3', 0, 'b2-3', 'b2-6'],
    ['in an empty file', '', 0, 'x0-9', 'x0-9'],
  ])('are replaced %s', (_where, spec, start, range, result) => {
    expect(replaced(spec, start, range)).toBe(result);
  });

  test('cannot begin after the end of the file', () => {
    expect(() => replaced('a0-3', 4, 'b0-1')).toThrowError(RangeError);
  });

  test('are located and cut', () => {
    const segments = segmentsOf('a0-3 b5-3 c0-3');
    expect(show(locate(segments, 2, 5))).toBe('a2-1 b5-3 c0-1');
    expect(show(locate(segments, 3, 3))).toBe('b5-3');
    expect(show(locate(segments, 8, 100))).toBe('c2-1');
    expect(show(locate(segments, 9, 1))).toBe('');
    expect(show(locate(segments, 4, 0))).toBe('');
    expect(show(truncateTo(segments, 6))).toBe('a0-3 b5-3');
    expect(show(truncateTo(segments, 4))).toBe('a0-3 b5-1');
    expect(show(truncateTo(segments, 0))).toBe('');
    expect(show(truncateTo(segments, 99))).toBe('a0-3 b5-3 c0-3');
  });

  test('follow the bytes of a block that move', () => {
    const moves = [
      { offset: 0, length: 4, toLocator: 'x', toOffset: 10 },
      { offset: 4, length: 9, toLocator: 'y', toOffset: 0 },
    ];
    expect(show(movedTo(segmentsOf('a2-5 b0-1 a0-1 a8-2'), 'a', moves))).toBe('x12-2 y0-3 b0-1 x10-1 y4-2');
    expect(() => movedTo(segmentsOf('a2-50'), 'a', moves)).toThrowError(RangeError);
  });

  test(`behave as the bytes they stand for (seed ${SEED})`, () => {
    const edit = fc.record({
      start: fc.nat(40),
      length: fc.nat(12),
      cut: fc.option(fc.nat(40), { freq: 4 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
        let segments: Segment[] = [];
        let model: string[] = [];
        let written = 0;
        for (const { start, length, cut } of edits) {
          const before = show(segments);
          const frozen = segments;
          if (cut !== null) {
            segments = truncateTo(segments, cut);
            model = model.slice(0, cut);
          } else {
            const at = Math.min(start, model.length);
            segments = replaceRange(segments, at, { locator: 'a', offset: written, length });
            model.splice(at, length, ...Array.from({ length }, (_, i) => `a${written + i}`));
            written += length;
          }
          expect(show(frozen)).toBe(before);
          expect(sizeOf(segments)).toBe(model.length);
          const whole = locate(segments, 0, 1_000).flatMap((range) =>
            Array.from({ length: range.length }, (_, i) => `${range.locator}${range.offset + i}`),
          );
          expect(whole).toEqual(model);
          const [from, count] = [start, length];
          const part = locate(segments, from, count).flatMap((range) =>
            Array.from({ length: range.length }, (_, i) => `${range.locator}${range.offset + i}`),
          );
          expect(part).toEqual(model.slice(from, from + count));
        }
      }),
      { seed: SEED, numRuns: runs(500) },
    );
  });
});
