import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ArvadosApi } from '../api/arvados-api.ts';
import { type AccountChecks, checkAccount } from '../api/checks.ts';
import { RemoteEvents as ServerEvents } from '../api/events.ts';
import { reachKeepService } from '../api/reach-keep.ts';
import { remoteEventPorts } from '../api/remote-event-ports.ts';
import type { RetryPolicy } from '../api/retry.ts';
import { type AccountSettings, readAccountSettings } from '../api/settings-sources.ts';
import type { Clock } from '../base/clock.ts';
import { systemCode } from '../base/durable-file.ts';
import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import { type LogPort, silentLog } from '../base/log.ts';
import { proxyFrom } from '../base/proxy.ts';
import { newRequestId, type Random } from '../base/random.ts';
import { startTakes } from '../base/small-heaps.ts';
import { restThreads } from '../base/thread.ts';
import { VERSION } from '../base/version.ts';
import type { Settings } from '../contract/settings.ts';
import { createEngine } from '../engine.ts';
import { createKeepClient, type KeepClient } from '../keep/keep-client.ts';
import type { RoundListener } from '../keep/retry-rounds.ts';
import { servicesFromEnv } from '../keep/services-from-env.ts';
import { createEarlyWatcher } from '../local/early-watcher.ts';
import { createThreadedDisk } from '../local/threaded-disk.ts';
import { createThreadedWatcher } from '../local/threaded-watcher.ts';
import type { OpenJournal } from '../sync/journal-database.ts';
import { openThreadedJournal } from '../sync/threaded-journal.ts';
import { accountFacts, askWhoAmI } from './account-facts.ts';
import type { Connection, EngineRequest, RunningEngine, WhoAmI } from './connection.ts';
import type { RemoteEvents } from './ports.ts';
import { openProfileJournal } from './profile-journal.ts';
import { Reachability } from './reachability.ts';

/** What the real stages take from the process. */
export interface EngineEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Host and token of the environment and settings.conf, as the Arvados commands take them. */
export async function ambientAccount(
  env: Pick<EngineEnvironment, 'env' | 'home'>,
): Promise<AccountSettings | undefined> {
  return readAccountSettings({ env: env.env, homeDir: env.home, readText: readTextIfThere });
}

