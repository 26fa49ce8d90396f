import { IGNORE_FILE_NAME, type IgnoreRules } from './ignore-rules.ts';
import { KnownNames } from './known-names.ts';
import type { KnownTree } from './ports.ts';
import { nameErrorOf, type ScanRules } from './scan-entry.ts';
import { diskPathBelow, kindOf, type ScanDisk, stampOf } from './sync-disk.ts';
import { joinPath } from './tree-roots.ts';

/** A folder on the disk, by its path in the collection and on the disk. */
export interface FolderPlace {
  readonly path: string;
  readonly diskPath: string;
}

/** Some of a folder's names, as they were listed, and the name before them ('' before the first). */
export interface FolderSlice extends FolderPlace {
  readonly after: string;
  readonly names: readonly string[];
}

/** Of a folder, or the beginning of it, or some of its names, in which nothing changed. */
export interface UnchangedFolder {
  /** Entries that were looked at: the first ones. */
  readonly entries: number;
  /** The last of them. */
  readonly last: string;
  /** All were, and the journal knows no others. Never of a slice. */
  readonly isWhole: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly ignored: number;
  /** Names of the folders in it, all known. */
  readonly below: readonly string[];
}

/** What a folder is compared with, and by which rules. */
export interface Comparison {
  readonly disk: ScanDisk;
  readonly known: KnownTree;
  readonly rules: ScanRules;
  readonly patterns: IgnoreRules;
  /** Asked now and then: whoever asked has come so far itself, and what was looked at until now is enough. */
  readonly isEnough?: () => boolean;
}

/** Entries between two questions whether it is enough: a fraction of a millisecond. */
const ENTRIES_AT_ONCE = 32;

/**
 * Whether the journal knows everything right inside a folder as it is: then a scan has nothing to report there. Undefined
 * where it does not, and wherever that takes a closer look: links, odd names, an ignore file; and where there are more than
 * `entriesMax` entries.
 */
export function unchangedFolder(
  comparison: Comparison,
  place: FolderPlace,
  entriesMax = Number.POSITIVE_INFINITY,
): UnchangedFolder | undefined {
  const { names, undecodable } = comparison.disk.list(place.diskPath);
  if (undecodable.length > 0 || names.length > entriesMax || names.includes(IGNORE_FILE_NAME)) {
    return undefined;
  }
  const known = KnownNames.inFolder(comparison.known, place.path);
  const found = unchangedNames(comparison, place, names, known);
  if (found === undefined || found.entries < names.length) {
    // Of a beginning there is more to say only if the journal has nothing in between.
    return known.isInStep ? found : undefined;
  }
  return known.left().length === 0 ? { ...found, isWhole: true } : undefined;
}

/**
 * The same of some names of a folder: undefined, too, unless they are the very next that the journal knows after the one
 * before them.
 */
export function unchangedSlice(comparison: Comparison, slice: FolderSlice): UnchangedFolder | undefined {
  const known = KnownNames.inFolder(comparison.known, slice.path, undefined, slice.after);
  const found = unchangedNames(comparison, slice, slice.names, known);
  return known.isInStep ? found : undefined;
}

function unchangedNames(
  { disk, rules, patterns, isEnough = () => false }: Comparison,
  { path, diskPath }: FolderPlace,
  names: readonly string[],
  known: KnownNames,
): UnchangedFolder | undefined {
  const test = patterns.tester();
  if (path !== '' && test(path, true).ignored) {
    return undefined;
  }
  const prefix = diskPathBelow(disk, diskPath, '');
  const below: string[] = [];
  let entries = 0;
  let files = 0;
  let bytes = 0;
  let ignored = 0;
  for (const name of names) {
    if (entries % ENTRIES_AT_ONCE === 0 && isEnough()) {
      break;
    }
    entries++;
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
  return { entries, last: names[entries - 1] ?? '', isWhole: false, files, bytes, ignored, below };
}
