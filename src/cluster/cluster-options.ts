import type { Clock } from '../base/clock.ts';
import type { LogPort } from '../base/log.ts';

/** What the local cluster is told of each request before it does anything, for tests that inject faults. */
export interface RequestInfo {
  readonly server: 'api' | 'keep';
  /** Which Keep server, from 0; 0 for the API. */
  readonly serverIndex: number;
  readonly method: string;
  /** Path without the query, as it was asked. */
  readonly path: string;
  readonly requestId: string;
}

/**
 * What goes wrong with a request. `loseAnswer` lets it take full effect and then cuts the connection; `reset` cuts the
 * connection before anything happens; `hang` never answers; `delay` answers later, correctly, and so does `hold`, once
 * `until` is settled.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly message?: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  | { readonly kind: 'loseAnswer' };

export type FaultHook = (request: RequestInfo) => Fault | undefined;

/**
 * When a block reaches the platter. `never`: left to the system, as keepstore does it; a crash of the process loses
 * nothing, a power cut may. `onSave`: every block written since is synced before a collection is created or changed,
 * so that what is saved survives a power cut. `eachBlock`: before each PUT is answered.
 */
export type FsyncPolicy = 'never' | 'onSave' | 'eachBlock';

/** The options that survive a thread boundary. */
export interface ClusterSettings {
  /** Everything the cluster keeps: records, blocks, certificate, token. Made if missing, mode 0700. */
  readonly dataDir: string;
  /** API port; by default one that was free at the first start and is remembered in `dataDir`. */
  readonly port?: number;
  /** Interface to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Number of Keep servers; default 1. */
  readonly keepServers?: number;
  /** Keep over https with the same certificate; default false. */
  readonly keepTls?: boolean;
  /** Default replication that the cluster advertises; by default 2, but never more than there are servers. */
  readonly copies?: number;
  /** The storage classes and which of them are default; by default one, named `default`. */
  readonly storageClasses?: Readonly<
    Record<string, { readonly isDefault: boolean; readonly priority?: number }>
  >;
  /** Per Keep server, the classes its volume offers; a server that is not named offers all. */
  readonly keepClasses?: ReadonlyArray<readonly string[] | undefined>;
  /** Indexes of Keep servers that take no writes. */
  readonly readOnlyKeep?: readonly number[];
  /** Bytes each Keep server may hold before it answers 507; by default what the disk has. */
  readonly keepQuotaBytes?: number;
  /** Lifetime of block signatures; default 336 h, as Arvados has it. */
  readonly blobSigningTtlSeconds?: number;
  /** Versions: 0 keeps every one, -1 none unless asked, else only when the last change is older; default 10. */
  readonly preserveVersionIfIdleSeconds?: number;
  /** Largest request body, in bytes; default 128 MiB. */
  readonly maxRequestSize?: number;
  /** Default `never`, as keepstore. */
  readonly fsync?: FsyncPolicy;
}

export interface ClusterOptions extends ClusterSettings {
  readonly log: LogPort;
  /** Time as records, signatures and the trash see it; with a clock of one's own Keep runs on the caller's thread. */
  readonly clock?: Clock;
  /** Called for each request, API and Keep; must not block. With it, Keep runs on the caller's thread. */
  readonly onRequest?: FaultHook;
}

export interface LocalCluster {
  /** `localhost:PORT`, the value of ARVADOS_API_HOST. */
  readonly apiHost: string;
  /** Five characters, the prefix of every uuid. */
  readonly clusterId: string;
  /** Path of cert.pem, usable as SSL_CERT_FILE. */
  readonly caFile: string;
  /** Token of the admin user, in its v2 form. */
  readonly token: string;
  /** `http(s)://localhost:PORT` of each Keep server, in order. */
  readonly keepUrls: readonly string[];
  /** Folder of each Keep server's blocks. */
  readonly keepFolders: readonly string[];
  /** ARVADOS_API_HOST, ARVADOS_API_TOKEN and SSL_CERT_FILE for other programs. */
  env(): Record<string, string>;
  /** A new user; resolves to a v2 token of theirs. */
  createUser(wanted?: { readonly admin?: boolean; readonly name?: string }): Promise<string>;
  /** Trashes and deletes what is due, as the cluster does once a minute by itself. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}
