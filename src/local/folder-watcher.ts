import { type FSWatcher, lstatSync, readdirSync, statSync, watch } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import type { HintRelay } from './hint-relay.ts';
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
  readonly #watchers = new Map<string, FSWatcher>();
  /** Watched folders by dev:ino; kept only where links are followed, to end loops. */
  readonly #dirById = new Map<string, string>();
  /** The system gives no more watches: asking for each further folder would only fail again. */
  #isExhausted = false;
  #isClosed = false;

  constructor(options: FolderWatcherOptions, relay: HintRelay) {
    this.#options = options;
    this.#relay = relay;
  }

  addRoot(diskPath: string): void {
    const kind = this.#kindOf(diskPath, true);
    if (kind === 'dir' && this.#options.isRecursive) {
      this.#watch(diskPath, true, (name) =>
        this.#relay.hint(name === null ? diskPath : join(diskPath, name)),
      );
    } else if (kind === 'dir') {
      this.#addTree(diskPath);
    } else {
      const dir = dirname(diskPath);
      this.#watch(dir, false, (name) => {
        if (name === null || name === basename(diskPath)) {
          this.#relay.hint(diskPath);
        }
      });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const watcher of this.#watchers.values()) {
      watcher.close();
    }
    this.#watchers.clear();
  }

  /** A folder and all below it; first the watch, then the listing, so that nothing slips in between. */
  #addTree(top: string): void {
    const waiting = [top];
    for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
      if (this.#isExhausted || this.#isClosed || !this.#addFolder(dir)) {
        continue;
      }
      for (const entry of this.#list(dir)) {
        const path = join(dir, entry.name);
        const isDir = entry.isDirectory() || (entry.isSymbolicLink() && this.#kindOf(path, false) === 'dir');
        if (isDir && !this.#options.isFiltered(path)) {
          waiting.push(path);
        }
      }
    }
  }

  #addFolder(dir: string): boolean {
    if (this.#watchers.has(dir) || (this.#options.followLinks && !this.#isNew(dir))) {
      return false;
    }
    return this.#watch(dir, false, (name) => this.#onEvent(dir, name));
  }

  #onEvent(dir: string, name: string | null): void {
    if (name === null) {
      this.#relay.hint(dir);
      return;
    }
    const path = join(dir, name);
    const kind = this.#kindOf(path, false);
    if (kind === 'dir') {
      if (!this.#watchers.has(path) && !this.#options.isFiltered(path)) {
        this.#addTree(path);
      }
    } else if (this.#watchers.has(path)) {
      this.#dropTree(path);
    } else if (kind === undefined && name === basename(dir) && this.#kindOf(dir, true) === undefined) {
      // The folder speaks of its own end, under its own name.
      this.#dropTree(dir);
      this.#relay.hint(dir);
      return;
    }
    this.#relay.hint(path);
  }

  #dropTree(top: string): void {
    const below = top + sep;
    for (const [dir, watcher] of this.#watchers) {
      if (dir === top || dir.startsWith(below)) {
        watcher.close();
        this.#watchers.delete(dir);
      }
    }
    for (const [id, dir] of this.#dirById) {
      if (dir === top || dir.startsWith(below)) {
        this.#dirById.delete(id);
      }
    }
  }

  #watch(dir: string, recursive: boolean, onName: (name: string | null) => void): boolean {
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
      this.#watchers.set(dir, watcher);
      return true;
    } catch (thrown) {
      const code = systemCodeOf(thrown);
      this.#isExhausted ||= code === 'ENOSPC' || code === 'EMFILE' || code === 'ENFILE';
      if (!isMissing(thrown)) {
        this.#relay.doubt(thrown);
      }
      return false;
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

  #kindOf(path: string, isRoot: boolean): 'dir' | 'other' | undefined {
    try {
      const followed = isRoot || this.#options.followLinks;
      const stat = followed
        ? statSync(path, { throwIfNoEntry: false })
        : lstatSync(path, { throwIfNoEntry: false });
      return stat === undefined ? undefined : stat.isDirectory() ? 'dir' : 'other';
    } catch (thrown) {
      if (systemCodeOf(thrown) === undefined) {
        throw thrown;
      }
      return 'other';
    }
  }

  #isNew(dir: string): boolean {
    const stat = statSync(dir, { throwIfNoEntry: false, bigint: true });
    const id = stat === undefined ? '' : `${stat.dev}:${stat.ino}`;
    if (id === '' || this.#dirById.has(id)) {
      return false;
    }
    this.#dirById.set(id, dir);
    return true;
  }
}
