import { asKeepsyncError, isRetriable, type KeepsyncError } from '../base/errors.ts';
import { Mutex } from '../base/mutex.ts';
import { Backoff } from './backoff.ts';
import { CoalescedTask } from './coalesced-task.ts';
import type { FolderCore } from './folder-core.ts';
import type { JournalCounts } from './journal-port.ts';
import { estimateManifestBytes, nextSaveAtMs, restAfterSave } from './save-schedule.ts';

const SAVE_AGAIN_FIRST_MS = 10_000;
const SAVE_AGAIN_LAST_MS = 5 * 60_000;
/** A look at the collection that failed, but may go well, is made again after this. */
const REMOTE_AGAIN_MS = 30_000;

export interface SavesPorts {
  /** Something is still being found or read that the next save could carry. */
  readonly moreComing: () => boolean;
  /** Something waits to be uploaded, or need not wait any longer. */
  readonly uploads: () => void;
  /** The times at which something is due have changed. */
  readonly arm: () => void;
}

/** Decides when one folder is saved, saves it, and looks at the collection now and then. */
export class FolderSaves {
  readonly task: CoalescedTask;
  /** What is saved, and what is found in the collection, are recorded one after the other. */
  readonly turn = new Mutex();
  readonly #core: FolderCore;
  readonly #ports: SavesPorts;
  readonly #backoff: Backoff;
  #saving = false;
  #saveNow = false;
  /** The counts at which a save found nothing that it could do; until they change there is no point in another. */
  #fruitless: string | undefined;
  #nextAtMs: number | null = null;
  #idleSinceMs: number | null = null;
  #restUntilMs = 0;
  #remoteDirty = false;
  #nextRemoteAtMs = 0;
  #hasLooked = false;
  #lookedInVain = false;

  constructor(core: FolderCore, ports: SavesPorts) {
    this.#core = core;
    this.#ports = ports;
    this.#backoff = new Backoff(core.ports.clock, SAVE_AGAIN_FIRST_MS, SAVE_AGAIN_LAST_MS);
    this.task = new CoalescedTask(
      () => this.#save(),
      (thrown) => core.workFailed(thrown),
      ports.arm,
    );
  }

  get saving(): boolean {
    return this.#saving;
  }

  /** When the next save is due; null where there is nothing to save. */
  get nextAtMs(): number | null {
    return this.#nextAtMs;
  }

  /** The collection was looked at since the start, or could not be: until then nobody says that all is saved. */
  get hasLooked(): boolean {
    return this.#hasLooked;
  }

  /** The first look at the collection failed for good: uploads need not wait for it. */
  get lookedInVain(): boolean {
    return this.#lookedInVain;
  }

