import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Collection } from '../../src/collection/collection.ts';
import { normalizeManifest } from '../../src/collection/manifest-normalize.ts';
import {
  parseManifest,
  portableDataHash,
  stripManifest,
  validateManifest,
} from '../../src/collection/manifest-text.ts';
import { type ManifestEntry, manifestChunks } from '../../src/collection/manifest-writer.ts';
import { comparePaths } from '../../src/collection/name-order.ts';
import { sameContent } from '../../src/collection/same-content.ts';
import type { BlockRange } from '../../src/collection/segments.ts';
import { streamRanges } from '../../src/collection/stream-ranges.ts';
import { blocksWorld } from '../support/blocks-world.ts';
import { runs, SEED } from '../support/seed.ts';

const letter = fc.constantFrom(
  'a',
  'b',
  ' ',
  ':',
  '\\',
  '.',
  '\n',
  '\t',
  '\x7f',
  'é',
  '\u3000',
  '\ue000',
  '\uffff',
  '😀',
  '𝄞',
  '%',
);
const name = fc
  .oneof(
    fc.string({ unit: letter, minLength: 1, maxLength: 4 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
  )
  .filter((text) => text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\0'));
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const range: fc.Arbitrary<BlockRange> = fc
  .record({
    block: fc.nat(5),
    sizeBytes: fc.constantFrom(8, 67_108_864),
    from: fc.nat(7),
    length: fc.nat(8),
    sign: fc.boolean(),
  })
  .map(({ block, sizeBytes, from, length, sign }) => ({
    locator: `${String(block).repeat(32)}+${sizeBytes}${sign ? `+A${'f'.repeat(40)}@5f612ee6` : ''}`,
    offset: from,
    length: Math.min(length, sizeBytes - from),
  }));

/** Files and empty folders of which none is inside another; in the order of a normalised manifest, or in any. */
const tree = fc
  .record({
    files: fc.uniqueArray(fc.tuple(path, fc.array(range, { maxLength: 4 })), {
      selector: ([at]) => at,
      maxLength: 12,
    }),
    emptyDirs: fc.uniqueArray(path, { maxLength: 3 }),
  })
  .map(({ files, emptyDirs }) => {
    const taken: string[] = [];
    const free = (at: string) => {
      const apart = taken.every(
        (other) => other !== at && !other.startsWith(`${at}/`) && !at.startsWith(`${other}/`),
      );
      if (apart) {
        taken.push(at);
      }
      return apart;
    };
    const entries: ManifestEntry[] = files
      .filter(([at]) => free(at))
      .map(([at, segments]) => ({ path: at, segments }));
    return [...entries, ...emptyDirs.filter(free).map((at) => ({ path: at, emptyDir: true as const }))];
  });

const dirOf = (entry: ManifestEntry) =>
  'emptyDir' in entry ? entry.path : entry.path.slice(0, Math.max(0, entry.path.lastIndexOf('/')));
const inOrder = (entries: readonly ManifestEntry[]) =>
  [...entries].sort((a, b) => comparePaths(dirOf(a), dirOf(b)) || comparePaths(a.path, b.path));

/** What a manifest says: content by path; null for an empty folder. */
function contents(manifest: string): Map<string, BlockRange[] | null> {
  const found = new Map<string, BlockRange[] | null>();
  for (const line of parseManifest(manifest)) {
    for (const file of line.files) {
      const at = line.path === '' ? file.name : `${line.path}/${file.name}`;
      found.set(at, [...(found.get(at) ?? []), ...streamRanges(line, [file])]);
    }
    for (const at of line.emptyDirs) {
      found.set(at, null);
    }
  }
  return found;
}

function expectContents(manifest: string, entries: readonly ManifestEntry[]): void {
  const found = contents(manifest);
  expect([...found.keys()].sort()).toEqual(entries.map((entry) => entry.path).sort());
  for (const entry of entries) {
    const content = found.get(entry.path);
    if ('emptyDir' in entry) {
      expect(content).toBeNull();
    } else {
      expect(sameContent(content ?? [], entry.segments)).toBe(true);
    }
  }
}

describe(`manifests (seed ${SEED})`, () => {
  test('say after writing and reading what they were written from', () => {
    fc.assert(
      fc.property(tree, (entries) => {
        const manifest = [...manifestChunks(entries)].join('');
        validateManifest(manifest);
        expectContents(manifest, entries);
      }),
      { seed: SEED, numRuns: runs(400) },
    );
  });

  test('come out the same by every way of normalising, and normalising twice changes nothing', () => {
    fc.assert(
      fc.property(tree, (entries) => {
        const manifest = [...manifestChunks(entries)].join('');
        const normalized = [...normalizeManifest(manifest)].join('');
        expectContents(normalized, entries);
        expect([...manifestChunks(inOrder(entries))].join('')).toBe(normalized);
        expect([...normalizeManifest(normalized)].join('')).toBe(normalized);
        const stripped = [...normalizeManifest(manifest, { strip: true })].join('');
        expect(stripManifest(normalized)).toBe(stripped);
        const collection = Collection.fromManifest(blocksWorld().manager, manifest);
        expect(collection.manifestText()).toBe(manifest);
        expect(collection.manifestText({ strip: true })).toBe(stripManifest(manifest));
        expect(collection.manifestText({ normalize: true })).toBe(normalized);
        expect(collection.portableDataHash()).toBe(portableDataHash(normalized));
        expect(collection.modified).toBe(false);
      }),
      { seed: SEED, numRuns: runs(400) },
    );
  });

  test('are read or refused with a ManifestError, never anything else, when bytes of them are changed', () => {
    const change = fc.record({
      at: fc.nat(),
      char: fc.constantFrom(' ', '\n', ':', '\\', '/', '.', '0', 'x', ''),
    });
    fc.assert(
      fc.property(tree, fc.array(change, { minLength: 1, maxLength: 3 }), (entries, changes) => {
        let manifest = [...manifestChunks(entries)].join('');
        for (const { at, char } of changes) {
          const place = manifest.length === 0 ? 0 : at % manifest.length;
          manifest = manifest.slice(0, place) + char + manifest.slice(place + 1);
        }
        try {
          for (const at of contents(manifest).keys()) {
            expect(at.split('/').some((part) => part === '' || part === '.' || part === '..')).toBe(false);
          }
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: 'ManifestError', code: 'BAD_ANSWER' });
        }
      }),
      { seed: SEED, numRuns: runs(1_000) },
    );
  });
});
