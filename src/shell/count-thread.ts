import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { KeepsyncError } from '../base/errors.ts';
import { serveThread } from '../base/thread-rpc.ts';
import { nodeDisk } from '../local/sync-disk.ts';
import { type CountRequest, countFolder, type FolderCount } from './folder-count.ts';

/** How often the owner hears of new numbers (milliseconds). */
const TELL_EVERY_MS = 200;

/** One thread counts one folder; whoever wants another count starts another thread. */
export type CountThreadApi = {
  /** Raises `count` events with what it has so far; resolves to the whole. */
  count(request: CountRequest): Promise<FolderCount>;
};

if (parentPort === null) {
  throw new KeepsyncError('INTERNAL', 'this file runs only as a worker thread');
}
const tell = serveThread<CountThreadApi>(parentPort, {
  count: async (request) => {
    const counting = countFolder(nodeDisk, request);
    let toldAtMs = performance.now();
    for (;;) {
      const step = counting.next();
      if (step.done === true) {
        return step.value;
      }
      if (performance.now() - toldAtMs >= TELL_EVERY_MS) {
        toldAtMs = performance.now();
        tell('count', step.value);
      }
      await nextTurn();
    }
  },
});
