import type { Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import type { LogLevel } from '../base/log.ts';
import { VERSION } from '../base/version.ts';
import { ControlClient } from '../control/control-client.ts';
import type { Connection } from '../engine/connection.ts';
import type { PairStore, SettingsStore } from '../engine/ports.ts';
import { type LogFiles, openLogFiles } from '../profile/log-files.ts';
import { OwnerLock, readOwner } from '../profile/owner-lock.ts';
import { openPairStore } from '../profile/pair-store.ts';
import type { ProfilePaths } from '../profile/profile-paths.ts';
import { openSettings } from '../profile/settings-store.ts';
import { socketPath } from '../profile/socket-path.ts';
import { TokenFile } from '../profile/token-file.ts';
import { findConnection } from './connection.ts';
import type { CliEnvironment } from './environment.ts';
import type { Interrupts } from './interrupts.ts';
import type { Output } from './output.ts';
import type { CliServices } from './services.ts';

/** What every command is given. What it opens here is closed when the command ends. */
export class Context {
  readonly env: CliEnvironment;
  readonly services: CliServices;
  readonly output: Output;
  readonly interrupts: Interrupts;
  readonly paths: ProfilePaths;
  readonly tokenFile: TokenFile;
  /** What was given as `--profile`, for commands that a person is told to type. */
  readonly profileFlag: string | undefined;
  readonly #closers: Array<() => Promise<void> | void> = [];
  #settings: SettingsStore | undefined;
  #log: LogFiles | undefined;
  #isLocal = false;

  constructor(options: {
    readonly env: CliEnvironment;
    readonly services: CliServices;
    readonly output: Output;
    readonly interrupts: Interrupts;
    readonly paths: ProfilePaths;
    readonly profileFlag: string | undefined;
  }) {
    this.profileFlag = options.profileFlag;
    this.env = options.env;
    this.services = options.services;
    this.output = options.output;
    this.interrupts = options.interrupts;
    this.paths = options.paths;
    this.tokenFile = new TokenFile(options.paths.tokenFile);
  }

  get clock(): Clock {
    return this.env.clock;
  }

  get signal(): AbortSignal {
    return this.interrupts.signal;
  }

  /** To be closed when the command ends, in the reverse order. */
  closing<T extends { close(): Promise<void> | void }>(thing: T): T {
    this.#closers.push(() => thing.close());
    return thing;
  }

  async settings(): Promise<SettingsStore> {
    this.#settings ??= await openSettings(this.paths.settingsFile, this.clock, (message) =>
      this.output.warn(message),
    );
    return this.#settings;
  }

  pairs(): PairStore {
    return openPairStore({
      foldersFile: this.paths.foldersFile,
      clock: this.clock,
      tell: (message) => this.output.warn(message),
    });
  }

  /** The profile's log files. */
  log(level: LogLevel = 'info'): LogFiles {
    if (this.#log === undefined) {
      this.#log = openLogFiles(this.paths.logFile, level);
      this.closing(this.#log);
    }
    return this.#log;
  }

  /** Throws NOT_SIGNED_IN. From here on the token is hidden in everything that is shown or logged. */
  async connection(): Promise<Connection> {
    const connection = await findConnection({
      services: this.services,
      env: this.env.env,
      settings: (await this.settings()).get(),
      tokenFile: this.tokenFile,
      clusterDir: this.paths.clusterDir,
    });
    this.#isLocal = connection.local;
    this.hide(connection.token);
    return connection;
  }

  /** What went wrong, with what only this command knows about it: a local cluster that does not answer is not running. */
  explain(error: KeepsyncError): KeepsyncError {
    return error.code === 'OFFLINE' && this.#isLocal
      ? new KeepsyncError('OFFLINE', 'The local cluster of this profile is not running', {
          action:
            'Start Keepsync on it with "keepsync start" or "keepsync daemon", or it alone with "keepsync cluster".',
          cause: error,
        })
      : error;
  }

  hide(token: string): void {
    const secrets = [token, ...token.split('/').slice(2)];
    this.output.hide(secrets);
    this.#log?.hide(secrets);
  }

  /** Takes the profile for this process. Throws LOCKED, with who has it. */
  lock(role: 'daemon' | 'command'): Promise<OwnerLock> {
    const { platform, env, tmpDir, uid } = this.env;
    const path = socketPath(this.paths.stateDir, 'control', { platform, env, tmpDir, uid });
    return this.#acquire(this.paths.lockFile, path, role);
  }

  /** The lock of a single upload, beside the profile's owner. Nobody listens there. */
  lockUpload(lockFile: string): Promise<OwnerLock> {
    return this.#acquire(lockFile, `${lockFile}.none`, 'command');
  }

  async #acquire(lockFile: string, path: string, role: 'daemon' | 'command'): Promise<OwnerLock> {
    const lock = await OwnerLock.acquire({
      lockFile,
      socketPath: path,
      role,
      version: VERSION,
      clock: this.clock,
    });
    this.#closers.push(() => lock.release());
    return lock;
  }

  /** The running owner of this profile, or undefined where there is none. */
  async ownerIfRunning(): Promise<ControlClient | undefined> {
    const owner = await readOwner(this.paths.lockFile);
    if (owner === undefined) {
      return undefined;
    }
    try {
      return this.closing(await ControlClient.connect(owner.socketPath, owner.key, this.clock));
    } catch (thrown) {
      if (thrown instanceof KeepsyncError && thrown.code === 'OFFLINE') {
        return undefined;
      }
      throw thrown;
    }
  }

  /** The running owner. Throws OFFLINE where there is none. */
  async owner(): Promise<ControlClient> {
    const owner = await this.ownerIfRunning();
    if (owner === undefined) {
      throw new KeepsyncError('OFFLINE', 'No Keepsync is running on this profile', {
        action: 'Start the Keepsync app, or "keepsync daemon".',
      });
    }
    return owner;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) {
      await close();
    }
  }
}
