import { type FSWatcher, lstatSync, readdirSync, statSync, watch } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import type { HintRelay } from './hint-relay.ts';
import { LeafFolders } from './leaf-folders.ts';
import type { Watching } from './ports.ts';
import { isMissing, systemCodeOf } from './sync-disk.ts';

export interface FolderWatcherOptions {
  readonly diskPaths: readonly string[];
  readonly followLinks: boolean;
  isFiltered(diskDir: string): boolean;
  /** Whether one watch covers a whole tree (Windows, macOS). Node imitates that on Linux with a watch for every file. */
  readonly isRecursive: boolean;
}

/**
 * Watches folders only: one watch of the system for each, nothing remembered of the files in them. For trees that are
 * too large for chokidar.
 */
export function startFolderWatcher(options: FolderWatcherOptions, relay: HintRelay): Watching {
  const watching = new FolderWatching(options, relay);
  for (const diskPath of options.diskPaths) {
    watching.addRoot(diskPath);
  }
  return watching;
}

class FolderWatching implements Watching {
  readonly #options: FolderWatcherOptions;
  readonly #relay: HintRelay;
  /** By path. The id (dev:ino) tells a folder from another one that took its name. */
  readonly #watched = new Map<string, { readonly watcher: FSWatcher; readonly id: string }>();
  /** Of roots that are files, and of whole trees where the system watches those. */
  readonly #rootWatchers: FSWatcher[] = [];
  /** Ids of what is watched; asked only where links are followed, to end loops. */
  readonly #ids = new Set<string>();
  readonly #leaves = new LeafFolders();
  /** The system gives no more watches: asking for each further folder would only fail again. */
  #isExhausted = false;
  #isClosed = false;

  constructor(options: FolderWatcherOptions, relay: HintRelay) {
    this.#options = options;
    this.#relay = relay;
  }

  addRoot(diskPath: string): void {
    const isDir = this.#look(diskPath, true)?.isDir === true;
    if (isDir && !this.#options.isRecursive) {
      this.#addTree(diskPath);
      return;
    }
    const watcher = isDir
      ? this.#watch(diskPath, true, (name) =>
          this.#relay.hint(name === null ? diskPath : join(diskPath, name)),
        )
      : this.#watch(dirname(diskPath), false, (name) => {
          if (name === null || name === basename(diskPath)) {
            this.#relay.hint(diskPath);
          }
        });
    if (watcher !== undefined) {
      this.#rootWatchers.push(watcher);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const watcher of [...this.#rootWatchers, ...[...this.#watched.values()].map((one) => one.watcher)]) {
      watcher.close();
    }
    this.#rootWatchers.length = 0;
    this.#watched.clear();
  }

  /** A folder and all below it; first the watch, then the listing, so that nothing slips in between. */
  #addTree(top: string): void {
    const waiting = [top];
    for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
      if (this.#isExhausted || this.#isClosed || !this.#addFolder(dir)) {
        continue;
      }
      // A link may lead to a folder, and counts for none.
      if (!this.#options.followLinks && this.#leaves.isLeaf(dir)) {
        continue;
      }
      for (const entry of this.#list(dir)) {
        // most entries are files: no path for those
        if (!entry.isDirectory() && !entry.isSymbolicLink()) {
          continue;
        }
        const path = join(dir, entry.name);
        const isDir = entry.isDirectory() || this.#look(path, false)?.isDir === true;
        if (isDir && !this.#options.isFiltered(path)) {
          waiting.push(path);
        }
      }
    }
  }

  #addFolder(dir: string): boolean {
    const id = this.#look(dir, true)?.id;
    if (id === undefined || this.#watched.get(dir)?.id === id) {
      return false;
    }
    if (this.#options.followLinks && this.#ids.has(id)) {
      return false;
    }
    const watcher = this.#watch(dir, false, (name) => this.#onEvent(dir, name));
    if (watcher !== undefined) {
      this.#watched.set(dir, { watcher, id });
      this.#ids.add(id);
    }
    return watcher !== undefined;
  }

  #onEvent(dir: string, name: string | null): void {
    if (name === null) {
      this.#relay.hint(dir);
      return;
    }
    const path = join(dir, name);
    const seen = this.#look(path, false);
    if (this.#watched.has(path) && this.#watched.get(path)?.id !== seen?.id) {
      this.#dropTree(path);
    }
    if (seen?.isDir === true) {
      if (!this.#watched.has(path) && !this.#options.isFiltered(path)) {
        this.#addTree(path);
      }
    } else if (seen === undefined && name === basename(dir) && this.#look(dir, true) === undefined) {
      // The folder speaks of its own end, under its own name.
      this.#dropTree(dir);
      this.#relay.hint(dir);
      return;
    }
    this.#relay.hint(path);
  }

  #dropTree(top: string): void {
    const below = top + sep;
    for (const [dir, { watcher, id }] of this.#watched) {
      if (dir === top || dir.startsWith(below)) {
        watcher.close();
        this.#watched.delete(dir);
        this.#ids.delete(id);
      }
    }
  }

  #watch(dir: string, recursive: boolean, onName: (name: string | null) => void): FSWatcher | undefined {
    try {
      const watcher = watch(dir, { recursive, persistent: true }, (_event, name) => {
        if (!this.#isClosed) {
          this.#relay.countEvent();
          onName(name);
        }
      });
      watcher.on('error', (error) => {
        this.#relay.doubt(error);
      });
      return watcher;
    } catch (thrown) {
      const code = systemCodeOf(thrown);
      this.#isExhausted ||= code === 'ENOSPC' || code === 'EMFILE' || code === 'ENFILE';
      if (!isMissing(thrown)) {
        this.#relay.doubt(thrown);
      }
      return undefined;
    }
  }

  #list(dir: string) {
    try {
      return readdirSync(dir, { withFileTypes: true });
    } catch (thrown) {
      if (!isMissing(thrown)) {
        this.#relay.doubt(thrown);
      }
      return [];
    }
  }

  /** What is at a path; undefined where there is nothing, or nothing that may be looked at. */
  #look(path: string, isFollowed: boolean): { readonly isDir: boolean; readonly id: string } | undefined {
    try {
      const stat =
        isFollowed || this.#options.followLinks
          ? statSync(path, { throwIfNoEntry: false, bigint: true })
          : lstatSync(path, { throwIfNoEntry: false, bigint: true });
      return stat === undefined ? undefined : { isDir: stat.isDirectory(), id: `${stat.dev}:${stat.ino}` };
    } catch (thrown) {
      if (systemCodeOf(thrown) === undefined) {
        throw thrown;
      }
      return undefined;
    }
  }
}
