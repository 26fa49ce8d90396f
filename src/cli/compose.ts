import { startClusterInThread } from '../cluster/cluster-in-thread.ts';
import { openHomeCluster } from '../cluster/home-cluster.ts';
import { ambientAccount, openApi, openEngine, openKeep, whoAmI } from '../engine/compose.ts';
import { createThreadedDisk } from '../local/threaded-disk.ts';
import { openDiagnostics } from '../shell/open-diagnostics.ts';
import { createOwnerDesk } from '../shell/owner-desk.ts';
import type { CliEnvironment } from './environment.ts';
import { openInBrowser } from './open-in-browser.ts';
import type { CliServices } from './services.ts';

/** What commands have done, by the real program. The one place where the CLI puts the stages together. */
export function composeServices(env: CliEnvironment): CliServices {
  return {
    ambientAccount: () => ambientAccount(env),
    whoAmI: (connection, signal) => whoAmI(env, connection, signal),
    openDiagnostics: async (options) => openDiagnostics({ ...options, env }),
    openOwnerDesk: async (options) => createOwnerDesk({ ...options, env }),
    openEngine: (request) => openEngine(env, request),
    openCollections: async (connection, settings, log) => {
      const api = await openApi(env, connection, log);
      const keep = await openKeep(env, connection, api, settings, log);
      return {
        keep,
        prepareForBlocks: () => keep.prepare(),
        read: async (uuidOrPdh, signal) => await api.collections.getWithManifest(uuidOrPdh, signal),
        close: async () => {
          await keep.close();
          api.close();
        },
      };
    },
    startCluster: ({ dataDir, port, log }) =>
      startClusterInThread({ dataDir, log, ...(port === undefined ? {} : { port }) }),
    openHomeCluster: (options) => openHomeCluster(options),
    openInBrowser: (target) => openInBrowser(target, env),
    walk: async (request, onChanges, signal) => {
      const disk = createThreadedDisk();
      try {
        return await disk.scan(0, request, onChanges, signal);
      } finally {
        await disk.close();
      }
    },
  };
}
