import type { Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import type { CommandInput, CommandName, CommandOutput } from '../contract/commands.ts';
import { CAUSES } from '../contract/problems.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import { type CommandHandlers, runCommand } from '../engine/command-desk.ts';
import type { SettingsStore } from '../engine/ports.ts';
import type { AccountFacts } from '../status/inputs.ts';
import { StatusFold } from '../status/status-fold.ts';

/** Why there is no engine, and what is known of the account. */
export interface IdleState {
  readonly host: string | null;
  readonly local: boolean;
  /** Undefined: nobody has signed in yet. */
  readonly error: KeepsyncError | undefined;
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
    const { host, local, error, sinceMs, nextTryAtMs } = state();
    const fold = new StatusFold(owner, version);
    const account: AccountFacts = {
      host,
      user: null,
      local,
      connected: false,
      offlineSinceMs: host === null ? null : sinceMs,
      tokenExpiresAtMs: null,
    };
    fold.apply({ type: 'account', account }, nowMs);
    fold.apply({ type: 'limit', bytesPerSecond: settings.get().network.uploadLimitBytesPerSecond }, nowMs);
    if (error !== undefined) {
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
    return fold.snapshot(nowMs);
  }

  run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    return runCommand(this.#handlers, name, input);
  }

  /** What keeps the engine from running, as the error of whatever needs it. */
  #refuse(): never {
    const { error } = this.#options.state();
    throw (
      error ??
      new KeepsyncError('NOT_SIGNED_IN', 'Nobody is signed in', { action: CAUSES.NOT_SIGNED_IN.advice })
    );
  }

  readonly #handlers: CommandHandlers = {
    'status.get': () => this.snapshot(),
    'folders.list': () => [],
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
