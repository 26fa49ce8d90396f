import type { LogPort } from '../base/log.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import type { Engine, EnginePorts, PairStore, SettingsStore } from './ports.ts';

/** A cluster, and who one is there. */
export interface Connection {
  readonly host: string;
  readonly token: string;
  readonly insecure: boolean;
  /** PEM file with a private CA. */
  readonly caFile: string | null;
  readonly allowPlainHttpKeep: boolean;
  /** Of the settings; null or left out: as the environment has it. */
  readonly proxy?: string | null;
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

/** What it takes to open an engine on a profile. */
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
