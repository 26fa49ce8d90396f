import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArvadosApi } from '../../src/api/arvados-api.ts';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { startCluster } from '../../src/cluster/cluster.ts';
import type { LocalCluster } from '../../src/cluster/cluster-options.ts';
import { defaultSettings, folderConfigSchema } from '../../src/contract/settings.ts';
import type { StatusSnapshot } from '../../src/contract/status.ts';
import type { Engine, OnceResult, Pair } from '../../src/engine/ports.ts';
import { createEngine } from '../../src/engine.ts';
import { HttpKeepClient } from '../../src/keep/http-keep-client.ts';
import type { KeepTimeouts } from '../../src/keep/keep-request.ts';
import type { BlockStore, KeepService } from '../../src/keep/ports.ts';
import { RetryRounds } from '../../src/keep/retry-rounds.ts';
import { RetryingStore } from '../../src/keep/retrying-store.ts';
import { openJournalView } from '../../src/local/journal-view.ts';
import { openJournal } from '../../src/sync/journal.ts';
import { makeTestCertificate, type TestCertificate } from './api-certificate.ts';
import { filesOf } from './fake-collections.ts';
import { FaultFront } from './fault-front.ts';
import { SimDisk } from './sim-disk.ts';
import { createSimLocalDisk } from './sim-disk-local.ts';

const ROOT = '/data/run';

/** Pauses of the engine, such as the one between two snapshots for people, are a twentieth of what they are. */
const quickClock: Clock = {
  ...systemClock,
  setTimer: (delayMs, fire) => systemClock.setTimer(delayMs / 20, fire),
};

/** Rounds of the Keep client and tries of the API client: enough to see that they try again. */
export const ATTEMPTS = 3;

/** The local cluster, with a front before its API and one before its Keep server. */
export class FaultStage {
  readonly cluster: LocalCluster;
  readonly api: FaultFront;
  readonly keep: FaultFront;
  readonly certificate: TestCertificate;
  readonly #folder: string;

  private constructor(
    cluster: LocalCluster,
    api: FaultFront,
    keep: FaultFront,
    certificate: TestCertificate,
    folder: string,
  ) {
    this.cluster = cluster;
    this.api = api;
    this.keep = keep;
    this.certificate = certificate;
    this.#folder = folder;
  }

  static async start(): Promise<FaultStage> {
    const folder = mkdtempSync(join(tmpdir(), 'keepsync-faults-'));
    const certificate = await makeTestCertificate();
    const cluster = await startCluster({
      dataDir: folder,
      log: silentLog,
      keepServers: 1,
      copies: 1,
      preserveVersionIfIdleSeconds: 0,
      // With a hook, everything runs on this thread: it is quicker to start.
      onRequest: () => undefined,
    });
    const api = await FaultFront.start(`https://${cluster.apiHost}`, certificate);
    const keep = await FaultFront.start(cluster.keepUrls[0] ?? '');
    return new FaultStage(cluster, api, keep, certificate, folder);
  }

  /** The Keep server as it is reached through its front, or elsewhere. */
  service(baseUrl = this.keep.url): KeepService {
    return { uuid: 'zzzzz-bi6l4-000000000000000', baseUrl, serviceType: 'disk', readOnly: false };
  }

  /** The network is well again. Throws where a scripted fault was never met. */
  heal(): void {
    this.api.heal();
    this.keep.heal();
  }

