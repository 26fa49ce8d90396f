import { Emitter } from '../base/emitter.ts';
import { asKeepsyncError, type ErrorRecord, isRetriable, KeepsyncError } from '../base/errors.ts';
import { Mutex } from '../base/mutex.ts';
import type {
  ScanTotals,
  TreeChange,
  TreeRoot,
  TreeRules,
  Watcher,
  WatchHint,
  Watching,
} from '../local/ports.ts';
import { Backoff } from './backoff.ts';
import { CoalescedTask } from './coalesced-task.ts';
import { type AdopterPorts, CollectionAdopter } from './collection-adopter.ts';
import type { CollectionSaver, SaveOutcome, SaveTarget } from './collection-saver.ts';
import { FolderUploader, type UploaderPorts } from './folder-uploader.ts';
import type { CalmSettings, JournalCounts, JournalFolder, PendingFile } from './journal-port.ts';
import { MassDeleteGuard } from './mass-delete-guard.ts';
import { findablePath, pathInCollection, topmostPaths } from './root-paths.ts';
import { estimateManifestBytes, nextSaveAtMs, restAfterSave } from './save-schedule.ts';

/** What the loop is told about its pair; may be replaced while it runs. */
export interface FolderPlan extends SaveTarget {
  readonly roots: readonly TreeRoot[];
  readonly rules: TreeRules;
  readonly deletes: 'mirror' | 'keep';
}

export interface LoopSettings {
  readonly calm: CalmSettings;
  readonly rescanEveryMs: number;
  readonly remoteCheckEveryMs: number;
  readonly saveEveryMinMs: number;
  readonly saveEveryMaxMs: number;
  readonly signatureTtlMs: number;
}

export interface LoopPorts
  extends Omit<UploaderPorts, 'folderId' | 'moreComing' | 'onProgress' | 'onChangedFiles' | 'followLinks'> {
  readonly saver: CollectionSaver;
  /** Undefined for one-shot commands. */
  readonly watcher: Watcher | undefined;
  readonly settings: () => LoopSettings;
  /** A block's bytes, checked; for comparing them with files that the collection may have already. */
  readonly fetchBlock: (locator: string, signal: AbortSignal) => Promise<Uint8Array>;
}

export type FolderPhase =
  | 'starting'
  | 'scanning'
  | 'uploading'
  | 'saving'
  | 'watching'
  | 'paused'
  | 'stopped'
  | 'blocked';

/** What the loop knows of its folder beyond the journal. */
export interface FolderFacts {
  readonly phase: FolderPhase;
  /** What is wrong with the folder as a whole, newest first: the root, the deletes, the watcher, saving. */
  readonly errors: ReadonlyArray<{
    readonly error: KeepsyncError;
    readonly sinceMs: number;
    readonly nextTryAtMs: number | null;
  }>;
  readonly folder: JournalFolder;
  readonly nextSaveAtMs: number | null;
  readonly totals: ScanTotals | undefined;
  /** Bytes of files that are still on their way, in blocks that are acknowledged. */
  readonly acknowledgedPieceBytes: number;
}

export interface LoopEvents {
  /** Facts or journal counts changed. Many a second; listeners must be quick. */
  changed: Record<string, never>;
  saved: SaveOutcome;
  note: { readonly level: 'info' | 'warn' | 'error'; readonly message: string };
}

type Trouble = 'root' | 'deletes' | 'watch' | 'save' | 'remote' | 'work';

/** How long the first scan waits for a watcher that takes its time; then there is one scan now and one when it watches. */
const WATCHER_FIRST_MS = 5_000;
const ROOT_LOOK_EVERY_MS = 30_000;
const DELETES_LOOK_EVERY_MS = 5 * 60_000;

