import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CollectionStore } from '../../../src/api/ports.ts';
import { KeepsyncError } from '../../../src/base/errors.ts';
import type { LogPort } from '../../../src/base/log.ts';
import type { CommandInput, CommandName } from '../../../src/contract/commands.ts';
import { defaultSettings, folderConfigSchema } from '../../../src/contract/settings.ts';
import { createEngine, type Engine, type Pair } from '../../../src/engine.ts';
import type { BlockStore } from '../../../src/keep/ports.ts';
import { DEFAULT_SIGNING_TTL_SECONDS } from '../../../src/keep/signature.ts';
import { openJournalView } from '../../../src/local/journal-view.ts';
import type { WatchEvents } from '../../../src/local/ports.ts';
import { openJournal } from '../../../src/sync/journal.ts';
import type { OpenJournal } from '../../../src/sync/journal-database.ts';
import { FakeCollections } from '../fake-collections.ts';
import { FakeKeep } from '../fake-keep.ts';
import { SimClock } from '../sim-clock.ts';
import { SimDisk } from '../sim-disk.ts';
import { createSimLocalDisk } from '../sim-disk-local.ts';
import { createSimWatcher, seededFractions } from '../sim-disk-watcher.ts';
import { Life, type Trap } from './life.ts';
import { SimNetwork, WIRE_MAX_MS } from './sim-network.ts';
import { fastTemporaryFolder } from './temporary-folder.ts';
import type { Trace } from './trace.ts';
import { textOf, Witness, type WitnessedFolder } from './witness.ts';

export interface SimFolder extends WitnessedFolder {
  readonly deletes: 'mirror' | 'keep';
}

/** In no log, status or journal may this ever be found. */
const TOKEN = 'v2/zzzzz-gj3su-000000000000001/canary0canary0canary0canary0canary0';
const EMPTY_BLOCK = 'd41d8cd98f00b204e9800998ecf8427e+0';
const BLOCK_SIZES = [40, 64, 100];
const DAY_MS = 24 * 3_600_000;
/** So long a start or a stop may take on the simulated clock. */
const PATIENCE_MS = 20 * 60_000;
/** Looks at whether everything is saved: every 5 seconds at first, then every minute; never in step with the rescans. */
const SETTLE_ROUNDS = 120;
/** A client that makes so many calls in so many simulated milliseconds goes round in circles. */
const WINDOW_MS = 10_000;
const CALLS_PER_WINDOW_MAX = 2_000;

/**
 * A client with two folders on a simulated disk, clock, network and cluster. All chance comes from one seed, so the same
 * seed and the same steps give the same run. A `Witness` watches for broken promises.
 */
export class SimWorld {
  readonly clock = new SimClock();
  readonly disk = new SimDisk({ nowMs: () => this.clock.nowMs() });
  readonly folders: readonly SimFolder[];
  readonly keep: FakeKeep;
  readonly collections: FakeCollections;
  readonly network: SimNetwork;
  readonly witness: Witness;
  readonly trace: Trace | undefined;
  /** How often what was met, by name. */
  readonly met = new Map<string, number>();
  readonly fraction: () => number;
  /** Folders whose disk is away, with the way back. */
  readonly unmounted = new Map<string, () => void>();
  /** `publicId path` of what the collections held when a new profile began: it mirrors no deletes of before its time. */
  readonly #notOurs = new Set<string>();
  #strangers = 0;
  #windowStartMs = 0;
  #callsInWindow = 0;
  #pairs: readonly Pair[];
  #engine: Engine | undefined;
  #life: Life | undefined;
  #journal: OpenJournal | undefined;
  #savedRows: (() => Iterable<Record<string, unknown>>) | undefined;
  readonly #closers: Array<() => void> = [];
  readonly #watchEvents: WatchEvents[] = [];
  #remoteListener: ((uuid: string) => void) | undefined;
  #nextTrap: Trap | undefined;
  #byStranger = false;
  #isLateSave = false;
  #isNewToken = false;
  readonly #logged: string[] = [];
  readonly #folder = fastTemporaryFolder();
  readonly #blockSizeBytes: number;

