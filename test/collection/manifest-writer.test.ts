import { expect, test } from 'vitest';
import { type ManifestEntry, manifestChunks } from '../../src/collection/manifest-writer.ts';
import { sameContent } from '../../src/collection/same-content.ts';

const A = `${'a'.repeat(32)}+4`;
const B = `${'b'.repeat(32)}+6`;
const EMPTY = 'd41d8cd98f00b204e9800998ecf8427e+0';
const segment = (locator: string, offset: number, length: number) => ({ locator, offset, length });

test('a manifest is written folder by folder from any iterable', () => {
  function* entries(): Generator<ManifestEntry> {
    yield { path: 'a b', segments: [segment(A, 1, 3), segment(B, 0, 2), segment(B, 2, 1)] };
    yield { path: 'none', segments: [] };
    yield { path: 'd/x', segments: [segment(B, 1, 1), segment(B, 4, 1), segment(A, 0, 4)] };
    yield { path: 'd/empty', emptyDir: true };
    yield { path: 'e/only', segments: [] };
  }
  expect([...manifestChunks(entries())].join('')).toBe(
    [
      `. ${A} ${B} 1:6:a\\040b 0:0:none\n`,
      `./d ${B} ${A} 1:1:x 4:1:x 6:4:x\n`,
      `./d/empty ${EMPTY} 0:0:\\056\n`,
      `./e ${EMPTY} 0:0:only\n`,
    ].join(''),
  );
});

test('a folder that comes in two parts is written as two lines', () => {
  const entries = ['a/1', 'b/1', 'a/2'].map((path) => ({ path, segments: [segment(A, 0, 1)] }));
  expect([...manifestChunks(entries)].join('')).toBe(`./a ${A} 0:1:1\n./b ${A} 0:1:1\n./a ${A} 0:1:2\n`);
});

test('a large folder comes in pieces, not as one string', () => {
  const entries = Array.from({ length: 5_000 }, (_, i) => ({ path: `f${i}`, segments: [segment(A, 0, 1)] }));
  const chunks = [...manifestChunks(entries)];
  expect(chunks.length).toBeGreaterThan(4);
  expect(chunks.join('').split(' ').length).toBe(5_002);
});

test('what is no Keep block is never written', () => {
  const entries = [{ path: 'f', segments: [segment('bufferblock0', 0, 1)] }];
  expect(() => [...manifestChunks(entries)]).toThrowError(expect.objectContaining({ code: 'REFUSED' }));
});

test('contents are the same by their blocks, however cut and signed', () => {
  const signed = `${A}+A1@2`;
  const whole = [segment(A, 0, 4), segment(B, 1, 3)];
  expect(
    sameContent(whole, [segment(signed, 0, 1), segment(A, 1, 3), segment(B, 1, 2), segment(B, 3, 1)]),
  ).toBe(true);
  expect(sameContent(whole, [segment(A, 0, 4), segment(B, 0, 0), segment(B, 1, 3)])).toBe(true);
  expect(sameContent(whole, [segment(A, 0, 4), segment(B, 2, 3)])).toBe(false);
  expect(sameContent(whole, [segment(A, 0, 4)])).toBe(false);
  expect(sameContent(whole, [segment(B, 0, 4), segment(B, 1, 3)])).toBe(false);
  expect(sameContent([], [])).toBe(true);
});
