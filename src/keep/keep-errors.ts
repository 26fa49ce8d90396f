import { type ErrorCode, isRetriable, KeepsyncError } from '../base/errors.ts';
import { adviceFor, socketErrorCode } from './keep-status.ts';
import type { GetProgress, PutProgress, ServerFailure } from './ports.ts';

export const NO_PUT_PROGRESS: PutProgress = {
  copies: 0,
  classes: {},
  doneServices: [],
  dropped: [],
  locator: undefined,
};

export const NO_GET_PROGRESS: GetProgress = { dropped: [] };

/** What a round achieved, and why it was not enough. */
interface Outcome<Progress> {
  readonly failures: readonly ServerFailure[];
  readonly progress: Progress;
  readonly cause?: unknown;
}

function details(code: ErrorCode, outcome: Outcome<PutProgress | GetProgress>) {
  const action = adviceFor(code);
  const told = outcome.failures.find((failure) => failure.code === code) ?? outcome.failures[0];
  return {
    ...(action === undefined ? {} : { action }),
    ...(told ? { requestId: told.requestId } : {}),
    ...(told?.httpStatus === undefined ? {} : { httpStatus: told.httpStatus }),
    info: { failures: outcome.failures, progress: outcome.progress },
    cause: outcome.cause,
  };
}

/** A block is not stored as often as wanted. `progress` is where the next round goes on. */
export class KeepWriteError extends KeepsyncError {
  readonly progress: PutProgress;
  /** One per server that failed in the last round, and why. */
  readonly failures: readonly ServerFailure[];

  constructor(code: ErrorCode, message: string, outcome: Outcome<PutProgress>) {
    super(code, message, details(code, outcome));
    this.progress = outcome.progress;
    this.failures = outcome.failures;
  }
}

/** A block could not be had; some server may have it all the same. */
export class KeepReadError extends KeepsyncError {
  readonly progress: GetProgress;
  /** One per server that was asked, and why it failed, those of earlier rounds that were not asked again included. */
  readonly failures: readonly ServerFailure[];

  constructor(code: ErrorCode, message: string, outcome: Outcome<GetProgress>) {
    super(code, message, details(code, outcome));
    this.progress = outcome.progress;
    this.failures = outcome.failures;
  }
}

/** Every server says that it does not have the block, or not for this token. */
export class KeepNotFoundError extends KeepReadError {
  constructor(message: string, outcome: Outcome<GetProgress>) {
    super('NOT_FOUND', message, outcome);
  }
}

/** `error` of one request as a line of the list that a KeepWriteError or KeepReadError carries. */
export function serverFailure(
  error: KeepsyncError,
  service: { readonly uuid: string; readonly baseUrl: string },
  requestId: string,
): ServerFailure {
  return {
    serviceUuid: service.uuid,
    server: service.baseUrl,
    code: error.code,
    message: error.message,
    requestId,
    ...(error.httpStatus === undefined ? {} : { httpStatus: error.httpStatus }),
  };
}

/** `message`, and behind it each server with its reason. */
export function withServers(message: string, failures: readonly ServerFailure[]): string {
  const listed = failures.map((failure) => `${failure.server}: ${failure.message} (${failure.requestId})`);
  return listed.length === 0 ? message : `${message}: ${listed.join('; ')}`;
}

/** Of several final refusals, the one that tells a person most. */
const MOST_TELLING: readonly ErrorCode[] = [
  'NOT_SIGNED_IN',
  'SIGNATURE',
  'FULL',
  'TLS',
  'PLAIN_HTTP',
  'FORBIDDEN',
  'TOO_LARGE',
  'REFUSED',
];

/**
 * The code that stands for several failures. Those that may pass win over those that will not, so that the next round
 * takes place; `mixed`, which may pass too, stands for several of them, and for no failure at all.
 */
export function commonCode(failures: readonly ServerFailure[], mixed: ErrorCode): ErrorCode {
  const codes = [...new Set(failures.map((failure) => failure.code))];
  const passing = codes.filter(isRetriable);
  if (passing.length > 0) {
    return (passing.length === 1 ? passing[0] : undefined) ?? mixed;
  }
  return MOST_TELLING.find((code) => codes.includes(code)) ?? codes[0] ?? mixed;
}

/** What a socket, TLS or Node's HTTP parser failed with. */
export function socketError(error: NodeJS.ErrnoException): KeepsyncError {
  const code = socketErrorCode(error.code);
  const action = adviceFor(code);
  return new KeepsyncError(code, error.message, { cause: error, ...(action ? { action } : {}) });
}

/** What the caller gets when its signal is aborted: its own reason where that is one of ours, else CANCELLED. */
export function abortError(signal: AbortSignal): KeepsyncError {
  return signal.reason instanceof KeepsyncError
    ? signal.reason
    : new KeepsyncError('CANCELLED', 'Stopped', { cause: signal.reason });
}

/** A Keep error that came out of a thread as plain data, as its class again; any other error as it is. */
export function reviveKeepError(error: KeepsyncError): KeepsyncError {
  const { failures, progress } = (error.info ?? {}) as Partial<Outcome<PutProgress & GetProgress>>;
  if (failures === undefined || progress === undefined) {
    return error;
  }
  const outcome = { failures, progress };
  let revived: KeepsyncError;
  switch (error.name) {
    case 'KeepWriteError':
      revived = new KeepWriteError(error.code, error.message, outcome);
      break;
    case 'KeepReadError':
      revived = new KeepReadError(error.code, error.message, outcome);
      break;
    case 'KeepNotFoundError':
      revived = new KeepNotFoundError(error.message, outcome);
      break;
    default:
      return error;
  }
  if (error.stack !== undefined) {
    revived.stack = error.stack;
  }
  return revived;
}
