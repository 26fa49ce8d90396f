import { Emitter } from '../base/emitter.ts';
import { asKeepsyncError, type KeepsyncError } from '../base/errors.ts';
import type { ScanTotals, TreeRoot, TreeRules, Watcher } from '../local/ports.ts';
import type { CollectionSaver, SaveOutcome, SaveTarget } from './collection-saver.ts';
import type { UploaderPorts } from './folder-uploader.ts';
import type { CalmSettings, JournalFolder } from './journal-port.ts';

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
  readonly errors: readonly FolderTrouble[];
  readonly folder: JournalFolder;
  readonly nextSaveAtMs: number | null;
  readonly totals: ScanTotals | undefined;
  /** Bytes of files that are still on their way, in blocks that are acknowledged. */
  readonly acknowledgedPieceBytes: number;
}

export interface FolderTrouble {
  readonly error: KeepsyncError;
  readonly sinceMs: number;
  readonly nextTryAtMs: number | null;
}

export interface LoopEvents {
  /** Facts or journal counts changed. Many a second; listeners must be quick. */
  changed: Record<string, never>;
  saved: SaveOutcome;
  note: { readonly level: 'info' | 'warn' | 'error'; readonly message: string };
}

/** What of a folder can be wrong as a whole; each can have one error at a time. */
export type TroubleKind = 'root' | 'deletes' | 'watch' | 'save' | 'remote' | 'work';

/** What the scans, uploads and saves of one folder have in common. */
export class FolderCore {
  readonly events = new Emitter<LoopEvents>();
  readonly ports: LoopPorts;
  /** Aborted when the loop is closed. */
  readonly abort = new AbortController();
  plan: FolderPlan;
  /** As the journal had it when it was last asked. */
  folder: JournalFolder;
  started = false;
  paused = false;
  closed = false;
  readonly #troubles = new Map<TroubleKind, FolderTrouble>();

  constructor(ports: LoopPorts, plan: FolderPlan, folder: JournalFolder) {
    this.ports = ports;
    this.plan = plan;
    this.folder = folder;
  }

  get active(): boolean {
    return this.started && !this.paused && !this.closed;
  }

  /** Newest first. */
  get troubles(): readonly FolderTrouble[] {
    return [...this.#troubles.values()].reverse();
  }

  /** Waits for a person, or for the folder to come back. */
  get blocked(): boolean {
    return this.#troubles.has('root') || this.#troubles.has('deletes');
  }

  changed(): void {
    this.events.emit('changed', {});
  }

  note(level: 'info' | 'warn' | 'error', message: string): void {
    this.events.emit('note', { level, message });
  }

  troubleOf(kind: TroubleKind): FolderTrouble | undefined {
    return this.#troubles.get(kind);
  }

  trouble(kind: TroubleKind, error: KeepsyncError, nextTryAtMs: number | null = null): void {
    const before = this.#troubles.get(kind);
    const isAnother = before?.error.code !== error.code;
    const sinceMs = before === undefined || isAnother ? this.ports.clock.nowMs() : before.sinceMs;
    this.#troubles.set(kind, { error, sinceMs, nextTryAtMs });
    if (isAnother) {
      this.note('error', error.message);
    }
    this.changed();
  }

  /** For whatever goes wrong and has no place of its own. */
  workFailed(thrown: unknown): void {
    this.trouble('work', asKeepsyncError(thrown));
  }

  clear(kind: TroubleKind): void {
    if (this.#troubles.delete(kind)) {
      this.changed();
    }
  }
}
