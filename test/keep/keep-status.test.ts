import { describe, expect, it } from 'vitest';
import { isRetriable } from '../../src/base/errors.ts';
import { socketErrorCode, statusCode } from '../../src/keep/keep-status.ts';

describe('What an HTTP status means', () => {
  it.each([408, 409, 423, 429, 500, 501, 502, 503, 504, 505, 599])('%i may pass', (status) => {
    expect(isRetriable(statusCode('PUT', status))).toBe(true);
    expect(isRetriable(statusCode('GET', status))).toBe(true);
  });

  it.each([400, 401, 402, 403, 404, 405, 410, 411, 413, 414, 422, 451, 507])(
    '%i is final for that server',
    (status) => {
      expect(isRetriable(statusCode('PUT', status))).toBe(false);
      expect(isRetriable(statusCode('GET', status))).toBe(false);
    },
  );

  it.each([
    [400, 'REFUSED', 'SIGNATURE'],
    [401, 'NOT_SIGNED_IN', 'NOT_SIGNED_IN'],
    [403, 'FORBIDDEN', 'FORBIDDEN'],
    [404, 'NOT_FOUND', 'NOT_FOUND'],
    [410, 'NOT_FOUND', 'NOT_FOUND'],
    [413, 'TOO_LARGE', 'TOO_LARGE'],
    [422, 'REFUSED', 'SIGNATURE'],
    [503, 'BUSY', 'BUSY'],
    [502, 'SERVER', 'SERVER'],
    [507, 'FULL', 'FULL'],
    [302, 'BAD_ANSWER', 'BAD_ANSWER'],
    [204, 'BAD_ANSWER', 'BAD_ANSWER'],
  ])('%i is %s to a PUT and %s to a GET', (status, put, get) => {
    expect(statusCode('PUT', status)).toBe(put);
    expect(statusCode('GET', status)).toBe(get);
    expect(statusCode('HEAD', status)).toBe(get);
  });

  it.each([
    ['ECONNREFUSED', 'OFFLINE'],
    ['ECONNRESET', 'OFFLINE'],
    ['ENOTFOUND', 'OFFLINE'],
    ['ETIMEDOUT', 'TIMEOUT'],
    ['EMFILE', 'TOO_MANY_OPEN'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS'],
    ['HPE_INVALID_CONSTANT', 'BAD_ANSWER'],
    [undefined, 'OFFLINE'],
  ])('a socket error %s is %s', (systemCode, code) => {
    expect(socketErrorCode(systemCode)).toBe(code);
  });
});
