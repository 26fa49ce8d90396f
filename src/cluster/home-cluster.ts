import { asKeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import { startClusterInThread } from './cluster-in-thread.ts';
import type { LocalCluster } from './cluster-options.ts';
import { runningClusterEnv } from './data-folder.ts';

/** What the owner of a profile needs of the profile's own cluster. */
export type HomeCluster = Pick<LocalCluster, 'apiHost' | 'token' | 'caFile' | 'env' | 'close'>;

/**
 * The local cluster of a profile: started, or, where another process of the same person runs it already, that one;
 * closing leaves it running then. Throws what `startCluster` does, LOCKED only where the other one left no word of itself.
 */
export async function openHomeCluster(
  options: { readonly dataDir: string; readonly log: LogPort },
  start: (options: { readonly dataDir: string; readonly log: LogPort }) => Promise<HomeCluster> = (given) =>
    startClusterInThread(given),
): Promise<HomeCluster> {
  try {
    return await start(options);
  } catch (thrown) {
    const env = asKeepsyncError(thrown).code === 'LOCKED' ? runningClusterEnv(options.dataDir) : undefined;
    const { ARVADOS_API_HOST: apiHost, ARVADOS_API_TOKEN: token, SSL_CERT_FILE: caFile } = env ?? {};
    if (env === undefined || !apiHost || !token || !caFile) {
      throw thrown;
    }
    options.log.log('info', 'The local cluster runs already', { host: apiHost });
    return { apiHost, token, caFile, env: () => ({ ...env }), close: async () => undefined };
  }
}