/** Who a token belongs to. */
export async function whoAmI(
  env: EngineEnvironment,
  connection: Connection,
  signal: AbortSignal,
): Promise<WhoAmI> {
  const api = await openApi(env, connection, silentLog);
  try {
    return await askWhoAmI(api, signal);
  } finally {
    api.close();
  }
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

/** The API of a cluster. To be closed by the caller. */
export async function openApi(
  env: EngineEnvironment,
  connection: Connection,
  log: LogPort,
  retryPolicy?: RetryPolicy,
): Promise<ArvadosApi> {
  return new ArvadosApi({
    host: connection.host,
    token: connection.token,
    insecure: connection.insecure,
    ca: await readCa(connection.caFile),
    proxy: proxyFrom(connection.proxy ?? null, env.env),
    clock: env.clock,
    random: env.random,
    log,
    retryPolicy,
  });
}

/** Keep of a cluster, with its threads. To be closed by the caller. `cacheBytes`: of blocks that are read, to be kept at hand. */
export async function openKeep(
  env: EngineEnvironment,
  connection: Connection,
  api: ArvadosApi,
  settings: Settings,
  log: LogPort,
  more: { readonly onRound?: RoundListener; readonly cacheBytes?: number } = {},
): Promise<KeepClient> {
  const named = servicesFromEnv(env.env);
  const ca = await readCa(connection.caFile);
  return createKeepClient({
    token: connection.token,
    services: async () => named ?? (await api.keepServices()),
    threads: settings.uploads.threads,
    tls: {
      rejectUnauthorized: !connection.insecure,
      ...(ca === undefined ? {} : { ca }),
      proxy: proxyFrom(connection.proxy ?? null, env.env),
    },
    allowPlainHttp: connection.allowPlainHttpKeep,
    attempts: settings.network.retries + 1,
    ...more,
    uploadBytesPerSecond: settings.network.uploadLimitBytesPerSecond,
    clock: env.clock,
    random: env.random,
    log,
  });
}

/** In which most folders have been looked at; see `keepHeapsSmall`. */
const FIRST_LOOK_MS = 1_000;
/**
 * A command that took no longer for its blocks has little to save: to collect the garbage of all threads first would be a
 * twentieth of its processor time. What took longer may build a large save, and needs the memory of its blocks for that.
 */
const SHORT_MS = 10_000;

/** The engine with the real disk, journal and servers. Throws what they do, with everything closed again. */
export async function openEngine(env: EngineEnvironment, request: EngineRequest): Promise<RunningEngine> {
  const { connection, log, journalFile } = request;
  const settings = request.settings.get();
  const openedAtMs = env.clock.monotonicMs();
  if (request.watch) {
    startTakes(FIRST_LOOK_MS);
  }
  /** Closed in the reverse order, the engine first. */
  const closers: Array<() => Promise<void> | void> = [];
  const closeAll = async () => {
    // One that fails must not leave the threads of the others running.
    const failures: unknown[] = [];
    for (const close of closers.splice(0).reverse()) {
      try {
        await close();
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    if (failures.length > 0) {
      throw failures[0];
    }
  };
  try {
    const api = await openApi(env, connection, log);
    closers.push(() => api.close());
    const reachability = new Reachability(env.clock);
    closers.push(() => reachability.close());
    const keep = await openKeep(env, connection, api, settings, log, {
      onRound: (error) => reachability.note(error),
      // The engine reads a block once, to compare files with it: nothing to keep memory for.
      cacheBytes: 0,
    });
    closers.push(() => keep.close());
    let journal: OpenJournal | undefined;
    // After the disk, whose threads read the journal: who closes it last moves its log into the file. A log that is left
    // has to be read by the next start, and the first write after that moves it.
    closers.push(() => journal?.close());
    const watcher = request.watch
      ? createThreadedWatcher({ watchEntriesMax: settings.sync.watchEntriesMax, journalPath: journalFile })
      : undefined;
    const disk = createThreadedDisk({
      journalPath: journalFile,
      help: (asked) => watcher?.helpScan(asked),
    });
    closers.push(() => disk.close());
    closers.push(() => watcher?.close());
    const early = watcher && createEarlyWatcher(watcher, env.clock);
    closers.push(() => early?.close());
    const ask = async () => {
      // Their threads are needed at once: they start while the cluster is asked and the journal opens.
      disk.warmUp();
      if (request.watch) {
        watcher?.warmUp();
        for (const { config } of await request.pairs.load()) {
          if (!config.paused) {
            early?.begin(config.roots, config.rules);
          }
        }
      }
      return await accountFacts(api, connection, `${journalFile}.account`);
    };
    // The journal's thread first: everything waits for it.
    const [opened, asked] = await Promise.allSettled([openProfileJournal(env.clock, request), ask()]);
    if (opened.status === 'rejected') {
      throw asked.status === 'rejected' ? asked.reason : opened.reason;
    }
    journal = opened.value;
    if (asked.status === 'rejected') {
      throw asked.reason;
    }
    const facts = asked.value;
    const renewJournal = async () => {
      try {
        await journal?.close();
      } catch (thrown) {
        // It is to be moved aside: what it complains of is known.
        const { code, message } = asKeepsyncError(thrown);
        log.log('warn', 'The damaged journal did not close cleanly', { code, message });
      }
      journal = await openThreadedJournal({ path: journalFile, nowMs: env.clock.nowMs(), distrust: true });
      return journal;
    };
    if (facts.isNewToken) {
      await journal.expireSignatures();
    }
    await facts.remember();
    const engine = await createEngine({
      owner: request.owner,
      version: VERSION,
      clock: env.clock,
      random: env.random,
      log,
      settings: request.settings,
      pairs: request.pairs,
      journal,
      renewJournal,
      disk,
      watcher: early,
      keep,
      reachability,
      store: api.collections,
      account: facts.account,
      events: request.watch ? serverEvents(env, api, connection.token, log) : undefined,
      onFilling: () => keep.prepare(),
      onRetry: () => keep.hurry(),
      onLimit: (bytesPerSecond) => keep.setLimit(bytesPerSecond),
      onRest: () => {
        // A short command ends soon after its last block, and the threads' garbage with it.
        if (request.watch || env.clock.monotonicMs() - openedAtMs > SHORT_MS) {
          restThreads();
        }
      },
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
function serverEvents(env: EngineEnvironment, api: ArvadosApi, token: string, log: LogPort): RemoteEvents {
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
      events.events.on('doubt', () => listener(null));
      events.start();
    },
    close: () => events.close(),
  };
}

/** Somebody waits for the answer, and a server that fails now and then is worth knowing of. */
const CHECK_RETRIES: RetryPolicy = { maxAttempts: 2, baseDelayMs: 500, maxDelayMs: 2_000 };

/** Goes through everything that has to be right before the first byte can be saved; see `checkAccount`. */
export async function checkConnection(
  env: EngineEnvironment,
  connection: Connection,
  signal: AbortSignal,
): Promise<AccountChecks> {
  const api = await openApi(env, connection, silentLog, CHECK_RETRIES);
  try {
    return await checkAccount({
      client: api.client,
      clock: env.clock,
      keepServices: servicesFromEnv(env.env),
      reachKeep: (service, inner) =>
        reachKeepService(service, {
          tls: api.client.tls,
          clock: env.clock,
          requestId: newRequestId(env.random),
          signal: inner,
        }),
      signal,
    });
  } finally {
    api.close();
  }
}

/** Lends the API of a cluster for one piece of work. */
export async function withApi<T>(
  env: EngineEnvironment,
  connection: Connection,
  work: (api: ArvadosApi) => Promise<T>,
): Promise<T> {
  const api = await openApi(env, connection, silentLog);
  try {
    return await work(api);
  } finally {
    api.close();
  }
}
