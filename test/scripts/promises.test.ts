import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(join(ROOT, 'docs', 'promises.md'), 'utf8');
/** A row of a table: `file`: "name of the test". */
const rows = [...text.matchAll(/^\| `(test\/[^`]+)`: "([^\n]+?)" +\| /gm)].map(
  ([, file = '', name = '']) => ({
    file,
    name,
  }),
);

describe('the list of promises', () => {
  test('has tests for each of the seven that must always hold', () => {
    const sections = text.split(/^### /m).slice(1);
    expect(sections.filter((section) => /^\d\. /.test(section)).map((section) => section[0])).toEqual([
      ...'1234567',
    ]);
    for (const section of sections) {
      expect(section, section.split('\n')[0]).toMatch(/^\| `test\//m);
    }
    expect(rows.length).toBeGreaterThan(50);
    // a row that is written otherwise would not be looked at
    expect(rows.length).toBe([...text.matchAll(/^\| `/gm)].length);
  });

  test.each(rows)('$file has "$name"', ({ file, name }) => {
    expect(existsSync(join(ROOT, file)), file).toBe(true);
    const source = readFileSync(join(ROOT, file), 'utf8').replaceAll("\\'", "'");
    const titles = [...source.matchAll(/\(\s*(['"`])((?:(?!\1).)+)\1/g)].map((match) => match[2] ?? '');
    expect(
      titles.some((title) => title.includes(name)),
      name,
    ).toBe(true);
  });
});
