import type { MessagePort } from 'node:worker_threads';
import type { ErrorRecord } from '../base/errors.ts';
import { serveThread } from '../base/thread-rpc.ts';
import type { ScanHelpRequest } from './disk-service.ts';
import type { KnownSource } from './known-source.ts';
import { createLocalWatcher } from './local-watcher.ts';
import type { TreeRoot, TreeRules, WatchHint, Watching } from './ports.ts';
import { serveHelp } from './scan-help.ts';
import { nodeDisk } from './sync-disk.ts';

export type WatchThreadApi = {
  /** Resolves once everything is watched. Events carry the caller's `watchId`. */
  watch(input: {
    readonly watchId: number;
    readonly roots: readonly TreeRoot[];
    readonly rules: TreeRules;
    readonly knownEntries: number;
  }): Promise<void>;
  unwatch(watchId: number): Promise<void>;
  /** Helps a scan of another thread; see `DiskThreadApi`. */
  helpScan(input: ScanHelpRequest): void;
};

/** What the thread tells unasked. */
export type WatchThreadEvent =
  | { readonly watchId: number; readonly hints: readonly WatchHint[] }
  | { readonly watchId: number; readonly doubt: ErrorRecord };

export const WATCH_EVENT = 'watch';

/** The thread's side of `createThreadedWatcher`. */
export function serveWatcher(port: MessagePort, watchEntriesMax: number, openKnown: () => KnownSource): void {
  const watcher = createLocalWatcher({ watchEntriesMax });
  const watchings = new Map<number, Watching>();
  const raise = serveThread<WatchThreadApi>(port, {
    watch: async ({ watchId, roots, rules, knownEntries }) => {
      const tell = (event: WatchThreadEvent) => raise(WATCH_EVENT, event);
      const events = {
        onHints: (hints: readonly WatchHint[]) => tell({ watchId, hints }),
        onDoubt: (doubt: ErrorRecord) => tell({ watchId, doubt }),
      };
      const watching = await watcher.watch(roots, rules, events, knownEntries);
      watchings.set(watchId, watching);
    },
    helpScan: ({ folderId, rules, line }) => {
      const known = openKnown();
      line.port.once('close', () => known.close());
      serveHelp(line, nodeDisk, () => known.knownTree(folderId), rules);
    },
    unwatch: async (watchId) => {
      const watching = watchings.get(watchId);
      watchings.delete(watchId);
      await watching?.close();
    },
  });
}
