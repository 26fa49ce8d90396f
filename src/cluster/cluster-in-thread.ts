import type { LogLevel, LogPort } from '../base/log.ts';
import { startThread } from '../base/thread.ts';
import { connectThread } from '../base/thread-rpc.ts';
import type { ClusterSettings, LocalCluster } from './cluster-options.ts';
import type { ClusterThreadApi } from './cluster-thread.ts';

/**
 * `startCluster` in a worker thread, for an owner whose own thread must stay free, such as the desktop app. The same
 * errors; no clock and no fault hook. `onDeath` is called once if the thread ends by itself.
 */
export async function startClusterInThread(
  options: ClusterSettings & { readonly log: LogPort; readonly onDeath?: (error: Error) => void },
): Promise<LocalCluster> {
  const { log, onDeath, ...settings } = options;
  const thread = connectThread<ClusterThreadApi>(
    startThread('cluster/cluster-thread', { workerData: settings }),
  );
  thread.onEvent((_event, payload) => {
    const { level, message, fields } = payload as {
      level: LogLevel;
      message: string;
      fields?: Record<string, unknown>;
    };
    log.log(level, message, fields);
  });
  thread.onDeath((error) => {
    log.log('error', 'The local cluster died', { error: error.message });
    onDeath?.(error);
  });
  try {
    const { env, ...facts } = await thread.call('start', undefined);
    let closing: Promise<void> | undefined;
    return {
      ...facts,
      env: () => ({ ...env }),
      createUser: (wanted = {}) => thread.call('createUser', wanted),
      sweep: () => thread.call('sweep', undefined),
      close: () => {
        closing ??= (async () => {
          try {
            await thread.call('stop', undefined);
          } finally {
            await thread.close();
          }
        })();
        return closing;
      },
    };
  } catch (thrown) {
    await thread.close();
    throw thrown;
  }
}
