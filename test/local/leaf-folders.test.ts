import { mkdirSync, mkdtempSync, renameSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeafFolders } from '../../src/local/leaf-folders.ts';

/** ext, XFS and tmpfs, which count folders as links. */
const COUNTING = [0xef53, 0x58465342, 0x01021994];

describe('folders without folders in them', () => {
  let root = '';
  const leaves = new LeafFolders();
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'keepsync-leaf-'));
    writeFileSync(join(root, 'a.txt'), 'a');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('are known without listing them, where the disk counts folders', () => {
    const isCounted = process.platform === 'linux' && COUNTING.includes(statfsSync(root).type);
    expect(leaves.isLeaf(root)).toBe(isCounted);
    symlinkSync(root, join(root, 'link'));
    expect(leaves.isLeaf(root)).toBe(isCounted);
  });

  it('are none any more once a folder came in, and are again once it went', () => {
    const before = leaves.isLeaf(root);
    mkdirSync(join(root, 'sub'));
    expect(leaves.isLeaf(root)).toBe(false);
    renameSync(join(root, 'sub'), `${root}-sub`);
    rmSync(`${root}-sub`, { recursive: true });
    expect(leaves.isLeaf(root)).toBe(before);
  });

  it('are neither files, nor links to folders, nor what is not there', () => {
    symlinkSync(root, join(root, 'link'));
    expect(['a.txt', 'link', 'missing'].map((name) => leaves.isLeaf(join(root, name)))).toEqual([
      false,
      false,
      false,
    ]);
  });
});
