import type { CliEnvironment } from './environment.ts';
import type { CliServices } from './services.ts';

/**
 * The real services, loaded with the first that is used: `keepsync status` and the like only speak to the running owner,
 * and start in half the time without the whole engine.
 */
export function lazyServices(env: CliEnvironment): CliServices {
  let loading: Promise<CliServices> | undefined;
  const services = () => {
    loading ??= import('./compose.ts').then(({ composeServices }) => composeServices(env));
    return loading;
  };
  return {
    ambientAccount: async () => (await services()).ambientAccount(),
    whoAmI: async (connection, signal) => (await services()).whoAmI(connection, signal),
    openDiagnostics: async (options) => (await services()).openDiagnostics(options),
    openOwnerDesk: async (options) => (await services()).openOwnerDesk(options),
    openEngine: async (request) => (await services()).openEngine(request),
    openCollections: async (connection, settings, log) =>
      (await services()).openCollections(connection, settings, log),
    startCluster: async (options) => (await services()).startCluster(options),
    openHomeCluster: async (options) => (await services()).openHomeCluster(options),
    openInBrowser: async (target) => (await services()).openInBrowser(target),
    walk: async (request, onChanges, signal) => (await services()).walk(request, onChanges, signal),
  };
}
