import type { CancelTimer, Clock } from '../base/clock.ts';
import type { ErrorRecord } from '../base/errors.ts';
import type { TreeRoot, TreeRules, WatchEvents, Watcher, Watching } from './ports.ts';

/** Nobody came for it by then: the folder is held back, or is watched otherwise by now. */
const UNCLAIMED_MS = 30_000;

/** A watcher that can begin before whoever wants to know is there. */
export interface EarlyWatcher extends Watcher {
  /**
   * Begins to watch. The next `watch` of the same takes it over, and hears what happens from then on: whoever watches scans
   * after that, as always.
   */
  begin(roots: readonly TreeRoot[], rules: TreeRules): void;
  /** Ends what nobody took over. */
  close(): Promise<void>;
}

interface Begun {
  events: WatchEvents | undefined;
  /** Of the time before. */
  doubt: ErrorRecord | undefined;
  readonly watching: Promise<Watching>;
  cancelTimer: CancelTimer;
}

export function createEarlyWatcher(watcher: Watcher, clock: Clock): EarlyWatcher {
  const begun = new Map<string, Begun>();
  const ends = new Set<Promise<void>>();
  const keyOf = (roots: readonly TreeRoot[], rules: TreeRules) => JSON.stringify([roots, rules]);

  const drop = (key: string): void => {
    const one = begun.get(key);
    if (one === undefined) {
      return;
    }
    begun.delete(key);
    one.cancelTimer();
    // What could not begin has nothing to end.
    const end = one.watching.then(
      (watching) => watching.close(),
      () => undefined,
    );
    ends.add(end);
    end.then(
      () => ends.delete(end),
      // `close` tells of it.
      () => undefined,
    );
  };

  return {
    begin: (roots, rules) => {
      const key = keyOf(roots, rules);
      if (begun.has(key)) {
        return;
      }
      const heard: WatchEvents = {
        onHints: (hints) => one.events?.onHints(hints),
        onDoubt: (record) => {
          one.doubt = record;
          one.events?.onDoubt(record);
        },
      };
      const one: Begun = {
        events: undefined,
        doubt: undefined,
        watching: watcher.watch(roots, rules, heard),
        cancelTimer: clock.setTimer(UNCLAIMED_MS, () => drop(key)),
      };
      // Told to whoever takes it over.
      void Promise.allSettled([one.watching]);
      begun.set(key, one);
    },
    watch: (roots, rules, events, knownEntries) => {
      const key = keyOf(roots, rules);
      const one = begun.get(key);
      if (one === undefined) {
        return watcher.watch(roots, rules, events, knownEntries);
      }
      begun.delete(key);
      one.cancelTimer();
      one.events = events;
      if (one.doubt !== undefined) {
        events.onDoubt(one.doubt);
      }
      return one.watching;
    },
    close: async () => {
      for (const key of [...begun.keys()]) {
        drop(key);
      }
      await Promise.all(ends);
    },
  };
}
