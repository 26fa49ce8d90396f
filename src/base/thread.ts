import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
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

/**
 * A heap that is collected while a thread loads may grow to four times what was left, as V8 has it by itself, until it is
 * collected again: the main thread's and the journal's were seen to take 84 and 112 MiB for 21 and 37. So all heaps are
 * collected once more, so long (milliseconds) after the last thread has loaded.
 */
const COLLECT_AGAIN_MS = 500;

const live = new Set<Worker>();
let collectAgainTimer: NodeJS.Timeout | undefined;

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
  worker.once('message', () => {
    loaded();
    collectAgainSoon();
  });
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
    const file = new URL(`./threads/${entry.replace(/^.*\//, '')}.cjs`, import.meta.url);
    return new Worker(file, { ...options, env: threadEnv() });
  }
  return new Worker(new URL(`../${entry}.ts`, import.meta.url), options);
}

/** That of the process; compiled code is kept where the command keeps its own (see `cli/entry`), in a folder for each Node. */
function threadEnv(): NodeJS.ProcessEnv {
  // an older Electron has no such thing
  const dir = getCompileCacheDir?.();
  return dir === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(dir) };
}

function collectAgainSoon(): void {
  clearTimeout(collectAgainTimer);
  collectAgainTimer = setTimeout(restThreads, COLLECT_AGAIN_MS);
  collectAgainTimer.unref();
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
