import { Worker, type WorkerOptions } from 'node:worker_threads';
import { collectNow, heapsAreSmall, whileLoading } from './small-heaps.ts';
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
 * Room for a thread's fresh objects. Left alone, the journal's thread was seen to take 128 MiB for them. Where heaps are
 * kept small, a thread has all of it from its start; there only the journal gets more than the least that V8 knows:
 * it collected 340 times in a first upload of 20,000 files, and 43 times with this, for a twentieth less processor time
 * of the whole process.
 */
const YOUNG_GENERATION_MIB = 8;
const SMALL_YOUNG_GENERATION_MIB = 3;
const JOURNAL_YOUNG_GENERATION_MIB = 24;

const live = new Set<Worker>();

/**
 * Starts a worker thread. From source, Node runs the TypeScript entry as it is; in the bundle each entry is
 * `threads/NAME.cjs` beside the main file.
 */
export function startThread(entry: ThreadEntry, given: WorkerOptions = {}): Worker {
  const options: WorkerOptions = {
    ...given,
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMib(entry), ...given.resourceLimits },
  };
  const loaded = whileLoading();
  const worker = startEntry(entry, options);
  live.add(worker);
  // the first that it says is that it serves
  worker.once('message', loaded);
  worker.once('exit', () => {
    loaded();
    live.delete(worker);
  });
  return worker;
}

function youngGenerationMib(entry: ThreadEntry): number {
  if (!heapsAreSmall()) {
    return YOUNG_GENERATION_MIB;
  }
  return entry === 'sync/journal-thread' ? JOURNAL_YOUNG_GENERATION_MIB : SMALL_YOUNG_GENERATION_MIB;
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
