import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

interface Mutation {
  readonly name: string;
  readonly edits: ReadonlyArray<{ readonly file: string; readonly from: string; readonly to: string }>;
  readonly tests: readonly string[];
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIST = new URL('../../scripts/lib/mutations.mjs', import.meta.url).href;
const { MUTATIONS } = (await import(LIST)) as { readonly MUTATIONS: readonly Mutation[] };

/** `npm run mutate` makes them; here is only seen that it still could. */
describe('the mutations that must be noticed', () => {
  test('are all there', () => {
    const kinds = new Set(MUTATIONS.map(({ name }) => name.split(':')[0]));
    expect(kinds.size).toBe(15);
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  });

  test.each(MUTATIONS)('$name: its text stands in the source once, and its tests are there', (mutation) => {
    for (const { file, from, to } of mutation.edits) {
      expect(readFileSync(join(ROOT, file), 'utf8').split(from), file).toHaveLength(2);
      expect(to).not.toBe(from);
    }
    expect(mutation.tests.length).toBeGreaterThan(0);
    for (const file of mutation.tests) {
      expect(existsSync(join(ROOT, file)), file).toBe(true);
    }
  });
});
