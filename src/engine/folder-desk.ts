import type { Clock } from '../base/clock.ts';
import { asKeepsyncError, errorToRecord, type KeepsyncError } from '../base/errors.ts';
import type { FolderConfig } from '../contract/settings.ts';
import { countText, plural, sizeText } from '../contract/words.ts';
import type { FolderFacts, ProblemFact, StatusInput } from '../status/inputs.ts';
import type { SaveOutcome } from '../sync/collection-saver.ts';
import type { FolderPlan, LoopPorts } from '../sync/folder-core.ts';
import { FolderLoop } from '../sync/folder-loop.ts';
import type { Journal, JournalCounts, JournalFolder } from '../sync/journal-port.ts';
import type { BlockDesk } from './block-desk.ts';
import type { OnceResult, Pair, PairConflict } from './ports.ts';

interface FolderDeskPorts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly tell: (input: StatusInput) => void;
  /** The pair's collection was made, or something else of the pair must be remembered. */
  readonly onCollection: (publicId: string, uuid: string) => Promise<void>;
  /** The collection has this hash after a save; with `rebuilt`, everything that a lost journal knew is known again. */
  readonly onSaved: (publicId: string, portableDataHash: string | null, rebuilt: boolean) => Promise<void>;
  /** Somebody else's save met ours; null: a person has seen it. */
  readonly onConflict: (publicId: string, conflict: PairConflict | null) => Promise<void>;
  readonly desk: BlockDesk;
  readonly conflicts: 'keep-beside' | 'overwrite';
}

const COLLISION = 'Somebody else saved at the same moment; the collection is compared again';
const COLLISION_ACTION =
  'The collection as it was before is kept as a version of it; compare them, then retry to clear this.';

const conflictLine = ({ path, beside }: SaveOutcome['conflicts'][number]) =>
  `Somebody else changed ${path}; their version is kept as ${beside}`;

/** How often a folder's numbers are read from the journal while it works, milliseconds. */
const PUBLISH_EVERY_MS = 100;

export function planOf(pair: Pair, folder: JournalFolder, conflicts: FolderPlan['conflicts']): FolderPlan {
  const { config } = pair;
  return {
    folderId: folder.id,
    publicId: pair.publicId,
    createId: pair.createId,
    collectionName: config.target.collectionName,
    projectUuid: config.target.projectUuid,
    replication: config.target.replication,
    storageClasses: config.target.storageClasses,
    conflicts,
    roots: config.roots,
    rules: config.rules,
    deletes: config.deletes,
    rebuiltFrom: pair.rebuilding === true ? (pair.lastSavedPdh ?? null) : null,
  };
}

/** One pair at work: its loop, and what people are told about it. */
export class FolderDesk {
  readonly loop: FolderLoop;
  #pair: Pair;
  readonly #folder: JournalFolder;
  readonly #ports: FolderDeskPorts;
  #publishing = false;
  #dirty = false;
  #knownUuid: string | null;
  #closed = false;
  #hold: KeepsyncError | undefined;
  /** The hold is this folder's own problem, not that of all. */
  #holdsAlone = false;
  readonly #openedAtMs: number;
  #publishError: KeepsyncError | undefined;
  /** The collection's hash after the last save of this run; undefined before that, null where somebody else saved too. */
  #savedPdh: string | null | undefined;

