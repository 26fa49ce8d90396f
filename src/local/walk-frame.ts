import type { IgnoreRules } from './ignore-rules.ts';
import type { KnownNames } from './known-names.ts';
import type { KnownEntry, TreeChange } from './ports.ts';
import type { SharedNames } from './shared-names.ts';
import type { OnlyNode, RootNode } from './tree-roots.ts';
import type { FolderPlace } from './unchanged-folder.ts';

/** A folder that waits to be walked. */
export interface ToWalk {
  readonly path: string;
  /** The disk folders that lie over each other here: one, but where roots overlap. None above a root's prefix. */
  readonly diskPaths: readonly string[];
  readonly roots: RootNode | undefined;
  readonly only: OnlyNode | undefined;
  /** The journal knows it as a folder. */
  readonly isKnown: boolean;
}

/** A folder that is being walked. */
export interface WalkFrame extends ToWalk {
  readonly kind: 'walk';
  readonly parent: WalkFrame | undefined;
  readonly rules: IgnoreRules;
  readonly isIgnored: (name: string, isDir: boolean) => boolean;
  /** Begins the disk path of each entry; undefined where folders lie over each other, or roots lie right below. */
  readonly plainPrefix: string | undefined;
  /** Entries that are still to be looked at, from `next` on. */
  readonly names: readonly string[];
  next: number;
  /** Set where names may be offered to the help. */
  readonly shared: SharedNames | undefined;
  readonly known: KnownNames;
  /** What the journal knows and the disk did not show; filled once all names are looked at. */
  missing: KnownEntry[] | undefined;
  readonly below: ToWalk[];
  nextBelow: number;
  /** From here on the folders below were offered to the help. */
  offeredFrom: number;
}

/** A folder that is no longer there: everything that the journal knows below it is reported, then itself. */
export interface GoneFrame {
  readonly kind: 'gone';
  readonly path: string;
  readonly wasDir: boolean;
  readonly left: KnownEntry[];
  /** What took its place. */
  readonly then: readonly TreeChange[];
}

/** The folder on the disk, where it is but one: nothing lies over it, and no root right below. */
export function plainDiskPath({ diskPaths, roots }: ToWalk): string | undefined {
  return diskPaths.length === 1 && (roots?.children.size ?? 0) === 0 ? diskPaths[0] : undefined;
}

/** Such a folder that the journal knows, too, and of which all is looked at. */
export function plainPlace(task: ToWalk): FolderPlace | undefined {
  const diskPath = plainDiskPath(task);
  return task.isKnown && task.only === undefined && diskPath !== undefined
    ? { path: task.path, diskPath }
    : undefined;
}
