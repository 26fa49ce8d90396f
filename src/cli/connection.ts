import { KeepsyncError } from '../base/errors.ts';
import { runningClusterEnv } from '../cluster/data-folder.ts';
import type { Settings } from '../contract/settings.ts';
import type { Connection } from '../engine/connection.ts';
import type { TokenFile } from '../profile/token-file.ts';
import type { CliEnvironment } from './environment.ts';
import type { CliServices } from './services.ts';

/**
 * Which cluster, and with whose token: the environment first, as for the Arvados commands; then the profile's own sign-in;
 * then settings.conf. Throws NOT_SIGNED_IN where there is none.
 */
export async function findConnection(options: {
  readonly services: CliServices;
  readonly env: CliEnvironment['env'];
  readonly settings: Settings;
  readonly tokenFile: TokenFile;
  /** Where the profile's own cluster keeps its address and token. */
  readonly clusterDir: string;
}): Promise<Connection> {
  const { env, settings } = options;
  const ambient = async (): Promise<Connection | undefined> => {
    const found = await options.services.ambientAccount();
    return found === undefined
      ? undefined
      : {
          host: found.host,
          token: found.token,
          insecure: found.insecure,
          caFile: env.SSL_CERT_FILE || settings.account.caFile,
          allowPlainHttpKeep: settings.account.host === found.host && settings.account.allowPlainHttpKeep,
          proxy: settings.network.proxy,
          local: settings.account.local && settings.account.host === found.host,
          origin: found.origin,
        };
  };
  if (env.ARVADOS_API_HOST || env.ARVADOS_API_TOKEN) {
    const found = await ambient();
    if (found !== undefined) {
      return found;
    }
  }
  const { account } = settings;
  if (account.local) {
    const own = runningClusterEnv(options.clusterDir);
    if (own?.ARVADOS_API_HOST && own.ARVADOS_API_TOKEN) {
      return {
        host: own.ARVADOS_API_HOST,
        token: own.ARVADOS_API_TOKEN,
        insecure: false,
        caFile: own.SSL_CERT_FILE || account.caFile,
        allowPlainHttpKeep: false,
        proxy: settings.network.proxy,
        local: true,
        origin: 'profile',
      };
    }
  }
  if (account.host !== null) {
    const token = await options.tokenFile.read(account.host);
    if (token !== undefined) {
      return {
        host: account.host,
        token,
        insecure: account.insecure,
        caFile: account.caFile ?? (env.SSL_CERT_FILE || null),
        allowPlainHttpKeep: account.allowPlainHttpKeep,
        proxy: settings.network.proxy,
        local: account.local,
        origin: 'profile',
      };
    }
  }
  const found = await ambient();
  if (found !== undefined) {
    return found;
  }
  throw new KeepsyncError('NOT_SIGNED_IN', 'Not signed in to any cluster', {
    action: 'Use "keepsync login", or set ARVADOS_API_HOST and ARVADOS_API_TOKEN.',
  });
}
