import type { ClusterConfig } from '../api/cluster-config.ts';
import type { Discovery } from '../api/discovery.ts';
import type { ProjectRecord } from '../api/projects.ts';
import type { CommandHost } from '../contract/commands.ts';
import type { About } from '../contract/shell.ts';
import type { AccountDesk } from './account-desk.ts';
import type { ChosenPaths } from './chosen-paths.ts';
import type { DiagnosticsDesk } from './diagnostics.ts';
import { ignoringPattern } from './ignored-path.ts';
import type { Previews } from './previews.ts';
import { PROJECTS_MAX, projectList } from './project-list.ts';
import type { ShellHandlers } from './shell-calls.ts';
import type { SignInChecks } from './sign-in-checks.ts';

/** What the shell asks the cluster. */
export interface ShellApi {
  readonly projects: { list(): AsyncIterable<ProjectRecord> };
  config(): Promise<ClusterConfig>;
  discovery(): Promise<Discovery>;
}

export interface SharedCallPorts {
  readonly host: CommandHost;
  readonly account: Pick<AccountDesk, 'signIn' | 'signOut'>;
  readonly about: () => Promise<About>;
  readonly checks: SignInChecks;
  readonly previews: Previews;
  readonly diagnostics: DiagnosticsDesk;
  /** Undefined: any path may be looked at, as in a browser of the same person, where there is no dialog. */
  readonly paths: ChosenPaths | undefined;
  /** Lends the API of whoever is signed in. Throws NOT_SIGNED_IN. */
  readonly withApi: <T>(work: (api: ShellApi) => Promise<T>) => Promise<T>;
}

const done = { ok: true } as const;

/** The shell calls that need no desktop: the same in Electron and in a browser. */
export function sharedCalls(ports: SharedCallPorts): ShellHandlers {
  const { host, account, checks, previews, diagnostics, paths } = ports;
  return {
    about: () => ports.about(),
    signIn: async (input) => {
      await account.signIn(input);
      return done;
    },
    signOut: async () => {
      await account.signOut();
      return done;
    },
    check: ({ signIn, check }) => checks.check(signIn, check),
    listProjects: () =>
      ports.withApi(async (api) => {
        const records: ProjectRecord[] = [];
        for await (const record of api.projects.list()) {
          if (records.push(record) >= PROJECTS_MAX) {
            break;
          }
        }
        return projectList(records);
      }),
    storage: () =>
      ports.withApi(async (api) => {
        const [config, discovery] = await Promise.all([api.config(), api.discovery()]);
        return {
          classes: [...config.storageClasses],
          defaultClasses: [...config.defaultStorageClasses],
          replication: discovery.defaultCollectionReplication,
        };
      }),
    previewFolder: async (input) => {
      await paths?.require(input.diskPath);
      return await previews.preview(input);
    },
    testPath: async ({ folderId, path }) => {
      const { config } = await host.run('folders.get', { folderId });
      const root = config.roots[0];
      const pattern =
        root === undefined ? null : await ignoringPattern(root.diskPath, config.rules.patterns, path);
      return { pattern };
    },
    diagnostics: () => diagnostics.collect(),
    readDiagnostics: async ({ name }) => ({ text: await diagnostics.read(name) }),
  };
}

/** Where a collection is in Workbench; null where the cluster names none, or the folder has no collection yet. */
export async function workbenchUrl(
  host: CommandHost,
  folderId: string,
  config: () => Promise<ClusterConfig>,
): Promise<string | null> {
  const { status } = await host.run('folders.get', { folderId });
  const base = (await config()).workbenchUrl;
  if (base === undefined || status.collectionUuid === null || !/^https?:\/\//.test(base)) {
    return null;
  }
  return new URL(`collections/${status.collectionUuid}`, base.endsWith('/') ? base : `${base}/`).href;
}
