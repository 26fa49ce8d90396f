import { VERSION } from '../base/version.ts';
import { openHomeCluster } from '../cluster/home-cluster.ts';
import type { CommandHost } from '../contract/commands.ts';
import type { Settings } from '../contract/settings.ts';
import type { About } from '../contract/shell.ts';
import {
  ambientAccount,
  checkConnection,
  type EngineEnvironment,
  openEngine,
  whoAmI,
  withApi,
} from '../engine/compose.ts';
import type { Connection } from '../engine/connection.ts';
import { openHeldEngine } from '../engine/held-engine.ts';
import type { PairStore, SettingsStore } from '../engine/ports.ts';
import type { LogFiles } from '../profile/log-files.ts';
import type { ProfilePaths } from '../profile/profile-paths.ts';
import { AccountDesk } from './account-desk.ts';
import type { ChosenPaths } from './chosen-paths.ts';
import { countInThread } from './count-in-thread.ts';
import type { DiagnosticsDesk } from './diagnostics.ts';
import { openDiagnostics } from './open-diagnostics.ts';
import { Previews } from './previews.ts';
import { sharedCalls, workbenchUrl } from './shared-calls.ts';
import type { ShellHandlers } from './shell-calls.ts';
import { SignInChecks } from './sign-in-checks.ts';
import type { TokenStore } from './token-store.ts';

export interface OwnerDeskOptions {
  readonly owner: 'desktop' | 'daemon';
  readonly env: EngineEnvironment;
  readonly paths: ProfilePaths;
  readonly settings: SettingsStore;
  readonly pairs: PairStore;
  readonly tokens: TokenStore;
  readonly log: LogFiles;
  readonly preferred?: () => Promise<Connection | undefined>;
  readonly hasTray: boolean;
  /** Versions of what it runs on, for the diagnostics. */
  readonly runtime: Readonly<Record<string, unknown>>;
  readonly onStop: (how: 'finish' | 'now') => void;
  readonly onSettings?: (settings: Settings) => void;
}

/** The owner of a profile with everything that a window asks for; the real stages, put together. */
export interface OwnerDesk {
  readonly account: AccountDesk;
  readonly diagnostics: DiagnosticsDesk;
  /** The shared shell calls. `host` is what they run commands on, `paths` what may be looked at. */
  calls(host: CommandHost, paths: ChosenPaths | undefined): ShellHandlers;
  /** Address of a folder's collection in Workbench; null where there is none. */
  workbenchUrl(folderId: string): Promise<string | null>;
  close(how: { readonly finish: boolean }): Promise<void>;
}

export function createOwnerDesk(options: OwnerDeskOptions): OwnerDesk {
  const { env, log, paths, settings, tokens } = options;
  const secrets: string[] = [];
  const hide = (token: string) => {
    const forms = [token, ...token.split('/').slice(2)].filter((secret) => !secrets.includes(secret));
    secrets.push(...forms);
    log.hide(forms);
  };
  const request = {
    owner: options.owner,
    settings,
    pairs: options.pairs,
    journalFile: paths.journalFile,
    log,
    onStop: options.onStop,
    tell: (message: string) => log.log('warn', message),
  };
  const account = new AccountDesk({
    owner: options.owner,
    version: VERSION,
    clock: env.clock,
    log,
    settings,
    tokens,
    pairs: options.pairs,
    hide,
    openEngine: (connection) =>
      openEngine(env, { ...request, connection, watch: true, conflicts: 'keep-beside' }),
    openHeld: (hold) => openHeldEngine(env, { ...request, hold }),
    startCluster: () => openHomeCluster({ dataDir: paths.clusterDir, log }),
    ...(options.preferred === undefined ? {} : { preferred: options.preferred }),
    ambient: () => ambientAccount(env),
    ambientCaFile: env.env.SSL_CERT_FILE || null,
    whoAmI: (connection, signal) => whoAmI(env, connection, signal),
    onStop: options.onStop,
    ...(options.onSettings === undefined ? {} : { onSettings: options.onSettings }),
  });
  const previews = new Previews({ clock: env.clock, start: countInThread });
  const checks = new SignInChecks({
    clock: env.clock,
    connectionOf: (signIn) => account.connectionOf(signIn),
    check: (connection) => checkConnection(env, connection, AbortSignal.timeout(60_000)),
  });
  const diagnostics = openDiagnostics({
    env,
    paths,
    settings,
    host: account,
    connection: async () => account.connection(),
    owner: options.owner,
    runtime: options.runtime,
    secrets: () => secrets,
    names: () => [],
  });
  const about = (): Promise<About> => aboutOf(options, account);
  return {
    account,
    diagnostics,
    calls: (host, chosen) =>
      sharedCalls({
        host,
        account,
        about,
        checks,
        previews,
        diagnostics,
        paths: chosen,
        withApi: (work) => withApi(env, account.connection(), work),
      }),
    workbenchUrl: (folderId) =>
      workbenchUrl(account, folderId, () => withApi(env, account.connection(), (api) => api.config())),
    close: async (how) => {
      await previews.close();
      await account.close(how);
    },
  };
}

const SYSTEM_NAMES: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };

async function aboutOf(options: OwnerDeskOptions, account: AccountDesk): Promise<About> {
  const { platform } = process;
  const found = await account.ambient();
  return {
    platform: platform === 'linux' || platform === 'darwin' || platform === 'win32' ? platform : 'other',
    systemName: SYSTEM_NAMES[platform] ?? platform,
    tokenIsKept: options.tokens.kept,
    hasTray: options.hasTray,
    environmentHost: found?.host ?? null,
    environmentFrom:
      found === undefined ? null : found.origin === 'environment' ? 'environment' : 'settings.conf',
    localCluster: true,
  };
}
