import type { AddressInfo } from 'node:net';
import { type CancelTimer, systemClock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import { DEFAULT_SIGNING_TTL_SECONDS } from '../keep/signature.ts';
import { createApiServer } from './api-server.ts';
import { loadCertificate, type ServerCertificate } from './certificate.ts';
import type { ClusterContext, KeepServiceRecord } from './cluster-context.ts';
import type { ClusterOptions, LocalCluster } from './cluster-options.ts';
import { type ClusterIdentity, clusterEnv, DataFolder, keepServiceUuid } from './data-folder.ts';
import { EventLog } from './event-log.ts';
import { EventSocket } from './event-socket.ts';
import { closeServer, listen } from './http-listening.ts';
import type { KeepServer } from './keep-server.ts';
import { startKeepServerSomewhere } from './keep-servers.ts';
import type { KeepServerSettings } from './keep-settings.ts';
import { Records } from './records.ts';
import { sweepTrash } from './trash-sweep.ts';
import { adoptToken, findCaller, insertToken, insertUser } from './users.ts';

const DEFAULT_HOST = '127.0.0.1';
const SWEEP_INTERVAL_MS = 60_000;
/** Defaults of Arvados' own configuration: API.MaxRequestSize, PreserveVersionIfIdle, DefaultTrashLifetime. */
const MAX_REQUEST_BYTES = 128 << 20;
const PRESERVE_VERSION_IF_IDLE_SECONDS = 10;
const TRASH_LIFETIME_SECONDS = 336 * 3600;

/**
 * Starts the local cluster: an Arvados API on https and Keep servers, for people without a cluster, for tests and for
 * the first run. All that it is told is on disk before it answers, and there again after a restart.
 *
 * Throws LOCKED where another cluster uses the folder, USAGE where the port is taken, STATE where the folder is damaged.
 */
export async function startCluster(options: ClusterOptions): Promise<LocalCluster> {
  const undo: Array<() => void | Promise<void>> = [];
  try {
    return await compose(options, undo);
  } catch (thrown) {
    for (const step of undo.reverse()) {
      await step();
    }
    throw thrown;
  }
}

async function compose(
  options: ClusterOptions,
  undo: Array<() => void | Promise<void>>,
): Promise<LocalCluster> {
  const clock = options.clock ?? systemClock;
  const host = options.host ?? DEFAULT_HOST;
  const folder = new DataFolder(options.dataDir);
  const records = new Records(folder.recordsFile);
  undo.push(() => records.close());
  let identity = folder.loadIdentity();
  // TLS looks at the real time, whatever the cluster's own clock says
  const certificate = await loadCertificate(folder, systemClock.nowMs());

  const keep = await startKeep(options, identity, folder, certificate, undo);
  let services: readonly KeepServiceRecord[] = [];
  const context: ClusterContext = {
    identity,
    records,
    events: new EventLog(records, clock, identity.clusterId),
    clock,
    log: options.log,
    signing: {
      key: identity.blobSigningKey,
      ttlSeconds: options.blobSigningTtlSeconds ?? DEFAULT_SIGNING_TTL_SECONDS,
    },
    limits: {
      defaultReplication: options.copies ?? Math.min(2, keep.length),
      maxRequestSize: options.maxRequestSize ?? MAX_REQUEST_BYTES,
      preserveVersionIfIdleSeconds: options.preserveVersionIfIdleSeconds ?? PRESERVE_VERSION_IF_IDLE_SECONDS,
      trashLifetimeSeconds: TRASH_LIFETIME_SECONDS,
    },
    storageClasses: storageClassesOf(options),
    keepServices: () => services,
    syncBlocks: async () => {
      if (options.fsync === 'onSave') {
        await Promise.all(keep.map((server) => server.sync()));
      }
    },
  };
  const token = adminToken(context, folder);

  const server = createApiServer(context, certificate, options.onRequest);
  const events = new EventSocket(context, server);
  await listen(server, options.port ?? identity.apiPort, host);
  const apiPort = (server.address() as AddressInfo).port;
  undo.push(async () => {
    events.close();
    await closeServer(server);
  });
  const keepPorts = keep.map((one) => one.port);
  identity = rememberPorts(
    folder,
    identity,
    options.port === undefined ? apiPort : identity.apiPort,
    keepPorts,
  );
  services = keep.map((one, index) => ({
    uuid: keepServiceUuid(identity, index),
    host: host === '::1' ? '[::1]' : 'localhost',
    port: one.port,
    isTls: options.keepTls === true,
    isReadOnly: options.readOnlyKeep?.includes(index) === true,
  }));

  let cancelSweep: CancelTimer = () => undefined;
  const scheduleSweep = () => {
    cancelSweep = clock.setTimer(SWEEP_INTERVAL_MS, () => {
      try {
        sweepTrash(context);
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown.message : String(thrown);
        options.log.log('error', 'Emptying the trash failed', { error });
      }
      scheduleSweep();
    });
  };
  scheduleSweep();
  undo.push(() => cancelSweep());

  const apiHost = `localhost:${apiPort}`;
  folder.saveApiHost(apiHost);
  let closing: Promise<void> | undefined;
  options.log.log('info', 'The local cluster is up', { apiHost, keepServers: keep.length });
  return {
    apiHost,
    clusterId: identity.clusterId,
    caFile: folder.certificateFile,
    token,
    keepUrls: services.map((one) => `${one.isTls ? 'https' : 'http'}://${one.host}:${one.port}`),
    keepFolders: keep.map((_, index) => folder.keepFolder(index)),
    env: () => clusterEnv(apiHost, token, folder.certificateFile),
    createUser: async (wanted = {}) =>
      records.transaction(() =>
        insertToken(
          context,
          insertUser(context, { isAdmin: wanted.admin === true, name: wanted.name ?? 'User' }),
        ),
      ),
    sweep: async () => sweepTrash(context),
    close: () => {
      closing ??= (async () => {
        for (const step of undo.reverse()) {
          await step();
        }
      })();
      return closing;
    },
  };
}

async function startKeep(
  options: ClusterOptions,
  identity: ClusterIdentity,
  folder: DataFolder,
  certificate: ServerCertificate,
  undo: Array<() => void | Promise<void>>,
): Promise<KeepServer[]> {
  const count = options.keepServers ?? 1;
  if (!Number.isInteger(count) || count < 1) {
    throw new KeepsyncError('USAGE', `The local cluster needs at least one Keep server, not ${count}`);
  }
  const classes = storageClassesOf(options);
  const names = Object.keys(classes);
  // a clock or a fault hook cannot follow into a thread
  const isInline = options.clock !== undefined || options.onRequest !== undefined;
  const servers: KeepServer[] = [];
  for (let index = 0; index < count; index += 1) {
    const settings: KeepServerSettings = {
      index,
      uuid: keepServiceUuid(identity, index),
      folder: folder.keepFolder(index),
      host: options.host ?? DEFAULT_HOST,
      port: identity.keepPorts[index] ?? 0,
      ...(options.keepTls === true ? { tls: certificate } : {}),
      blobSigningKey: identity.blobSigningKey,
      blobSigningTtlSeconds: options.blobSigningTtlSeconds ?? DEFAULT_SIGNING_TTL_SECONDS,
      systemRootToken: identity.systemRootToken,
      managementToken: identity.managementToken,
      classes: options.keepClasses?.[index] ?? names,
      defaultClasses: names.filter((name) => classes[name]?.isDefault),
      isReadOnly: options.readOnlyKeep?.includes(index) === true,
      ...(options.keepQuotaBytes === undefined ? {} : { quotaBytes: options.keepQuotaBytes }),
      fsync: options.fsync ?? 'never',
    };
    const server = await startKeepServerSomewhere(
      settings,
      { clock: options.clock ?? systemClock, log: options.log, onRequest: options.onRequest },
      isInline,
    );
    undo.push(() => server.close());
    servers.push(server);
  }
  return servers;
}

function storageClassesOf(options: ClusterOptions): NonNullable<ClusterOptions['storageClasses']> {
  return options.storageClasses ?? { default: { isDefault: true } };
}

/** The admin and the token in the folder, made at the first start; a token that the records forgot works again. */
function adminToken(context: ClusterContext, folder: DataFolder): string {
  const { adminUserUuid } = context.identity;
  return context.records.transaction(() => {
    if (!context.records.get('SELECT 1 FROM users WHERE uuid = ?', adminUserUuid)) {
      insertUser(context, { uuid: adminUserUuid, isAdmin: true, name: 'Local Admin', username: 'admin' });
    }
    const token = folder.loadToken(() => insertToken(context, adminUserUuid));
    if (findCaller(context, token)?.userUuid !== adminUserUuid) {
      adoptToken(context, token, adminUserUuid);
    }
    return token;
  });
}

/** An explicit port is for this time only; a server that does not run now keeps its place. */
function rememberPorts(
  folder: DataFolder,
  identity: ClusterIdentity,
  apiPort: number,
  started: readonly number[],
): ClusterIdentity {
  const keepPorts = [...started, ...identity.keepPorts.slice(started.length)];
  const remembered = { ...identity, apiPort, keepPorts };
  if (JSON.stringify(remembered) !== JSON.stringify(identity)) {
    folder.saveIdentity(remembered);
  }
  return remembered;
}