  constructor(seed: number, trace?: Trace) {
    this.trace = trace;
    this.fraction = seededFractions(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
    this.#blockSizeBytes = BLOCK_SIZES[seed % BLOCK_SIZES.length] ?? 64;
    this.folders = [
      { publicId: 'first1', root: '/data/first', deletes: 'mirror', copies: 1, storageClasses: [] },
      {
        publicId: 'other2',
        root: '/data/other',
        deletes: seed % 4 === 0 ? 'keep' : 'mirror',
        copies: 2,
        storageClasses: ['archive'],
      },
    ];
    this.keep = new FakeKeep({ clock: this.clock, token: TOKEN });
    this.collections = new FakeCollections({
      nowMs: () => this.clock.nowMs(),
      sign: (locator) => this.keep.sign(locator),
      signatureHolds: (locator) => locator.startsWith(EMPTY_BLOCK) || this.#signatureHolds(locator),
      blockExists: (stripped) => stripped === EMPTY_BLOCK || this.keep.blocks.has(stripped),
      replaceFiles: seed % 5 !== 0,
      onChange: (uuid, before, after) =>
        this.witness.changed(uuid, before, after, { byStranger: this.#byStranger, isLate: this.#isLateSave }),
    });
    this.network = new SimNetwork({
      clock: this.clock,
      fraction: this.fraction,
      keep: this.keep,
      collections: this.collections,
      onFault: (fault) => this.count(`fault: ${fault}`),
      onLook: (uuid) => this.witness.looked(uuid),
      onLateSave: (isSaving) => {
        this.#isLateSave = isSaving;
      },
    });
    this.witness = new Witness({
      disk: this.disk,
      folders: this.folders,
      blockBytes: (stripped) => this.keep.blocks.get(stripped),
      folderOfCollection: (uuid) => this.#folderOfCollection(uuid),
    });
    this.#pairs = this.folders.map((folder) => this.#pairOf(folder, null));
    for (const { root } of this.folders) {
      this.disk.mkdir(root);
    }
  }

  get dead(): boolean {
    return this.#life === undefined || this.#life.dead;
  }

  get journalPath(): string {
    return join(this.#folder, 'journal.sqlite');
  }

  count(what: string): void {
    this.met.set(what, (this.met.get(what) ?? 0) + 1);
    this.trace?.add(what);
  }

  /** Begins a client on what there is; it may be killed on the way, by a trap. */
  async start(): Promise<void> {
    const life = new Life({
      clock: this.clock,
      fraction: this.fraction,
      onDeath: (trap) => this.#died(trap),
      onCall: (point, args) => this.#called(point, args),
    });
    life.trap = this.#nextTrap;
    this.#nextTrap = undefined;
    this.#life = life;
    const journal = openJournal({ path: this.journalPath, nowMs: this.clock.nowMs() });
    if (journal.movedAside !== null) {
      this.witness.broken.push('a good journal was taken for a damaged one');
    }
    this.#journal = journal;
    if (this.#isNewToken) {
      this.#isNewToken = false;
      await journal.expireSignatures();
    }
    const disk = createSimLocalDisk(this.disk, openJournalView(this.journalPath));
    this.#openRows();
    this.#closers.push(() => void disk.close());
    const ports = {
      journal: this.#counted(life.port('journal', this.#observed(journal), { late: true, inOrder: true })),
      disk: life.port('disk', disk, { late: true }),
      keep: this.#acknowledging(life.port('keep', this.network.blockStore)),
      store: this.#watched(life.port('store', this.network.collectionStore(life))),
      pairs: life.port('pairs', {
        load: async () => this.#pairs,
        save: async (pairs: readonly Pair[]) => {
          this.#pairs = pairs;
        },
      }),
    };
    const log: LogPort = {
      log: (level, message, fields) => {
        this.#logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
      },
    };
    const starting = createEngine({
      owner: 'daemon',
      version: '0.0.0',
      clock: life.clock,
      random: {
        fraction: this.fraction,
        bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(this.fraction() * 256)),
      },
      log,
      settings: { get: () => this.#settings, set: () => this.#settings },
      ...ports,
      renewJournal: () => {
        this.witness.broken.push('a good journal was taken for a damaged one');
        return Promise.reject(new Error('there is no other journal'));
      },
      watcher: life.watcher(
        createSimWatcher(this.disk, {
          clock: this.clock,
          seed: Math.floor(this.fraction() * 2 ** 31),
          dropRate: 0.2,
        }),
        (events) => this.#watchEvents.push(events),
      ),
      account: {
        host: 'sim.example',
        clusterId: 'zzzzz',
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
          this.#remoteListener = (uuid) => {
            if (!life.dead) {
              listener(uuid);
            }
          };
        },
        close: async () => undefined,
      },
      onLimit: () => undefined,
      conflicts: 'keep-beside',
      blockSizeBytes: this.#blockSizeBytes,
      onStop: () => undefined,
    });
    const engine = await this.#while(starting);
    if (engine === undefined) {
      return;
    }
    this.#engine = engine;
    engine.subscribe('status', (snapshot) => {
      this.trace?.add(`${snapshot.tray} ${snapshot.verdict.sentence}`);
      this.witness.shown(this.clock.monotonicMs(), snapshot);
    });
    await this.#while(engine.start());
  }

  /** The client is gone from one moment to the next. */
  kill(): void {
    this.#life?.end();
  }

  /** The client is told to end; `finish` lets it bring everything to its end before. */
  async stop(finish: boolean): Promise<void> {
    if (this.#engine !== undefined) {
      await this.#while(this.#engine.close({ finish }));
    }
    this.#life?.end();
  }

  /** The next call of this kind is the client's last. */
  setTrap(trap: Trap | undefined): void {
    this.#nextTrap = undefined;
    if (this.#life !== undefined && !this.#life.dead) {
      this.#life.trap = trap;
    } else {
      this.#nextTrap = trap;
    }
  }

  /** A person, or a window, asks for something; the answer may be a refusal. */
  async command<N extends CommandName>(name: N, input: CommandInput<N>): Promise<void> {
    if (this.#engine === undefined) {
      return;
    }
    this.#engine.run(name, input).catch((thrown: unknown) => {
      if (!(thrown instanceof KeepsyncError) || thrown.code === 'INTERNAL') {
        this.witness.broken.push(`${name} failed: ${String(thrown)}`);
      }
    });
    await this.pass(200);
  }