  async close(): Promise<void> {
    await Promise.all([this.api, this.keep].map((front) => front.close()));
    await this.cluster.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface FaultWorldOptions {
  readonly clock?: Clock;
  readonly token?: string;
  readonly ca?: string;
  readonly timeouts?: Partial<KeepTimeouts>;
  readonly copies?: number;
  readonly storageClasses?: readonly string[];
  /** Longest silence of the API, milliseconds. */
  readonly apiTimeoutMs?: number;
  readonly maxAnswerBytes?: number;
  /** Instead of the fronts. */
  readonly services?: (api: ArvadosApi) => Promise<readonly KeepService[]>;
  readonly tokenExpiresAtMs?: number;
  /** The token is another one than last time: what the account's facts tell. */
  readonly isNewToken?: boolean;
  /** Instead of a client on this thread. */
  readonly keep?: BlockStore;
}

/** What one run of `put` came to. */
export interface Run {
  readonly result: OnceResult;
  readonly status: StatusSnapshot;
}

/** One folder that is uploaded once, by the real engine with the real clients, to the cluster behind the fronts. */
export class FaultWorld {
  readonly disk = new SimDisk({ nowMs: () => Date.now() });
  readonly stage: FaultStage;
  readonly #folder = mkdtempSync(join(tmpdir(), 'keepsync-fault-world-'));
  #pairs: readonly Pair[];

  constructor(stage: FaultStage) {
    this.stage = stage;
    const name = `run ${randomBytes(8).toString('hex')}`;
    const config = folderConfigSchema.parse({
      roots: [{ diskPath: ROOT, prefix: '' }],
      name,
      target: { collectionName: name },
    });
    this.#pairs = [
      { publicId: 'pair01', createId: randomBytes(12).toString('hex'), clusterId: null, config },
    ];
    // Bytes of their own, so that the cluster has none of them: small files share a block, the large one takes three.
    this.write('a.txt', randomBytes(100));
    this.write('sub/b.txt', randomBytes(3_000));
    this.write('large.bin', randomBytes(150_000));
  }

  write(path: string, content: Uint8Array): void {
    this.disk.write(`${ROOT}/${path}`, content);
  }

  mkdir(path: string): void {
    this.disk.mkdir(`${ROOT}/${path}`);
  }

  /** As `put` of the same paths once more: a new client on the same journal. Failed files are tried again. */
  async run(options: FaultWorldOptions = {}): Promise<Run> {
    const clock = options.clock ?? quickClock;
    const api = this.openApi(options);
    const keep = options.keep ?? this.openKeep(api, options);
    const journal = openJournal({ path: join(this.#folder, 'journal.sqlite') });
    const disk = createSimLocalDisk(this.disk, openJournalView(join(this.#folder, 'journal.sqlite')));
    const engine = await createEngine({
      owner: 'command',
      version: '0.0.0',
      clock,
      random: systemRandom,
      log: silentLog,
      settings: { get: () => defaultSettings, set: () => defaultSettings },
      pairs: {
        load: async () => this.#pairs,
        save: async (pairs) => {
          this.#pairs = pairs;
        },
      },
      journal,
      renewJournal: async () => journal,
      disk,
      watcher: undefined,
      keep,
      store: api.collections,
      account: {
        host: 'sim.example',
        clusterId: null,
        user: 'someone',
        local: false,
        tokenExpiresAtMs: options.tokenExpiresAtMs ?? null,
        tokenId: 'zzzzz-gj3su-000000000000001',
        defaultCopies: options.copies ?? 1,
        defaultStorageClasses: options.storageClasses ?? [],
        signatureTtlMs: 14 * 86_400_000,
      },
      events: undefined,
      onLimit: () => undefined,
      conflicts: 'keep-beside',
      blockSizeBytes: 65_536,
      onStop: () => undefined,
    });
    try {
      if (options.isNewToken) {
        await journal.expireSignatures();
      }
      await journal.retry((await journal.openFolder('pair01')).id, { nowMs: clock.nowMs() });

      const result = await engine.runOnce('pair01', 0);
      return { result, status: await toldStatus(engine, result) };
    } finally {
      await engine.close({ finish: false });
      await disk.close();
      await journal.close();
      await keep.close();
      api.close();
    }
  }

  openApi(options: FaultWorldOptions = {}): ArvadosApi {
    const api = new ArvadosApi({
      host: new URL(this.stage.api.url).host,
      token: options.token ?? this.stage.cluster.token,
      ca: options.ca ?? this.stage.certificate.certificatePem,
      clock: options.clock ?? systemClock,
      random: systemRandom,
      log: silentLog,
      requestTimeoutMs: options.apiTimeoutMs,
      maxAnswerBytes: options.maxAnswerBytes,
      retryPolicy: { maxAttempts: ATTEMPTS, baseDelayMs: 1, maxDelayMs: 5 },
    });
    api.client.noteTokenExpiry(options.tokenExpiresAtMs);
    return api;
  }

  openKeep(api: ArvadosApi, options: FaultWorldOptions = {}): RetryingStore {
    const { services } = options;
    const client = new HttpKeepClient({
      token: options.token ?? this.stage.cluster.token,
      services: services === undefined ? async () => [this.stage.service()] : () => services(api),
      ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
    });
    return new RetryingStore(client, new RetryRounds({ attempts: ATTEMPTS, baseMs: 1, capMs: 5 }));
  }

  /** What the folder holds, as md5 by path. */
  local(): Map<string, string> {
    return new Map(
      this.disk
        .filesBelow(ROOT)
        .map((path) => [path.slice(ROOT.length + 1), md5(this.disk.bytesOf(path))] as const),
    );
  }

  /** What the pair's collections hold, read by real clients that meet whatever the fronts have in store for reads. */
  async remote(options: FaultWorldOptions = {}): Promise<Map<string, string>> {
    const api = this.openApi(options);
    const keep = this.openKeep(api, options);
    try {
      const uuids = await this.#collections(api);
      if (uuids.length > 1) {
        throw new Error(`there are ${uuids.length} collections instead of one`);
      }
      const files = new Map<string, string>();
      for (const uuid of uuids) {
        const { manifestText } = await api.collections.getWithManifest(uuid);
        for (const [path, ranges] of filesOf(manifestText)) {
          if (path.endsWith('/')) {
            // An empty folder.
            continue;
          }
          const parts: Uint8Array[] = [];
          for (const { locator, offset, length } of ranges) {
            parts.push((await keep.get(locator)).subarray(offset, offset + length));
          }
          files.set(path, md5(Buffer.concat(parts)));
        }
      }
      return files;
    } finally {
      await keep.close();
      api.close();
    }
  }

  /** Uuids of the collections that were made for this pair: never more than one. */
  async #collections(api: ArvadosApi): Promise<string[]> {
    const uuids: string[] = [];
    for await (const { uuid } of api.collections.list({
      filters: [['name', 'like', `${this.#pairs[0]?.config.name}%`]],
    })) {
      uuids.push(uuid);
    }
    return uuids;
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What people are shown follows within a quarter of a second. */
async function toldStatus(engine: Engine, result: OnceResult): Promise<StatusSnapshot> {
  const untilMs = Date.now() + 120_000;
  for (;;) {
    const status = await engine.run('status.get', {});
    const isTold = result.outcome === 'failed' ? status.problems.length > 0 : status.tray === 'ready';
    if (isTold || Date.now() > untilMs) {
      return status;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function codesOf(result: OnceResult): ErrorCode[] {
  return [...new Set(result.failures.map(({ error }) => error.code))].sort();
}

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
