import { describe, expect, it } from 'vitest';
import {
  asKeepsyncError,
  ERROR_CODES,
  errorFromRecord,
  errorToRecord,
  isRetriable,
  KeepsyncError,
} from '../../src/base/errors.ts';
import { newRequestId } from '../../src/base/random.ts';
import { redact } from '../../src/base/redact.ts';

const TOKEN = 'v2/zzzzz-gj3su-000000000000001/thisisnotarealsecretbutlookslikeone';

describe('redact', () => {
  it.each([
    `Authorization: Bearer ${TOKEN}`,
    `wss://host/websocket?api_token=${encodeURIComponent(TOKEN)}`,
    `plain ${TOKEN} in a sentence`,
    '36e3d320d76181b412a588a4faf692ca+11+A297cfb4f0125c72eb8f05022e05a789975097266@6b155922',
  ])('takes the secret out of: %s', (line) => {
    const clean = redact(line);
    expect(clean).not.toContain('thisisnotarealsecret');
    expect(clean).not.toContain('297cfb4f0125c72eb8f05022e05a789975097266');
  });

  it('takes known secrets out raw, URL-encoded and as base64', () => {
    const secret = 'a/secret+with=signs';
    const line = `${secret} ${encodeURIComponent(secret)} ${Buffer.from(secret).toString('base64')}`;
    expect(redact(line, [secret])).toBe('… … …');
  });
});

describe('redact, of a secret that is part of something in base64', () => {
  it.each(['', 'u', 'us', 'user:'])('takes it out after "%s"', (before) => {
    const secret = 'thisisnotarealsecretbutlookslikeone';
    const clean = redact(`Basic ${Buffer.from(`${before}${secret}!`).toString('base64')}`, [secret]);
    const rest = clean
      .replace('Basic ', '')
      .split('…')
      .map((part) => Buffer.from(part, 'base64').toString())
      .join('…');
    expect(clean).toContain('…');
    expect(rest).not.toContain('notareal');
    expect(rest.replace(before, '').length).toBeLessThan(12);
  });
});

describe('errors', () => {
  it('keep code, advice and request id across a thread', () => {
    const error = new KeepsyncError('FULL', 'no space', {
      action: 'wait',
      requestId: 'req-1',
      httpStatus: 507,
    });
    const back = errorFromRecord(structuredClone(errorToRecord(error)));
    expect(back).toMatchObject({
      code: 'FULL',
      message: 'no space',
      action: 'wait',
      requestId: 'req-1',
      httpStatus: 507,
    });
  });

  it('turn aborts into CANCELLED and strangers into INTERNAL', () => {
    expect(asKeepsyncError(new DOMException('stop', 'AbortError')).code).toBe('CANCELLED');
    expect(asKeepsyncError(new TypeError('bug')).code).toBe('INTERNAL');
    expect(asKeepsyncError('text')).toMatchObject({ code: 'INTERNAL', message: 'text' });
  });

  it('never retry a full server, a refusal, or a missing sign-in', () => {
    for (const code of ['FULL', 'REFUSED', 'FORBIDDEN', 'NOT_SIGNED_IN'] as const) {
      expect(isRetriable(code)).toBe(false);
    }
    expect(ERROR_CODES.filter(isRetriable)).toContain('BUSY');
  });
});

describe('request ids', () => {
  it('are req- and twenty of [0-9a-z]', () => {
    expect(newRequestId()).toMatch(/^req-[0-9a-z]{20}$/);
  });
});
