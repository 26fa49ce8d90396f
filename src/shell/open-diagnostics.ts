import { homedir, release, userInfo } from 'node:os';
import { VERSION } from '../base/version.ts';
import type { CommandHost } from '../contract/commands.ts';
import { checkConnection, type EngineEnvironment } from '../engine/compose.ts';
import type { Connection } from '../engine/connection.ts';
import type { SettingsStore } from '../engine/ports.ts';
import type { ProfilePaths } from '../profile/profile-paths.ts';
import { computerProbes } from './computer-probes.ts';
import { diagnose } from './diagnosis.ts';
import { DiagnosticsDesk } from './diagnostics.ts';
import { readTail } from './read-tail.ts';

/** A cluster that says nothing is given up so soon: somebody waits for the answer. */
const CLUSTER_WITHIN_MS = 20_000;

export interface DiagnosticsOptions {
  readonly env: EngineEnvironment;
  readonly paths: ProfilePaths;
  readonly settings: SettingsStore;
  readonly host: Pick<CommandHost, 'run'>;
  /** Throws NOT_SIGNED_IN. */
  readonly connection: () => Promise<Connection>;
  /** What runs: the desktop app, the daemon, a command. */
  readonly owner: string;
  /** Versions of what it runs on. */
  readonly runtime: Readonly<Record<string, unknown>>;
  readonly secrets: () => readonly string[];
  /** Names of this profile that the status may not tell: folders, while nothing runs. */
  readonly names: () => ReadonlyArray<readonly [string, string]>;
}

/** The diagnostics of a profile, with the real cluster and computer: the same for a window and for the command. */
export function openDiagnostics(options: DiagnosticsOptions): DiagnosticsDesk {
  const { env, paths, settings } = options;
  return new DiagnosticsDesk({
    host: options.host,
    diagnose: () =>
      diagnose(
        {
          connection: options.connection,
          checkAccount: (connection, signal) => checkConnection(env, connection, signal),
          computer: computerProbes,
          stateDir: paths.stateDir,
          journalFile: paths.journalFile,
          watchEntriesMax: settings.get().sync.watchEntriesMax,
        },
        AbortSignal.timeout(CLUSTER_WITHIN_MS),
      ),
    readLog: (maxBytes) => readTail(paths.logFile, maxBytes),
    system: () => ({
      keepsync: VERSION,
      owner: options.owner,
      platform: process.platform,
      arch: process.arch,
      release: release(),
      ...options.runtime,
      memory: process.memoryUsage(),
      uptimeSeconds: Math.round(process.uptime()),
    }),
    secrets: options.secrets,
    names: () => [
      [paths.stateDir, '<profile>'],
      [paths.configDir, '<profile>'],
      [homedir(), '<home>'],
      [userInfo().username, '<user>'],
      ...options.names(),
    ],
  });
}
