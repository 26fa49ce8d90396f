import type { CollectionStore } from '../api/ports.ts';
import type { Clock } from '../base/clock.ts';
import type { ErrorRecord, KeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { CommandHost } from '../contract/commands.ts';
import type { FolderConfig, Settings } from '../contract/settings.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import type { BlockStore } from '../keep/ports.ts';
import type { LocalDisk, Watcher } from '../local/ports.ts';
import type { OpenJournal } from '../sync/journal-database.ts';
import type { Reachability } from './reachability.ts';

/** Somebody else wrote to the collection where we did; kept until a person has seen it. */
export interface PairConflict {
  /** Files of which both versions are kept; 0 where only saves met. */
  readonly files: number;
  /** Path of the other version in the collection. */
  readonly examplePath: string | null;
  readonly message: string;
  readonly sinceMs: number;
}

/** A folder and where it goes, as kept in the profile: the journal can be lost, this must not be. */
export interface Pair {
  /** Short random id that people and commands name it by. */
  readonly publicId: string;
  /** Random id put into the collection's properties when it is made. */
  readonly createId: string;
  /**
   * The cluster it is saved into, by the first five characters of its uuids: it is never uploaded to another one. Null
   * until it was opened on one.
   */
  readonly clusterId: string | null;
  readonly config: FolderConfig;
  /** The collection's hash after our last save. As long as it has that, all that it holds at our paths is ours. */
  readonly lastSavedPdh?: string | null | undefined;
  /** The journal was lost, and not everything is found or saved again yet. */
  readonly rebuilding?: boolean | undefined;
  readonly conflict?: PairConflict | null | undefined;
}

export interface PairStore {
  load(): Promise<readonly Pair[]>;
  /** Durable when it resolves. */
  save(pairs: readonly Pair[]): Promise<void>;
}

export interface SettingsStore {
  get(): Settings;
  /** Checked against the schema; USAGE where it makes no sense. Returns what holds now. */
  set(change: { readonly [K in keyof Settings]?: Settings[K] | undefined }): Settings;
}

/** Who is signed in where, and what the cluster says of itself. */
export interface ClusterAccount {
  /** Null: nobody is signed in (with `hold` only). */
  readonly host: string | null;
  /** For people: e-mail, username or uuid. Null where it is not known. */
  readonly user: string | null;
  /** The prefix of the cluster's uuids, which is the same whatever name it is reached by. Null where it is not known. */
  readonly clusterId: string | null;
  readonly local: boolean;
  readonly tokenExpiresAtMs: number | null;
  /** What identifies the token without being secret (its uuid): signatures hold for one token. */
  readonly tokenId: string;
  readonly defaultCopies: number;
  readonly defaultStorageClasses: readonly string[];
  readonly signatureTtlMs: number;
}

/** Tells when somebody changed one of our collections. */
export interface RemoteEvents {
  /** Null: events may have been missed, so any of them may have changed. */
  onCollection(listener: (uuid: string | null) => void): void;
  close(): Promise<void>;
}

/** Everything outside the engine. Whoever composes them closes journal, disk and keep after the engine. */
export interface EnginePorts {
  readonly owner: StatusSnapshot['owner'];
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogPort;
  readonly settings: SettingsStore;
  readonly pairs: PairStore;
  readonly journal: OpenJournal;
  /**
   * The journal turned out damaged: closes it, moves it aside however good it looks, and opens a new one in its place.
   * Called when nothing uses the old one any more.
   */
  readonly renewJournal: () => Promise<OpenJournal>;
  readonly disk: LocalDisk;
  /** Undefined for one-shot commands: nothing is watched, nothing waits to become still. */
  readonly watcher: Watcher | undefined;
  readonly keep: BlockStore;
  /** A block begins to be filled: `keep` is needed soon. */
  readonly onFilling?: () => void;
  /** What `keep` meets while it tries again; undefined: it is told only what came of it in the end. */
  readonly reachability?: Reachability;
  readonly store: CollectionStore;
  readonly account: ClusterAccount;
  readonly events: RemoteEvents | undefined;
  /** Called when a person changes the upload limit; bytes per second, 0 for none. */
  readonly onLimit: (bytesPerSecond: number) => void;
  /** A person says: try again now. */
  readonly onRetry?: () => void;
  /** Nothing has been uploaded for some seconds: memory may be given back. */
  readonly onRest?: () => void;
  /** What to do with a path that somebody else changed; `put` overwrites. */
  readonly conflicts: 'keep-beside' | 'overwrite';
  /** Nothing goes on, for this reason: the folders are only shown. Undefined: all is well. */
  readonly hold?: KeepsyncError;
  /** Block size in bytes; 64 MiB but in tests. */
  readonly blockSizeBytes?: number;
  /** The owner should end: `owner.stop` was asked for. */
  readonly onStop: (how: 'finish' | 'now') => void;
}

export interface OnceResult {
  /** `pending`: nothing failed for good, but something still waits (a file being written, the network). */
  readonly outcome: 'saved' | 'failed' | 'pending';
  readonly collectionUuid: string | null;
  readonly portableDataHash: string | null;
  readonly files: number;
  readonly bytes: number;
  /** What is wrong: of files with their path, of the folder as a whole with ''. At most 1,000. */
  readonly failures: ReadonlyArray<{ readonly path: string; readonly error: ErrorRecord }>;
}

export interface Engine extends CommandHost {
  /** Begins with every pair that is not paused. */
  start(): Promise<void>;
  /** Brings one pair to its end without watching; `waitMs` bounds the wait for files that are still being written. */
  runOnce(folderId: string, waitMs: number): Promise<OnceResult>;
  /** Stops; with `finish` uploads and saves what is there first. Resolves when nothing runs any more. */
  close(how: { readonly finish: boolean }): Promise<void>;
}
