import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/base/clock.ts';
import type { KeepsyncError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Random } from '../../src/base/random.ts';
import {
  defaultSettings,
  type FolderConfig,
  folderConfigSchema,
  type Settings,
} from '../../src/contract/settings.ts';
import type { StatusSnapshot } from '../../src/contract/status.ts';
import { Reachability } from '../../src/engine/reachability.ts';
import { createEngine, type Engine, type Pair } from '../../src/engine.ts';
import { stripLocator } from '../../src/keep/locator.ts';
import { DEFAULT_SIGNING_TTL_SECONDS } from '../../src/keep/signature.ts';
import { openJournalView } from '../../src/local/journal-view.ts';
import type { LocalDisk, Watcher } from '../../src/local/ports.ts';
import { openJournal } from '../../src/sync/journal.ts';
import type { OpenJournal } from '../../src/sync/journal-database.ts';
import { FakeCollections } from './fake-collections.ts';
import { FakeKeep } from './fake-keep.ts';
import { SimClock } from './sim-clock.ts';
import { SimDisk } from './sim-disk.ts';
import { createSimLocalDisk } from './sim-disk-local.ts';
import { createSimWatcher, seededFractions } from './sim-disk-watcher.ts';

export interface WorldOptions {
  readonly seed?: number;
  /** Part of the watcher's hints that are lost, 0 to 1. */
  readonly dropRate?: number;
  readonly blockSizeBytes?: number;
  readonly settings?: (settings: Settings) => Settings;
  readonly replaceFiles?: boolean;
  /** What is between the client and the disk, the journal or the watcher. */
  readonly wrapDisk?: (disk: LocalDisk) => LocalDisk;
  readonly wrapJournal?: (journal: OpenJournal) => OpenJournal;
  readonly wrapWatcher?: (watcher: Watcher) => Watcher;
  /** How far the client's wall clock is ahead of everybody else's, milliseconds. */
  readonly clientAheadMs?: number;
}

/** Where the watched folder lies on the simulated disk. */
export const ROOT = '/data/run';

/**
 * A whole client on a simulated disk, clock, Keep and API, from one seed. The disk and the cluster outlive the client:
 * `crash` drops it as a kill would, `start` begins another one on the same journal.
 */
