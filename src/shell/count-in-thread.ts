import { startThread } from '../base/thread.ts';
import { connectThread } from '../base/thread-rpc.ts';
import type { CountThreadApi } from './count-thread.ts';
import type { CountRequest, FolderCount } from './folder-count.ts';
import type { Counting } from './previews.ts';

/** Counts a folder off the main thread. */
export function countInThread(request: CountRequest): Counting {
  const thread = connectThread<CountThreadApi>(startThread('shell/count-thread'));
  return {
    onCount: (listener) => thread.onEvent((_event, payload) => listener(payload as FolderCount)),
    done: thread.call('count', request),
    close: () => thread.close(),
  };
}
