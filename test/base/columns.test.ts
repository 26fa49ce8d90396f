import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ColumnKinds,
  fromColumns,
  fromMostlyColumns,
  toColumns,
  toMostlyColumns,
} from '../../src/base/columns.ts';
import { SEED } from '../support/seed.ts';

interface Row {
  readonly text: string;
  readonly count: number;
}

const KINDS: ColumnKinds<Row> = { text: 'text', count: 'number' };

const row = fc.record({
  text: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  count: fc.double({ noNaN: true }),
});

test('rows come out of their columns as they went in, after crossing to a thread, too', () => {
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      expect(fromColumns<Row>(structuredClone(toColumns(rows, KINDS)))).toEqual(rows);
    }),
    { seed: SEED },
  );
});

test('what does not fit into the columns keeps its place among the others', () => {
  const item = fc.oneof(row, fc.record({ other: fc.integer() }));
  fc.assert(
    fc.property(fc.array(item), (items) => {
      const packed = toMostlyColumns(items, KINDS, (one) => ('other' in one ? undefined : one));
      const back = fromMostlyColumns<(typeof items)[number], Row>(structuredClone(packed), (one) => one);
      expect(back).toEqual(items);
    }),
    { seed: SEED },
  );
});

test('a text with a NUL character is refused, not cut in two', () => {
  const packed = toColumns([{ text: 'a\0b', count: 1 }], KINDS);
  expect(() => fromColumns<Row>(packed)).toThrow('NUL');
});
