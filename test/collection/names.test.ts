import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareNames, comparePaths, sortedPlaces } from '../../src/collection/name-order.ts';
import { assertFolderName, assertName, pathParts, readableBySdk } from '../../src/collection/names.ts';
import { runs, SEED } from '../support/seed.ts';

const badName = expect.objectContaining({ code: 'BAD_NAME' });

test('only what no manifest can hold is refused as a name', () => {
  for (const name of ['', '.', '..', 'a/b', 'a\0', '\ud800x']) {
    expect(() => assertName(name), JSON.stringify(name)).toThrowError(badName);
  }
  for (const name of ['...', ' ', 'a\\b', 'CON', 'a:b', '\n', '.\nx', '\u3000', '😀']) {
    expect(() => assertName(name), JSON.stringify(name)).not.toThrow();
  }
});

test('a folder name with a line that is . or .. is refused, as by the server', () => {
  for (const name of ['.\nx', 'x\n..', 'a\n.\nb']) {
    expect(() => assertFolderName(name), JSON.stringify(name)).toThrowError(badName);
  }
  expect(() => assertFolderName('.x\ny')).not.toThrow();
});

test('names that the Arvados SDK cannot load again are told', () => {
  for (const name of ['a\u00a0b', '\u0085', 'x\u2028', '\u3000', '\u2003y', '\u1680']) {
    expect(readableBySdk(name), JSON.stringify(name)).toBe(false);
  }
  for (const name of ['a b', 'tab\t', 'zero\u200bwidth', '\ufeff', 'é', '😀']) {
    expect(readableBySdk(name), JSON.stringify(name)).toBe(true);
  }
});

test('paths have the same parts with and without what stands for the top', () => {
  expect([pathParts('a/b'), pathParts('./a/b'), pathParts('/a/b')]).toEqual(Array(3).fill(['a', 'b']));
  expect([pathParts(''), pathParts('.'), pathParts('/'), pathParts('./')]).toEqual(Array(4).fill([]));
  expect(pathParts('.hidden')).toEqual(['.hidden']);
});

test(`names are ordered as their UTF-8 bytes are, equal ones as they came (seed ${SEED})`, () => {
  const unit = fc.oneof(
    fc.constantFrom('a', 'b', '\ue000', '\uffff', '😀', '𝄞', 'é', '\u00ff', '\u0100'),
    fc.string({ unit: 'binary', maxLength: 1 }),
  );
  const name = fc.oneof(
    fc.string({ unit, maxLength: 4 }),
    fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(name, { maxLength: 200, size: 'max' }), (names) => {
      const byBytes = names.map((_name, place) => place);
      byBytes.sort((a, b) => Buffer.compare(Buffer.from(names[a] ?? ''), Buffer.from(names[b] ?? '')));
      expect([...sortedPlaces(names)]).toEqual(byBytes);
      const sorted = byBytes.map((place) => names[place] ?? '');
      expect([...names].sort(compareNames)).toEqual(sorted);
      expect([...sortedPlaces(sorted)]).toEqual(sorted.map((_name, place) => place));
    }),
    { seed: SEED, numRuns: runs(300) },
  );
});

test('paths are ordered part by part, so that a folder comes with all that is in it', () => {
  const paths = ['dir.x', 'dir/e2', 'dir', 'dir2', 'dir/\ue000', 'dir/😀', 'dir/\u0001', 'a'];
  expect(paths.sort(comparePaths)).toEqual([
    'a',
    'dir',
    'dir/\u0001',
    'dir/e2',
    'dir/\ue000',
    'dir/😀',
    'dir.x',
    'dir2',
  ]);
});