  /** When this is to be kicked, for one reason or another. */
  get dueTimesMs(): number[] {
    const { untilMs } = this.#backoff;
    const times = [Math.max(this.#nextRemoteAtMs, untilMs)];
    if (this.#nextAtMs !== null) {
      times.push(Math.max(this.#nextAtMs, untilMs));
    } else if (this.#core.troubleOf('save') !== undefined) {
      times.push(untilMs);
    }
    return times;
  }

  /** The collection is to be looked at first. */
  start(): void {
    this.#nextRemoteAtMs = this.#core.ports.clock.nowMs();
  }

  /** The collection may have changed. */
  remoteHint(): void {
    this.#remoteDirty = true;
    this.task.kick();
  }

  /** The next run saves whatever there is, without waiting for its time. */
  hurry(): void {
    this.#saveNow = true;
  }

  /** A failure is not waited for any longer. */
  retry(): void {
    this.#backoff.reset();
  }

  /** A save may find now what it did not find before. */
  mayBearFruit(): void {
    this.#fruitless = undefined;
  }

  /** Whether a save has found that it can do nothing at these counts. */
  isFruitless(counts: JournalCounts): boolean {
    return this.#fruitless === shapeOf(counts);
  }

  async #save(): Promise<void> {
    const core = this.#core;
    const { journal, clock } = core.ports;
    if (!core.active) {
      return;
    }
    const nowMs = clock.nowMs();
    if (nowMs < this.#backoff.untilMs) {
      this.#ports.arm();
      return;
    }
    await this.#checkRemote(nowMs);
    const counts = await journal.counts(core.folder.id);
    if (!this.isFruitless(counts)) {
      this.#fruitless = undefined;
    }
    this.#nextAtMs = this.#fruitless === undefined ? this.#dueAtMs(counts, nowMs) : null;
    if (this.#nextAtMs === null) {
      this.#saveNow = false;
      core.clear('save');
      return;
    }
    if (this.#nextAtMs > nowMs && !this.#saveNow) {
      this.#ports.arm();
      return;
    }
    this.#saveNow = false;
    this.#saving = true;
    core.changed();
    try {
      await this.#saveStored(counts, nowMs);
    } catch (thrown) {
      this.#failed(asKeepsyncError(thrown));
    } finally {
      this.#saving = false;
      this.#nextAtMs = null;
      this.#ports.arm();
      core.changed();
    }
    if (this.#backoff.untilMs <= clock.nowMs()) {
      // What was stored while this save ran gets a schedule of its own.
      this.task.kick();
    }
  }

  async #saveStored(counts: JournalCounts, startedAtMs: number): Promise<void> {
    const core = this.#core;
    const { journal, clock, settings, saver } = core.ports;
    const outcome = await this.turn.run(() => saver.save(core.plan, core.abort.signal));
    core.folder = outcome?.folder ?? (await journal.openFolder(core.plan.publicId));
    this.#restUntilMs = restAfterSave(this.#restUntilMs, clock.nowMs(), clock.nowMs() - startedAtMs);
    this.#nextRemoteAtMs = clock.nowMs() + settings().remoteCheckEveryMs;
    this.#backoff.reset();
    core.clear('save');
    // What is left may have to wait for something else: a folder whose last file is being looked for under another name.
    // Not so where the look before the save has settled something, or more was stored meanwhile.
    const left = outcome === undefined ? shapeOf(await journal.counts(core.folder.id)) : undefined;
    this.#fruitless = left === shapeOf(counts) ? left : undefined;
    if (outcome === undefined) {
      return;
    }
    if (core.plan.rebuiltFrom !== null) {
      core.plan = { ...core.plan, rebuiltFrom: outcome.folder.remotePdh };
    }
    core.events.emit('saved', outcome);
    if (core.ports.watcher !== undefined) {
      // A command ends now, and its journal goes; whoever stays looks at the rows sooner or later.
      await journal.writeSaved();
    }
    if (outcome.again > 0) {
      this.#ports.uploads();
    }
  }

  #dueAtMs(counts: JournalCounts, nowMs: number): number | null {
    const { folder, ports } = this.#core;
    const settings = ports.settings();
    this.#idleSinceMs = this.#ports.moreComing() ? null : (this.#idleSinceMs ?? nowMs);
    return nextSaveAtMs({
      nowMs,
      unsaved: unsavedIn(counts),
      oldestStoredAtMs: counts.oldestStoredAtMs,
      lastSaveAtMs: folder.lastSaveAtMs,
      restUntilMs: this.#restUntilMs,
      idleSinceMs: this.#idleSinceMs,
      manifestBytes: estimateManifestBytes(
        counts.saved.files + counts.stored.files,
        counts.savedBlocks.files + counts.storedBlocks.files,
      ),
      signatureTtlMs: settings.signatureTtlMs,
      everyMinMs: settings.saveEveryMinMs,
      everyMaxMs: settings.saveEveryMaxMs,
    });
  }

  #failed(error: KeepsyncError): void {
    if (error.code !== 'CANCELLED') {
      this.#backoff.failed();
      this.#core.trouble('save', error, this.#backoff.untilMs);
    }
  }

  async #checkRemote(nowMs: number): Promise<void> {
    if (!this.#remoteDirty && nowMs < this.#nextRemoteAtMs) {
      return;
    }
    const core = this.#core;
    const { journal, saver, settings } = core.ports;
    this.#remoteDirty = false;
    this.#nextRemoteAtMs = nowMs + settings().remoteCheckEveryMs;
    try {
      const lost = await saver.checkRemote(core.folder, core.abort.signal);
      core.folder = await journal.openFolder(core.plan.publicId);
      core.clear('remote');
      // What waited for it may be sent, or be found to be there already.
      this.#ports.uploads();
      // The look may have found saved what a lost answer had left in doubt.
      core.changed();
      if (lost > 0) {
        core.note(
          'warn',
          `The collection no longer had ${lost} of our files as we saved them; they are saved again`,
        );
      }
    } catch (thrown) {
      this.#lookFailed(asKeepsyncError(thrown), nowMs);
    } finally {
      if (!this.#hasLooked) {
        this.#hasLooked = true;
        core.changed();
      }
    }
  }

  #lookFailed(error: KeepsyncError, nowMs: number): void {
    if (error.code === 'CANCELLED') {
      return;
    }
    if (isRetriable(error.code)) {
      this.#nextRemoteAtMs = nowMs + REMOTE_AGAIN_MS;
    }
    this.#core.trouble('remote', error, this.#nextRemoteAtMs);
    if (!isRetriable(error.code)) {
      this.#lookedInVain = true;
      this.#ports.uploads();
    }
  }
}

/** What a save could carry: stored files, deletes and directories. */
export const unsavedIn = (counts: JournalCounts): number =>
  counts.stored.files + counts.deleted.files + counts.dirsToSave;

function shapeOf(counts: JournalCounts): string {
  const { pending, stored, gone, deleted, dirsToSave } = counts;
  return JSON.stringify([pending, stored, gone, deleted, dirsToSave]);
}
