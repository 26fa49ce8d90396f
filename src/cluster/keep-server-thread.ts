import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import type { LogPort } from '../base/log.ts';
import { serveThread } from '../base/thread-rpc.ts';
import { type KeepServer, startKeepServer } from './keep-server.ts';
import type { KeepServerSettings } from './keep-settings.ts';

/** What a Keep server's thread offers to the cluster that started it. It raises `log` events. */
export type KeepThreadApi = {
  start(input: undefined): Promise<{ port: number }>;
  sync(input: undefined): Promise<void>;
  stop(input: undefined): Promise<void>;
};

if (parentPort) {
  let server: KeepServer | undefined;
  const raise = serveThread<KeepThreadApi>(parentPort, {
    start: async () => {
      server = await startKeepServer(workerData as KeepServerSettings, { clock: systemClock, log });
      return { port: server.port };
    },
    sync: async () => server?.sync(),
    stop: async () => server?.close(),
  });
  const log: LogPort = { log: (level, message, fields) => raise('log', { level, message, fields }) };
}
