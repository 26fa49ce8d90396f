import type { IncomingHttpHeaders } from 'node:http';
import { type ErrorCode, type ErrorDetails, KeepsyncError } from '../base/errors.ts';

/** How much of a server's own words goes into a message. */
const LONGEST_SERVER_TEXT = 400;

const NOT_ARVADOS_ACTION =
  'Check the address: it must be that of the Arvados API itself, not of Workbench or of another web site. A network that asks you to sign in first answers like this, too.';

export function notArvados(host: string, what: string, details: ErrorDetails = {}): KeepsyncError {
  return new KeepsyncError('NOT_ARVADOS', `${host} answers, but not as an Arvados API: ${what}`, {
    action: NOT_ARVADOS_ACTION,
    ...details,
  });
}

/** The code that stands for an HTTP status of an Arvados service. */
function statusCode(status: number): ErrorCode {
  switch (status) {
    case 401:
      return 'NOT_SIGNED_IN';
    case 403:
      return 'FORBIDDEN';
    case 404:
    case 410:
      return 'NOT_FOUND';
    case 413:
      return 'TOO_LARGE';
    case 408:
    case 409:
    case 423:
    case 429:
    case 503:
    case 504:
      return 'BUSY';
    case 507:
      return 'FULL';
    default:
      return status >= 500 ? 'SERVER' : 'REFUSED';
  }
}

export interface FailedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The parsed body, or undefined where it was no JSON. */
  readonly json: unknown;
  /** Host and port, for the message. */
  readonly host: string;
  readonly requestId: string;
  /** When the token in use ends, where that is known; and the time now. */
  readonly tokenExpiresAtMs: number | undefined;
  readonly nowMs: number;
  /** Takes secrets out of the server's words. */
  readonly redact: (text: string) => string;
}

/** The error for an answer whose status is not 2xx. */
export function statusError(answer: FailedAnswer): KeepsyncError {
  const { status, host } = answer;
  const details = { requestId: answer.requestId, httpStatus: status };
  if (status < 400) {
    return notArvados(host, 'it sends elsewhere, and Keepsync never follows', details);
  }
  const code = statusCode(status);
  const isWebServers = status >= 500 || code === 'BUSY' || code === 'TOO_LARGE';
  if (answer.json === undefined && !isWebServers) {
    return notArvados(host, `it says ${status} without the JSON of one`, details);
  }
  const said = serverText(answer.json);
  const because = said === undefined ? ` (${status})` : `: ${answer.redact(said)}`;
  const retryAfterMs = readRetryAfter(answer.headers['retry-after'], answer.nowMs);
  return new KeepsyncError(code, `${statusSentence(code, answer)}${because}`, {
    ...details,
    ...actionFor(code),
    ...(retryAfterMs === undefined ? {} : { info: { retryAfterMs } }),
  });
}

function statusSentence(code: ErrorCode, answer: FailedAnswer): string {
  const { host, tokenExpiresAtMs, nowMs } = answer;
  switch (code) {
    case 'NOT_SIGNED_IN':
      return tokenExpiresAtMs !== undefined && tokenExpiresAtMs <= nowMs
        ? `The token for ${host} expired on ${new Date(tokenExpiresAtMs).toISOString().slice(0, 10)}`
        : `${host} does not accept the token`;
    case 'FORBIDDEN':
      return `${host} does not allow this`;
    case 'NOT_FOUND':
      return `${host} does not have this, or does not show it to you`;
    case 'TOO_LARGE':
      return `The request is too large for ${host}`;
    case 'BUSY':
      return `${host} is busy`;
    case 'FULL':
      return `${host} has no space left`;
    case 'SERVER':
      return `${host} has a fault of its own`;
    default:
      return `${host} refuses the request`;
  }
}

function actionFor(code: ErrorCode): { action?: string } {
  switch (code) {
    case 'NOT_SIGNED_IN':
      return { action: 'Get a new token from Workbench and sign in again.' };
    case 'FORBIDDEN':
      return { action: 'Ask the owner of the project for write permission, or choose another project.' };
    case 'NOT_FOUND':
      return { action: 'Check that it still exists and that you may read it.' };
    case 'TOO_LARGE':
      return { action: 'Split the folder, or ask the administrators to raise MaxRequestSize.' };
    case 'BUSY':
    case 'SERVER':
      return { action: 'Keepsync tries again; if it goes on, give the administrators the request id.' };
    case 'FULL':
      return { action: 'Ask the administrators of the cluster for space.' };
    default:
      return {};
  }
}

/** The texts of `errors[]`, without the request id that Arvados puts at their end. */
function serverText(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null || !('errors' in json) || !Array.isArray(json.errors)) {
    return undefined;
  }
  const texts = json.errors
    .filter((text): text is string => typeof text === 'string')
    .map((text) => text.replace(/\s*\(req-[0-9a-z]{20}\)\s*$/, '').replaceAll(/\s+/g, ' '));
  const all = texts.join('; ');
  if (all === '') {
    return undefined;
  }
  return all.length > LONGEST_SERVER_TEXT ? `${all.slice(0, LONGEST_SERVER_TEXT)}…` : all;
}

/** Retry-After, in seconds or as a date (RFC 9110, 10.2.3), in milliseconds from now. */
function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) {
    return undefined;
  }
  if (/^\d{1,9}$/.test(header)) {
    return Number(header) * 1_000;
  }
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
