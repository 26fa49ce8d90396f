import type { SaveRequest } from './journal-port.ts';
import { ancestorsOf, type EntryRow, pathOf } from './journal-rows.ts';
import { SAVED_DIR, type SegmentsText } from './journal-segments.ts';
import type { JournalStore } from './journal-store.ts';

/** A path of a save, and what will be there of ours once the server took it (null: nothing). */
interface PlannedRow {
  readonly row: EntryRow;
  readonly put: SegmentsText | null;
}

/** What a save changes of what is foreign in the collection; applied when the server took it. */
export type ForeignEdit =
  | { readonly type: 'add'; readonly path: string; readonly isDir: boolean }
  | { readonly type: 'remove'; readonly path: string };

/** What it takes to make a path free for ours. */
export interface Clearing {
  readonly targets: ReadonlyArray<readonly [target: string, source: string]>;
  readonly rows: readonly PlannedRow[];
  readonly edits: readonly ForeignEdit[];
  readonly conflicts: ReadonlyArray<{ readonly path: string; readonly beside: string }>;
  /** Directories above the path that need no second look. */
  readonly cleared: readonly string[];
}

/**
 * Finds out what stands in the way where a file or directory of ours is to be put: a file where a directory has to be, a
 * directory where a file has to be, something foreign. Ours is replaced; what is foreign is moved beside, or replaced if
 * the request says so.
 */
export class Places {
  readonly #store: JournalStore;
  readonly #request: SaveRequest;
  /** Ancestors that were looked at and are, or are being made, free. */
  readonly #free = new Set<string>();
  /** The directory that was looked at last, and whether any row is in a directory below it. */
  #lastDir: { readonly dir: string; readonly hasDirsBelow: boolean } | undefined;

  constructor(store: JournalStore, request: SaveRequest) {
    this.#store = store;
    this.#request = request;
  }

  /** Undefined: not now, something that has to happen first has not. */
  clear(row: EntryRow): Clearing | undefined {
    const found = { targets: [], rows: [], edits: [], conflicts: [], cleared: [] };
    return this.#clearAncestors(row, found) && this.#clearPath(row, found) ? found : undefined;
  }

  /** The caller took the clearing into the save. */
  accept(clearing: Clearing): void {
    for (const path of clearing.cleared) {
      this.#free.add(path);
    }
  }

  #clearAncestors(row: EntryRow, found: MutableClearing): boolean {
    const { folderId } = this.#request;
    for (const path of ancestorsOf(pathOf(row)).reverse()) {
      if (this.#free.has(path)) {
        break;
      }
      const at = this.#store.entries.find(folderId, path);
      if (at?.kind === 'file' && at.state !== 'gone' && at.state !== 'deleted') {
        return false;
      }
      if (at !== undefined && at.saved_segments !== null && at.saved_segments !== SAVED_DIR) {
        found.targets.push([`/${path}`, '']);
        found.rows.push({ row: at, put: null });
      }
      const foreign = this.#store.foreign.at(folderId, path);
      if (foreign !== undefined) {
        found.edits.push({ type: 'remove', path });
        if (!foreign.isDir) {
          this.#moveBeside(path, found);
          found.targets.push([`/${path}`, '']);
        }
      }
      found.cleared.push(path);
    }
    return true;
  }

  #clearPath(row: EntryRow, found: MutableClearing): boolean {
    const { folderId } = this.#request;
    const { entries, foreign } = this.#store;
    const path = pathOf(row);
    if (row.kind === 'file' && this.#mayHaveBelow(row) && entries.hasRowBelow(folderId, path)) {
      for (const below of entries.below(folderId, path)) {
        if (below.state !== 'deleted') {
          return false;
        }
        found.rows.push({ row: below, put: null });
      }
    }
    if (foreign.isEmpty(folderId)) {
      return true;
    }
    const inTheWay = [...foreign.below(folderId, path)];
    const here = foreign.at(folderId, path);
    if (here !== undefined) {
      inTheWay.push(here);
    }
    if (inTheWay.length === 0) {
      return true;
    }
    for (const other of inTheWay) {
      found.edits.push({ type: 'remove', path: other.path });
    }
    const beside = this.#moveBeside(path, found);
    if (beside !== undefined) {
      found.edits.pop();
      for (const other of inTheWay) {
        const isHere = other.path === path;
        found.edits.push({
          type: 'add',
          path: isHere ? beside : beside + other.path.slice(path.length),
          isDir: other.isDir,
        });
      }
      for (const { row: below } of found.rows) {
        if (below.saved_segments !== null && pathOf(below).startsWith(`${path}/`)) {
          const moved = beside + pathOf(below).slice(path.length);
          found.edits.push({ type: 'add', path: moved, isDir: below.saved_segments === SAVED_DIR });
        }
      }
    }
    return true;
  }

  /** Whether rows can be below the row's path at all: asked of the journal once for all files of a directory. */
  #mayHaveBelow({ folder_id, dir }: EntryRow): boolean {
    if (this.#lastDir?.dir !== dir) {
      this.#lastDir = { dir, hasDirsBelow: this.#store.entries.hasDirsBelow(folder_id, dir) };
    }
    return this.#lastDir.hasDirsBelow;
  }

  /** Keeps what is foreign at `path` under another name; undefined where the request says that it is to go. */
  #moveBeside(path: string, found: MutableClearing): string | undefined {
    if (this.#request.conflicts === 'overwrite') {
      return undefined;
    }
    const beside = this.#besideOf(path);
    found.targets.push([`/${beside}`, `current/${path}`]);
    found.conflicts.push({ path, beside });
    found.edits.push({ type: 'add', path: beside, isDir: false });
    return beside;
  }

  /** `name~YYYYMMDD-HHMMSS~conflict~`, in UTC, as the SDK names it; with a number where that is taken. */
  #besideOf(path: string): string {
    const { folderId, nowMs } = this.#request;
    const stem = `${path}~${compactTime(nowMs)}~conflict~`;
    for (let count = 1; ; count += 1) {
      const beside = count === 1 ? stem : `${stem}${count}`;
      const isTaken =
        this.#store.entries.find(folderId, beside) !== undefined ||
        this.#store.entries.hasRowBelow(folderId, beside) ||
        this.#store.foreign.at(folderId, beside) !== undefined ||
        this.#store.foreign.hasBelow(folderId, beside);
      if (!isTaken) {
        return beside;
      }
    }
  }
}

interface MutableClearing {
  readonly targets: Array<readonly [string, string]>;
  readonly rows: PlannedRow[];
  readonly edits: ForeignEdit[];
  readonly conflicts: Array<{ readonly path: string; readonly beside: string }>;
  readonly cleared: string[];
}

/** `YYYYMMDD-HHMMSS`, UTC. */
export function compactTime(atMs: number): string {
  const [date = '', time = ''] = new Date(atMs).toISOString().split('T');
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`;
}