  constructor(pair: Pair, folder: JournalFolder, ports: FolderDeskPorts, loopPorts: LoopPorts) {
    this.#pair = pair;
    this.#folder = folder;
    this.#ports = ports;
    this.#knownUuid = pair.config.target.collectionUuid;
    this.#openedAtMs = ports.clock.nowMs();
    this.loop = new FolderLoop(loopPorts, planOf(pair, folder, ports.conflicts), folder);
    this.loop.events.on('changed', () => this.#soon());
    this.loop.events.on('note', (note) => this.#note(note.level, note.message));
    this.loop.events.on('saved', (saved) => {
      this.#note('info', savedLine(saved.files, saved.bytes, saved.deleted));
      for (const conflict of saved.conflicts) {
        this.#note('warn', conflictLine(conflict));
      }
      if (saved.collided) {
        this.#note('warn', COLLISION);
        this.loop.remoteHint();
      }
      this.#rememberConflict(saved.conflicts, saved.collided);
      this.#savedPdh = saved.folder.remotePdh;
      this.#soon();
    });
    this.#soon();
  }

  get pair(): Pair {
    return this.#pair;
  }

  get journalFolderId(): number {
    return this.#folder.id;
  }

  /** Nothing is scanned, read, sent or saved. */
  get isIdle(): boolean {
    return !['starting', 'scanning', 'uploading', 'saving'].includes(this.loop.facts.phase);
  }

  get config(): FolderConfig {
    return this.#pair.config;
  }

  /** Nothing of it goes on, and why; its loop is never started. `alone`: tells the problem as this folder's own. */
  hold(error: KeepsyncError, how: { readonly alone: boolean }): void {
    this.#hold = error;
    this.#holdsAlone = how.alone;
    this.#soon();
  }

  async replace(pair: Pair): Promise<void> {
    const before = this.#pair.config;
    this.#pair = pair;
    if (planOfConfig(before) !== planOfConfig(pair.config)) {
      await this.loop.replan(planOf(pair, this.#folder, this.#ports.conflicts));
    }
    this.#soon();
  }

  /** A person has seen that somebody else wrote there, too. */
  async forgetConflict(): Promise<void> {
    if (this.#pair.conflict) {
      await this.#ports.onConflict(this.#pair.publicId, null);
    }
  }

  #rememberConflict(conflicts: SaveOutcome['conflicts'], collided: boolean): void {
    const [first] = conflicts;
    if (first === undefined && !collided) {
      return;
    }
    const before = this.#pair.conflict;
    const conflict: PairConflict = {
      files: (before?.files ?? 0) + conflicts.length,
      examplePath: first?.beside ?? before?.examplePath ?? null,
      message: first === undefined ? COLLISION : conflictLine(first),
      sinceMs: before?.sinceMs ?? this.#ports.clock.nowMs(),
    };
    this.#ports
      .onConflict(this.#pair.publicId, conflict)
      .catch((thrown: unknown) => this.#note('error', asKeepsyncError(thrown).message));
  }

  #conflictProblem(): ProblemFact[] {
    const { conflict } = this.#pair;
    return conflict
      ? [
          {
            code: 'CONFLICT',
            files: conflict.files,
            examplePath: conflict.examplePath,
            message: conflict.message,
            ...(conflict.files === 0 ? { action: COLLISION_ACTION } : {}),
            requestId: null,
            nextTryAtMs: null,
            sinceMs: conflict.sinceMs,
          },
        ]
      : [];
  }

  /** Tells what is known now, without asking the journal. */
  announce(): void {
    this.#tellFacts(null);
  }

  async once(waitMs: number): Promise<OnceResult> {
    this.loop.start();
    await this.loop.settle(waitMs);
    const { journal } = this.#ports;
    const id = this.#folder.id;
    const counts = await journal.counts(id);
    const { folder, errors } = this.loop.facts;
    const failed = await journal.listFiles(id, {
      search: '',
      states: ['failed', 'held'],
      offset: 0,
      limit: 1_000,
    });
    const failures = [
      ...errors.map(({ error }) => ({ path: '', error: errorToRecord(error) })),
      ...failed.rows.flatMap((row) => (row.error === null ? [] : [{ path: row.path, error: row.error }])),
    ];
    const unsaved = counts.pending.files + counts.stored.files + counts.deleted.files + counts.dirsToSave;
    return {
      outcome: failures.length > 0 ? 'failed' : unsaved > 0 ? 'pending' : 'saved',
      collectionUuid: folder.collectionUuid,
      portableDataHash: folder.remotePdh,
      files: counts.saved.files,
      bytes: counts.saved.bytes,
      failures,
    };
  }

  /** Uploads and saves what is there, and goes on watching. */
  finish(): Promise<void> {
    return this.loop.settle(0);
  }

  /** Stops; with `finish`, blocks that are on their way may arrive. */
  async close(how: { readonly finish: boolean }): Promise<void> {
    this.#closed = true;
    const closing = this.loop.close();
    await this.#ports.desk.close({ abort: !how.finish });
    await closing;
  }

  #tellFacts(tallies: FolderFacts['tallies']): void {
    const { errors, folder, nextSaveAtMs, totals, acknowledgedPieceBytes, ...loop } = this.loop.facts;
    const phase = this.#hold === undefined ? loop.phase : 'blocked';
    const facts: FolderFacts = {
      id: this.#pair.publicId,
      config: this.#pair.config,
      phase,
      tallies,
      acknowledgedPieceBytes,
      collectionUuid: folder.collectionUuid,
      portableDataHash: folder.remotePdh,
      lastSaveAtMs: folder.lastSaveAtMs,
      nextSaveAtMs,
      lastScanAtMs: folder.lastScanAtMs,
      ignored: totals?.ignored ?? 0,
      links: totals?.links ?? 0,
      blockedBy: phase === 'blocked' ? (this.#hold?.code ?? errors.at(-1)?.error.code ?? 'INTERNAL') : null,
    };
    this.#ports.tell({ type: 'folder', facts });
  }

  #note(level: 'info' | 'warn' | 'error', message: string): void {
    this.#ports.tell({ type: 'activity', level, folderId: this.#pair.publicId, message });
  }

  #soon(): void {
    this.#dirty = true;
    if (!this.#publishing && !this.#closed) {
      this.#publishing = true;
      void this.#publish();
    }
  }

  async #publish(): Promise<void> {
    while (this.#dirty && !this.#closed) {
      this.#dirty = false;
      try {
        await this.#publishOnce();
        this.#publishError = undefined;
      } catch (thrown) {
        const error = asKeepsyncError(thrown);
        if (error.code !== 'CLOSED' && this.#publishError?.message !== error.message) {
          this.#note('error', error.message);
        }
        this.#publishError = error;
      }
      await new Promise<void>((resolve) => this.#ports.clock.setTimer(PUBLISH_EVERY_MS, resolve));
    }
    this.#publishing = false;
  }

  async #publishOnce(): Promise<void> {
    const { journal, tell } = this.#ports;
    const tallies = await journal.counts(this.#folder.id);
    const { errors, folder } = this.loop.facts;
    if (folder.collectionUuid !== null && folder.collectionUuid !== this.#knownUuid) {
      this.#knownUuid = folder.collectionUuid;
      await this.#ports.onCollection(this.#pair.publicId, folder.collectionUuid);
    }
    await this.#noteSaved(tallies);
    this.#tellFacts(tallies);
    const ofFiles =
      tallies.failed.files + tallies.held.files > 0 ? await journal.listProblems(this.#folder.id) : [];
    const own = this.#holdsAlone ? this.#hold : undefined;
    const problems: ProblemFact[] = [
      ...(own === undefined ? [] : [problemOf(own, this.#openedAtMs, null)]),
      ...this.#conflictProblem(),
      ...errors.map(({ error, sinceMs, nextTryAtMs }) => problemOf(error, sinceMs, nextTryAtMs)),
      ...ofFiles.map((problem) => ({
        code: problem.code,
        files: problem.count,
        examplePath: problem.examplePath,
        message: problem.error.message,
        ...(problem.error.action === undefined ? {} : { action: problem.error.action }),
        requestId: problem.error.requestId ?? null,
        nextTryAtMs: problem.nextTryAtMs,
        sinceMs: problem.sinceMs,
      })),
    ];
    const unready = await this.#stillBeingWritten(tallies.pending.files);
    tell({
      type: 'problems',
      folderId: this.#pair.publicId,
      problems: unready === undefined ? problems : [...problems, unready],
    });
  }

  /** What must outlive the journal. */
  async #noteSaved(tallies: JournalCounts): Promise<void> {
    const { phase, totals } = this.loop.facts;
    const { publicId, lastSavedPdh, rebuilding } = this.#pair;
    const savedPdh = this.#savedPdh === undefined ? (lastSavedPdh ?? null) : this.#savedPdh;
    const isRebuilt =
      rebuilding === true &&
      phase === 'watching' &&
      totals !== undefined &&
      tallies.pending.files + tallies.stored.files === 0;
    if (savedPdh !== (lastSavedPdh ?? null) || isRebuilt) {
      await this.#ports.onSaved(publicId, savedPdh, isRebuilt);
    }
    if (isRebuilt) {
      this.loop.rebuilt();
    }
  }

  /** Files that wait for their calm period, when nothing else of the folder is on its way. */
  async #stillBeingWritten(pendingFiles: number): Promise<ProblemFact | undefined> {
    if (pendingFiles === 0 || this.loop.facts.phase !== 'watching') {
      return undefined;
    }
    const { journal, clock } = this.#ports;
    const dueAtMs = await journal.nextDueAtMs(this.#folder.id);
    if (dueAtMs === null || dueAtMs <= clock.nowMs()) {
      return undefined;
    }
    const query = { search: '', states: ['pending'] as const, offset: 0, limit: 1 };
    const [example] = (await journal.listFiles(this.#folder.id, query)).rows;
    return {
      code: 'FILE_CHANGED',
      files: pendingFiles,
      examplePath: example?.path ?? null,
      message: 'Uploaded as soon as nobody writes to it any more',
      requestId: null,
      nextTryAtMs: dueAtMs,
      sinceMs: clock.nowMs(),
    };
  }
}

/** A problem of no file in particular. */
export function problemOf(error: KeepsyncError, sinceMs: number, nextTryAtMs: number | null): ProblemFact {
  return {
    code: error.code,
    files: 0,
    examplePath: null,
    message: error.message,
    ...(error.action === undefined ? {} : { action: error.action }),
    requestId: error.requestId ?? null,
    nextTryAtMs,
    sinceMs,
  };
}

/** What of a pair's config its loop goes by, to compare. Which collection it turned out to be is the journal's business. */
function planOfConfig({ roots, rules, deletes, target }: FolderConfig): string {
  return JSON.stringify([roots, rules, deletes, { ...target, collectionUuid: null }]);
}

function savedLine(files: number, bytes: number, deleted: number): string {
  const saved = `Saved ${plural(files, 'file')}, ${sizeText(bytes)}`;
  return deleted === 0 ? saved : `${saved}; removed ${countText(deleted)}`;
}
