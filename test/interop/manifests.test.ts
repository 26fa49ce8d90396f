import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { normalizeManifest } from '../../src/collection/manifest-normalize.ts';
import { portableDataHash } from '../../src/collection/manifest-text.ts';
import {
  type InteropWorld,
  isInteropPossible,
  needsArvadosCommands,
  openInteropWorld,
} from '../support/interop-world.ts';
import { runs, SEED } from '../support/seed.ts';

const MANIFESTS = runs(200);
const EMPTY_BLOCK = 'd41d8cd98f00b204e9800998ecf8427e+0';

/** As every writer escapes a name: control characters, space, colon and backslash as octal bytes. */
const escaped = (name: string) =>
  name.replace(/[^!-9;-[\]-\uffff]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`);

// no name is both a file's and a folder's: no tree is like that, and each side refuses it in its own words
const folder = fc.constantFrom('a', 'a.b', 'a b', 'A', 'é', 'e\u0301', '😀', '\uffff', 'x:y', '\t', '-', '~');
const file = fc.constantFrom(
  '1',
  '10',
  '2',
  '1.5',
  '1 2',
  'ß',
  '日本',
  '𝄞',
  '\ufffe',
  '1:2',
  '1\\2',
  '\x7f',
  '1\n2',
);
const folders = fc.array(folder, { maxLength: 3 });

const locator = fc
  .record({
    digit: fc.nat(5),
    sizeBytes: fc.constantFrom(1, 8, 100, 67_108_864),
    hint: fc.constantFrom('', '', `+A${'f'.repeat(40)}@5f612ee6`, '+K@zzzzz'),
  })
  .map(({ digit, sizeBytes, hint }) => ({
    text: `${String(digit).repeat(32)}+${sizeBytes}${hint}`,
    sizeBytes,
  }));

/** One line: any blocks, and pieces of files that lie anywhere in them, overlap, and come in any order. */
const line = fc
  .record({
    stream: folders,
    locators: fc.array(locator, { minLength: 1, maxLength: 5 }),
    pieces: fc.array(
      fc.record({ below: fc.array(folder, { maxLength: 1 }), name: file, from: fc.nat(), length: fc.nat() }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(({ stream, locators, pieces }) => {
    const totalBytes = locators.reduce((sum, one) => sum + one.sizeBytes, 0);
    const tokens = pieces.map(({ below, name, from, length }) => {
      const position = from % (totalBytes + 1);
      // a short piece within a block as often as one over several
      const sizeBytes = (length % 2 === 0 ? length : length % 20) % (totalBytes - position + 1);
      return `${position}:${sizeBytes}:${escaped([...below, name].join('/'))}`;
    });
    return [escaped(['.', ...stream].join('/')), ...locators.map(({ text }) => text), ...tokens].join(' ');
  });
const emptyFolder = fc
  .tuple(folders, folder, fc.boolean())
  .map(([stream, name, isBelow]) =>
    isBelow
      ? `${escaped(['.', ...stream].join('/'))} ${EMPTY_BLOCK} 0:0:${escaped(name)}/\\056`
      : `${escaped(['.', ...stream, name].join('/'))} ${EMPTY_BLOCK} 0:0:\\056`,
  );
const manifest = fc
  .array(fc.oneof({ weight: 4, arbitrary: line }, emptyFolder), { maxLength: 6 })
  .map((lines) => lines.map((one) => `${one}\n`).join(''));

describe('manifests', { timeout: 300_000 }, () => {
  needsArvadosCommands();
  let world: InteropWorld;
  beforeAll(async () => {
    if (isInteropPossible) {
      world = await openInteropWorld();
    }
  });
  afterAll(async () => {
    await world?.close();
  });

  test('are normalised to the same portable data hash by the SDK', async () => {
    const manifests = fc.sample(manifest, { numRuns: MANIFESTS, seed: SEED });
    const ours = manifests.map((text) => portableDataHash([...normalizeManifest(text)].join('')));
    const theirs = await world.sdk.normalize(manifests);
    const differing = manifests.filter((_, index) => ours[index] !== theirs[index]);
    expect(differing, `KEEPSYNC_SEED=${SEED}`).toEqual([]);
    expect(new Set(ours).size).toBeGreaterThan(MANIFESTS / 2);
  });
});