  /**
   * The client and all that it knew are gone; another one is pointed at the same folders and collections. What the disk has
   * lost since the last save is somebody else's for it.
   */
  newProfile(): void {
    this.kill();
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(this.journalPath + suffix, { force: true });
    }
    this.witness.forgotten();
    this.#pairs = this.folders.map((folder) => this.#pairOf(folder, this.collectionOf(folder) ?? null));
    this.#noteForeign();
    // A save that is on the wire still arrives; long before the new one can have read a file.
    this.clock.setTimer(WIRE_MAX_MS, () => this.#noteForeign());
  }

  #noteForeign(): void {
    for (const folder of this.folders) {
      for (const path of this.remote(folder).keys()) {
        this.#notOurs.add(`${folder.publicId} ${path}`);
      }
    }
  }

  /** The same folder with another token: what was signed for the old one is worth nothing. */
  newToken(): void {
    this.kill();
    this.witness.signaturesGone = true;
    this.#isNewToken = true;
  }

  /** The computer sleeps: the wall clock goes on, timers do not. */
  sleep(ms: number): void {
    this.clock.jumpWallClock(ms);
    if (ms > DAY_MS) {
      this.witness.signaturesGone = true;
    }
  }

  doubt(): void {
    for (const events of this.#watchEvents) {
      events.onDoubt({ name: 'KeepsyncError', code: 'TOO_MANY_OPEN', message: 'The watcher lost events' });
    }
  }

  /** Somebody else changes the folder's collection; false where there is none yet. */
  async stranger(
    folder: SimFolder,
    edit: (files: Map<string, readonly { locator: string; offset: number; length: number }[]>) => void,
  ): Promise<boolean> {
    const uuid = this.collectionOf(folder);
    if (uuid === undefined || this.collections.collections.get(uuid)?.record.isTrashed === true) {
      return false;
    }
    this.witness.writesByStranger = true;
    this.#byStranger = true;
    try {
      this.collections.edit(uuid, edit);
    } finally {
      this.#byStranger = false;
    }
    if (this.fraction() < 0.7) {
      this.#remoteListener?.(uuid);
    }
    return true;
  }

  nextStranger(): number {
    this.#strangers += 1;
    return this.#strangers;
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    this.check();
  }

  /** Throws when a promise was broken. */
  check(): void {
    if (this.#savedRows !== undefined) {
      this.witness.claimed(
        [...this.#savedRows()].map((row) => ({
          publicId: String(row.public_id),
          path: row.dir === '' ? String(row.name) : `${String(row.dir)}/${String(row.name)}`,
          stamp: String(row.stamp),
        })),
      );
    }
    if (this.witness.broken.length > 0) {
      throw new Error(this.witness.broken.join('\n'));
    }
  }

  /**
   * Every fault is over, a person confirms what has to be confirmed, and time goes by until everything is saved; throws
   * when that never comes.
   */
  async settle(): Promise<void> {
    this.network.heal();
    for (const mount of this.unmounted.values()) {
      mount();
    }
    this.disk.healAll();
    for (const { root } of this.folders) {
      this.#removeOddities(root);
    }
    this.witness.look();
    await this.command('folders.resume', {});
    for (const uuid of this.collections.collections.keys()) {
      this.collections.trash(uuid, false);
    }
    for (let round = 0; round < SETTLE_ROUNDS; round += 1) {
      if (this.dead) {
        // A trap may still be met now, when so much is done at last.
        await this.start();
        await this.command('folders.resume', {});
      }
      await this.pass(round < 20 ? 5_300 : 61_700);
      if (this.dead) {
        continue;
      }
      const status = await this.#status();
      if (
        status.tray === 'ready' &&
        status.folders.every((folder) => folder.percentSaved === 100) &&
        this.differences().length === 0
      ) {
        await this.#journal?.verify();
        this.#checkToken(JSON.stringify(status));
        this.check();
        return;
      }
      for (const { id, folderId, code } of status.problems) {
        if (code === 'CONFLICT') {
          // Seen.
          await this.command('folders.retry', { problemId: id });
        }
        if (folderId !== null && (code === 'MASS_DELETE' || code === 'ROOT_GONE')) {
          await this.command('folders.confirmDeletes', { folderId });
        }
      }
      if (round % 10 === 9) {
        await this.command('folders.retry', {});
      }
    }
    if (this.dead) {
      throw new Error('not settled: the client does not live');
    }
    const status = await this.#status();
    throw new Error(
      [
        `not settled: ${status.tray}, ${status.verdict.sentence}`,
        ...status.problems.map((problem) => `${problem.folderId} ${problem.title}: ${problem.message}`),
        ...status.folders.map((folder) => `${folder.id} ${folder.phase} ${JSON.stringify(folder.bar)}`),
        ...this.differences(),
      ].join('\n'),
    );
  }

  /** Ends the client and removes what is on the real disk. */
  async end(): Promise<void> {
    this.kill();
    await this.keep.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  collectionOf(folder: SimFolder): string | undefined {
    for (const [uuid, { record }] of this.collections.collections) {
      if (record.properties.createId === `create-${folder.publicId}`) {
        return uuid;
      }
    }
    return undefined;
  }

  /** What differs between the disk and the collections; what strangers wrote and conflict copies apart. */
  differences(): string[] {
    const found: string[] = [];
    if (this.collections.collections.size > this.folders.length) {
      found.push(`there are ${this.collections.collections.size} collections`);
    }
    for (const folder of this.folders) {
      const local = this.local(folder);
      const remote = this.remote(folder);
      for (const [path, content] of local) {
        const there = remote.get(path);
        if (there !== content) {
          found.push(`${there === undefined ? 'missing' : 'different'}: ${folder.publicId} ${path}`);
        }
      }
      for (const [path, content] of remote) {
        if (
          folder.deletes === 'mirror' &&
          !local.has(path) &&
          !path.endsWith('/') &&
          !path.includes('~conflict~') &&
          !this.#notOurs.has(`${folder.publicId} ${path}`) &&
          !content.startsWith('by a stranger: ')
        ) {
          found.push(`left over: ${folder.publicId} ${path}`);
        }
      }
    }
    return found;
  }

  /** A folder's files as text, by path. */
  local(folder: SimFolder): Map<string, string> {
    const { root } = folder;
    return new Map(
      this.disk
        .filesBelow(root)
        .map((path) => [path.slice(root.length + 1), textOf(this.disk.bytesOf(path))]),
    );
  }

  /** The files of a folder's collection as text, by path; empty folders end in '/'. */
  remote(folder: SimFolder): Map<string, string> {
    const uuid = this.collectionOf(folder);
    const files = new Map<string, string>();
    for (const [path, ranges] of uuid === undefined ? [] : this.collections.filesIn(uuid)) {
      files.set(
        path,
        ranges
          .map(({ locator, offset, length }) =>
            textOf(
              this.keep.blocks
                .get(locator.split('+').slice(0, 2).join('+'))
                ?.subarray(offset, offset + length) ?? new Uint8Array(0),
            ),
          )
          .join(''),
      );
    }
    return files;
  }

  readonly #settings = {
    ...defaultSettings,
    sync: { ...defaultSettings.sync, rescanEveryMs: 60_000, remoteCheckEveryMs: 60_000 },
  };

  #pairOf(folder: SimFolder, collectionUuid: string | null): Pair {
    const { publicId, root, deletes, copies, storageClasses } = folder;
    return {
      publicId,
      createId: `create-${publicId}`,
      clusterId: 'zzzzz',
      config: folderConfigSchema.parse({
        roots: [{ diskPath: root, prefix: '' }],
        name: publicId,
        target: { collectionName: publicId, replication: copies, storageClasses, collectionUuid },
        deletes,
      }),
    };
  }

  /** Takes away what no client can save: links, FIFOs, names that Arvados tools cannot read. */
  #removeOddities(dir: string): void {
    for (const name of this.disk.list(dir).names) {
      const path = `${dir}/${name}`;
      const kind = this.disk.kindAt(path);
      if (kind === 'dir') {
        this.#removeOddities(path);
      } else if (kind !== 'file' || name.includes('\u00a0')) {
        this.disk.remove(path);
      }
    }
  }

  async #status() {
    if (this.#engine === undefined) {
      throw new Error('the client does not run');
    }
    return this.#engine.run('status.get', {});
  }

  /** Lets time go by until this is done, or the client is dead. */
  async #while<T>(work: Promise<T>): Promise<T | undefined> {
    const end: { value?: T; error?: unknown; isDone: boolean } = { isDone: false };
    work.then(
      (value) => Object.assign(end, { value, isDone: true }),
      (error: unknown) => Object.assign(end, { error, isDone: true }),
    );
    const untilMs = this.clock.monotonicMs() + PATIENCE_MS;
    for (;;) {
      await this.clock.advance(0);
      if (end.isDone || this.dead) {
        break;
      }
      if (this.clock.monotonicMs() > untilMs) {
        throw new Error('the client does not come to an end of its start or stop');
      }
      await this.clock.advance(50);
    }
    if ('error' in end) {
      throw end.error;
    }
    return end.value;
  }

  #called(point: string, args: readonly unknown[]): void {
    const nowMs = this.clock.monotonicMs();
    this.trace?.call(nowMs, point, args);
    if (nowMs - this.#windowStartMs > WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#callsInWindow = 0;
    }
    this.#callsInWindow += 1;
    if (this.#callsInWindow === CALLS_PER_WINDOW_MAX) {
      this.witness.broken.push(
        `busy for nothing: ${CALLS_PER_WINDOW_MAX} calls within ${WINDOW_MS} ms, the last ${point}`,
      );
    }
  }

  #died(trap: Trap | undefined): void {
    if (trap !== undefined) {
      this.count(`killed ${trap.when} ${trap.point}`);
    }
    this.#engine = undefined;
    this.#watchEvents.length = 0;
    this.#remoteListener = undefined;
    this.#savedRows = undefined;
    for (const close of this.#closers.splice(0)) {
      close();
    }
    void this.#journal?.close();
    this.#journal = undefined;
  }

  /** The journal, with what it is told and asked shown to the witness. */
  #observed(journal: OpenJournal): OpenJournal {
    const names = new Map<number, string>();
    const paths = new Map<number, string>();
    const { witness } = this;
    const fileOf = (folderId: number, entryId: number) =>
      [names.get(folderId) ?? '', paths.get(entryId) ?? ''] as const;
    return {
      ...journal,
      openFolder: async (publicId) => {
        const folder = await journal.openFolder(publicId);
        names.set(folder.id, publicId);
        return folder;
      },
      claimPending: async (folderId, nowMs, limits) => {
        const files = await journal.claimPending(folderId, nowMs, limits);
        for (const file of files) {
          paths.set(file.entryId, file.path);
        }
        return files;
      },
      recordPackedBlock: async (folderId, block, files, nowMs) => {
        await journal.recordPackedBlock(folderId, block, files, nowMs);
        for (const { entryId, stamp } of files) {
          witness.stored(...fileOf(folderId, entryId), stamp, 'whole', !block.reused);
        }
      },
      recordPieceBlock: async (folderId, block, piece, nowMs) => {
        await journal.recordPieceBlock(folderId, block, piece, nowMs);
        witness.stored(...fileOf(folderId, piece.entryId), piece.stamp, piece.index, !block.reused);
      },
    };
  }

  /** The journal, with the numbers that it gives to the client shown to the witness. */
  #counted(journal: OpenJournal): OpenJournal {
    const names = new Map<number, string>();
    return new Proxy(journal, {
      get: (real, key) => {
        switch (key) {
          case 'openFolder':
            return async (publicId: string) => {
              const folder = await real.openFolder(publicId);
              names.set(folder.id, publicId);
              return folder;
            };
          case 'counts':
            return async (folderId: number) => {
              const counts = await real.counts(folderId);
              this.witness.counted(this.clock.monotonicMs(), names.get(folderId) ?? '', counts);
              return counts;
            };
          default:
            return Reflect.get(real, key, real);
        }
      },
    });
  }

  /** Keep, with every good answer that reaches the client shown to the witness. */
  #acknowledging(keep: BlockStore): BlockStore {
    return {
      md5: (data) => keep.md5(data),
      put: async (md5, data, options) => {
        const result = await keep.put(md5, data, options);
        this.witness.acknowledged(result.locator, options);
        return result;
      },
      get: (locator, options) => keep.get(locator, options),
      head: (locator, options) => keep.head(locator, options),
      close: () => keep.close(),
    };
  }

  /** The API, with what the client is told and what it asks for shown to the witness. */
  #watched(store: CollectionStore): CollectionStore {
    return {
      get: (uuid, signal) => store.get(uuid, signal),
      getWithManifest: async (uuid, signal) => {
        const whole = await store.getWithManifest(uuid, signal);
        this.witness.toldOf(uuid, whole.manifestText);
        return whole;
      },
      create: (wanted, signal) => store.create(wanted, signal),
      replaceFiles: (uuid, change, signal) => {
        this.witness.offered(uuid, change.manifestText ?? '');
        return store.replaceFiles(uuid, change, signal);
      },
      updateManifest: (uuid, text, signal) => {
        this.witness.offered(uuid, text);
        return store.updateManifest(uuid, text, signal);
      },
      canReplaceFiles: (signal) => store.canReplaceFiles(signal),
      previousVersionPdh: (uuid, signal) => store.previousVersionPdh(uuid, signal),
    };
  }

  #openRows(): void {
    const database = new DatabaseSync(this.journalPath, { readOnly: true, timeout: 10_000 });
    const rows = database.prepare(
      `SELECT folder.public_id, dir, name, stamp FROM entry JOIN folder ON folder.id = folder_id
       WHERE state = 'saved' AND kind = 'file'`,
    );
    this.#savedRows = () => rows.all();
    this.#closers.push(() => database.close());
  }

  #folderOfCollection(uuid: string): SimFolder | undefined {
    const createId = this.collections.collections.get(uuid)?.record.properties.createId;
    return this.folders.find((folder) => createId === `create-${folder.publicId}`);
  }

  #checkToken(status: string): void {
    const secret = TOKEN.slice(TOKEN.lastIndexOf('/') + 1);
    const journal = readFileSync(this.journalPath, 'latin1');
    for (const [where, text] of [
      ['the journal', journal],
      ['the log', this.#logged.join('\n')],
      ['the status', status],
    ] as const) {
      if (text.includes(secret)) {
        this.witness.broken.push(`promise 7: the token is in ${where}`);
      }
    }
  }

  #signatureHolds(locator: string): boolean {
    const expiry = /\+A[0-9a-f]{40}@([0-9a-f]{8})/.exec(locator)?.[1];
    return expiry !== undefined && Number.parseInt(expiry, 16) * 1000 > this.clock.nowMs();
  }
}
