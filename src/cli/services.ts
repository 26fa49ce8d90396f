import type { AccountSettings } from '../api/settings-sources.ts';
import type { LogPort } from '../base/log.ts';
import type { LocalCluster } from '../cluster/cluster-options.ts';
import type { Settings } from '../contract/settings.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import type { Engine, EnginePorts, PairStore, SettingsStore } from '../engine/ports.ts';
import type { BlockFetcher, BlockStore } from '../keep/ports.ts';
import type { ScanTotals, TreeChange, TreeRoot, TreeRules } from '../local/ports.ts';

/** A cluster, and who one is there. */
export interface Connection {
  readonly host: string;
  readonly token: string;
  readonly insecure: boolean;
  /** PEM file with a private CA. */
  readonly caFile: string | null;
  readonly allowPlainHttpKeep: boolean;
  /** The built-in cluster of this profile. */
  readonly local: boolean;
  readonly origin: 'environment' | 'settings file' | 'profile';
}

export interface WhoAmI {
  readonly uuid: string;
  readonly email: string;
  readonly name: string;
  readonly isActive: boolean;
  readonly tokenExpiresAtMs: number | null;
}

export interface EngineRequest {
  readonly owner: StatusSnapshot['owner'];
  readonly connection: Connection;
  readonly settings: SettingsStore;
  readonly pairs: PairStore;
  readonly journalFile: string;
  readonly log: LogPort;
  /** False for one-shot commands. */
  readonly watch: boolean;
  readonly conflicts: EnginePorts['conflicts'];
  readonly onStop: EnginePorts['onStop'];
  /** Something a person should know that stops nothing: a journal that was damaged and moved aside. */
  readonly tell: (message: string) => void;
}

/** An engine with all that it stands on. */
export interface RunningEngine {
  readonly engine: Engine;
  /** Closes the engine, then journal, disk, threads and sockets. Twice does nothing more. */
  close(how: { readonly finish: boolean }): Promise<void>;
}

/** Reading collections and their blocks, for `get`, `ls` and `check`. */
export interface CollectionAccess {
  readonly keep: Pick<BlockStore, 'get'> & BlockFetcher;
  /** By uuid or portable data hash; the manifest freshly signed. */
  read(
    uuidOrPdh: string,
    signal: AbortSignal,
  ): Promise<{ readonly uuid: string; readonly portableDataHash: string; readonly manifestText: string }>;
  close(): Promise<void>;
}

/** What commands have done by the rest of the program; compose.ts puts the real ones together. */
export interface CliServices {
  /** Host and token of the environment and settings.conf, as the Arvados commands take them. */
  ambientAccount(): Promise<AccountSettings | undefined>;
  whoAmI(connection: Connection, signal: AbortSignal): Promise<WhoAmI>;
  openEngine(request: EngineRequest): Promise<RunningEngine>;
  openCollections(connection: Connection, settings: Settings, log: LogPort): Promise<CollectionAccess>;
  startCluster(options: {
    readonly dataDir: string;
    readonly port: number | undefined;
    readonly log: LogPort;
  }): Promise<LocalCluster>;
  /** Walks folders as an upload would, in batches; nothing is read. */
  walk(
    request: { readonly roots: readonly TreeRoot[]; readonly rules: TreeRules },
    onChanges: (changes: readonly TreeChange[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<ScanTotals>;
}
