import type { ErrorCode } from '../base/errors.ts';

/** One entry of `keep_services/accessible`, as far as the client needs it. */
export interface KeepService {
  /** 27 characters; its last 15 decide the rendezvous order. */
  readonly uuid: string;
  /** `http(s)://host:port`, without a slash at the end. */
  readonly baseUrl: string;
  /** `disk`, `proxy`, `gateway:…` and whatever else the cluster says. */
  readonly serviceType: string;
  readonly readOnly: boolean;
}

/** Why one server did not do what it was asked; plain data, so that it crosses threads. */
export interface ServerFailure {
  readonly serviceUuid: string;
  /** The server's base URL. */
  readonly server: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly requestId: string;
  readonly httpStatus?: number;
}

/** What one or more PUT rounds achieved; carried in a KeepWriteError so that the next round does not start afresh. */
export interface PutProgress {
  readonly copies: number;
  /** Confirmed copies per storage class; undefined once a server answered without saying. */
  readonly classes: Readonly<Record<string, number>> | undefined;
  /** Services that hold the block; by uuid. */
  readonly doneServices: readonly string[];
  /** Refusals that are final for this block: these servers are not asked again. */
  readonly dropped: readonly ServerFailure[];
  /** The signed locator of the first good answer. */
  readonly locator: string | undefined;
}

export interface PutOptions {
  /** Copies wanted, at least 1. */
  readonly copies: number;
  /** Storage classes wanted, each with that many copies; empty: whatever the cluster's default is. */
  readonly storageClasses: readonly string[];
  readonly signal?: AbortSignal;
  /** From an earlier round's KeepWriteError. */
  readonly progress?: PutProgress;
  /** 1 (the default) for the first round; later ones fetch the services afresh and wait longer for a connection. */
  readonly round?: number;
  /** Called on each attempt at a server, before and after; must not throw and must not block. */
  readonly onAttempt?: (attempt: BlockAttempt) => void;
}

/** One request to one Keep server, for the block table. */
export interface BlockAttempt {
  /** 1 for the first round, 2 for the first retry, … */
  readonly round: number;
  readonly server: string;
  readonly requestId: string;
  readonly outcome: 'started' | 'stored' | 'failed';
  readonly error?: string;
}

export interface PutResult {
  /** The signed locator, `md5+size+A…@…` (without +A where the cluster does not sign). */
  readonly locator: string;
  readonly copies: number;
  readonly classes: Readonly<Record<string, number>> | undefined;
}

/** What earlier GET rounds found out; carried in a KeepReadError. */
export interface GetProgress {
  /** Failures that are final for this block: these servers are not asked again. */
  readonly dropped: readonly ServerFailure[];
}

export interface GetOptions {
  readonly signal?: AbortSignal;
  /** From an earlier round's KeepReadError. */
  readonly progress?: GetProgress;
  /** As in PutOptions. */
  readonly round?: number;
}

/**
 * Ranges of a block, and where in which files they belong. Flat, because a block may hold tens of thousands of files and
 * this crosses to a thread.
 */
export interface FetchTargets {
  /** Absolute; their folders exist. A file is made (mode 0666 less the umask) if it is missing. */
  readonly paths: readonly string[];
  /** For each path three numbers: the offset in the file, the offset in the block, and how many bytes. */
  readonly ranges: Float64Array;
}

/** A target that could not be written; the others were. */
export interface FetchTargetFailure {
  readonly diskPath: string;
  /** Place in the list of targets. */
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface FetchResult {
  readonly writtenBytes: number;
  readonly failures: readonly FetchTargetFailure[];
}

/** Brings blocks straight to disk, so that their bytes never cross to the calling thread. */
export interface BlockFetcher {
  /**
   * Downloads a block, writes ranges of it into files as it comes in, and checks its md5 and size. Only when this resolves
   * are the files' bytes the block's; after a rejection, which is as that of `get`, they may be any. A final symlink is
   * never followed and nothing is truncated. A target that fails is in the result.
   */
  fetchTo(locator: string, targets: FetchTargets, options?: GetOptions): Promise<FetchResult>;
}

/**
 * Stores and fetches whole blocks of at most 64 MiB. The HTTP client, the thread-backed client, the fake and every
 * decorator (retry, cache, rate limit) are of this shape, and one conformance suite runs on all of them.
 *
 * `data` views shared memory in the app and is never kept after the promise settles. Errors: KeepWriteError,
 * KeepReadError, KeepNotFoundError (all KeepsyncError), CANCELLED.
 */
export interface BlockStore {
  /** Lower-case hex md5 of `data`; off the main thread where there are threads. */
  md5(data: Uint8Array): Promise<string>;
  /** Resolves only when every wanted copy in every wanted class is confirmed. `md5` is that of `data`. */
  put(md5: string, data: Uint8Array, options: PutOptions): Promise<PutResult>;
  /** The block's bytes, checked against the locator's md5 and size. The empty block is never asked for. */
  get(locator: string, options?: GetOptions): Promise<Uint8Array>;
  /** Resolves if a server has the block, and says so to this token. */
  head(locator: string, options?: GetOptions): Promise<void>;
  /** Ends threads and sockets; whatever is under way rejects with CLOSED. */
  close(): Promise<void>;
}
