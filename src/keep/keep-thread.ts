import { parentPort } from 'node:worker_threads';
import { KeepsyncError } from '../base/errors.ts';
import { serveThread } from '../base/thread-rpc.ts';
import { KeepRounds } from './keep-rounds.ts';
import type { AttemptEvent, BlockEvent, KeepThreadApi } from './keep-thread-api.ts';

if (!parentPort) {
  throw new KeepsyncError('INTERNAL', 'keep-thread runs as a worker thread only');
}

let rounds: KeepRounds | undefined;

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
    const data = await ready().get(locator, services, { ...options, signal });
    raise('block', { callId, data } satisfies BlockEvent, [data.buffer]);
  },
  head: ({ locator, services, ...options }, { signal }) =>
    ready().head(locator, services, { ...options, signal }),
  fetchTo: ({ locator, targets, services, ...options }, { signal }) =>
    ready().fetchTo(locator, targets, services, { ...options, signal }),
});
