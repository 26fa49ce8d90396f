import { asKeepsyncError } from '../base/errors.ts';
import type { ScanTotals, TreeChange, WatchEvents, WatchHint, Watching } from '../local/ports.ts';
import { CoalescedTask } from './coalesced-task.ts';
import type { FolderCore } from './folder-core.ts';
import type { JournalCounts, PendingFile } from './journal-port.ts';
import { findablePath, pathInCollection, topmostPaths } from './root-paths.ts';

/** How long the first scan waits for a watcher that takes its time; then there is one scan now and one when it watches. */
const WATCHER_FIRST_MS = 5_000;
const ROOT_LOOK_EVERY_MS = 30_000;

export interface ScansPorts {
  /** A whole scan was asked for. */
  readonly onRescan: () => void;
  /** A scan that did not fail has listed everything. */
  readonly onScanned: () => Promise<void>;
  /** There are new rows. */
  readonly onFound: () => void;
  /** A scan has ended, well or not. */
  readonly onEnd: () => void;
  /** No scan runs, and none is asked for. */
  readonly onIdle: () => void;
}

/** Watches one folder, lists what may have changed in it, and records what has. */
export class FolderScans {
  readonly task: CoalescedTask;
  readonly #core: FolderCore;
  readonly #ports: ScansPorts;
  #watching: Watching | undefined;
  /** Everything is to be listed. */
  #all = false;
  #listingAll = false;
  /** The scan that runs has found something: there may be more, and one save for all of it is enough. */
  #hasFound = false;
  #only = new Set<string>();
  #totals: ScanTotals | undefined;
  #moreFiles: PromiseWithResolvers<void> | undefined;
  #nextAtMs = 0;

  constructor(core: FolderCore, ports: ScansPorts) {
    this.#core = core;
    this.#ports = ports;
    this.task = new CoalescedTask(
      () => this.#scan(),
      (thrown) => core.workFailed(thrown),
      ports.onIdle,
    );
  }

  /** Of the last scan of everything; undefined before there was one. */
  get totals(): ScanTotals | undefined {
    return this.#totals;
  }

  /** When everything is listed at the latest. */
  get nextAtMs(): number {
    return this.#nextAtMs;
  }

  /** Everything is to be listed, and is not yet. */
  get allWaits(): boolean {
    return this.#all;
  }

  /** Everything is being listed, or is to be. */
  get allUnderWay(): boolean {
    return this.#all || this.#listingAll;
  }

  /** More rows may come of the scan that runs. */
  get finding(): boolean {
    return this.#listingAll || this.#hasFound;
  }

  /** Watches where there is a watcher, and lists everything. Returns at once. */
  start(): void {
    const { clock, watcher } = this.#core.ports;
    if (watcher === undefined) {
      this.rescan();
    } else {
      // One look is enough if the watcher is there first: what it does not see changes before the look.
      this.#all = true;
      this.#nextAtMs = clock.nowMs() + WATCHER_FIRST_MS;
      void this.#startWatching();
    }
  }

  /** Lists everything now. */
  rescan(): void {
    const { clock, settings } = this.#core.ports;
    this.#all = true;
    this.#nextAtMs = clock.nowMs() + settings().rescanEveryMs;
    this.#ports.onRescan();
    this.task.kick();
  }

  within(delayMs: number): void {
    this.#nextAtMs = Math.min(this.#nextAtMs, this.#core.ports.clock.nowMs() + delayMs);
  }

  /** The plan has other roots or rules. */
  async replanned(): Promise<void> {
    await this.#watching?.close();
    this.#watching = undefined;
    if (this.#core.started) {
      void this.#startWatching();
    }
    this.rescan();
  }

  /** Whoever waits for more rows need not any longer. */
  release(): void {
    this.#moreFiles?.resolve();
  }

