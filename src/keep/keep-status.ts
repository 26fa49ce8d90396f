import type { ErrorCode } from '../base/errors.ts';

export type KeepMethod = 'GET' | 'HEAD' | 'PUT';

/**
 * What an HTTP status of a Keep server other than success means. The one place that decides it; whether the same server
 * is then worth asking again is `isRetriable` of the code. That keeps the union of what the Python and the Go SDK ask
 * again (408, 409, 423, 429 and every 5xx), never 507: a full server needs a person.
 */
export function statusCode(method: KeepMethod, status: number): ErrorCode {
  switch (status) {
    case 400:
      // The locator was well formed, so on a read this can only be its signature.
      return method === 'PUT' ? 'REFUSED' : 'SIGNATURE';
    case 401:
      return 'NOT_SIGNED_IN';
    case 403:
      return 'FORBIDDEN';
    case 404:
    case 410:
      return 'NOT_FOUND';
    case 408:
    case 409:
    case 423:
    case 429:
    case 503:
    case 504:
      return 'BUSY';
    case 413:
      return 'TOO_LARGE';
    case 422:
      // What keepproxy says to a read without a signature.
      return method === 'PUT' ? 'REFUSED' : 'SIGNATURE';
    case 507:
      return 'FULL';
    default:
      if (status >= 500) {
        return 'SERVER';
      }
      // A success without the answer it should have, or a redirect: those are never followed.
      return status < 400 ? 'BAD_ANSWER' : 'REFUSED';
  }
}

const TLS_CODES = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'EPROTO',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What a `code` of a socket, TLS or HTTP parser error of Node means. */
export function socketErrorCode(systemCode: string | undefined): ErrorCode {
  if (systemCode === undefined) {
    return 'OFFLINE';
  }
  if (TLS_CODES.has(systemCode) || systemCode.startsWith('ERR_TLS_') || systemCode.startsWith('ERR_SSL_')) {
    return 'TLS';
  }
  if (systemCode.startsWith('HPE_')) {
    return 'BAD_ANSWER';
  }
  switch (systemCode) {
    case 'ETIMEDOUT':
      return 'TIMEOUT';
    case 'EMFILE':
    case 'ENFILE':
      return 'TOO_MANY_OPEN';
    default:
      return 'OFFLINE';
  }
}

/** One plain sentence of advice, where there is any. */
export function adviceFor(code: ErrorCode): string | undefined {
  switch (code) {
    case 'NOT_SIGNED_IN':
      return 'Sign in again: the token is missing, unknown or expired.';
    case 'FORBIDDEN':
      return 'Ask for permission, or sign in with a token that may do this.';
    case 'FULL':
      return "Ask the cluster's administrators for space on the Keep servers.";
    case 'READ_ONLY':
      return 'No Keep server of the cluster takes writes now; ask its administrators.';
    case 'CLASSES':
      return 'Choose storage classes that the cluster has.';
    case 'COPIES':
      return 'Nothing, if servers are only down for a while; else ask for fewer copies.';
    case 'PLAIN_HTTP':
      return 'Use https for Keep, or allow plain-http Keep for this cluster in the settings.';
    case 'TLS':
      return "Add the cluster's certificate authority in the settings.";
    case 'OFFLINE':
    case 'TIMEOUT':
      return 'Check the network connection.';
    case 'SIGNATURE':
      return 'Load the collection again for fresh signatures.';
    default:
      return undefined;
  }
}
