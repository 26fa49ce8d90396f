import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findCycles, findForbidden, importsOf, LAYER_RULES, layerOf } from './support/import-rules.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Fewer would mean that the walk went wrong, not that the program has shrunk. */
const FEWEST_FILES = 100;

function filesBelow(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) {
    return [];
  }
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      return filesBelow(path);
    }
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

const files = [...filesBelow('src'), ...filesBelow('renderer')];
const edges = files.flatMap((path) => importsOf(path, readFileSync(join(ROOT, path), 'utf8')));

describe('the source', () => {
  test('was read whole', () => {
    const onDisk = globSync(['src/**/*.{ts,tsx}', 'renderer/**/*.{ts,tsx}'], { cwd: ROOT });
    expect(files).toHaveLength(onDisk.length);
    expect(files.length).toBeGreaterThanOrEqual(FEWEST_FILES);
    expect(edges.filter(({ isRelative }) => isRelative).length).toBeGreaterThan(files.length);
  });

  test('imports only what the table of layers allows', () => {
    expect(findForbidden(edges, new Set(files))).toEqual([]);
  });

  test('has no import cycles', () => {
    expect(findCycles(edges)).toEqual([]);
  });

  test('has a row in the table for each of its folders', () => {
    const layers = new Set(files.map(layerOf));
    expect([...layers].filter((layer) => !LAYER_RULES.some((rule) => rule.layer === layer))).toEqual([]);
  });
});

describe('the check itself', () => {
  /** What is wrong with a program of these files. */
  const judge = (program: Readonly<Record<string, string>>): readonly string[] => {
    const all = Object.entries(program).flatMap(([path, source]) => importsOf(path, source));
    return [...findForbidden(all, new Set(Object.keys(program))), ...findCycles(all)];
  };
  const ports = { 'src/keep/ports.ts': '', 'src/keep/locator.ts': '', 'src/base/clock.ts': '' };

  test('lets through what is allowed', () => {
    const program = {
      ...ports,
      'src/engine/ports.ts': '',
      'src/engine.ts': "import type { P } from './engine/ports.ts'; import './status/fold.ts';",
      'src/status/fold.ts':
        "import { c } from '../base/clock.ts'; export { t } from '../contract/status.ts';",
      'src/contract/status.ts': "import * as z from 'zod';",
      'src/blocks/b.ts': "import type { S } from '../keep/ports.ts'; import { readFileSync } from 'node:fs';",
      'src/desktop/main.ts': "import { app } from 'electron'; import '../engine.ts';",
      'renderer/main.tsx': "import type { S } from '../src/contract/status.ts'; import './main.css';",
    };
    expect(judge(program)).toEqual([]);
  });

  test.each([
    ['a plain import', 'src/base/x.ts', "import { l } from '../keep/locator.ts';"],
    ['an import of types only', 'src/local/x.ts', "import type { S } from '../keep/ports.ts';"],
    ['an import for its effects', 'src/keep/x.ts', "import '../blocks/b.ts';"],
    ['a re-export', 'src/api/x.ts', "export { b } from '../blocks/b.ts';"],
    ['a re-export of everything', 'src/api/x.ts', "export * from '../blocks/b.ts';"],
    ['a dynamic import', 'src/blocks/x.ts', "const m = await import('../api/a.ts');"],
    ['a file of another layer that is not for all', 'src/cluster/x.ts', "import '../keep/ports.ts';"],
    ['the window reaching past the contract', 'renderer/x.tsx', "import { c } from '../src/base/clock.ts';"],
    ['a stage reaching for the contract', 'src/sync/x.ts', "import '../contract/status.ts';"],
    ['the command reaching for the desktop', 'src/cli/x.ts', "import '../desktop/main.ts';"],
    ['electron outside desktop', 'src/cli/x.ts', "import { app } from 'electron';"],
    ['electron by its parts', 'src/engine/x.ts', "import { app } from 'electron/main';"],
    ['Node in the window', 'renderer/x.ts', "import { readFileSync } from 'node:fs';"],
    ['a file that is not there', 'src/base/x.ts', "import './gone.ts';"],
    ['a folder that is in no layer', 'src/odd/x.ts', "import '../base/clock.ts';"],
  ])('catches %s', (_what, path, source) => {
    const others = {
      ...ports,
      'src/blocks/b.ts': '',
      'src/api/a.ts': '',
      'src/contract/status.ts': '',
      'src/desktop/main.ts': '',
    };
    expect(judge({ ...others, [path]: source })).toEqual([expect.stringContaining(path)]);
  });

  test('catches a cycle, of whatever length', () => {
    const program = {
      'src/base/a.ts': "import './b.ts';",
      'src/base/b.ts': "import type { C } from './c.ts';",
      'src/base/c.ts': "export { a } from './a.ts';",
    };
    expect(judge(program)).toEqual(['src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts']);
  });

  test('never takes a file that it cannot read for one without imports', () => {
    expect(() => importsOf('src/base/x.ts', 'import from from from')).toThrow('does not parse');
  });
});
