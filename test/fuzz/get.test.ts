import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeName } from '../../src/collection/name-escape.ts';
import { CliWorld } from '../cli/support/cli-world.ts';
import { FakeCollections, UUID } from '../cli/support/fake-collection-access.ts';
import { poisonedText, tries } from '../support/hostile.ts';
import { SEED } from '../support/seed.ts';

/** What lies outside of the target: nothing of it may ever change. */
function outside(world: CliWorld): string[] {
  const walk = (dir: string): string[] =>
    readdirSync(world.path(dir), { withFileTypes: true }).flatMap((entry) => {
      const path = join(dir, entry.name);
      if (path === 'out' || path === 'profile') {
        return [];
      }
      return entry.isDirectory()
        ? [`${path}/`, ...walk(path)]
        : [`${path}: ${readFileSync(world.path(path), 'utf8')}`];
    });
  return walk('.').sort();
}

const part = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'link', 'dir', 'file', 'up') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('..', '.', '', 'C:', 'NUL', '.keepsync-get-x', '~', '\\..\\x', '..\\'),
  },
  { weight: 1, arbitrary: poisonedText },
);
const file = fc.tuple(
  fc.array(part, { minLength: 1, maxLength: 4 }),
  fc.constantFrom('escaped', 'raw', 'octal'),
  fc.constantFrom('evil', 'other', ''),
);

/** A name as a server that is not to be trusted could write it. */
function nameToken(parts: readonly string[], how: 'escaped' | 'raw' | 'octal'): string {
  const path = parts.join('/');
  if (how === 'escaped') {
    return escapeName(path);
  }
  return how === 'raw'
    ? path.replace(/[ \n]/g, '')
    : [...Buffer.from(path)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

describe(`get of a collection whose names are meant badly (seed ${SEED})`, () => {
  test('writes nothing outside of its folder, whatever stands there already', {
    timeout: 600_000,
  }, async () => {
    const seen = { written: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(file, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('.', './a', './link', './up', './dir/link', './\\056\\056/x'),
        async (files, stream) => {
          const world = new CliWorld();
          try {
            const collection = new FakeCollections();
            world.collections = collection;
            for (const dir of ['elsewhere', 'home', 'out/dir']) {
              mkdirSync(world.path(dir), { recursive: true });
            }
            writeFileSync(world.path('elsewhere/file'), 'precious');
            symlinkSync(world.path('elsewhere'), world.path('out/link'));
            symlinkSync('..', world.path('out/up'));
            symlinkSync(world.path('elsewhere'), world.path('out/dir/link'));
            symlinkSync(world.path('elsewhere/file'), world.path('out/file'));
            const before = outside(world);
            const blocks = files.map(([, , content]) => collection.block(content));
            const tokens = files.map(([parts, how, content], index) => {
              const position = files.slice(0, index).reduce((sum, [, , text]) => sum + text.length, 0);
              return `${position}:${content.length}:${nameToken(parts, how)}`;
            });
            collection.manifestText = `${stream} ${blocks.join(' ')} ${tokens.join(' ')}\n`;
            const { exitCode, stderr } = await world.run('get', '--force', UUID, 'out');
            expect([0, 1]).toContain(exitCode);
            expect(stderr).not.toContain('INTERNAL');
            expect(outside(world)).toEqual(before);
            // a link is replaced, never written through; folders that were links still are
            expect(lstatSync(world.path('out/link')).isDirectory()).toBe(false);
            expect(existsSync(world.path('elsewhere/file'))).toBe(true);
            seen[exitCode === 0 ? 'written' : 'refused'] += 1;
          } finally {
            world.close();
          }
        },
      ),
      { seed: SEED, numRuns: tries(60, 500) },
    );
    expect(seen.written).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
  });
});
