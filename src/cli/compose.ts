import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ArvadosApi } from '../api/arvados-api.ts';
import { RemoteEvents as ServerEvents } from '../api/events.ts';
import { remoteEventPorts } from '../api/remote-event-ports.ts';
import { readAccountSettings } from '../api/settings-sources.ts';
import { KeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import { silentLog } from '../base/log.ts';
import { startClusterInThread } from '../cluster/cluster-in-thread.ts';
import type { Settings } from '../contract/settings.ts';
import type { RemoteEvents } from '../engine/ports.ts';
import { createEngine } from '../engine.ts';
import { createKeepClient, type KeepClient } from '../keep/keep-client.ts';
import { servicesFromEnv } from '../keep/services-from-env.ts';
import { createThreadedDisk } from '../local/threaded-disk.ts';
import { createThreadedWatcher } from '../local/threaded-watcher.ts';
import { openThreadedJournal } from '../sync/threaded-journal.ts';
import { accountFacts, askWhoAmI } from './account-facts.ts';
import type { CliEnvironment } from './environment.ts';
import { systemCode } from './profile/durable-file.ts';
import type { CliServices, Connection, EngineRequest, RunningEngine } from './services.ts';
import { VERSION } from './version.ts';

/** What commands have done, by the real program. The one place where the CLI puts the stages together. */
export function composeServices(env: CliEnvironment): CliServices {
  return {
    ambientAccount: async () =>
      readAccountSettings({ env: env.env, homeDir: env.home, readText: readTextIfThere }),
    whoAmI: async (connection, signal) => {
      const api = await openApi(env, connection, silentLog);
      try {
        return await askWhoAmI(api, signal);
      } finally {
        api.close();
      }
    },
    openEngine: (request) => openEngine(env, request),
    openCollections: async (connection, settings, log) => {
      const api = await openApi(env, connection, log);
      const keep = await openKeep(env, connection, api, settings, log);
      return {
        keep,
        read: async (uuidOrPdh, signal) => await api.collections.getWithManifest(uuidOrPdh, signal),
        close: async () => {
          await keep.close();
          api.close();
        },
      };
    },
    startCluster: ({ dataDir, port, log }) =>
      startClusterInThread({ dataDir, log, ...(port === undefined ? {} : { port }) }),
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

function readTextIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') {
      return undefined;
    }
    throw thrown;
  }
}

/** The private authority's certificates. Throws USAGE where the file cannot be read. */
async function readCa(caFile: string | null): Promise<string | undefined> {
  if (caFile === null) {
    return undefined;
  }
  try {
    return await readFile(caFile, 'utf8');
  } catch (thrown) {
    throw new KeepsyncError(
      'USAGE',
      `The CA file ${caFile} cannot be read (${systemCode(thrown) ?? 'unknown'})`,
      {
        action: 'Correct its path, or take it out of SSL_CERT_FILE or the settings.',
        cause: thrown,
      },
    );
  }
}

async function openApi(env: CliEnvironment, connection: Connection, log: LogPort): Promise<ArvadosApi> {
  return new ArvadosApi({
    host: connection.host,
    token: connection.token,
    insecure: connection.insecure,
    ca: await readCa(connection.caFile),
    clock: env.clock,
    random: env.random,
    log,
  });
}

async function openKeep(
  env: CliEnvironment,
  connection: Connection,
  api: ArvadosApi,
  settings: Settings,
  log: LogPort,
): Promise<KeepClient> {
  const named = servicesFromEnv(env.env);
  const ca = await readCa(connection.caFile);
  return createKeepClient({
    token: connection.token,
    services: async () => named ?? (await api.keepServices()),
    threads: settings.uploads.threads,
    tls: { rejectUnauthorized: !connection.insecure, ...(ca === undefined ? {} : { ca }) },
    allowPlainHttp: connection.allowPlainHttpKeep,
    attempts: settings.network.retries + 1,
    uploadBytesPerSecond: settings.network.uploadLimitBytesPerSecond,
    clock: env.clock,
    random: env.random,
    log,
  });
}

async function openEngine(env: CliEnvironment, request: EngineRequest): Promise<RunningEngine> {
  const { connection, log, journalFile } = request;
  const settings = request.settings.get();
  /** Closed in the reverse order, the engine first. */
  const closers: Array<() => Promise<void> | void> = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) {
      await close();
    }
  };
  try {
    const api = await openApi(env, connection, log);
    closers.push(() => api.close());
    const facts = await accountFacts(api, connection, `${journalFile}.account`);
    const keep = await openKeep(env, connection, api, settings, log);
    closers.push(() => keep.close());
    const journal = await openThreadedJournal({ path: journalFile, nowMs: env.clock.nowMs() });
    closers.push(() => journal.close());
    if (journal.movedAside !== null) {
      request.tell(
        `The journal was damaged and moved to ${journal.movedAside}; everything is looked at again`,
      );
    }
    if (facts.isNewToken) {
      await journal.expireSignatures();
    }
    await facts.remember();
    const disk = createThreadedDisk({ journalPath: journalFile });
    closers.push(() => disk.close());
    const engine = await createEngine({
      owner: request.owner,
      version: VERSION,
      clock: env.clock,
      random: env.random,
      log,
      settings: request.settings,
      pairs: request.pairs,
      journal,
      disk,
      watcher: request.watch
        ? createThreadedWatcher({ watchEntriesMax: settings.sync.watchEntriesMax })
        : undefined,
      keep,
      store: api.collections,
      account: facts.account,
      events: request.watch ? serverEvents(env, api, connection.token, log) : undefined,
      onLimit: (bytesPerSecond) => keep.setLimit(bytesPerSecond),
      conflicts: request.conflicts,
      onStop: request.onStop,
    });
    let closing: Promise<void> | undefined;
    return {
      engine,
      close: (how) => {
        closing ??= engine.close(how).finally(closeAll);
        return closing;
      },
    };
  } catch (thrown) {
    await closeAll();
    throw thrown;
  }
}

/** Events of the server as the engine takes them: which collection was changed. */
function serverEvents(env: CliEnvironment, api: ArvadosApi, token: string, log: LogPort): RemoteEvents {
  const events = new ServerEvents({
    ports: remoteEventPorts(api, token),
    clock: env.clock,
    random: env.random,
    log,
    isWanted: (uuid) => uuid.includes('-4zz18-'),
  });
  return {
    onCollection: (listener) => {
      events.events.on('change', (change) => listener(change.objectUuid));
      events.start();
    },
    close: () => events.close(),
  };
}
