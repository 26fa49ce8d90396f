import { KeepsyncError } from '../base/errors.ts';
import type { LogLevel } from '../base/log.ts';
import { startThread } from '../base/thread.ts';
import { connectThread } from '../base/thread-rpc.ts';
import { type KeepServer, startKeepServer } from './keep-server.ts';
import type { KeepThreadApi } from './keep-server-thread.ts';
import type { KeepServerPorts, KeepServerSettings } from './keep-settings.ts';

/** Starts a Keep server in a thread of its own, where md5 and the disk disturb nobody. */
async function startKeepServerInThread(
  settings: KeepServerSettings,
  ports: KeepServerPorts,
): Promise<KeepServer> {
  const thread = connectThread<KeepThreadApi>(
    startThread('cluster/keep-server-thread', { workerData: settings }),
  );
  thread.onEvent((_event, payload) => {
    const { level, message, fields } = payload as {
      level: LogLevel;
      message: string;
      fields?: Record<string, unknown>;
    };
    ports.log.log(level, message, fields);
  });
  thread.onDeath((error) => {
    ports.log.log('error', 'A Keep server died', { server: settings.index, error: error.message });
  });
  try {
    const { port } = await thread.call('start', undefined);
    return {
      port,
      sync: () => thread.call('sync', undefined),
      close: async () => {
        try {
          await thread.call('stop', undefined);
        } finally {
          await thread.close();
        }
      },
    };
  } catch (thrown) {
    await thread.close();
    throw thrown;
  }
}

/**
 * Starts one at its remembered port, or at another one where that is taken by now: clients ask the API for the ports
 * anew, so nothing depends on them.
 */
export async function startKeepServerSomewhere(
  settings: KeepServerSettings,
  ports: KeepServerPorts,
  isInline: boolean,
): Promise<KeepServer> {
  const start = isInline ? startKeepServer : startKeepServerInThread;
  try {
    return await start(settings, ports);
  } catch (thrown) {
    if (settings.port !== 0 && thrown instanceof KeepsyncError && thrown.code === 'USAGE') {
      return start({ ...settings, port: 0 }, ports);
    }
    throw thrown;
  }
}
