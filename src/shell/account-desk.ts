import { checkToken, parseApiHost } from '../api/api-host.ts';
import type { AccountSettings } from '../api/settings-sources.ts';
import type { CancelTimer, Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import { asKeepsyncError, type ErrorCode, KeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import { Mutex } from '../base/mutex.ts';
import type { HomeCluster } from '../cluster/home-cluster.ts';
import type {
  CommandHost,
  CommandInput,
  CommandName,
  CommandOutput,
  ContractEvents,
} from '../contract/commands.ts';
import { CAUSES } from '../contract/problems.ts';
import type { Settings } from '../contract/settings.ts';
import { type SignIn, signInSchema } from '../contract/shell.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import type { Connection, RunningEngine } from '../engine/connection.ts';
import type { Pair, PairStore, SettingsStore } from '../engine/ports.ts';
import { IdleHost, notSignedIn } from './idle-host.ts';
import type { TokenStore } from './token-store.ts';
import { requireNoOtherCluster } from './try-here.ts';

/** While the engine could not be opened for a reason that heals by itself, it is tried again so often. */
const RETRY_EVERY_MS = 30_000;
/** How long the cluster may take to say whose a token is. */
const SIGN_IN_WITHIN_MS = 60_000;
const HEALS: readonly ErrorCode[] = ['OFFLINE', 'TIMEOUT', 'BUSY', 'SERVER', 'BAD_ANSWER', 'NO_KEEP'];

export interface AccountDeskPorts {
  readonly owner: StatusSnapshot['owner'];
  readonly version: string;
  readonly clock: Clock;
  readonly log: LogPort;
  readonly settings: SettingsStore;
  readonly tokens: TokenStore;
  readonly pairs: Pick<PairStore, 'load'>;
  /** Never to be seen in a log or a bundle from here on. */
  readonly hide: (token: string) => void;
  readonly openEngine: (connection: Connection) => Promise<RunningEngine>;
  /** The folders as they were left, to be looked at only: `hold` is why nothing goes on. */
  readonly openHeld: (hold: KeepsyncError) => Promise<RunningEngine>;
  /** Undefined where the cluster of this computer is not offered. */
  readonly startCluster: (() => Promise<HomeCluster>) | undefined;
  /** A connection that comes before that of the settings, until somebody signs in; undefined: none. */
  readonly preferred?: () => Promise<Connection | undefined>;
  /** ARVADOS_* of the environment, else settings.conf. May throw USAGE. */
  readonly ambient: () => Promise<AccountSettings | undefined>;
  /** PEM file of SSL_CERT_FILE. */
  readonly ambientCaFile: string | null;
  /** Throws what the cluster has against this token. */
  readonly whoAmI: (connection: Connection, signal: AbortSignal) => Promise<unknown>;
  readonly onStop: (how: 'finish' | 'now') => void;
  readonly onSettings?: (settings: Settings) => void;
}

/**
 * The owner's end of the contract for as long as the program runs: engines come and go with the account, whoever listens
 * here hears of all of them. Without an engine it says why there is none.
 */
export class AccountDesk implements CommandHost {
  readonly #ports: AccountDeskPorts;
  readonly #events = new Emitter<ContractEvents>();
  readonly #turn = new Mutex();
  readonly #idle: IdleHost;
  #running: RunningEngine | undefined;
  /** What runs only shows the folders. */
  #isHeld = false;
  /** The engine is being opened: what is shown meanwhile is no problem. */
  #isOpening = false;
  #pairs: readonly Pair[] = [];
  #connection: Connection | undefined;
  #cluster: HomeCluster | undefined;
  #unsubscribe: Array<() => void> = [];
  #error: KeepsyncError | undefined;
  #sinceMs: number;
  #cancelRetry: CancelTimer | undefined;
  #nextTryAtMs: number | null = null;
  /** Revisions go on growing when another engine begins again at 1. */
  #revisionBase = 0;
  #lastRevision = 0;
  #closing: Promise<void> | undefined;
  /** Somebody signed in or out since the start. */
  #hasChosen = false;

  constructor(ports: AccountDeskPorts) {
    this.#ports = ports;
    this.#sinceMs = ports.clock.nowMs();
    this.#idle = new IdleHost({
      owner: ports.owner,
      version: ports.version,
      clock: ports.clock,
      settings: ports.settings,
      state: () => {
        const { account } = ports.settings.get();
        return {
          host: account.host,
          local: account.local,
          error: this.#error,
          isOpening: this.#isOpening,
          pairs: this.#pairs,
          sinceMs: this.#sinceMs,
          nextTryAtMs: this.#nextTryAtMs,
        };
      },
      retry: () => this.#retryNow(),
      onStop: ports.onStop,
    });
  }

  /**
   * The account is the cluster of this computer from the next start on, whatever the environment says. Throws USAGE where
   * the profile is signed in to another one.
   */
  chooseLocal(): void {
    const { settings } = this.#ports;
    requireNoOtherCluster(settings.get());
    settings.set({ account: { ...settings.get().account, local: true } });
    this.#hasChosen = true;
  }

  /** Opens the engine for the account of the settings. What is wrong with the account is in the status, not thrown. */
  async start(): Promise<void> {
    await this.#turn.run(() => this.#open());
  }

  /** Who is signed in. Throws NOT_SIGNED_IN, or what else keeps the engine from running. */
  connection(): Connection {
    if (this.#connection === undefined) {
      throw this.#error ?? notSignedIn();
    }
    return this.#connection;
  }

  /** Host and token of the environment or settings.conf; undefined where there is none, or none that makes sense. */
  async ambient(): Promise<AccountSettings | undefined> {
    try {
      return await this.#ports.ambient();
    } catch (thrown) {
      this.#ports.log.log('info', asKeepsyncError(thrown).message);
      return undefined;
    }
  }

  /** Where a sign-in leads, and as whom; for the local cluster it is started. Throws USAGE where it makes no sense. */
  async connectionOf(wanted: SignIn): Promise<Connection> {
    const signIn = signInSchema.parse(wanted);
    const { account, network } = this.#ports.settings.get();
    const trusted = (host: string) => account.host === host && account.allowPlainHttpKeep;
    switch (signIn.how) {
      case 'token': {
        const host = parseApiHost(signIn.host).text;
        const token = checkToken(signIn.token);
        this.#ports.hide(token);
        return {
          host,
          token,
          insecure: false,
          caFile: signIn.caFile ?? this.#ports.ambientCaFile,
          allowPlainHttpKeep: trusted(host),
          proxy: signIn.proxy ?? network.proxy,
          local: false,
          origin: 'profile',
        };
      }
      case 'environment': {
        const found = await this.#ports.ambient();
        if (found === undefined) {
          throw new KeepsyncError('USAGE', 'Neither the environment nor settings.conf names a cluster', {
            action: 'Set ARVADOS_API_HOST and ARVADOS_API_TOKEN, or sign in with a token.',
          });
        }
        this.#ports.hide(found.token);
        return {
          host: found.host,
          token: found.token,
          insecure: found.insecure,
          caFile: this.#ports.ambientCaFile,
          allowPlainHttpKeep: trusted(found.host),
          proxy: network.proxy,
          local: false,
          origin: found.origin,
        };
      }
      case 'local':
        return this.#localConnection();
    }
  }

  /** Signs in after asking the cluster; the account before stays if that fails. */
  async signIn(wanted: SignIn): Promise<void> {
    await this.#turn.run(async () => {
      const connection = await this.connectionOf(wanted);
      await this.#ports.whoAmI(connection, AbortSignal.timeout(SIGN_IN_WITHIN_MS));
      await this.#closeEngine(false);
      if (!connection.local) {
        await this.#closeCluster();
      }
      await this.#ports.tokens.write(connection.host, connection.token);
      const { settings } = this.#ports;
      const { network } = settings.get();
      const proxy = wanted.how === 'token' ? (wanted.proxy ?? network.proxy) : network.proxy;
      settings.set({
        account: {
          host: connection.host,
          insecure: connection.insecure,
          caFile: connection.caFile,
          allowPlainHttpKeep: connection.allowPlainHttpKeep,
          local: connection.local,
        },
        network: { ...network, proxy },
      });
      this.#hasChosen = true;
      await this.#open();
      if (this.#error !== undefined) {
        throw this.#error;
      }
    });
  }

  /** Forgets the token. Folders, journal and collections stay. */
  async signOut(): Promise<void> {
    await this.#turn.run(async () => {
      const { settings, tokens } = this.#ports;
      // first of all: whatever fails to end, the token is gone
      await tokens.remove();
      this.#hasChosen = true;
      settings.set({ account: { ...settings.get().account, host: null, local: false } });
      try {
        await this.#closeEngine(false);
        await this.#closeCluster();
      } finally {
        await this.#fail(undefined);
      }
    });
  }

  async run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    const looks = name === 'folders.retry' || name === 'folders.rescan';
    const host = this.#isHeld && looks ? this.#idle : (this.#running?.engine ?? this.#idle);
    const result = await host.run(name, input);
    if (name === 'status.get') {
      return this.#renumber(result as StatusSnapshot) as CommandOutput<N>;
    }
    if (name === 'settings.set') {
      this.#ports.onSettings?.(result as Settings);
      if (this.#running === undefined) {
        this.#tellIdle();
      }
    }
    return result;
  }

  subscribe<E extends keyof ContractEvents>(
    event: E,
    listener: (payload: ContractEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener);
  }

  /** The network or the computer came back: looks and tries at once instead of at its time. */
  async refresh(): Promise<void> {
    if (this.#running === undefined || this.#isHeld) {
      this.#retryNow();
      return;
    }
    await this.run('folders.retry', {});
    await this.run('folders.rescan', {});
  }

  /** Ends the engine, then the local cluster. Twice does nothing more. */
  close(how: { readonly finish: boolean }): Promise<void> {
    this.#closing ??= this.#turn.run(async () => {
      this.#cancelRetry?.();
      try {
        await this.#closeEngine(how.finish);
      } finally {
        await this.#closeCluster();
      }
    });
    return this.#closing;
  }

  async #open(): Promise<void> {
    if (this.#closing !== undefined || (this.#running !== undefined && !this.#isHeld)) {
      return;
    }
    const { openEngine, hide, pairs, settings, whoAmI } = this.#ports;
    this.#cancelRetry?.();
    this.#nextTryAtMs = null;
    try {
      const { account } = settings.get();
      this.#pairs = await pairs.load();
      this.#isOpening = account.host !== null || account.local;
      if (!this.#isHeld) {
        this.#tellIdle();
      }
      const connection = await this.#storedConnection();
      if (connection === undefined) {
        await this.#fail(undefined);
        return;
      }
      hide(connection.token);
      if (this.#isHeld) {
        // the folders stay in sight until it is known to be of use
        await whoAmI(connection, AbortSignal.timeout(SIGN_IN_WITHIN_MS));
        await this.#closeEngine(false);
      }
      const running = await openEngine(connection);
      this.#connection = connection;
      this.#error = undefined;
      this.#adopt(running, false);
      await running.engine.start();
      // what it told before anybody listened, nobody heard
      this.#events.emit('status', await this.run('status.get', {}));
    } catch (thrown) {
      const error = asKeepsyncError(thrown);
      if (!this.#isHeld) {
        await this.#closeEngine(false);
      }
      await this.#fail(error);
    } finally {
      this.#isOpening = false;
    }
  }

  #adopt(running: RunningEngine, isHeld: boolean): void {
    this.#running = running;
    this.#isHeld = isHeld;
    this.#revisionBase = this.#lastRevision;
    const { engine } = running;
    this.#unsubscribe = [
      engine.subscribe('status', (snapshot) => this.#events.emit('status', this.#renumber(snapshot))),
      engine.subscribe('activity', (row) => this.#events.emit('activity', row)),
      engine.subscribe('blocks', (rows) => this.#events.emit('blocks', rows)),
    ];
  }

  #renumber(snapshot: StatusSnapshot): StatusSnapshot {
    const revision =
      this.#running === undefined ? ++this.#lastRevision : this.#revisionBase + snapshot.revision;
    this.#lastRevision = Math.max(this.#lastRevision, revision);
    return { ...snapshot, revision };
  }

  async #storedConnection(): Promise<Connection | undefined> {
    const preferred = this.#hasChosen ? undefined : await this.#ports.preferred?.();
    if (preferred !== undefined) {
      return preferred;
    }
    const { account } = this.#ports.settings.get();
    if (account.local) {
      return this.#rememberLocal(await this.#localConnection());
    }
    if (account.host === null) {
      return undefined;
    }
    const token = await this.#ports.tokens.read(account.host);
    if (token === undefined) {
      throw new KeepsyncError('NOT_SIGNED_IN', `There is no token for ${account.host}`, {
        action: CAUSES.NOT_SIGNED_IN.advice,
      });
    }
    return {
      host: account.host,
      token,
      insecure: account.insecure,
      caFile: account.caFile ?? this.#ports.ambientCaFile,
      allowPlainHttpKeep: account.allowPlainHttpKeep,
      proxy: this.#ports.settings.get().network.proxy,
      local: false,
      origin: 'profile',
    };
  }

  /** Its port may be another one than last time; commands find it by the settings. */
  #rememberLocal(connection: Connection): Connection {
    const { settings } = this.#ports;
    const { account } = settings.get();
    const { host, caFile } = connection;
    if (account.host !== host || account.caFile !== caFile || account.insecure) {
      settings.set({ account: { ...account, host, caFile, insecure: false, local: true } });
    }
    return connection;
  }

  async #localConnection(): Promise<Connection> {
    const { startCluster } = this.#ports;
    if (startCluster === undefined) {
      throw new KeepsyncError('USAGE', 'There is no local cluster here');
    }
    this.#cluster ??= await startCluster();
    this.#ports.hide(this.#cluster.token);
    return {
      host: this.#cluster.apiHost,
      token: this.#cluster.token,
      insecure: false,
      caFile: this.#cluster.caFile,
      // its Keep is plain http, on loopback only
      allowPlainHttpKeep: false,
      local: true,
      origin: 'profile',
    };
  }

  async #closeEngine(finish: boolean): Promise<void> {
    const running = this.#running;
    try {
      await running?.close({ finish });
    } finally {
      this.#running = undefined;
      this.#isHeld = false;
      this.#connection = undefined;
      for (const unsubscribe of this.#unsubscribe.splice(0)) {
        unsubscribe();
      }
    }
  }

  async #closeCluster(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    await cluster?.close();
  }

  /** There is no engine, and why; undefined: nobody is signed in. */
  async #fail(error: KeepsyncError | undefined): Promise<void> {
    const { clock, log } = this.#ports;
    this.#isOpening = false;
    const isNews = error?.code !== this.#error?.code;
    if (error?.code !== this.#error?.code) {
      this.#sinceMs = clock.nowMs();
    }
    this.#error = error;
    if (error !== undefined) {
      log.log('warn', error.message, { code: error.code });
      if (HEALS.includes(error.code) && this.#closing === undefined) {
        this.#nextTryAtMs = clock.nowMs() + RETRY_EVERY_MS;
        this.#cancelRetry = clock.setTimer(RETRY_EVERY_MS, () => this.#retryNow());
      }
    }
    if (this.#closing === undefined && (isNews || !this.#isHeld)) {
      await this.#hold(error ?? notSignedIn());
    }
    if (this.#running === undefined) {
      this.#tellIdle();
    }
  }

  /** Shows the folders as they were left, where that can be done. */
  async #hold(error: KeepsyncError): Promise<void> {
    const { openHeld, pairs } = this.#ports;
    try {
      await this.#closeEngine(false);
      this.#pairs = await pairs.load();
      if (this.#pairs.length === 0) {
        return;
      }
      const running = await openHeld(error);
      this.#adopt(running, true);
      await running.engine.start();
      this.#events.emit('status', await this.run('status.get', {}));
    } catch (thrown) {
      this.#ports.log.log('warn', asKeepsyncError(thrown).message);
      await this.#closeEngine(false);
    }
  }

  #tellIdle(): void {
    this.#events.emit('status', this.#renumber(this.#idle.snapshot()));
  }

  #retryNow(): void {
    this.#turn
      .run(() => this.#open())
      .catch((thrown: unknown) => {
        this.#ports.log.log('error', asKeepsyncError(thrown).message);
      });
  }
}
