import type { AccountSettings } from '../api/settings-sources.ts';
import type { LogPort } from '../base/log.ts';
import type { LocalCluster } from '../cluster/cluster-options.ts';
import type { HomeCluster } from '../cluster/home-cluster.ts';
import type { Settings } from '../contract/settings.ts';
import type { Connection, EngineRequest, RunningEngine, WhoAmI } from '../engine/connection.ts';
import type { BlockFetcher, BlockStore } from '../keep/ports.ts';
import type { ScanTotals, TreeChange, TreeRoot, TreeRules } from '../local/ports.ts';
import type { DiagnosticsDesk } from '../shell/diagnostics.ts';
import type { DiagnosticsOptions } from '../shell/open-diagnostics.ts';
import type { OwnerDesk, OwnerDeskOptions } from '../shell/owner-desk.ts';

/** Reading collections and their blocks, for `get`, `ls` and `check`. */
export interface CollectionAccess {
  readonly keep: Pick<BlockStore, 'get'> & BlockFetcher;
  /** Gets ready for blocks, while something else is waited for. */
  prepareForBlocks(): void;
  /** By uuid or portable data hash; the manifest freshly signed. */
  read(
    uuidOrPdh: string,
    signal: AbortSignal,
  ): Promise<{ readonly uuid: string; readonly portableDataHash: string; readonly manifestText: string }>;
  close(): Promise<void>;
}

/** What commands have done by the rest of the program; compose.ts puts the real ones together. */
export interface CliServices {
  /** The owner of a profile with all that a window asks for. */
  openOwnerDesk(options: Omit<OwnerDeskOptions, 'env'>): Promise<OwnerDesk>;
  /** Asks cluster and computer what is wrong, and packs what an administrator needs. */
  openDiagnostics(options: Omit<DiagnosticsOptions, 'env'>): Promise<DiagnosticsDesk>;
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
  /** The profile's own cluster: started, or adopted where it runs already. */
  openHomeCluster(options: { readonly dataDir: string; readonly log: LogPort }): Promise<HomeCluster>;
  /** Opens an address or a file with whatever the desktop has for it. False where there is nothing. */
  openInBrowser(target: string): Promise<boolean>;
  /** Walks folders as an upload would, in batches; nothing is read. */
  walk(
    request: { readonly roots: readonly TreeRoot[]; readonly rules: TreeRules },
    onChanges: (changes: readonly TreeChange[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<ScanTotals>;
}
