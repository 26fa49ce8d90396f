import type { Emitter } from '../base/emitter.ts';
import { KeepsyncError } from '../base/errors.ts';
import { Backoff } from './backoff.ts';
import { CoalescedTask } from './coalesced-task.ts';
import { type AdopterPorts, CollectionAdopter } from './collection-adopter.ts';
import {
  FolderCore,
  type FolderFacts,
  type FolderPhase,
  type FolderPlan,
  type LoopEvents,
  type LoopPorts,
} from './folder-core.ts';
import { FolderDeletes } from './folder-deletes.ts';
import { FolderSaves, unsavedIn } from './folder-saves.ts';
import { FolderScans } from './folder-scans.ts';
import { FolderUploader } from './folder-uploader.ts';
import type { JournalFolder } from './journal-port.ts';

const ADOPT_AGAIN_FIRST_MS = 2_000;
const ADOPT_AGAIN_LAST_MS = 60_000;
/** `settle` looks again after this, where something is due at once. */
const SETTLE_LOOK_MS = 20;
/** A time that has passed is due after this. */
const WAKE_MIN_MS = 5;

/** Keeps one folder and its collection together: scans, uploads, saves, each one at a time, side by side. */
export class FolderLoop {
  readonly #core: FolderCore;
  readonly #scans: FolderScans;
  readonly #deletes: FolderDeletes;
  readonly #saves: FolderSaves;
  readonly #uploader: FolderUploader;
  readonly #adopter: CollectionAdopter;
  readonly #uploads: CoalescedTask;
  readonly #adoptBackoff: Backoff;
  /** Uploads wait for the scan's end, so that what the collection has already is compared together. */
  #awaitsScan = false;
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(ports: LoopPorts, plan: FolderPlan, folder: JournalFolder) {
    const core = new FolderCore(ports, plan, folder);
    this.#core = core;
    // When reading and sending end, a save may be due at once.
    const ended = () => {
      this.#arm();
      this.#progress();
    };
    this.#scans = new FolderScans(core, {
      onRescan: () => this.#saves.mayBearFruit(),
      onScanned: () => this.#deletes.judge(),
      onFound: () => {
        this.#uploads.kick();
        core.changed();
      },
      onEnd: () => {
        this.#awaitsScan = false;
        this.#uploads.kick();
        this.#saves.task.kick();
        this.#arm();
        core.changed();
      },
      onIdle: ended,
    });
    this.#deletes = new FolderDeletes(core, {
      scanWithin: (delayMs) => this.#scans.within(delayMs),
      arm: () => this.#arm(),
    });
    this.#saves = new FolderSaves(core, {
      moreComing: () => this.#scans.finding || this.#uploader.working,
      uploads: () => this.#uploads.kick(),
      arm: () => this.#arm(),
    });
    this.#adoptBackoff = new Backoff(ports.clock, ADOPT_AGAIN_FIRST_MS, ADOPT_AGAIN_LAST_MS);
    this.#adopter = new CollectionAdopter({
      ...ports,
      folderId: folder.id,
      keepsBeside: () => core.plan.conflicts === 'keep-beside',
      onProgress: () => this.#progress(),
      onFailures: (failures) => this.#uploader.failed(failures),
      journal: this.#adoptingJournal(),
    });
    this.#uploader = new FolderUploader({
      ...ports,
      folderId: folder.id,
      followLinks: () => core.plan.rules.followLinks,
      moreComing: () => this.#scans.moreComing(),
      onProgress: () => this.#progress(),
      onChangedFiles: (files) => this.#scans.lookAgain(files),
    });
    this.#uploads = new CoalescedTask(
      () => this.#upload(),
      (thrown) => core.workFailed(thrown),
      ended,
    );
  }

  get events(): Emitter<LoopEvents> {
    return this.#core.events;
  }

  get facts(): FolderFacts {
    return {
      phase: this.#phase(),
      errors: this.#core.troubles,
      folder: this.#core.folder,
      nextSaveAtMs: this.#saves.nextAtMs,
      totals: this.#scans.totals,
      acknowledgedPieceBytes: this.#uploader.acknowledgedPieceBytes,
    };
  }

  /** Begins: watches where there is a watcher, and scans everything. Returns at once. */
  start(): void {
    this.#core.started = true;
    this.#saves.start();
    this.#scans.start();
    this.#arm();
  }

  /** Scans everything now. */
  rescan(): void {
    this.#scans.rescan();
  }

  pause(): void {
    this.#core.paused = true;
    this.#adopter.stop();
    this.#uploader.stop();
    this.#scans.release();
    this.#core.changed();
  }

  resume(): void {
    this.#core.paused = false;
    this.#adopter.resume();
    this.#uploader.resume();
    this.kick();
  }

  /**
   * Failed files, and whatever the folder as a whole waits for, are tried now. Returns how many files. Where the folder
   * keeps what is deleted, and a person means just the guard's question by it, it goes on: the collection loses nothing.
   */
  async retry(code?: KeepsyncError['code']): Promise<number> {
    const { ports, plan, folder } = this.#core;
    const count = await ports.journal.retry(folder.id, {
      nowMs: ports.clock.nowMs(),
      ...(code === undefined ? {} : { code }),
    });
    if (plan.deletes === 'keep' && code === this.#core.troubleOf('deletes')?.error.code) {
      await this.confirmDeletes();
    }
    this.#saves.retry();
    for (const trouble of ['save', 'remote', 'watch', 'work'] as const) {
      this.#core.clear(trouble);
    }
    this.#saves.hurry();
    this.rescan();
    this.kick();
    return count;
  }

  /** A person says that what is gone is meant to be gone. */
  async confirmDeletes(): Promise<void> {
    await this.#deletes.confirm();
    this.kick();
  }

  /** Takes effect at once; other roots or rules make it scan everything. */
  async replan(plan: FolderPlan): Promise<void> {
    this.#core.plan = plan;
    await this.#scans.replanned();
  }

  /** All that a lost journal knew is found or saved again: from now on nothing of others is taken for ours. */
  rebuilt(): void {
    this.#core.plan = { ...this.#core.plan, rebuiltFrom: null };
  }

  /** The collection may have changed. */
  remoteHint(): void {
    this.#saves.remoteHint();
  }

  /** Whatever waits may be able to go on. */
  kick(): void {
    this.#scans.task.kick();
    this.#uploads.kick();
    this.#saves.task.kick();
    this.#core.changed();
  }

  /**
   * Scans once, uploads and saves until nothing more can be done without waiting, for one-shot commands and for
   * "finish, then quit". `waitMs` bounds how long it waits for files that are still being written.
   */
  async settle(waitMs: number): Promise<void> {
    const { clock, journal } = this.#core.ports;
    const untilMs = clock.nowMs() + waitMs;
    for (;;) {
      this.kick();
      await this.#idle();
      if (!this.#canGoOn) {
        return;
      }
      const counts = await journal.counts(this.#core.folder.id);
      const unsaved = unsavedIn(counts);
      const dueAtMs = await journal.nextDueAtMs(this.#core.folder.id);
      if (unsaved === 0 && counts.pending.files === 0 && dueAtMs === null && !this.#scans.allWaits) {
        return;
      }
      if (unsaved > 0 && counts.pending.files === 0 && !this.#saves.isFruitless(counts)) {
        this.#saves.hurry();
        continue;
      }
      if (clock.nowMs() >= untilMs) {
        this.#saves.hurry();
        this.#saves.task.kick();
        await this.#idle();
        return;
      }
      const pauseMs = Math.min(
        Math.max((dueAtMs ?? 0) - clock.nowMs(), SETTLE_LOOK_MS),
        Math.max(untilMs - clock.nowMs(), SETTLE_LOOK_MS),
      );
      await new Promise<void>((resolve) => clock.setTimer(pauseMs, resolve));
    }
  }

  /** Stops everything; with what is on the way let to its end. Resolves when nothing of this loop runs any more. */
  async close(): Promise<void> {
    this.#core.closed = true;
    this.#adopter.stop();
    this.#uploader.stop();
    this.#scans.release();
    this.#core.abort.abort(new KeepsyncError('CANCELLED', 'Stopped'));
    this.#cancelTimer?.();
    await Promise.all([this.#scans.close(), this.#uploads.stop(), this.#saves.task.stop()]);
    const { ports, folder } = this.#core;
    await ports.journal.writeFound(folder.id).catch((thrown: unknown) => this.#core.workFailed(thrown));
  }

  async #idle(): Promise<void> {
    const tasks = [this.#scans.task, this.#uploads, this.#saves.task];
    while (tasks.some((task) => task.busy)) {
      for (const task of tasks) {
        await task.idle();
      }
    }
  }

  /** Nothing is wrong that only time or a person can mend. */
  get #canGoOn(): boolean {
    const { gate } = this.#core.ports;
    return this.#core.active && this.#core.troubles.length === 0 && gate.passable && gate.error === undefined;
  }

  /** Nothing is sent into a collection that nobody has looked at yet: it may have it all. */
  get #isUnseen(): boolean {
    const { collectionUuid, remotePdh, lastSaveAtMs } = this.#core.folder;
    return (
      !this.#saves.lookedInVain && collectionUuid !== null && remotePdh === null && lastSaveAtMs === null
    );
  }

  /** Something else has to happen before a file is read. */
  get #uploadsWait(): boolean {
    return this.#core.blocked || this.#isUnseen || this.#awaitsScan;
  }

  #phase(): FolderPhase {
    const { closed, paused, started, blocked } = this.#core;
    if (closed) {
      return 'stopped';
    }
    if (paused) {
      return 'paused';
    }
    if (!started) {
      return 'starting';
    }
    if (blocked) {
      return 'blocked';
    }
    // The uploader waits beside every scan for what that finds: until it has found something, this is looking.
    if (this.#uploader.working || this.#adopter.working) {
      return 'uploading';
    }
    if (this.#scans.task.busy || this.#scans.allWaits || this.#isUnseen || !this.#saves.hasLooked) {
      return 'scanning';
    }
    return this.#saves.saving ? 'saving' : 'watching';
  }

  #progress(): void {
    this.#saves.task.kick();
    this.#core.changed();
  }

  async #upload(): Promise<void> {
    const core = this.#core;
    if (!core.active || core.blocked || this.#isUnseen || !(await this.#adopt())) {
      return;
    }
    core.changed();
    await this.#uploader.uploadDue();
    if (!core.closed) {
      const counts = await core.ports.journal.counts(core.folder.id);
      if (counts.gone.files > 0 && !this.#scans.task.busy) {
        await this.#deletes.judge();
      }
    }
    this.#arm();
    this.#progress();
  }

  /** Recognises what the collection has already; whether uploads may go on. */
  async #adopt(): Promise<boolean> {
    const { ports, folder } = this.#core;
    const { journal, clock, gate } = ports;
    if (!(await journal.mayAdopt(folder.id)) || !gate.passable) {
      return true;
    }
    if (this.#scans.allUnderWay) {
      this.#awaitsScan = true;
      return false;
    }
    if (clock.nowMs() < this.#adoptBackoff.untilMs) {
      return true;
    }
    const { outcome, adopted } = await this.#adopter.adopt();
    if (adopted.files > 0) {
      this.#core.note(
        'info',
        `${adopted.files} files were in the collection already; nothing was sent for them`,
      );
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
    const { journal } = this.#core.ports;
    return {
      beginAdoption: (folderId, nowMs) => journal.beginAdoption(folderId, nowMs),
      nextAdoptable: (folderId, nowMs) => journal.nextAdoptable(folderId, nowMs),
      recordAdoption: (folderId, verdicts, nowMs) =>
        this.#saves.turn.run(() => journal.recordAdoption(folderId, verdicts, nowMs)),
    };
  }

  /** One timer for whatever comes first: a file that becomes still, a save, a rescan, a look at the collection. */
  #arm(): void {
    const core = this.#core;
    if (!core.active) {
      return;
    }
    void core.ports.journal.nextDueAtMs(core.folder.id).then(
      (dueAtMs) => this.#wakeAt(Math.min(...this.#timesMs(dueAtMs))),
      (thrown) => core.workFailed(thrown),
    );
  }

  /** Whoever cannot act yet, or is at it, is not woken: a time that has passed would wake this loop again and again. */
  #timesMs(dueAtMs: number | null): number[] {
    const { clock, gate } = this.#core.ports;
    const times = [this.#scans.nextAtMs];
    const { judgeAtMs } = this.#deletes;
    if (judgeAtMs !== undefined && judgeAtMs > clock.nowMs()) {
      times.push(judgeAtMs);
    }
    if (dueAtMs !== null && !this.#uploads.busy && !this.#uploadsWait) {
      const gateMs = gate.error === undefined ? 0 : gate.untilMs;
      times.push(Math.max(dueAtMs, gateMs, this.#adoptBackoff.untilMs));
    }
    if (!this.#saves.task.busy) {
      times.push(...this.#saves.dueTimesMs);
    }
    return times;
  }

  #wakeAt(atMs: number): void {
    const { clock } = this.#core.ports;
    if (this.#core.closed || (this.#cancelTimer && this.#timerAtMs <= atMs)) {
      return;
    }
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = clock.setTimer(Math.max(atMs - clock.nowMs(), WAKE_MIN_MS), () => {
      this.#cancelTimer = undefined;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      if (clock.nowMs() >= this.#scans.nextAtMs) {
        this.rescan();
      }
      this.#uploads.kick();
      this.#saves.task.kick();
      this.#arm();
    });
  }
}
