import { Worker, type WorkerOptions } from 'node:worker_threads';
import { collectNow, heapsAreSmall } from './small-heaps.ts';
import { REST } from './thread-rpc.ts';

declare const __KEEPSYNC_BUNDLE__: boolean | undefined;

/** The entries that run as worker threads, as paths below src without their ending. The build bundles each of them. */
export type ThreadEntry =
  | 'cli/files/files-thread'
  | 'cluster/cluster-thread'
  | 'cluster/keep-server-thread'
  | 'keep/keep-thread'
  | 'local/disk-thread'
  | 'shell/count-thread'
  | 'sync/journal-thread';

/**
 * Room for a thread's fresh objects. Left alone, the journal's thread was seen to take 128 MiB for them; with 8 it is no
 * slower.
 */
const YOUNG_GENERATION_MIB = 8;

const live = new Set<Worker>();

/**
 * Starts a worker thread. From source, Node runs the TypeScript entry as it is; in the bundle each entry is
 * `threads/NAME.cjs` beside the main file.
 */
export function startThread(entry: ThreadEntry, given: WorkerOptions = {}): Worker {
  const options: WorkerOptions = {
    ...given,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB, ...given.resourceLimits },
  };
  const worker = startEntry(entry, options);
  live.add(worker);
  worker.once('exit', () => live.delete(worker));
  return worker;
}

function startEntry(entry: ThreadEntry, options: WorkerOptions): Worker {
  if (typeof __KEEPSYNC_BUNDLE__ !== 'undefined') {
    return new Worker(new URL(`./threads/${entry.replace(/^.*\//, '')}.cjs`, import.meta.url), options);
  }
  return new Worker(new URL(`../${entry}.ts`, import.meta.url), options);
}

/** Work is done for now: this thread and all it started give back what they no longer use. Does nothing in Electron. */
export function restThreads(): void {
  if (!heapsAreSmall()) {
    return;
  }
  for (const worker of live) {
    worker.postMessage(REST);
  }
  collectNow();
}
