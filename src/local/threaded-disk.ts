import { MessageChannel, type Worker } from 'node:worker_threads';
import { KeepsyncError } from '../base/errors.ts';
import { startThread } from '../base/thread.ts';
import { connectThread, type ThreadConnection } from '../base/thread-rpc.ts';
import { packReads, unpackChanges, unpackResults } from './batch-columns.ts';
import { type DiskThreadApi, runScan, type ScanHelpRequest } from './disk-service.ts';
import type { DiskThreadData } from './disk-thread.ts';
import type { LocalDisk, TreeRules } from './ports.ts';
import { sharedHelpMemory } from './scan-help.ts';

export interface ThreadedDiskOptions {
  /** The journal's SQLite file; without one everything on the disk is new. It has to exist when a scan begins. */
  readonly journalPath?: string;
  /** Somebody who helps to walk, if there is anybody; else the thread that reads files does. */
  readonly help?: (request: ScanHelpRequest) => Promise<void> | undefined;
  /** How a thread is started; by default as the entry `local/disk-thread`. */
  readonly start?: (workerData: DiskThreadData) => Worker;
}

export interface ThreadedDisk extends LocalDisk {
  /** Starts the thread that walks trees before there is a tree to walk. */
  warmUp(): void;
}

export function startDiskThread(workerData: DiskThreadData): Worker {
  return startThread('local/disk-thread', { workerData });
}

/**
 * This computer's disk, read in two worker threads that start at first use: one walks trees, the other reads files, so
 * that a walk of a million files does not hold up reading. A thread that died is started again for the next call.
 */
export function createThreadedDisk(options: ThreadedDiskOptions = {}): ThreadedDisk {
  const walker = lazyThread(options);
  const reader = lazyThread(options);
  /** A scan that goes through much that is as it was gets the reader's thread to help: it has little to do then. */
  const bringHelp = (folderId: number, rules: TreeRules, scanId: number) => {
    const { port1, port2 } = new MessageChannel();
    const shared = sharedHelpMemory();
    const theirs = { scanId, line: { port: port1, shared } };
    const ours = { folderId, rules, line: { port: port2, shared } };
    for (const told of [
      walker.get().call('bringHelp', theirs, undefined, [port1]),
      options.help?.(ours) ?? reader.get().call('helpScan', ours, undefined, [port2]),
    ]) {
      told.catch(ignoreClosed);
    }
  };
  return {
    scan: (folderId, request, onChanges, signal) =>
      runScan(
        () => walker.get().call('beginScan', { folderId, request }, signal),
        async (scanId) => {
          const step = await walker.get().call('nextStep', scanId, signal);
          return { ...step, changes: unpackChanges(step.changes) };
        },
        (scanId) => walker.quietly('dropScan', scanId),
        onChanges,
        signal,
        (scanId) => bringHelp(folderId, request.rules, scanId),
      ),
    stat: async (diskPaths, followLinks) => reader.get().call('stat', { diskPaths, followLinks }),
    readSmall: async (folderId, request) => {
      return unpackResults(await reader.get().call('readSmall', { folderId, request: packReads(request) }));
    },
    readPiece: async (request) => reader.get().call('readPiece', request),
    compareRanges: async (request) => reader.get().call('compareRanges', request),
    warmUp: () => {
      walker.get();
    },
    close: async () => {
      await Promise.all([walker.close(), reader.close()]);
    },
  };
}

interface LazyThread {
  get(): ThreadConnection<DiskThreadApi>;
  /** Tidying up: does nothing when the thread is not there (any more). */
  quietly(method: 'dropScan', scanId: number): Promise<void>;
  close(): Promise<void>;
}

function lazyThread(options: ThreadedDiskOptions): LazyThread {
  let connection: ThreadConnection<DiskThreadApi> | undefined;
  let isClosed = false;
  return {
    get: () => {
      if (isClosed) {
        throw new KeepsyncError('CLOSED', 'The disk was closed');
      }
      if (connection === undefined) {
        const workerData: DiskThreadData = { role: 'disk', journalPath: options.journalPath ?? null };
        const started = connectThread<DiskThreadApi>((options.start ?? startDiskThread)(workerData));
        started.onDeath(() => {
          connection = connection === started ? undefined : connection;
        });
        connection = started;
      }
      return connection;
    },
    quietly: async (method, scanId) => {
      await connection?.call(method, scanId).catch(ignoreClosed);
    },
    close: async () => {
      isClosed = true;
      await connection?.close();
    },
  };
}

/** A thread that ended took its scans with it. */
function ignoreClosed(thrown: unknown): void {
  if (!(thrown instanceof KeepsyncError)) {
    throw thrown;
  }
}
