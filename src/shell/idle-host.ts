import type { Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import type { CommandInput, CommandName, CommandOutput } from '../contract/commands.ts';
import { CAUSES } from '../contract/problems.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import { words } from '../contract/words.ts';
import { type CommandHandlers, runCommand } from '../engine/command-desk.ts';
import type { Pair, SettingsStore } from '../engine/ports.ts';
import type { AccountFacts, FolderFacts } from '../status/inputs.ts';
import { StatusFold } from '../status/status-fold.ts';

/** What people see of the local cluster's address before it has one. */
const LOCAL_HOST = 'localhost';

export const notSignedIn = () =>
  new KeepsyncError('NOT_SIGNED_IN', 'Nobody is signed in', { action: CAUSES.NOT_SIGNED_IN.advice });

/** Why there is no engine, and what is known of the account. */
export interface IdleState {
  readonly host: string | null;
  readonly local: boolean;
  /** Undefined: nobody has signed in yet. */
  readonly error: KeepsyncError | undefined;
  /** The engine is being opened just now. */
  readonly isOpening: boolean;
  /** The folders of the profile. */
  readonly pairs: readonly Pair[];
  readonly sinceMs: number;
  readonly nextTryAtMs: number | null;
}

export interface IdleHostOptions {
  readonly owner: StatusSnapshot['owner'];
  readonly version: string;
  readonly clock: Clock;
  readonly settings: SettingsStore;
  readonly state: () => IdleState;
  readonly retry: () => void;
  readonly onStop: (how: 'finish' | 'now') => void;
}

/**
 * Answers the commands while there is no engine: nobody has signed in, the token has expired, or the cluster could not be
 * reached before anything was known of it. Status and settings work, whatever needs folders says why it does not.
 */
export class IdleHost {
  readonly #options: IdleHostOptions;

  constructor(options: IdleHostOptions) {
    this.#options = options;
  }

  snapshot(): StatusSnapshot {
    const { owner, version, clock, settings, state } = this.#options;
    const nowMs = clock.nowMs();
    const { local, error, isOpening, pairs, sinceMs, nextTryAtMs } = state();
    // the local cluster has its address only when it runs
    const host = state().host ?? (isOpening && local ? LOCAL_HOST : null);
    const fold = new StatusFold(owner, version);
    const account: AccountFacts = {
      host,
      user: null,
      local,
      connected: isOpening,
      offlineSinceMs: host === null || isOpening ? null : sinceMs,
      tokenExpiresAtMs: null,
    };
    fold.apply({ type: 'account', account }, nowMs);
    fold.apply({ type: 'limit', bytesPerSecond: settings.get().network.uploadLimitBytesPerSecond }, nowMs);
    for (const pair of pairs) {
      const blockedBy = isOpening ? null : (error?.code ?? 'NOT_SIGNED_IN');
      fold.apply({ type: 'folder', facts: untouchedFolder(pair, blockedBy) }, nowMs);
    }
    if (error !== undefined && !isOpening) {
      const problem = {
        code: error.code,
        files: 0,
        examplePath: null,
        message: error.message,
        requestId: error.requestId ?? null,
        nextTryAtMs,
        sinceMs,
        ...(error.action === undefined ? {} : { action: error.action }),
      };
      fold.apply({ type: 'problems', folderId: null, problems: [problem] }, nowMs);
    }
    const snapshot = fold.snapshot(nowMs);
    return isOpening
      ? { ...snapshot, tray: 'syncing', verdict: { sentence: words.starting, detail: '' } }
      : snapshot;
  }

  run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    return runCommand(this.#handlers, name, input);
  }

  /** What keeps the engine from running, as the error of whatever needs it. */
  #refuse(): never {
    const { error } = this.#options.state();
    throw error ?? notSignedIn();
  }

  readonly #handlers: CommandHandlers = {
    'status.get': () => this.snapshot(),
    'folders.list': () => this.snapshot().folders,
    'folders.get': () => this.#refuse(),
    'folders.add': () => this.#refuse(),
    'folders.set': () => this.#refuse(),
    'folders.remove': () => this.#refuse(),
    'folders.pause': () => this.#refuse(),
    'folders.resume': () => this.#refuse(),
    'folders.rescan': () => {
      this.#options.retry();
      return { ok: true };
    },
    'folders.retry': () => {
      this.#options.retry();
      return { retried: 0 };
    },
    'folders.confirmDeletes': () => this.#refuse(),
    'blocks.list': () => ({ total: 0, rows: [] }),
    'files.list': () => this.#refuse(),
    'saves.list': () => this.#refuse(),
    'problems.list': () => this.snapshot().problems,
    'problems.files': () => ({ total: 0, rows: [] }),
    'activity.list': () => [],
    'settings.get': () => this.#options.settings.get(),
    'settings.set': (change) => this.#options.settings.set(change),
    'owner.stop': ({ how }) => {
      this.#options.onStop(how);
      return { ok: true };
    },
  };
}

/** A folder of which nothing is known but that it is there. */
function untouchedFolder({ publicId, config }: Pair, blockedBy: FolderFacts['blockedBy']): FolderFacts {
  return {
    id: publicId,
    config,
    phase: blockedBy === null ? 'starting' : 'blocked',
    tallies: null,
    acknowledgedPieceBytes: 0,
    collectionUuid: config.target.collectionUuid,
    portableDataHash: null,
    lastSaveAtMs: null,
    nextSaveAtMs: null,
    lastScanAtMs: null,
    ignored: 0,
    links: 0,
    blockedBy,
  };
}
