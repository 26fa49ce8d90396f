import { startThread } from '../../base/thread.ts';
import { connectThread, type ThreadConnection } from '../../base/thread-rpc.ts';
import type { FilesThreadApi } from './files-api.ts';

/** One or more threads of `FilesThreadApi`; each call goes to the one with the least to do. */
export class FilesThreads {
  readonly #threads: Array<{ readonly thread: ThreadConnection<FilesThreadApi>; running: number }> = [];

  constructor(count: number) {
    for (let started = 0; started < count; started += 1) {
      const thread = connectThread<FilesThreadApi>(startThread('cli/files/files-thread'));
      this.#threads.push({ thread, running: 0 });
    }
  }

  async call<K extends keyof FilesThreadApi & string>(
    method: K,
    input: Parameters<FilesThreadApi[K]>[0],
    signal?: AbortSignal,
  ): Promise<Awaited<ReturnType<FilesThreadApi[K]>>> {
    const [least] = this.#threads.toSorted((a, b) => a.running - b.running);
    if (least === undefined) {
      throw new RangeError('no thread was started');
    }
    least.running += 1;
    try {
      return await least.thread.call(method, input, signal);
    } finally {
      least.running -= 1;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ thread }) => thread.close()));
  }
}
