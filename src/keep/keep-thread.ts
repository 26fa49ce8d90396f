import { parentPort } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import { serveThread } from '../base/thread-rpc.ts';
import { BlockMemory } from './block-memory.ts';
import { KeepRounds, readableSizeBytes } from './keep-rounds.ts';
import type { AttemptEvent, BlockEvent, KeepThreadApi } from './keep-thread-api.ts';
import { writeTargets } from './target-writer.ts';

if (!parentPort) {
  throw new KeepsyncError('INTERNAL', 'keep-thread runs as a worker thread only');
}

let rounds: KeepRounds | undefined;
const memory = new BlockMemory(systemClock);

function ready(): KeepRounds {
  if (!rounds) {
    throw new KeepsyncError('INTERNAL', 'the Keep thread was not set up');
  }
  return rounds;
}

const raise = serveThread<KeepThreadApi>(parentPort, {
  setup: (options) => {
    rounds = new KeepRounds(options);
  },
  setToken: (token) => ready().setToken(token),
  md5: (data, { signal }) => ready().md5(data, signal),
  put: ({ callId, md5, data, services, ...options }, { signal }) =>
    ready().put(md5, data, services, {
      ...options,
      signal,
      onAttempt: (attempt) => raise('attempt', { callId, attempt } satisfies AttemptEvent),
    }),
  get: async ({ callId, locator, services, ...options }, { signal }) => {
    const data = new Uint8Array(readableSizeBytes(locator));
    await ready().getInto(locator, data, services, { ...options, signal });
    raise('block', { callId, data } satisfies BlockEvent, [data.buffer]);
  },
  head: ({ locator, services, ...options }, { signal }) =>
    ready().head(locator, services, { ...options, signal }),
  fetchTo: async ({ locator, targets, services, ...options }, { signal }) => {
    const block = memory.take(readableSizeBytes(locator));
    try {
      await ready().getInto(locator, block.view, services, { ...options, signal });
      return await writeTargets(block.view, targets, signal);
    } finally {
      memory.giveBack(block);
    }
  },
});