export class World {
  readonly clock = new SimClock();
  readonly disk = new SimDisk({ nowMs: () => this.clock.nowMs() });
  readonly keep: FakeKeep;
  readonly reachability = new Reachability(this.clock);
  /** How often a person wanted everything tried again at once. */
  hurried = 0;
  readonly collections: FakeCollections;
  readonly settings: Settings;
  /** Every snapshot's tray and per cent, to check that nothing was called saved too early. */
  readonly snapshots: StatusSnapshot[] = [];
  pairs: readonly Pair[] = [];
  /** What the file of the pairs waits for. */
  beforePairsAreSaved: () => Promise<void> = async () => undefined;
  /** The cluster that the next client is signed in to. */
  clusterId = 'zzzzz';
  /** Why the next client must do nothing. */
  hold: KeepsyncError | undefined;
  #engine: Engine | undefined;
  #journal: OpenJournal | undefined;
  #closeDisk: (() => Promise<void>) | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), 'keepsync-world-'));
  readonly #random: Random;
  readonly #options: WorldOptions;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    const fraction = seededFractions(options.seed ?? 1);
    this.#random = {
      fraction,
      bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(fraction() * 256)),
    };
    this.keep = new FakeKeep({ clock: this.clock });
    this.collections = new FakeCollections({
      nowMs: () => this.clock.nowMs(),
      sign: (locator) => this.keep.sign(locator),
      signatureHolds: (locator) =>
        locator.startsWith('d41d8cd98f00b204e9800998ecf8427e+0') || this.#holds(locator),
      blockExists: (stripped) =>
        stripped === 'd41d8cd98f00b204e9800998ecf8427e+0' || this.keep.blocks.has(stripped),
      ...(options.replaceFiles === undefined ? {} : { replaceFiles: options.replaceFiles }),
    });
    this.settings = (options.settings ?? ((settings) => settings))(structuredClone(defaultSettings));
    this.disk.mkdir(ROOT);
  }

  get engine(): Engine {
    if (this.#engine === undefined) {
      throw new Error('the client is not running');
    }
    return this.#engine;
  }

  get journalPath(): string {
    return join(this.#folder, 'journal.sqlite');
  }

  /** Begins a client; the first time with one pair on ROOT, unless there are pairs already. */
  async start(change: (config: FolderConfig) => FolderConfig = (config) => config): Promise<void> {
    await this.load(change);
    await this.engine.start();
  }

  /** What the server's events bring: which collection changed, or null where some may have been missed. */
  tellOfCollection: (uuid: string | null) => void = () => undefined;

  /** A client that has not begun with its folders, as for a single upload. */
  async load(change: (config: FolderConfig) => FolderConfig = (config) => config): Promise<void> {
    if (this.pairs.length === 0) {
      const config = folderConfigSchema.parse({
        roots: [{ diskPath: ROOT, prefix: '' }],
        name: 'run',
        target: { collectionName: 'run' },
        deletes: 'mirror',
      });
      this.pairs = [{ publicId: 'pair01', createId: 'create01', clusterId: null, config: change(config) }];
    }
    const journal = await openJournal({ path: this.journalPath });
    const { wrapDisk, wrapJournal, wrapWatcher, clientAheadMs = 0 } = this.#options;
    const simDisk = createSimLocalDisk(this.disk, openJournalView(this.journalPath));
    const disk = wrapDisk?.(simDisk) ?? simDisk;
    const watcher = createSimWatcher(this.disk, {
      clock: this.clock,
      seed: this.#options.seed ?? 1,
      dropRate: this.#options.dropRate ?? 0,
    });
    const clock: Clock = {
      nowMs: () => this.clock.nowMs() + clientAheadMs,
      monotonicMs: () => this.clock.monotonicMs(),
      setTimer: (delayMs, fire) => this.clock.setTimer(delayMs, fire),
    };
    this.#journal = journal;
    this.#closeDisk = () => disk.close();
    this.#engine = await createEngine({
      owner: 'daemon',
      version: '0.0.0',
      clock,
      random: this.#random,
      log: silentLog,
      settings: { get: () => this.settings, set: () => this.settings },
      pairs: {
        load: async () => this.pairs,
        save: async (pairs) => {
          await this.beforePairsAreSaved();
          this.pairs = pairs;
        },
      },
      journal: wrapJournal?.(journal) ?? journal,
      renewJournal: async () => {
        await this.#journal?.close();
        this.#journal = openJournal({ path: this.journalPath, nowMs: this.clock.nowMs(), distrust: true });
        return this.#journal;
      },
      disk,
      watcher: wrapWatcher?.(watcher) ?? watcher,
      keep: this.keep,
      reachability: this.reachability,
      onRetry: () => {
        this.hurried += 1;
      },
      store: this.collections,
      account: {
        host: 'sim.example',
        clusterId: this.clusterId,
        user: 'someone',
        local: false,
        tokenExpiresAtMs: null,
        tokenId: 'zzzzz-gj3su-000000000000001',
        defaultCopies: 1,
        defaultStorageClasses: [],
        signatureTtlMs: DEFAULT_SIGNING_TTL_SECONDS * 1000,
      },
      events: {
        onCollection: (listener) => {
          this.tellOfCollection = listener;
        },
        close: async () => {
          this.tellOfCollection = () => undefined;
        },
      },
      onLimit: () => undefined,
      conflicts: 'keep-beside',
      ...(this.hold === undefined ? {} : { hold: this.hold }),
      blockSizeBytes: this.#options.blockSizeBytes ?? 64,
      onStop: () => undefined,
    });
    this.#engine.subscribe('status', (snapshot) => this.snapshots.push(snapshot));
  }

  /** The client is gone from one moment to the next; what it had not made durable is lost. */
  async crash(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    const closing = engine?.close({ finish: false });
    await this.#closeDisk?.();
    // Simulated timers must move for the loops to see that they are to end.
    await Promise.all([closing, this.clock.advance(1_000)]);
    await this.#journal?.close();
    this.#journal = undefined;
  }

  /**
   * The client is gone with all that it knew: the next one is another profile, on another computer for all it knows, and
   * is pointed at the folder and at the collection that is there.
   */
  async newProfile(change: (config: FolderConfig) => FolderConfig = (config) => config): Promise<void> {
    const [pair] = this.pairs;
    if (pair === undefined) {
      throw new Error('there was no profile yet');
    }
    if (this.#engine) {
      await this.crash();
    }
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(this.journalPath + suffix, { force: true });
    }
    const target = { ...pair.config.target, collectionUuid: this.collectionUuid };
    const config = change({ ...pair.config, target });
    this.pairs = [{ publicId: 'pair02', createId: 'create02', clusterId: null, config }];
  }

  /** Stops the client and removes what is on the real disk. */
  async end(): Promise<void> {
    if (this.#engine) {
      await this.crash();
    }
    await this.keep.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Lets simulated time go by. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  async status(): Promise<StatusSnapshot> {
    return this.engine.run('status.get', {});
  }

  /** Time goes by until everything is saved and the collection holds what the disk does; throws when that never comes. */
  async settle(limitMs = 40 * 60_000): Promise<void> {
    const untilMs = this.clock.monotonicMs() + limitMs;
    for (;;) {
      await this.clock.advance(500);
      const status = await this.status();
      const folder = status.folders[0];
      // a person looks at both versions
      for (const { id } of status.problems.filter((problem) => problem.code === 'CONFLICT')) {
        await this.engine.run('folders.retry', { problemId: id });
      }
      if (status.tray === 'ready' && folder?.percentSaved === 100 && this.differences().length === 0) {
        return;
      }
      if (this.clock.monotonicMs() > untilMs) {
        const problems = status.problems.map((problem) => `${problem.title}: ${problem.message}`);
        problems.push(
          JSON.stringify(await this.engine.run('blocks.list', { states: ['WRITABLE', 'PENDING', 'ERROR'] })),
        );
        problems.push(JSON.stringify([folder?.phase, folder?.lastScanAtMs, folder?.bar]));
        throw new Error(
          [
            `not settled: ${status.tray}, ${status.verdict.sentence}`,
            ...problems,
            ...this.differences(),
          ].join('\n'),
        );
      }
    }
  }

  get collectionUuid(): string {
    const [uuid] = this.collections.collections.keys();
    if (uuid === undefined) {
      throw new Error('there is no collection yet');
    }
    return uuid;
  }

  /** The collection's files as text, read through its blocks, by path. Empty folders end in '/'. */
  remote(uuid = this.collectionUuid): Map<string, string> {
    const files = new Map<string, string>();
    for (const [path, ranges] of this.collections.filesIn(uuid)) {
      const parts = ranges.map(({ locator, offset, length }) => {
        const block = this.keep.blocks.get(stripLocator(locator));
        if (block === undefined || `${md5(block)}+${block.length}` !== stripLocator(locator)) {
          throw new Error(`block ${locator} of ${path} is not there`);
        }
        return Buffer.from(block.subarray(offset, offset + length));
      });
      files.set(path, Buffer.concat(parts).toString('latin1'));
    }
    return files;
  }

  /** The watched folder's files as text, by path. */
  local(): Map<string, string> {
    return new Map(
      this.disk
        .filesBelow(ROOT)
        .map((path) => [
          path.slice(ROOT.length + 1),
          Buffer.from(this.disk.bytesOf(path)).toString('latin1'),
        ]),
    );
  }

  /** What differs between disk and collection; conflict copies, empty folders apart. */
  differences(): string[] {
    if (this.collections.collections.size === 0) {
      return this.local().size === 0 ? [] : ['no collection'];
    }
    const local = this.local();
    const remote = this.remote();
    const found: string[] = [];
    for (const [path, content] of local) {
      const there = remote.get(path);
      if (there !== content) {
        found.push(there === undefined ? `missing: ${path}` : `different: ${path}`);
      }
    }
    for (const path of remote.keys()) {
      if (
        !local.has(path) &&
        !path.endsWith('/') &&
        !path.includes('~conflict~') &&
        !path.startsWith('theirs')
      ) {
        found.push(`left over: ${path}`);
      }
    }
    return found;
  }

  #holds(locator: string): boolean {
    const expiry = /\+A[0-9a-f]{40}@([0-9a-f]{8})/.exec(locator)?.[1];
    return expiry !== undefined && Number.parseInt(expiry, 16) * 1000 > this.clock.nowMs();
  }
}

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
