/**
 * Every way in which something can go wrong, as a stable code. Codes are what journals, `--json` output and the table
 * of problems speak; errors are told apart by code, never by message text.
 */
export const ERROR_CODES = [
  // the way to the server
  'OFFLINE', // no connection: refused, reset, unknown host, unreachable network
  'TIMEOUT', // no answer, or no progress, within the time allowed
  'TLS', // the certificate cannot be verified
  'PLAIN_HTTP', // sending the token there would put it on the network in the clear
  'NOT_ARVADOS', // the host answers, but not as an Arvados API does
  'BAD_ANSWER', // an Arvados service answered something malformed
  // what the server said
  'NOT_SIGNED_IN', // 401: token missing, unknown or expired
  'FORBIDDEN', // 403: the token may not do this
  'NOT_FOUND', // 404, 410: absent, or unreadable for this token
  'REFUSED', // 400, 405, 422: the request itself is not acceptable
  'TOO_LARGE', // 413: over a limit of the server
  'BUSY', // 408, 409, 423, 429, 503, 504: later, perhaps
  'SERVER', // 500, 502: a fault inside the server
  'FULL', // 507: no space for the block
  'READ_ONLY', // no service takes writes
  'NO_KEEP', // the cluster names no usable Keep service
  'COPIES', // fewer copies confirmed than wanted
  'CLASSES', // a wanted storage class is not confirmed
  'CHECKSUM', // bytes do not have the md5 they were asked by
  'SIGNATURE', // a locator's signature is missing, wrong or expired
  // this computer
  'FILE_CHANGED', // changed while it was read
  'FILE_BUSY', // locked, or still being written
  'FILE_GONE', // vanished between being listed and being read
  'FILE_DENIED', // no permission
  'FILE_BROKEN', // the disk cannot read it
  'FILE_KIND', // not a regular file (FIFO, socket, device)
  'BAD_NAME', // a name that Arvados, or its tools, cannot hold
  'ROOT_GONE', // the folder itself is missing or empty
  'MASS_DELETE', // more than half of a folder is gone
  'TOO_MANY_OPEN', // out of file handles or watches
  'DISK_FULL', // this computer's disk is full
  'JOURNAL', // the journal is damaged or cannot be written
  'CONFLICT', // the collection was changed by somebody else at the same path
  'OTHER_CLUSTER', // the folder is saved into another cluster than the one that is signed in to
  'TARGET_GONE', // the collection or project is trashed or deleted
  // ourselves
  'LOCKED', // another Keepsync owns this profile
  'USAGE', // a command or setting that makes no sense
  'STATE', // a state change that the table does not allow
  'CLOSED', // used after it was closed
  'CANCELLED', // asked to stop
  'INTERNAL', // a bug of ours
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorDetails {
  /** What a person can do about it, one plain sentence. */
  readonly action?: string;
  /** The server's request id (`req-…`), for its administrators. */
  readonly requestId?: string;
  /** HTTP status, where there was one. */
  readonly httpStatus?: number;
  /** Anything else worth keeping: must survive structured clone and never hold a secret. */
  readonly info?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The base of every error that Keepsync raises on purpose. */
export class KeepsyncError extends Error {
  readonly code: ErrorCode;
  readonly action: string | undefined;
  readonly requestId: string | undefined;
  readonly httpStatus: number | undefined;
  readonly info: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.action = details.action;
    this.requestId = details.requestId;
    this.httpStatus = details.httpStatus;
    this.info = details.info;
  }
}

/**
 * Whether the same request may succeed later without anybody doing anything. The one place that decides what is
 * retried. FULL (507) is not: a full server needs a person; NOT_SIGNED_IN needs a new token.
 */
export function isRetriable(code: ErrorCode): boolean {
  switch (code) {
    case 'OFFLINE':
    case 'TIMEOUT':
    case 'BUSY':
    case 'SERVER':
    case 'CHECKSUM':
    case 'COPIES':
    case 'NO_KEEP':
    case 'FILE_CHANGED':
    case 'FILE_BUSY':
    case 'FILE_BROKEN':
    case 'TOO_MANY_OPEN':
    case 'BAD_ANSWER':
      return true;
    case 'TLS':
    case 'PLAIN_HTTP':
    case 'NOT_ARVADOS':
    case 'NOT_SIGNED_IN':
    case 'FORBIDDEN':
    case 'NOT_FOUND':
    case 'REFUSED':
    case 'TOO_LARGE':
    case 'FULL':
    case 'READ_ONLY':
    case 'CLASSES':
    case 'SIGNATURE':
    case 'FILE_GONE':
    case 'FILE_DENIED':
    case 'FILE_KIND':
    case 'BAD_NAME':
    case 'ROOT_GONE':
    case 'MASS_DELETE':
    case 'DISK_FULL':
    case 'JOURNAL':
    case 'CONFLICT':
    case 'OTHER_CLUSTER':
    case 'TARGET_GONE':
    case 'LOCKED':
    case 'USAGE':
    case 'STATE':
    case 'CLOSED':
    case 'CANCELLED':
    case 'INTERNAL':
      return false;
  }
}

/** Anything thrown, as a KeepsyncError: ours stay as they are, aborts become CANCELLED, the rest INTERNAL. */
export function asKeepsyncError(thrown: unknown): KeepsyncError {
  if (thrown instanceof KeepsyncError) {
    return thrown;
  }
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new KeepsyncError('CANCELLED', thrown.message || 'Stopped', { cause: thrown });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new KeepsyncError('INTERNAL', message, { cause: thrown });
}

/** A KeepsyncError as plain data, for a worker's message or a journal row. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly name: string;
  readonly message: string;
  readonly action?: string;
  readonly requestId?: string;
  readonly httpStatus?: number;
  readonly info?: Readonly<Record<string, unknown>>;
  readonly stack?: string;
}

export function errorToRecord(thrown: unknown): ErrorRecord {
  const error = asKeepsyncError(thrown);
  return {
    code: error.code,
    name: error.name,
    message: error.message,
    ...(error.action === undefined ? {} : { action: error.action }),
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
    ...(error.httpStatus === undefined ? {} : { httpStatus: error.httpStatus }),
    ...(error.info === undefined ? {} : { info: error.info }),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}

/** The way back; the class is KeepsyncError whatever it was, the name and the stack are the original's. */
export function errorFromRecord(record: ErrorRecord): KeepsyncError {
  const error = new KeepsyncError(record.code, record.message, record);
  error.name = record.name;
  if (record.stack !== undefined) {
    error.stack = record.stack;
  }
  return error;
}

/** The code that a system error (`error.code` of node:fs) stands for, on a file. */
export function fileErrorCode(systemCode: string | undefined): ErrorCode {
  switch (systemCode) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'FILE_GONE';
    case 'EACCES':
    case 'EPERM':
      return 'FILE_DENIED';
    case 'EBUSY':
    case 'ETXTBSY':
    case 'EAGAIN':
      return 'FILE_BUSY';
    case 'EMFILE':
    case 'ENFILE':
      return 'TOO_MANY_OPEN';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'DISK_FULL';
    case 'EISDIR':
    case 'ENXIO':
    case 'ELOOP':
      return 'FILE_KIND';
    default:
      return 'FILE_BROKEN';
  }
}
