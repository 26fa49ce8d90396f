import { KeepsyncError } from '../base/errors.ts';
import { fileError } from './file-errors.ts';
import type { TreeRoot } from './ports.ts';
import { kindOf, type RawStat, type ScanDisk, systemCodeOf } from './sync-disk.ts';
import { plantRoots, type RootNode } from './tree-roots.ts';

/** System errors of a folder whose disk or network share went away. */
const UNMOUNTED = new Set([
  'ENOENT',
  'ENOTDIR',
  'ENOTCONN',
  'ESTALE',
  'EIO',
  'ENODEV',
  'ENXIO',
  'EHOSTDOWN',
  'EHOSTUNREACH',
]);

/** The roots of one scan as they were at its start. */
export class ScanRoots {
  readonly tree: RootNode;
  readonly #disk: ScanDisk;
  readonly #stats = new Map<string, RawStat>();

  /** Throws ROOT_GONE for a root that is missing, USAGE for one that has no place in a collection. */
  constructor(disk: ScanDisk, roots: readonly TreeRoot[]) {
    this.#disk = disk;
    this.tree = plantRoots(roots);
    for (const { diskPath } of roots) {
      this.#stats.set(diskPath, this.#look(diskPath));
    }
    for (const diskPath of this.tree.diskPaths) {
      const stat = this.statOf(diskPath);
      if (stat === undefined || kindOf(stat) !== 'dir') {
        throw new KeepsyncError('USAGE', `${diskPath} is no folder, so it needs a name in the collection`);
      }
    }
  }

  /** Of a root, a link followed; undefined for any other path. */
  statOf(diskPath: string): RawStat | undefined {
    return this.#stats.get(diskPath);
  }

  /** Throws ROOT_GONE when a root is not the folder or file any more that it was. */
  confirm(): void {
    for (const [diskPath, before] of this.#stats) {
      const now = this.#look(diskPath);
      if (kindOf(before) === 'dir' && (now.dev !== before.dev || now.ino !== before.ino)) {
        throw rootGone(diskPath);
      }
    }
  }

  #look(diskPath: string): RawStat {
    let stat: RawStat | undefined;
    try {
      stat = this.#disk.stat(diskPath);
    } catch (thrown) {
      throw rootError(thrown, diskPath);
    }
    if (stat === undefined) {
      throw rootGone(diskPath);
    }
    return stat;
  }
}

/** What a system error on a root means: mostly that its disk is gone. */
export function rootError(thrown: unknown, diskPath: string): KeepsyncError {
  return UNMOUNTED.has(systemCodeOf(thrown) ?? '') ? rootGone(diskPath, thrown) : fileError(thrown, diskPath);
}

function rootGone(diskPath: string, cause?: unknown): KeepsyncError {
  return new KeepsyncError('ROOT_GONE', `${diskPath} is not there`, {
    action: 'Connect the disk or bring the folder back; nothing is deleted meanwhile.',
    ...(cause === undefined ? {} : { cause }),
  });
}
