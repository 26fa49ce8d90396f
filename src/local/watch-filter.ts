import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { IgnoreRules } from './ignore-rules.ts';
import { LeafFolders } from './leaf-folders.ts';
import type { TreeRoot, TreeRules } from './ports.ts';
import { systemCodeOf } from './sync-disk.ts';
import { collectionPathsOf } from './tree-roots.ts';

/** A tester remembers what it was asked, so a new one is taken after so many questions. */
const RENEW_AFTER = 1_000;

/**
 * Whether a folder need not be watched, by the defaults and the folder's own patterns. Ignore files in the tree are left
 * to the scan: a hint too many costs little.
 */
export function createWatchFilter(
  roots: readonly TreeRoot[],
  rules: TreeRules,
  separator: string,
): (diskDir: string) => boolean {
  const all = IgnoreRules.of(rules.patterns);
  let tester = all.tester();
  let asked = 0;
  return (diskDir) => {
    if (++asked % RENEW_AFTER === 0) {
      tester = all.tester();
    }
    const paths = collectionPathsOf(roots, diskDir, separator);
    return paths.length > 0 && paths.every((path) => path !== '' && tester(path, true).ignored);
  };
}

/**
 * Whether the roots hold more than `limit` entries. Stops counting there; links are not followed. Where they held more at
 * the last look, as `knownEntries` says, nothing is counted: to list a large tree takes long, and hardly one becomes small.
 */
export function hasMoreEntriesThan(
  roots: readonly TreeRoot[],
  isFiltered: (diskDir: string) => boolean,
  limit: number,
  knownEntries: number,
): boolean {
  if (knownEntries > limit) {
    return true;
  }
  let count = 0;
  const leaves = new LeafFolders();
  const waiting = roots.map((root) => root.diskPath);
  for (let dir = waiting.pop(); dir !== undefined && count <= limit; dir = waiting.pop()) {
    if (leaves.isLeaf(dir)) {
      count += orNothing(() => readdirSync(dir)).length;
      continue;
    }
    for (const entry of orNothing(() => readdirSync(dir, { withFileTypes: true }))) {
      count++;
      if (entry.isDirectory()) {
        const path = join(dir, entry.name);
        if (!isFiltered(path)) {
          waiting.push(path);
        }
      }
    }
  }
  return count > limit;
}

/** What cannot be listed counts for nothing: the watcher and the scan will say what is wrong with it. */
function orNothing<T>(list: () => readonly T[]): readonly T[] {
  try {
    return list();
  } catch (thrown) {
    if (systemCodeOf(thrown) === undefined) {
      throw thrown;
    }
    return [];
  }
}