  async close(): Promise<void> {
    await Promise.all([this.#watching?.close(), this.task.stop()]);
  }

  /** While a scan runs, waits for its next batch; false when none runs. */
  async moreComing(): Promise<boolean> {
    if (!this.task.busy || this.#moreFiles === undefined || !this.#core.active) {
      return false;
    }
    await this.#moreFiles.promise;
    return true;
  }

  /**
   * Files that moved under the reader: their new state goes into the journal, to be read when they are still. Returns those
   * that are not to be seen; a scan looks for them.
   */
  async lookAgain(files: readonly PendingFile[]): Promise<readonly PendingFile[]> {
    const { ports, plan } = this.#core;
    const stats = await ports.disk.stat(
      files.map((file) => file.diskPath),
      plan.rules.followLinks,
    );
    const changes: TreeChange[] = [];
    const unseen: PendingFile[] = [];
    for (const [index, file] of files.entries()) {
      const stat = stats[index];
      if (stat?.kind === 'file') {
        changes.push({ type: 'file', path: file.path, diskPath: file.diskPath, stat });
      } else {
        unseen.push(file);
        this.#only.add(file.path);
      }
    }
    if (changes.length > 0) {
      await this.#record(changes);
    }
    if (this.#only.size > 0) {
      this.task.kick();
    }
    return unseen;
  }

  async #startWatching(): Promise<void> {
    const core = this.#core;
    const { watcher } = core.ports;
    if (watcher === undefined) {
      return;
    }
    try {
      const known = knownFiles(await core.ports.journal.counts(core.folder.id));
      if (core.closed) {
        return;
      }
      const events: WatchEvents = {
        onHints: (hints) => this.#hints(hints),
        onDoubt: (record) => {
          core.note('warn', record.message);
          this.rescan();
        },
      };
      const watching = await watcher.watch(core.plan.roots, core.plan.rules, events, known);
      if (core.closed) {
        await watching.close();
        return;
      }
      this.#watching = watching;
      core.clear('watch');
    } catch (thrown) {
      core.trouble('watch', asKeepsyncError(thrown));
    }
    if (!core.closed) {
      // What changed between an earlier scan's visit and now was seen by neither.
      this.rescan();
    }
  }

  #hints(hints: readonly WatchHint[]): void {
    for (const hint of hints) {
      const path = pathInCollection(this.#core.plan.roots, findablePath(hint.diskPath));
      if (path === undefined || path === '') {
        this.#all = true;
      } else {
        this.#only.add(path);
      }
    }
    this.task.kick();
  }

  async #scan(): Promise<void> {
    const core = this.#core;
    if (!core.active || (!this.#all && this.#only.size === 0)) {
      return;
    }
    const { disk, journal, clock } = core.ports;
    const { roots, rules } = core.plan;
    const all = this.#all;
    const only = all ? undefined : topmostPaths(this.#only);
    this.#all = false;
    this.#listingAll = all;
    this.#only = new Set();
    this.#moreFiles ??= Promise.withResolvers();
    core.changed();
    try {
      await journal.writeFound(core.folder.id);
      const totals = await disk.scan(
        core.folder.id,
        { roots, rules, ...(only === undefined ? {} : { only }) },
        (changes) => {
          this.#hasFound = true;
          return this.#record(changes);
        },
        core.abort.signal,
      );
      core.clear('root');
      core.clear('work');
      if (all) {
        this.#totals = totals;
        core.folder = await journal.updateFolder(core.folder.id, { lastScanAtMs: clock.nowMs() });
      }
      await this.#ports.onScanned();
    } catch (thrown) {
      const error = asKeepsyncError(thrown);
      if (error.code === 'CANCELLED') {
        return;
      }
      this.#nextAtMs = clock.nowMs() + ROOT_LOOK_EVERY_MS;
      core.trouble(error.code === 'ROOT_GONE' ? 'root' : 'work', error, this.#nextAtMs);
    } finally {
      this.#listingAll = false;
      this.#hasFound = false;
      const waiting = this.#moreFiles;
      this.#moreFiles = undefined;
      waiting?.resolve();
      this.#ports.onEnd();
    }
  }

  async #record(changes: readonly TreeChange[]): Promise<void> {
    const { folder, ports } = this.#core;
    const { journal, clock, settings } = ports;
    await journal.recordChanges(folder.id, changes, { nowMs: clock.nowMs(), calm: settings().calm });
    const waiting = this.#moreFiles;
    this.#moreFiles = Promise.withResolvers();
    waiting?.resolve();
    this.#ports.onFound();
  }
}

/** How many files were on the disk at the last look. */
function knownFiles({ pending, stored, saved, failed, held }: JournalCounts): number {
  return [pending, stored, saved, failed, held].reduce((sum, tally) => sum + tally.files, 0);
}
