import type { Clock } from '../base/clock.ts';
import type { LogPort } from '../base/log.ts';
import type { ServerCertificate } from './certificate.ts';
import type { FaultHook, FsyncPolicy } from './cluster-options.ts';

/** Everything a Keep server is told at its start; survives a thread boundary. */
export interface KeepServerSettings {
  readonly index: number;
  readonly uuid: string;
  readonly folder: string;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly tls?: ServerCertificate;
  readonly blobSigningKey: string;
  readonly blobSigningTtlSeconds: number;
  readonly systemRootToken: string;
  readonly managementToken: string;
  /** What the volume offers. */
  readonly classes: readonly string[];
  /** What is wanted where a PUT names no class. */
  readonly defaultClasses: readonly string[];
  readonly isReadOnly: boolean;
  readonly quotaBytes?: number;
  readonly fsync: FsyncPolicy;
}

export interface KeepServerPorts {
  readonly clock: Clock;
  readonly log: LogPort;
  readonly onRequest?: FaultHook | undefined;
}
