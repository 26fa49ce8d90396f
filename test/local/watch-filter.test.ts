import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasMoreEntriesThan } from '../../src/local/watch-filter.ts';

describe('whether a tree is large', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'keepsync-large-'));
    mkdirSync(join(root, 'dir'));
    for (const name of ['a', 'b', 'dir/c']) {
      writeFileSync(join(root, name), '');
    }
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const asked: string[] = [];
  const isLarge = (limit: number, knownEntries: number) => {
    asked.length = 0;
    const isFiltered = (diskDir: string) => {
      asked.push(diskDir);
      return false;
    };
    return hasMoreEntriesThan([{ diskPath: root, prefix: '' }], isFiltered, limit, knownEntries);
  };

  it('is counted where nothing says so', () => {
    expect([isLarge(3, 0), isLarge(4, 0)]).toEqual([true, false]);
    expect(asked).toEqual([join(root, 'dir')]);
  });

  it('is not counted where it was large at the last look', () => {
    expect(isLarge(3, 4)).toBe(true);
    expect(asked).toEqual([]);
  });

  it('is counted where it was not: it may have grown', () => {
    expect(isLarge(3, 3)).toBe(true);
    expect(asked).toEqual([join(root, 'dir')]);
  });
});