/** Keeps one folder and its collection together: scans, uploads, saves, each one at a time, side by side. */
export class FolderLoop {
  readonly events = new Emitter<LoopEvents>();
  readonly #ports: LoopPorts;
  readonly #uploader: FolderUploader;
  readonly #adopter: CollectionAdopter;
  readonly #scans: CoalescedTask;
  readonly #uploads: CoalescedTask;
  readonly #saves: CoalescedTask;
  readonly #troubles = new Map<
    Trouble,
    { error: KeepsyncError; sinceMs: number; nextTryAtMs: number | null }
  >();
  readonly #saveBackoff: Backoff;
  readonly #adoptBackoff: Backoff;
  /** What is saved, and what is found in the collection, are recorded one after the other. */
  readonly #remoteTurn = new Mutex();
  readonly #abort = new AbortController();
  #plan: FolderPlan;
  #folder: JournalFolder;
  #watching: Watching | undefined;
  #scanAll = false;
  #scanningAll = false;
  /** The scan that runs has found something: there may be more, and one save for all of it is enough. */
  #scanFinds = false;
  #scanOnly = new Set<string>();
  #totals: ScanTotals | undefined;
  /** The first look at the collection failed for good: uploads need not wait for it. */
  #lookedInVain = false;
  /** Uploads wait for the scan's end, so that what the collection has already is compared together. */
  #awaitsScan = false;
  #moreFiles: PromiseWithResolvers<void> | undefined;
  #remoteDirty = false;
  /** The collection was looked at since the start, or could not be: until then nobody says that all is saved. */
  #hasLookedAtRemote = false;
  #saveNow = false;
  /** The counts at which a save found nothing that it could do; until they change there is no point in another. */
  #fruitless: string | undefined;
  #saving = false;
  #paused = false;
  #closed = false;
  #started = false;
  #nextSaveAtMs: number | null = null;
  #nextScanAtMs = 0;
  readonly #deleteGuard = new MassDeleteGuard();
  #nextRemoteAtMs = 0;
  #idleSinceMs: number | null = null;
  #restUntilMs = 0;
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(ports: LoopPorts, plan: FolderPlan, folder: JournalFolder) {
    this.#ports = ports;
    this.#plan = plan;
    this.#folder = folder;
    this.#saveBackoff = new Backoff(ports.clock, 10_000, 5 * 60_000);
    this.#adoptBackoff = new Backoff(ports.clock, 2_000, 60_000);
    this.#adopter = new CollectionAdopter({
      ...ports,
      folderId: folder.id,
      keepsBeside: () => this.#plan.conflicts === 'keep-beside',
      onProgress: () => this.#progress(),
      onFailures: (failures) => this.#uploader.failed(failures),
      journal: this.#adoptingJournal(),
    });
    this.#uploader = new FolderUploader({
      ...ports,
      folderId: folder.id,
      followLinks: () => this.#plan.rules.followLinks,
      moreComing: () => this.#moreComing(),
      onProgress: () => this.#progress(),
      onChangedFiles: (files) => this.#lookAgain(files),
    });
    const failed = (trouble: Trouble) => (thrown: unknown) => this.#trouble(trouble, asKeepsyncError(thrown));
    // When reading and sending end, a save may be due at once.
    const ended = () => {
      this.#arm();
      this.#progress();
    };
    this.#scans = new CoalescedTask(() => this.#scan(), failed('work'), ended);
    this.#uploads = new CoalescedTask(() => this.#upload(), failed('work'), ended);
    this.#saves = new CoalescedTask(
      () => this.#save(),
      failed('work'),
      () => this.#arm(),
    );
  }

  get facts(): FolderFacts {
    return {
      phase: this.#phase(),
      errors: [...this.#troubles.values()].reverse(),
      folder: this.#folder,
      nextSaveAtMs: this.#nextSaveAtMs,
      totals: this.#totals,
      acknowledgedPieceBytes: this.#uploader.acknowledgedPieceBytes,
    };
  }

  /** Begins: watches where there is a watcher, and scans everything. Returns at once. */
  start(): void {
    this.#started = true;
    const nowMs = this.#ports.clock.nowMs();
    this.#nextRemoteAtMs = nowMs;
    if (this.#ports.watcher === undefined) {
      this.rescan();
    } else {
      // One look is enough if the watcher is there first: what it does not see changes before the look.
      this.#scanAll = true;
      this.#nextScanAtMs = nowMs + WATCHER_FIRST_MS;
      void this.#startWatching();
    }
    this.#arm();
  }

  /** Scans everything now. */
  rescan(): void {
    this.#scanAll = true;
    this.#fruitless = undefined;
    this.#nextScanAtMs = this.#ports.clock.nowMs() + this.#ports.settings().rescanEveryMs;
    this.#scans.kick();
  }

  pause(): void {
    this.#paused = true;
    this.#adopter.stop();
    this.#uploader.stop();
    this.#moreFiles?.resolve();
    this.#changed();
  }

  resume(): void {
    this.#paused = false;
    this.#adopter.resume();
    this.#uploader.resume();
    this.#kickAll();
  }

  /**
   * Failed files, and whatever the folder as a whole waits for, are tried now. Returns how many files. Where the folder
   * keeps what is deleted, and a person means just the guard's question by it, it goes on: the collection loses nothing.
   */
  async retry(code?: KeepsyncError['code']): Promise<number> {
    const count = await this.#ports.journal.retry(this.#folder.id, {
      nowMs: this.#ports.clock.nowMs(),
      ...(code === undefined ? {} : { code }),
    });
    if (this.#plan.deletes === 'keep' && code === this.#troubles.get('deletes')?.error.code) {
      await this.confirmDeletes();
    }
    this.#saveBackoff.reset();
    for (const trouble of ['save', 'remote', 'watch', 'work'] as const) {
      this.#clear(trouble);
    }
    this.#saveNow = true;
    this.rescan();
    this.#kickAll();
    return count;
  }

  /** A person says that what is gone is meant to be gone. */
  async confirmDeletes(): Promise<void> {
    await this.#ports.journal.confirmDeletes(this.#folder.id, this.#plan.deletes, 'person');
    this.#deleteGuard.confirmed();
    this.#clear('deletes');
    this.#kickAll();
  }

  /** Takes effect at once; other roots or rules make it scan everything. */
  async replan(plan: FolderPlan): Promise<void> {
    this.#plan = plan;
    await this.#watching?.close();
    this.#watching = undefined;
    if (this.#started) {
      void this.#startWatching();
    }
    this.rescan();
  }

  /** All that a lost journal knew is found or saved again: from now on nothing of others is taken for ours. */
  rebuilt(): void {
    this.#plan = { ...this.#plan, rebuiltFrom: null };
  }

  /** The collection may have changed. */
  remoteHint(): void {
    this.#remoteDirty = true;
    this.#saves.kick();
  }

  kick(): void {
    this.#kickAll();
  }

  /**
   * Scans once, uploads and saves until nothing more can be done without waiting, for one-shot commands and for
   * "finish, then quit". `waitMs` bounds how long it waits for files that are still being written.
   */
  async settle(waitMs: number): Promise<void> {
    const { clock, journal, gate } = this.#ports;
    const untilMs = clock.nowMs() + waitMs;
    for (;;) {
      this.#kickAll();
      await this.#idle();
      if (
        !this.#started ||
        this.#closed ||
        this.#paused ||
        this.#troubles.size > 0 ||
        !gate.passable ||
        gate.error !== undefined
      ) {
        return;
      }
      const counts = await journal.counts(this.#folder.id);
      const unsaved = counts.stored.files + counts.deleted.files + counts.dirsToSave;
      const dueAtMs = await journal.nextDueAtMs(this.#folder.id);
      if (unsaved === 0 && counts.pending.files === 0 && dueAtMs === null && !this.#scanAll) {
        return;
      }
      if (unsaved > 0 && counts.pending.files === 0 && this.#fruitless !== shapeOf(counts)) {
        this.#saveNow = true;
        continue;
      }
      if (clock.nowMs() >= untilMs) {
        this.#saveNow = true;
        this.#saves.kick();
        await this.#idle();
        return;
      }
      const pauseMs = Math.min(
        Math.max((dueAtMs ?? 0) - clock.nowMs(), 20),
        Math.max(untilMs - clock.nowMs(), 20),
      );
      await new Promise<void>((resolve) => clock.setTimer(pauseMs, resolve));
    }
  }

  /** Stops everything; with what is on the way let to its end. Resolves when nothing of this loop runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#adopter.stop();
    this.#uploader.stop();
    this.#moreFiles?.resolve();
    this.#abort.abort(new KeepsyncError('CANCELLED', 'Stopped'));
    this.#cancelTimer?.();
    await Promise.all([
      this.#watching?.close(),
      this.#scans.stop(),
      this.#uploads.stop(),
      this.#saves.stop(),
    ]);
  }

  async #idle(): Promise<void> {
    while (this.#scans.busy || this.#uploads.busy || this.#saves.busy) {
      await this.#scans.idle();
      await this.#uploads.idle();
      await this.#saves.idle();
    }
  }

  get #active(): boolean {
    return this.#started && !this.#paused && !this.#closed;
  }

  /** Waits for a person, or for the folder to come back. */
  get #blocked(): boolean {
    return this.#troubles.has('root') || this.#troubles.has('deletes');
  }

  /** Nothing is sent into a collection that nobody has looked at yet: it may have it all. */
  get #isUnseen(): boolean {
    const { collectionUuid, remotePdh, lastSaveAtMs } = this.#folder;
    return !this.#lookedInVain && collectionUuid !== null && remotePdh === null && lastSaveAtMs === null;
  }

  /** Something else has to happen before a file is read. */
  get #uploadsWait(): boolean {
    return this.#blocked || this.#isUnseen || this.#awaitsScan;
  }

  #phase(): FolderPhase {
    if (this.#closed) {
      return 'stopped';
    }
    if (this.#paused) {
      return 'paused';
    }
    if (!this.#started) {
      return 'starting';
    }
    if (this.#blocked) {
      return 'blocked';
    }
    // The uploader waits beside every scan for what that finds: until it has found something, this is looking.
    if (this.#uploader.working || this.#adopter.working) {
      return 'uploading';
    }
    if (this.#scans.busy || this.#scanAll || this.#isUnseen || !this.#hasLookedAtRemote) {
      return 'scanning';
    }
    return this.#saving ? 'saving' : 'watching';
  }

  #kickAll(): void {
    this.#scans.kick();
    this.#uploads.kick();
    this.#saves.kick();
    this.#changed();
  }

  #changed(): void {
    this.events.emit('changed', {});
  }

  #progress(): void {
    this.#saves.kick();
    this.#changed();
  }

  #trouble(kind: Trouble, error: KeepsyncError, nextTryAtMs: number | null = null): void {
    const before = this.#troubles.get(kind);
    this.#troubles.set(kind, {
      error,
      sinceMs: before?.error.code === error.code ? before.sinceMs : this.#ports.clock.nowMs(),
      nextTryAtMs,
    });
    if (before?.error.code !== error.code) {
      this.events.emit('note', { level: 'error', message: error.message });
    }
    this.#changed();
  }

  #clear(kind: Trouble): void {
    if (this.#troubles.delete(kind)) {
      this.#changed();
    }
  }

  async #startWatching(): Promise<void> {
    const { watcher } = this.#ports;
    if (watcher === undefined) {
      return;
    }
    try {
      const known = knownFiles(await this.#ports.journal.counts(this.#folder.id));
      if (this.#closed) {
        return;
      }
      const events = {
        onHints: (hints: readonly WatchHint[]) => this.#hints(hints),
        onDoubt: (record: ErrorRecord) => {
          this.events.emit('note', { level: 'warn', message: record.message });
          this.rescan();
        },
      };
      const watching = await watcher.watch(this.#plan.roots, this.#plan.rules, events, known);
      if (this.#closed) {
        await watching.close();
        return;
      }
      this.#watching = watching;
      this.#clear('watch');
    } catch (thrown) {
      this.#trouble('watch', asKeepsyncError(thrown));
    }
    if (!this.#closed) {
      // What changed between an earlier scan's visit and now was seen by neither.
      this.rescan();
    }
  }

  #hints(hints: readonly WatchHint[]): void {
    for (const hint of hints) {
      const path = pathInCollection(this.#plan.roots, findablePath(hint.diskPath));
      if (path === undefined || path === '') {
        this.#scanAll = true;
      } else {
        this.#scanOnly.add(path);
      }
    }
    this.#scans.kick();
  }

  async #scan(): Promise<void> {
    if (!this.#active || (!this.#scanAll && this.#scanOnly.size === 0)) {
      return;
    }
    const { disk, journal, clock } = this.#ports;
    const all = this.#scanAll;
    const only = all ? undefined : topmostPaths(this.#scanOnly);
    this.#scanAll = false;
    this.#scanningAll = all;
    this.#scanOnly = new Set();
    this.#moreFiles ??= Promise.withResolvers();
    this.#changed();
    try {
      const totals = await disk.scan(
        this.#folder.id,
        { roots: this.#plan.roots, rules: this.#plan.rules, ...(only === undefined ? {} : { only }) },
        (changes) => {
          this.#scanFinds = true;
          return this.#record(changes);
        },
        this.#abort.signal,
      );
      this.#clear('root');
      this.#clear('work');
      if (all) {
        this.#totals = totals;
        this.#folder = await journal.updateFolder(this.#folder.id, { lastScanAtMs: clock.nowMs() });
      }
      await this.#guardDeletes();
    } catch (thrown) {
      const error = asKeepsyncError(thrown);
      if (error.code === 'CANCELLED') {
        return;
      }
      this.#nextScanAtMs = clock.nowMs() + ROOT_LOOK_EVERY_MS;
      this.#trouble(error.code === 'ROOT_GONE' ? 'root' : 'work', error, this.#nextScanAtMs);
    } finally {
      this.#scanningAll = false;
      this.#scanFinds = false;
      this.#awaitsScan = false;
      const waiting = this.#moreFiles;
      this.#moreFiles = undefined;
      waiting?.resolve();
      this.#uploads.kick();
      this.#saves.kick();
      this.#arm();
      this.#changed();
    }
  }

  async #record(changes: readonly TreeChange[]): Promise<void> {
    const { journal, clock, settings } = this.#ports;
    await journal.recordChanges(this.#folder.id, changes, { nowMs: clock.nowMs(), calm: settings().calm });
    const waiting = this.#moreFiles;
    this.#moreFiles = Promise.withResolvers();
    waiting?.resolve();
    this.#uploads.kick();
    this.#changed();
  }

  /** While a scan runs, waits for its next batch; false when none runs. */
  async #moreComing(): Promise<boolean> {
    if (!this.#scans.busy || this.#moreFiles === undefined || !this.#active) {
      return false;
    }
    await this.#moreFiles.promise;
    return true;
  }

  /**
   * Files that moved under the reader: their new state goes into the journal, to be read when they are still. Returns those
   * that are not to be seen; a scan looks for them.
   */
  async #lookAgain(files: readonly PendingFile[]): Promise<readonly PendingFile[]> {
    const { disk } = this.#ports;
    const stats = await disk.stat(
      files.map((file) => file.diskPath),
      this.#plan.rules.followLinks,
    );
    const changes: TreeChange[] = [];
    const unseen: PendingFile[] = [];
    for (const [index, file] of files.entries()) {
      const stat = stats[index];
      if (stat?.kind === 'file') {
        changes.push({ type: 'file', path: file.path, diskPath: file.diskPath, stat });
      } else {
        unseen.push(file);
        this.#scanOnly.add(file.path);
      }
    }
    if (changes.length > 0) {
      await this.#record(changes);
    }
    if (this.#scanOnly.size > 0) {
      this.#scans.kick();
    }
    return unseen;
  }

  /** Lets deletes through, or stops and asks. A rename is no delete: its bytes may still have to be read to know that. */
  async #guardDeletes(): Promise<void> {
    const { journal } = this.#ports;
    const counts = await journal.counts(this.#folder.id);
    if (counts.gone.files === 0) {
      this.#deleteGuard.nothingGone();
      this.#clear('deletes');
      // Directories that vanished without a file in them need no guard.
      await journal.confirmDeletes(this.#folder.id, this.#plan.deletes, 'guard');
      return;
    }
    const figures = await journal.guardFigures(this.#folder.id);
    const nowMs = this.#ports.clock.nowMs();
    const verdict = this.#deleteGuard.judge(figures, nowMs);
    if (verdict === 'wait') {
      this.#arm();
      return;
    }
    if (verdict === 'go') {
      await journal.confirmDeletes(this.#folder.id, this.#plan.deletes, 'guard');
      const left = (await journal.counts(this.#folder.id)).gone.files;
      this.#deleteGuard.wentUnasked(figures.gone - left, nowMs);
      this.#clear('deletes');
      return;
    }
    if (counts.pending.files > 0 && !this.#troubles.has('deletes')) {
      // New files may turn out to be the missing ones under other names: judge when they have been read. Whoever called
      // sees to that; to ask for it here would go round and round until the first of them is due.
      return;
    }
    // Files that are brought back, or a disk that is mounted again, may come without a hint.
    const lookAgainMs = figures.live === 0 ? ROOT_LOOK_EVERY_MS : DELETES_LOOK_EVERY_MS;
    this.#nextScanAtMs = Math.min(this.#nextScanAtMs, this.#ports.clock.nowMs() + lookAgainMs);
    this.#trouble('deletes', verdict);
    this.#arm();
  }

  async #upload(): Promise<void> {
    if (!this.#active || this.#blocked || this.#isUnseen || !(await this.#adopt())) {
      return;
    }
    this.#changed();
    await this.#uploader.uploadDue();
    if (!this.#closed) {
      const counts = await this.#ports.journal.counts(this.#folder.id);
      if (counts.gone.files > 0 && !this.#scans.busy) {
        await this.#guardDeletes();
      }
    }
    this.#arm();
    this.#progress();
  }

  /** Recognises what the collection has already; whether uploads may go on. */
  async #adopt(): Promise<boolean> {
    const { journal, clock, gate } = this.#ports;
    if (!(await journal.mayAdopt(this.#folder.id)) || !gate.passable) {
      return true;
    }
    if (this.#scanAll || this.#scanningAll) {
      this.#awaitsScan = true;
      return false;
    }
    if (clock.nowMs() < this.#adoptBackoff.untilMs) {
      return true;
    }
    const { outcome, adopted } = await this.#adopter.adopt();
    if (adopted.files > 0) {
      const message = `${adopted.files} files were in the collection already; nothing was sent for them`;
      this.events.emit('note', { level: 'info', message });
    }
    if (outcome === 'later') {
      this.#adoptBackoff.failed();
    } else {
      this.#adoptBackoff.reset();
    }
    return outcome !== 'stopped';
  }

  /** What is found in the collection is not recorded while a save of ours is on its way there. */
  #adoptingJournal(): AdopterPorts['journal'] {
    const { journal } = this.#ports;
    return {
      beginAdoption: (folderId, nowMs) => journal.beginAdoption(folderId, nowMs),
      nextAdoptable: (folderId, nowMs) => journal.nextAdoptable(folderId, nowMs),
      recordAdoption: (folderId, verdicts, nowMs) =>
        this.#remoteTurn.run(() => journal.recordAdoption(folderId, verdicts, nowMs)),
    };
  }

  async #save(): Promise<void> {
    const { journal, clock, settings } = this.#ports;
    if (!this.#active) {
      return;
    }
    const nowMs = clock.nowMs();
    if (nowMs < this.#saveBackoff.untilMs) {
      this.#arm();
      return;
    }
    await this.#checkRemote(nowMs);
    const counts = await journal.counts(this.#folder.id);
    if (this.#fruitless !== shapeOf(counts)) {
      this.#fruitless = undefined;
    }
    this.#nextSaveAtMs = this.#fruitless === undefined ? this.#saveDueAtMs(counts, nowMs) : null;
    if (this.#nextSaveAtMs === null) {
      this.#saveNow = false;
      this.#clear('save');
      return;
    }
    if (this.#nextSaveAtMs > nowMs && !this.#saveNow) {
      this.#arm();
      return;
    }
    this.#saveNow = false;
    this.#saving = true;
    this.#changed();
    try {
      const outcome = await this.#remoteTurn.run(() =>
        this.#ports.saver.save(this.#plan, this.#abort.signal),
      );
      this.#folder = outcome?.folder ?? (await journal.openFolder(this.#plan.publicId));
      this.#restUntilMs = restAfterSave(this.#restUntilMs, clock.nowMs(), clock.nowMs() - nowMs);
      this.#nextRemoteAtMs = clock.nowMs() + settings().remoteCheckEveryMs;
      this.#saveBackoff.reset();
      this.#clear('save');
      // What is left may have to wait for something else: a folder whose last file is being looked for under another name.
      // Not so where the look before the save has settled something, or more was stored meanwhile.
      const left = outcome === undefined ? shapeOf(await journal.counts(this.#folder.id)) : undefined;
      this.#fruitless = left === shapeOf(counts) ? left : undefined;
      if (outcome) {
        if (this.#plan.rebuiltFrom !== null) {
          this.#plan = { ...this.#plan, rebuiltFrom: outcome.folder.remotePdh };
        }
        this.events.emit('saved', outcome);
        if (outcome.again > 0) {
          this.#uploads.kick();
        }
      }
    } catch (thrown) {
      this.#saveFailed(asKeepsyncError(thrown));
    } finally {
      this.#saving = false;
      this.#nextSaveAtMs = null;
      this.#arm();
      this.#changed();
    }
    if (this.#saveBackoff.untilMs <= clock.nowMs()) {
      // What was stored while this save ran gets a schedule of its own.
      this.#saves.kick();
    }
  }

  #saveDueAtMs(counts: JournalCounts, nowMs: number): number | null {
    const { settings } = this.#ports;
    const idle = !this.#scanningAll && !this.#scanFinds && !this.#uploader.working;
    this.#idleSinceMs = idle ? (this.#idleSinceMs ?? nowMs) : null;
    return nextSaveAtMs({
      nowMs,
      unsaved: counts.stored.files + counts.deleted.files + counts.dirsToSave,
      oldestStoredAtMs: counts.oldestStoredAtMs,
      lastSaveAtMs: this.#folder.lastSaveAtMs,
      restUntilMs: this.#restUntilMs,
      idleSinceMs: this.#idleSinceMs,
      manifestBytes: estimateManifestBytes(
        counts.saved.files + counts.stored.files,
        counts.savedBlocks.files + counts.storedBlocks.files,
      ),
      signatureTtlMs: settings().signatureTtlMs,
      everyMinMs: settings().saveEveryMinMs,
      everyMaxMs: settings().saveEveryMaxMs,
    });
  }

  #saveFailed(error: KeepsyncError): void {
    if (error.code === 'CANCELLED') {
      return;
    }
    this.#saveBackoff.failed();
    this.#trouble('save', error, this.#saveBackoff.untilMs);
  }

  async #checkRemote(nowMs: number): Promise<void> {
    if (!this.#remoteDirty && nowMs < this.#nextRemoteAtMs) {
      return;
    }
    this.#remoteDirty = false;
    this.#nextRemoteAtMs = nowMs + this.#ports.settings().remoteCheckEveryMs;
    try {
      const lost = await this.#ports.saver.checkRemote(this.#folder, this.#abort.signal);
      this.#folder = await this.#ports.journal.openFolder(this.#plan.publicId);
      this.#clear('remote');
      // What waited for it may be sent, or be found to be there already.
      this.#uploads.kick();
      // The look may have found saved what a lost answer had left in doubt.
      this.#changed();
      if (lost > 0) {
        this.events.emit('note', {
          level: 'warn',
          message: `The collection no longer had ${lost} of our files as we saved them; they are saved again`,
        });
        this.#uploads.kick();
      }
    } catch (thrown) {
      const error = asKeepsyncError(thrown);
      if (error.code !== 'CANCELLED') {
        this.#nextRemoteAtMs =
          nowMs + (isRetriable(error.code) ? 30_000 : this.#ports.settings().remoteCheckEveryMs);
        this.#trouble('remote', error, this.#nextRemoteAtMs);
        if (!isRetriable(error.code)) {
          this.#lookedInVain = true;
          this.#uploads.kick();
        }
      }
    } finally {
      if (!this.#hasLookedAtRemote) {
        this.#hasLookedAtRemote = true;
        this.#changed();
      }
    }
  }

  /** One timer for whatever comes first: a file that becomes still, a save, a rescan, a look at the collection. */
  #arm(): void {
    if (!this.#active) {
      return;
    }
    void this.#ports.journal.nextDueAtMs(this.#folder.id).then(
      (dueAtMs) => {
        // Whoever cannot act yet, or is at it, is not woken: a time that has passed would wake this loop again and again.
        const times = [this.#nextScanAtMs];
        const { judgeAtMs } = this.#deleteGuard;
        if (judgeAtMs !== undefined && judgeAtMs > this.#ports.clock.nowMs()) {
          times.push(judgeAtMs);
        }
        if (dueAtMs !== null && !this.#uploads.busy && !this.#uploadsWait) {
          const gateMs = this.#ports.gate.error === undefined ? 0 : this.#ports.gate.untilMs;
          times.push(Math.max(dueAtMs, gateMs, this.#adoptBackoff.untilMs));
        }
        if (!this.#saves.busy) {
          times.push(Math.max(this.#nextRemoteAtMs, this.#saveBackoff.untilMs));
          if (this.#nextSaveAtMs !== null) {
            times.push(Math.max(this.#nextSaveAtMs, this.#saveBackoff.untilMs));
          } else if (this.#troubles.has('save')) {
            times.push(this.#saveBackoff.untilMs);
          }
        }
        this.#wakeAt(Math.min(...times));
      },
      (thrown) => this.#trouble('work', asKeepsyncError(thrown)),
    );
  }

  #wakeAt(atMs: number): void {
    const { clock } = this.#ports;
    if (this.#closed || (this.#cancelTimer && this.#timerAtMs <= atMs)) {
      return;
    }
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = clock.setTimer(Math.max(atMs - clock.nowMs(), 5), () => {
      this.#cancelTimer = undefined;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      if (clock.nowMs() >= this.#nextScanAtMs) {
        this.rescan();
      }
      this.#uploads.kick();
      this.#saves.kick();
      this.#arm();
    });
  }
}

/** What was on the disk at the last look. */
function knownFiles({ pending, stored, saved, failed, held }: JournalCounts): number {
  return [pending, stored, saved, failed, held].reduce((sum, tally) => sum + tally.files, 0);
}

function shapeOf(counts: JournalCounts): string {
  const { pending, stored, gone, deleted, dirsToSave } = counts;
  return JSON.stringify([pending, stored, gone, deleted, dirsToSave]);
}
