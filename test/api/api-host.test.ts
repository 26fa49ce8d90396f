import { describe, expect, test } from 'vitest';
import { checkToken, parseApiHost, tokenSecrets } from '../../src/api/api-host.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { TEST_TOKEN } from '../support/api-fixtures.ts';

function thrownBy(work: () => unknown): KeepsyncError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof KeepsyncError) {
      return thrown;
    }
    throw thrown;
  }
  throw new Error('expected an error, but there was none');
}

describe('the address of an API', () => {
  test.each([
    ['zzzzz.example.org', 'zzzzz.example.org', 443, 'zzzzz.example.org'],
    ['zzzzz.example.org:8443', 'zzzzz.example.org', 8443, 'zzzzz.example.org:8443'],
    ['https://zzzzz.example.org', 'zzzzz.example.org', 443, 'zzzzz.example.org'],
    ['https://zzzzz.example.org:443/', 'zzzzz.example.org', 443, 'zzzzz.example.org'],
    ['  ZZZZZ.Example.org \n', 'zzzzz.example.org', 443, 'zzzzz.example.org'],
    ['127.0.0.1:9000', '127.0.0.1', 9000, '127.0.0.1:9000'],
    ['[::1]:9000', '::1', 9000, '[::1]:9000'],
  ])('%j is host %s at port %d', (entered, hostName, port, text) => {
    expect(parseApiHost(entered)).toEqual({ hostName, port, text });
  });

  test.each([
    [''],
    ['http://zzzzz.example.org'],
    ['https://zzzzz.example.org/workbench'],
    ['zzzzz.example.org?x=1'],
    ['user:secret@zzzzz.example.org'],
    ['two words'],
    ['zzzzz.example.org:99999'],
    ['ftp://zzzzz.example.org'],
    [TEST_TOKEN],
  ])('%j is refused, and not repeated', (entered) => {
    const error = thrownBy(() => parseApiHost(entered));
    expect(error.code).toBe('USAGE');
    expect(error.action).toBeDefined();
    if (entered !== '') {
      expect(error.message).not.toContain(entered);
    }
  });
});

describe('a token', () => {
  test('of either form, or of an identity provider, is taken as it is', () => {
    for (const token of [TEST_TOKEN, 's3cr3ts3cr3t', 'eyJhbGciOi.J9.a-b_c']) {
      expect(checkToken(token)).toBe(token);
    }
  });

  test.each([
    ['empty', ''],
    ['with a line break', `${TEST_TOKEN}\n`],
    ['with a space', 's3cr3t s3cr3t'],
    ['with another alphabet', 's3cr3tж'],
    ['cut off', 'v2/zzzzz-gj3su-0000000'],
    ['without its secret', 'v2/zzzzz-gj3su-000000000000001/'],
  ])('%s is refused, and not repeated', (_how, token) => {
    const error = thrownBy(() => checkToken(token));
    expect(error.code).toBe('USAGE');
    expect(`${error.message} ${error.action}`).not.toContain('s3cr3t');
  });

  test('keeps two secrets where it is a v2 token', () => {
    expect(tokenSecrets(TEST_TOKEN)).toEqual([TEST_TOKEN, 's3cr3ts3cr3ts3cr3ts3cr3t']);
    expect(tokenSecrets('s3cr3t')).toEqual(['s3cr3t']);
  });
});
