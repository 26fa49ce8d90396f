import type { Worker } from 'node:worker_threads';
import { asKeepsyncError, errorToRecord, type KeepsyncError } from '../base/errors.ts';
import { connectThread, type ThreadConnection } from '../base/thread-rpc.ts';
import type { ScanHelpRequest } from './disk-service.ts';
import type { DiskThreadData } from './disk-thread.ts';
import { plainRecord } from './file-errors.ts';
import type { TreeRoot, TreeRules, WatchEvents, Watcher } from './ports.ts';
import { startDiskThread } from './threaded-disk.ts';
import { WATCH_EVENT, type WatchThreadApi, type WatchThreadEvent } from './watch-service.ts';

/** After so many deaths of the thread it is not started again: changes are then found by the regular scan. */
const MAX_RESTARTS = 3;

interface WatchTask {
  readonly roots: readonly TreeRoot[];
  readonly rules: TreeRules;
  readonly events: WatchEvents;
  readonly knownEntries: number;
}

export interface ThreadedWatcherOptions {
  /** Above so many entries folders only are watched. */
  readonly watchEntriesMax: number;
  /** For `helpScan`. */
  readonly journalPath?: string;
  /** How the thread is started; by default as the entry `local/disk-thread`. */
  readonly start?: (workerData: DiskThreadData) => Worker;
}

export interface ThreadedWatcher extends Watcher {
  /** Starts the thread before anything is watched. */
  warmUp(): void;
  /** Helps a scan of another thread, with a thread that has little to do then. Undefined where there is none. */
  helpScan(request: ScanHelpRequest): Promise<void> | undefined;
  /** Ends a thread that nothing is watched in. */
  close(): Promise<void>;
}

/**
 * The watcher of this computer in a thread of its own: there it hears the system in time even while the main thread is
 * held up, which is what loses events. The thread lives as long as something is watched.
 */
export function createThreadedWatcher(options: ThreadedWatcherOptions): ThreadedWatcher {
  const tasks = new Map<number, WatchTask>();
  let connection: ThreadConnection<WatchThreadApi> | undefined;
  let nextId = 1;
  let restarts = 0;

  const connect = (): ThreadConnection<WatchThreadApi> => {
    if (connection !== undefined) {
      return connection;
    }
    const workerData: DiskThreadData = {
      role: 'watch',
      watchEntriesMax: options.watchEntriesMax,
      journalPath: options.journalPath ?? null,
    };
    const started = connectThread<WatchThreadApi>((options.start ?? startDiskThread)(workerData));
    started.onEvent((event, payload) => {
      if (event === WATCH_EVENT) {
        deliver(payload as WatchThreadEvent);
      }
    });
    started.onDeath((error) => {
      connection = undefined;
      reviveAfter(error);
    });
    connection = started;
    return started;
  };
  const deliver = (event: WatchThreadEvent) => {
    const events = tasks.get(event.watchId)?.events;
    if ('doubt' in event) {
      events?.onDoubt(event.doubt);
    } else {
      events?.onHints(event.hints);
    }
  };
  const begin = (watchId: number, { events: _, ...task }: WatchTask) =>
    connect().call('watch', { watchId, ...task });
  const reviveAfter = (error: KeepsyncError) => {
    const mayRestart = ++restarts <= MAX_RESTARTS;
    for (const [watchId, task] of tasks) {
      // Told once the new watch stands: what happened in between is found by the scan that this asks for.
      const told = mayRestart ? begin(watchId, task) : Promise.resolve();
      told.then(
        () => task.events.onDoubt(plainRecord(error)),
        (thrown: unknown) => task.events.onDoubt(errorToRecord(thrown)),
      );
    }
  };

  return {
    watch: async (roots, rules, events, knownEntries = 0) => {
      const watchId = nextId++;
      const task = { roots, rules, events, knownEntries };
      tasks.set(watchId, task);
      const end = async () => {
        if (!tasks.delete(watchId)) {
          return;
        }
        const ending = connection;
        if (tasks.size > 0) {
          await ending?.call('unwatch', watchId).catch((thrown: unknown) => {
            // Whoever ended the last watch meanwhile has closed the thread: then nothing is watched either.
            if (asKeepsyncError(thrown).code !== 'CLOSED') {
              throw thrown;
            }
          });
          return;
        }
        connection = undefined;
        await ending?.close();
      };
      try {
        await begin(watchId, task);
      } catch (thrown) {
        await end();
        throw thrown;
      }
      return { close: end };
    },
    warmUp: () => {
      connect();
    },
    helpScan: (request) => connection?.call('helpScan', request, undefined, [request.line.port]),
    close: async () => {
      if (tasks.size === 0) {
        const ending = connection;
        connection = undefined;
        await ending?.close();
      }
    },
  };
}
