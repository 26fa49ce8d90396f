import { Emitter } from './base/emitter.ts';
import { asKeepsyncError, errorToRecord, KeepsyncError } from './base/errors.ts';
import { Mutex } from './base/mutex.ts';
import { randomBase36 } from './base/random.ts';
import { Semaphore } from './base/semaphore.ts';
import { KEEP_BLOCK_SIZE_BYTES } from './blocks/block-manager.ts';
import { SharedBufferPool } from './blocks/shared-buffer-pool.ts';
import { UploadSlots } from './blocks/upload-slots.ts';
import type { CommandInput, CommandName, CommandOutput, ContractEvents } from './contract/commands.ts';
import { type FolderConfig, folderConfigSchema } from './contract/settings.ts';
import { BlockDesk } from './engine/block-desk.ts';
import { type CommandHandlers, fileRow, pageOfBlocks, runCommand, statesOf } from './engine/command-desk.ts';
import { FolderDesk, problemOf } from './engine/folder-desk.ts';
import { JournalKeeper, type JournalTrouble } from './engine/journal-keeper.ts';
import type { Engine, EnginePorts, OnceResult, Pair } from './engine/ports.ts';
import { isSilence } from './engine/reachability.ts';
import type { LocalDisk } from './local/ports.ts';
import { ActivityLog } from './status/activity-log.ts';
import type { StatusInput } from './status/inputs.ts';
import { StatusFold } from './status/status-fold.ts';
import { StatusPublisher } from './status/status-publisher.ts';
import { anyClusterStore } from './sync/any-cluster-store.ts';
import { CollectionSaver } from './sync/collection-saver.ts';
import type { LoopSettings } from './sync/folder-core.ts';
import { UploadGate } from './sync/upload-gate.ts';

export type { Engine, EnginePorts, Pair } from './engine/ports.ts';

/** A block is used again, or saved, only while its signature is valid for so much longer: a day, or a tenth of its life. */
const SIGNATURE_MARGIN_MS = 24 * 3_600_000;

/** Manifest text in one save; the API server takes 128 MiB for the whole request. */
const SAVE_BYTES_MAX = 32 * 1024 * 1024;

/**
 * Wires all stages together; nothing else does. Everything outside comes in through `ports`, so the same engine runs in
 * the desktop app, in the daemon, for one command, and on a simulated world.
 */
export async function createEngine(ports: EnginePorts): Promise<Engine> {
  const engine = new KeepsyncEngine(ports);
  await engine.load();
  return engine;
}

/** Throws USAGE where one of the folders is kept already. */
function requireNotKept(pairs: readonly Pair[], config: FolderConfig): void {
  const taken = pairs.find((pair) =>
    pair.config.roots.some((root) => config.roots.some((wanted) => wanted.diskPath === root.diskPath)),
  );
  if (taken) {
    throw new KeepsyncError(
      'USAGE',
      `${config.roots[0]?.diskPath} is kept already, as folder ${taken.publicId}`,
      { action: `See \`keepsync folder show ${taken.publicId}\`.` },
    );
  }
}

class KeepsyncEngine implements Engine {
  readonly #ports: EnginePorts;
  readonly #events = new Emitter<ContractEvents>();
  readonly #activity = new ActivityLog();
  readonly #fold: StatusFold;
  readonly #publisher: StatusPublisher;
  readonly #gate: UploadGate;
  readonly #pool: SharedBufferPool;
  readonly #slots: UploadSlots;
  readonly #permits: Semaphore;
  readonly #keeper: JournalKeeper;
  readonly #disk: LocalDisk;
  #saver: CollectionSaver;
  readonly #desks = new Map<string, FolderDesk>();
  readonly #blockSizeBytes: number;
  readonly #marginMs: number;
  #pairs: readonly Pair[] = [];
  readonly #pairTurn = new Mutex();
  #pairsAreFinal = false;
  #pauseTimers = new Map<string, () => void>();
  #offlineSinceMs: number | null = null;
  #journalTrouble: JournalTrouble | undefined;
  #started = false;
  #closed = false;

