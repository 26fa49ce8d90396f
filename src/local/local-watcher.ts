import { sep } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import { startChokidar } from './chokidar-watcher.ts';
import { startFolderWatcher } from './folder-watcher.ts';
import { HintRelay } from './hint-relay.ts';
import type { Watcher } from './ports.ts';
import { createWatchFilter, hasMoreEntriesThan } from './watch-filter.ts';

export interface LocalWatcherOptions {
  /** Above so many entries folders only are watched. Measured: chokidar takes 356 MiB at 100,000 files. */
  readonly watchEntriesMax: number;
  readonly clock?: Clock;
}

/** The watcher of this computer, in the thread that calls it: counts the entries and chooses what fits. */
export function createLocalWatcher(options: LocalWatcherOptions): Watcher {
  const clock = options.clock ?? systemClock;
  return {
    watch: async (roots, rules, events, knownEntries = 0) => {
      const diskPaths = roots.map((root) => root.diskPath);
      const relay = new HintRelay(events, clock, diskPaths, sep);
      const isFiltered = createWatchFilter(roots, rules, sep);
      const common = { diskPaths, followLinks: rules.followLinks, isFiltered };
      const watching = hasMoreEntriesThan(roots, isFiltered, options.watchEntriesMax, knownEntries)
        ? startFolderWatcher({ ...common, isRecursive: process.platform !== 'linux' }, relay)
        : await startChokidar(common, relay);
      return {
        close: async () => {
          relay.close();
          await watching.close();
        },
      };
    },
  };
}
