import { IGNORE_FILE_NAME, type IgnoreRules } from './ignore-rules.ts';
import { KnownNames } from './known-names.ts';
import type { KnownTree } from './ports.ts';
import { nameErrorOf, type ScanRules } from './scan-entry.ts';
import { kindOf, type ScanDisk, stampOf } from './sync-disk.ts';
import { joinPath } from './tree-roots.ts';

/** A folder on the disk, by its path in the collection and on the disk. */
export interface FolderPlace {
  readonly path: string;
  readonly diskPath: string;
}

/** Of a folder in which nothing changed. */
export interface UnchangedFolder {
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
  readonly ignored: number;
  /** Names of the folders in it, all known. */
  readonly below: readonly string[];
}

/**
 * Whether the journal knows everything right inside a folder as it is: then a scan has nothing to report there. Undefined
 * where it does not, and wherever that takes a closer look: links, odd names, an ignore file; and where there are more than
 * `entriesMax` entries.
 */
export function unchangedFolder(
  disk: ScanDisk,
  knownTree: KnownTree,
  rules: ScanRules,
  patterns: IgnoreRules,
  { path, diskPath }: FolderPlace,
  entriesMax = Number.POSITIVE_INFINITY,
): UnchangedFolder | undefined {
  const { names, undecodable } = disk.list(diskPath);
  const known = KnownNames.inFolder(knownTree, path);
  const test = patterns.tester();
  const isLeftOut = undecodable.length > 0 || (path !== '' && test(path, true).ignored);
  if (isLeftOut || names.length > entriesMax || names.includes(IGNORE_FILE_NAME)) {
    return undefined;
  }
  const prefix = diskPath.endsWith(disk.separator) ? diskPath : diskPath + disk.separator;
  const below: string[] = [];
  let files = 0;
  let bytes = 0;
  let ignored = 0;
  for (const name of names) {
    const stat = disk.lstat(prefix + name);
    const kind = stat === undefined ? 'other' : kindOf(stat);
    if (stat === undefined || kind === 'link' || kind === 'other') {
      return undefined;
    }
    const isDir = kind === 'dir';
    const entry = known.get(name);
    if (patterns.mayIgnore(name) && test(joinPath(path, name), isDir).ignored) {
      if (entry !== undefined) {
        return undefined;
      }
      ignored++;
      continue;
    }
    known.delete(name);
    if (entry?.kind !== kind || nameErrorOf(rules, name, isDir, name) !== undefined) {
      return undefined;
    }
    if (isDir) {
      if (entry.isHeld === true) {
        return undefined;
      }
      below.push(name);
    } else {
      if (entry.stamp !== stampOf(stat)) {
        return undefined;
      }
      files++;
      bytes += Number(stat.size);
    }
  }
  return known.left().length === 0 ? { entries: names.length, files, bytes, ignored, below } : undefined;
}