  constructor(ports: EnginePorts) {
    this.#ports = ports;
    const { clock, account, settings } = ports;
    const { uploads } = settings.get();
    this.#blockSizeBytes = ports.blockSizeBytes ?? KEEP_BLOCK_SIZE_BYTES;
    this.#marginMs = Math.min(SIGNATURE_MARGIN_MS, account.signatureTtlMs / 10);
    // Every block that holds a buffer has a permit: two that are being sent and one that is being filled keep disk and
    // network busy (measured: a fourth buffer made nothing faster). 3 x 64 MiB = 192 MiB of the 384 MiB that uploads and
    // downloads share; a client that uploads 10 GiB stays under 400 MiB in all.
    const buffers = Math.max(2, uploads.threads + uploads.queue - 1);
    this.#pool = new SharedBufferPool({
      retain: buffers,
      capacityBytes: this.#blockSizeBytes,
      clock,
      ...(ports.onRest === undefined ? {} : { onRest: ports.onRest }),
    });
    this.#slots = new UploadSlots({ threads: uploads.threads, queue: uploads.queue });
    this.#permits = new Semaphore(buffers);
    this.#fold = new StatusFold(ports.owner, ports.version);
    this.#publisher = new StatusPublisher(this.#fold, clock, {
      onSnapshot: (snapshot) => this.#events.emit('status', snapshot),
      onBlocks: (rows) => this.#events.emit('blocks', [...rows]),
    });
    this.#gate = new UploadGate(clock, () => this.#gateChanged());
    ports.reachability?.onChange(() => this.#gateChanged());
    this.#keeper = new JournalKeeper({
      clock,
      log: ports.log,
      journal: ports.journal,
      renew: ports.renewJournal,
      stopUsers: () => this.#closeDesks(),
      startUsers: () => this.#openAgain(),
      isIdle: () => [...this.#desks.values()].every((desk) => desk.isIdle),
      tell: (level, message) => this.#tell({ type: 'activity', level, folderId: null, message }),
      onProblem: (trouble) => {
        this.#journalTrouble = trouble;
        this.#tellGeneralProblems();
      },
    });
    this.#disk = this.#keeper.watchDisk(ports.disk);
    this.#saver = this.#newSaver();
    this.#tell({ type: 'limit', bytesPerSecond: settings.get().network.uploadLimitBytesPerSecond });
    this.#gateChanged();
  }

  async load(): Promise<void> {
    this.#pairs = await this.#pairsOfCluster();
    for (const pair of this.#pairs) {
      // known by name at once; its numbers come with the first look into the journal
      (await this.#open(pair)).announce();
    }
    this.#ports.events?.onCollection((uuid) => {
      for (const desk of this.#desks.values()) {
        if (uuid === null || desk.loop.facts.folder.collectionUuid === uuid) {
          desk.loop.remoteHint();
        }
      }
    });
  }

  /** A folder that was never opened on a cluster belongs to the first one that it meets. */
  async #pairsOfCluster(): Promise<readonly Pair[]> {
    const { pairs, account } = this.#ports;
    const stored = await pairs.load();
    const { clusterId } = account;
    if (clusterId === null || stored.every((pair) => pair.clusterId !== null)) {
      return stored;
    }
    const settled = stored.map((pair) => (pair.clusterId === null ? { ...pair, clusterId } : pair));
    await pairs.save(settled);
    return settled;
  }

  /** Why a folder must not be touched: nothing may be now, or its data would go to another cluster than it is kept in. */
  #holdOf(pair: Pair): { readonly error: KeepsyncError; readonly alone: boolean } | undefined {
    const { hold, account } = this.#ports;
    if (hold !== undefined) {
      return { error: hold, alone: false };
    }
    const other = pair.clusterId;
    if (other === null || account.clusterId === null || other === account.clusterId) {
      return undefined;
    }
    const error = new KeepsyncError(
      'OTHER_CLUSTER',
      `${pair.config.name} is kept in cluster ${other}, and this is ${account.clusterId} (${account.host ?? ''})`,
      { info: { kept: other, signedIn: account.clusterId } },
    );
    return { error, alone: true };
  }

  async start(): Promise<void> {
    this.#started = true;
    this.#keeper.startChecks();
    for (const desk of this.#desks.values()) {
      this.#begin(desk);
    }
  }

  async runOnce(folderId: string, waitMs: number): Promise<OnceResult> {
    const result = await this.#once(folderId, waitMs);
    const gateError = this.#gate.error;
    if (gateError === undefined || result.outcome === 'saved') {
      return result;
    }
    return {
      ...result,
      outcome: 'failed',
      failures: [{ path: '', error: errorToRecord(gateError) }, ...result.failures],
    };
  }

  /** Where the journal turned out damaged on the way, once more on the new one. */
  async #once(folderId: string, waitMs: number): Promise<OnceResult> {
    const { renewals } = this.#keeper;
    const result = await this.#desk(folderId)
      .once(waitMs)
      .catch(async (thrown: unknown) => {
        await this.#keeper.settled();
        if (this.#keeper.renewals === renewals) {
          throw thrown;
        }
        return undefined;
      });
    await this.#keeper.settled();
    return result !== undefined && this.#keeper.renewals === renewals
      ? result
      : this.#desk(folderId).once(waitMs);
  }

  async close(how: { readonly finish: boolean }): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    const renewal = this.#keeper.close();
    for (const cancel of this.#pauseTimers.values()) {
      cancel();
    }
    await this.#ports.events?.close();
    if (renewal) {
      await renewal;
    }
    const desks = [...this.#desks.values()];
    const ends: PromiseSettledResult<void>[] = [];
    if (how.finish) {
      // A folder that is done early is watched until the others are; what it got meanwhile is saved in a second round.
      ends.push(...(await Promise.allSettled(desks.map((desk) => desk.finish()))));
      ends.push(...(await Promise.allSettled(desks.map((desk) => desk.finish()))));
    }
    ends.push(...(await Promise.allSettled(desks.map((desk) => desk.close(how)))));
    // Notes of the folders are written to their end, and none begins later: whoever closes may remove the files.
    await this.#pairTurn.run(() => {
      this.#pairsAreFinal = true;
    });
    this.#publisher.close();
    this.#pool.trim();
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) {
      throw failed.reason;
    }
  }

  async run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    await this.#keeper.settled();
    return runCommand(this.#handlers, name, input);
  }

  subscribe<E extends keyof ContractEvents>(
    event: E,
    listener: (payload: ContractEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener);
  }

  #tell(input: StatusInput): void {
    if (input.type === 'activity') {
      const { level, folderId, message } = input;
      const row = this.#activity.add({ atMs: this.#ports.clock.nowMs(), level, folderId, message });
      this.#ports.log.log(level, message, folderId === null ? {} : { folderId });
      this.#events.emit('activity', row);
    } else {
      // While the last files go out, too; the publisher itself says when it is over.
      this.#publisher.apply(input);
    }
  }

  #gateChanged(): void {
    const { account, clock, hold, reachability } = this.#ports;
    const error = this.#generalError();
    const offline = error !== undefined && isSilence(error.code);
    this.#offlineSinceMs = offline
      ? (this.#offlineSinceMs ?? reachability?.away?.sinceMs ?? clock.nowMs())
      : null;
    this.#tell({
      type: 'account',
      account: {
        host: account.host,
        user: account.user,
        local: account.local,
        connected: !offline && account.host !== null,
        offlineSinceMs: this.#offlineSinceMs,
        tokenExpiresAtMs: account.tokenExpiresAtMs,
      },
    });
    this.#tellGeneralProblems();
    if (error === undefined) {
      for (const desk of this.#desks.values()) {
        desk.loop.kick();
      }
    } else if (hold === undefined) {
      this.#tell({ type: 'activity', level: 'warn', folderId: null, message: error.message });
    }
  }

  /** What keeps all folders from going on. */
  #generalError(): KeepsyncError | undefined {
    return this.#ports.hold ?? this.#gate.error ?? this.#ports.reachability?.away?.error;
  }

  #tellGeneralProblems(): void {
    const trouble = this.#journalTrouble;
    const { clock } = this.#ports;
    const error = this.#generalError();
    const nextTryAtMs = error !== undefined && error === this.#gate.error ? this.#gate.untilMs : null;
    this.#tell({
      type: 'problems',
      folderId: null,
      problems: [
        ...(error === undefined ? [] : [problemOf(error, clock.nowMs(), nextTryAtMs)]),
        ...(trouble === undefined ? [] : [problemOf(trouble.error, trouble.sinceMs, trouble.nextTryAtMs)]),
      ],
    });
  }

  #newSaver(): CollectionSaver {
    return new CollectionSaver({
      journal: this.#keeper.journal,
      store: anyClusterStore(this.#ports.store),
      clock: this.#ports.clock,
      signatureMarginMs: this.#marginMs,
      requestBytesMax: SAVE_BYTES_MAX,
    });
  }

  async #closeDesks(): Promise<void> {
    const desks = [...this.#desks.values()];
    this.#desks.clear();
    await Promise.all(desks.map((desk) => desk.close({ finish: false })));
  }

  async #openAgain(): Promise<void> {
    this.#saver = this.#newSaver();
    for (const pair of this.#pairs) {
      if (this.#closed) {
        return;
      }
      const desk = await this.#open(pair);
      if (this.#started && !this.#closed) {
        this.#begin(desk);
      }
    }
  }

  async #open(pair: Pair): Promise<FolderDesk> {
    const { keep, clock, account, settings, conflicts } = this.#ports;
    const { journal } = this.#keeper;
    const { target } = pair.config;
    let folder = await journal.openFolder(pair.publicId);
    if (folder.lastSaveAtMs === null && folder.remotePdh === null && pair.lastSavedPdh && !pair.rebuilding) {
      // This journal never heard of saves that were made: an older one was lost.
      await this.#changePair(pair.publicId, (known) => ({ ...known, rebuilding: true }));
      return this.#open({ ...pair, rebuilding: true });
    }
    if (folder.collectionUuid === null && target.collectionUuid !== null) {
      folder = await journal.updateFolder(folder.id, { collectionUuid: target.collectionUuid });
    }
    const tell = (input: StatusInput) => this.#tell(input);
    const desk = new BlockDesk({
      publicId: pair.publicId,
      keep,
      clock,
      pool: this.#pool,
      slots: this.#slots,
      blockSizeBytes: this.#blockSizeBytes,
      copies: target.replication ?? account.defaultCopies,
      storageClasses:
        target.storageClasses.length > 0 ? target.storageClasses : account.defaultStorageClasses,
      signatureTtlMs: account.signatureTtlMs,
      onFilling: this.#ports.onFilling,
      known: (md5AndSize) => journal.knownBlock(md5AndSize, clock.nowMs() + this.#marginMs, folder.id),
      tell,
    });
    const opened = new FolderDesk(
      pair,
      folder,
      {
        clock,
        journal,
        tell,
        desk,
        conflicts,
        onCollection: (id, uuid) =>
          this.#changeConfig(id, (config) => ({
            ...config,
            target: { ...config.target, collectionUuid: uuid },
          })),
        onConflict: (id, conflict) => this.#changePair(id, (known) => ({ ...known, conflict })),
        onSaved: (id, lastSavedPdh, rebuilt) =>
          this.#changePair(id, (one) => ({
            ...one,
            lastSavedPdh,
            ...(rebuilt ? { rebuilding: false } : {}),
          })),
      },
      {
        journal,
        disk: this.#disk,
        clock,
        blocks: desk,
        slots: this.#permits,
        gate: this.#gate,
        blockSizeBytes: this.#blockSizeBytes,
        signatureMarginMs: this.#marginMs,
        saver: this.#saver,
        watcher: this.#ports.watcher,
        settings: () => this.#loopSettings(settings.get()),
        fetchBlock: (locator, signal) => keep.get(locator, { signal }),
      },
    );
    this.#desks.set(pair.publicId, opened);
    return opened;
  }

  #loopSettings(settings: ReturnType<EnginePorts['settings']['get']>): LoopSettings {
    const { uploads, sync } = settings;
    const watching = this.#ports.watcher !== undefined;
    return {
      calm: {
        calmBaseMs: watching ? uploads.calmBaseMs : 0,
        calmBytesPerSecond: watching ? uploads.calmBytesPerSecond : Number.MAX_SAFE_INTEGER,
        calmMaxMs: watching ? uploads.calmMaxMs : 0,
      },
      rescanEveryMs: sync.rescanEveryMs,
      remoteCheckEveryMs: sync.remoteCheckEveryMs,
      saveEveryMinMs: sync.saveEveryMinMs,
      saveEveryMaxMs: sync.saveEveryMaxMs,
      signatureTtlMs: this.#ports.account.signatureTtlMs,
    };
  }

  #begin(desk: FolderDesk): void {
    const hold = this.#holdOf(desk.pair);
    if (hold !== undefined) {
      desk.hold(hold.error, { alone: hold.alone });
      return;
    }
    if (desk.config.paused) {
      desk.loop.pause();
      this.#resumeAt(desk.pair.publicId, desk.config.pausedUntilMs);
    }
    desk.loop.start();
  }

  #desk(folderId: string): FolderDesk {
    const desk = this.#desks.get(folderId);
    if (desk === undefined) {
      throw new KeepsyncError('USAGE', `There is no folder ${folderId}`, {
        action: 'See `keepsync folder list` for the ids.',
      });
    }
    return desk;
  }

  #chosen(folderId: string | null): FolderDesk[] {
    return folderId === null ? [...this.#desks.values()] : [this.#desk(folderId)];
  }

  #changeConfig(publicId: string, change: (config: FolderConfig) => FolderConfig): Promise<void> {
    return this.#changePair(publicId, (pair) => ({
      ...pair,
      config: folderConfigSchema.parse(change(pair.config)),
    }));
  }

  /** One change after the other: none is made on what another is about to replace. */
  #storePairs(change: (pairs: readonly Pair[]) => readonly Pair[]): Promise<readonly Pair[]> {
    return this.#pairTurn.run(async () => {
      if (this.#pairsAreFinal) {
        throw new KeepsyncError('CLOSED', 'Keepsync is closing');
      }
      const pairs = change(this.#pairs);
      await this.#ports.pairs.save(pairs);
      this.#pairs = pairs;
      return pairs;
    });
  }

  async #changePair(publicId: string, change: (pair: Pair) => Pair): Promise<void> {
    const pairs = await this.#storePairs((before) =>
      before.map((pair) => (pair.publicId === publicId ? change(pair) : pair)),
    );
    const changed = pairs.find((pair) => pair.publicId === publicId);
    if (changed) {
      await this.#desks.get(publicId)?.replace(changed);
    }
  }

  async #add(config: FolderConfig): Promise<FolderDesk> {
    const { hold, account } = this.#ports;
    if (hold !== undefined) {
      throw hold;
    }
    const pair: Pair = {
      publicId: randomBase36(this.#ports.random, 6),
      createId: randomBase36(this.#ports.random, 24),
      clusterId: account.clusterId,
      config,
    };
    await this.#storePairs((before) => {
      requireNotKept(before, config);
      return [...before, pair];
    });
    const desk = await this.#open(pair);
    this.#tell({ type: 'activity', level: 'info', folderId: pair.publicId, message: `Added ${config.name}` });
    this.#begin(desk);
    return desk;
  }

  async #remove(folderId: string): Promise<void> {
    const desk = this.#desk(folderId);
    await this.#storePairs((before) => before.filter((pair) => pair.publicId !== folderId));
    this.#resumeAt(folderId, null);
    await desk.close({ finish: false });
    this.#desks.delete(folderId);
    await this.#keeper.journal.removeFolder(desk.journalFolderId);
    this.#tell({ type: 'folder-removed', folderId });
    this.#tell({
      type: 'activity',
      level: 'info',
      folderId: null,
      message: `Forgot ${desk.config.name}; nothing was deleted`,
    });
  }

  async #pause(desk: FolderDesk, untilMs: number | null): Promise<void> {
    desk.loop.pause();
    await this.#changeConfig(desk.pair.publicId, (config) => ({
      ...config,
      paused: true,
      pausedUntilMs: untilMs,
    }));
    this.#resumeAt(desk.pair.publicId, untilMs);
  }

  async #resume(desk: FolderDesk): Promise<void> {
    this.#resumeAt(desk.pair.publicId, null);
    await this.#changeConfig(desk.pair.publicId, (config) => ({
      ...config,
      paused: false,
      pausedUntilMs: null,
    }));
    desk.loop.resume();
  }

  /** One timer for each folder that is paused for a while; null takes it away. */
  #resumeAt(folderId: string, untilMs: number | null): void {
    this.#pauseTimers.get(folderId)?.();
    this.#pauseTimers.delete(folderId);
    if (untilMs !== null) {
      const { clock } = this.#ports;
      const cancel = clock.setTimer(Math.max(untilMs - clock.nowMs(), 0), () => {
        this.#resume(this.#desk(folderId)).catch((thrown: unknown) => {
          this.#tell({
            type: 'activity',
            level: 'error',
            folderId,
            message: asKeepsyncError(thrown).message,
          });
        });
      });
      this.#pauseTimers.set(folderId, cancel);
    }
  }

  #folderStatus(folderId: string) {
    const status = this.#publisher.snapshot().folders.find((folder) => folder.id === folderId);
    if (status !== undefined) {
      return status;
    }
    // A folder that was added just now is told with its first numbers; until then they are empty.
    const desk = this.#desk(folderId);
    desk.announce();
    const announced = this.#publisher.snapshot().folders.find((folder) => folder.id === folderId);
    if (announced === undefined) {
      throw new KeepsyncError('INTERNAL', `Folder ${folderId} has no status`);
    }
    return announced;
  }

  async #retry(folderId: string | null, problemId: string | null): Promise<number> {
    const [code, ofFolder] = (problemId ?? '').split(':');
    const problem =
      problemId === null
        ? undefined
        : this.#publisher.snapshot().problems.find((group) => group.id === problemId);
    if (problemId !== null && problem === undefined) {
      throw new KeepsyncError(
        'USAGE',
        `There is no problem ${code}${ofFolder === undefined ? '' : ` of folder ${ofFolder}`}`,
      );
    }
    this.#gate.open();
    this.#ports.onRetry?.();
    let retried = 0;
    for (const desk of this.#chosen(problem?.folderId ?? folderId)) {
      if (problem?.code === 'CONFLICT' || (problem === undefined && folderId !== null)) {
        await desk.forgetConflict();
      }
      retried += await desk.loop.retry(problem?.code);
    }
    return retried;
  }

  readonly #handlers: CommandHandlers = {
    'status.get': () => this.#publisher.snapshot(),
    'folders.list': () => this.#publisher.snapshot().folders,
    'folders.get': ({ folderId }) => ({
      status: this.#folderStatus(folderId),
      config: this.#desk(folderId).config,
    }),
    'folders.add': async (config) => this.#folderStatus((await this.#add(config)).pair.publicId),
    'folders.set': async ({ folderId, change }) => {
      this.#desk(folderId);
      await this.#changeConfig(folderId, (config) => ({ ...config, ...change }) as FolderConfig);
      return this.#folderStatus(folderId);
    },
    'folders.remove': async ({ folderId }) => {
      await this.#remove(folderId);
      return { ok: true };
    },
    'folders.pause': async ({ folderId, untilMs }) => {
      for (const desk of this.#chosen(folderId)) {
        await this.#pause(desk, untilMs);
      }
      return { ok: true };
    },
    'folders.resume': async ({ folderId }) => {
      for (const desk of this.#chosen(folderId)) {
        await this.#resume(desk);
      }
      return { ok: true };
    },
    'folders.rescan': ({ folderId }) => {
      for (const desk of this.#chosen(folderId)) {
        desk.loop.rescan();
      }
      return { ok: true };
    },
    'folders.retry': async ({ folderId, problemId }) => ({ retried: await this.#retry(folderId, problemId) }),
    'folders.confirmDeletes': async ({ folderId }) => {
      await this.#desk(folderId).loop.confirmDeletes();
      return { ok: true };
    },
    'blocks.list': ({ folderId, states, offset, limit }) =>
      pageOfBlocks(
        this.#fold.liveBlocks(folderId),
        this.#chosen(folderId).map((desk) => ({
          publicId: desk.pair.publicId,
          journalFolderId: desk.journalFolderId,
        })),
        this.#keeper.journal,
        { states, offset, limit },
      ),
    'files.list': async ({ folderId, search, stages, offset, limit }) => {
      const query = { search, states: statesOf(stages), offset, limit };
      const { total, rows } = await this.#keeper.journal.listFiles(
        this.#desk(folderId).journalFolderId,
        query,
      );
      return { total, rows: rows.map(fileRow) };
    },
    'saves.list': async ({ folderId, offset, limit }) => [
      ...(await this.#keeper.journal.listSaves(this.#desk(folderId).journalFolderId, { offset, limit })),
    ],
    'problems.list': () => this.#publisher.snapshot().problems,
    'problems.files': async ({ problemId, offset, limit }) => {
      const problem = this.#publisher.snapshot().problems.find((group) => group.id === problemId);
      if (problem === undefined || problem.folderId === null) {
        return { total: 0, rows: [] };
      }
      const query = { search: '', states: ['failed', 'held'] as const, code: problem.code, offset, limit };
      const page = await this.#keeper.journal.listFiles(this.#desk(problem.folderId).journalFolderId, query);
      return { total: page.total, rows: page.rows.map(fileRow) };
    },
    'activity.list': (query) => this.#activity.list(query),
    'settings.get': () => this.#ports.settings.get(),
    'settings.set': (change) => {
      const settings = this.#ports.settings.set(change);
      this.#ports.onLimit(settings.network.uploadLimitBytesPerSecond);
      this.#tell({ type: 'limit', bytesPerSecond: settings.network.uploadLimitBytesPerSecond });
      return settings;
    },
    'owner.stop': ({ how }) => {
      this.#ports.onStop(how);
      return { ok: true };
    },
  };
}
