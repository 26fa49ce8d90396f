import { describe, expect, it } from 'vitest';
import { signLocator, verifySignature } from '../../src/keep/signature.ts';

const KEY = 'blobsigningkeyblobsigningkeyblobsigningkey12345';
const TOKEN = `v2/zzzzz-gj3su-000000000000001/${'secret'.repeat(9)}`;
const HELLO = 'b1946ac92492d2347c6235b4d2611184+6';
const EXPIRY_SECONDS = 0x6b155922;
const SIGNED = `${HELLO}+A297cfb4f0125c72eb8f05022e05a789975097266@6b155922`;

describe('A locator signature', () => {
  it('is what a real keepstore signs', () => {
    expect(signLocator(KEY, TOKEN, HELLO, EXPIRY_SECONDS)).toBe(SIGNED);
  });

  it('takes the place of an older one and stands before other hints', () => {
    const old = `${HELLO}+K@zzzzz+A${'0'.repeat(40)}@00000001`;
    expect(signLocator(KEY, TOKEN, old, EXPIRY_SECONDS)).toBe(`${SIGNED}+K@zzzzz`);
  });

  it('is valid up to its last second', () => {
    expect(verifySignature(KEY, TOKEN, SIGNED, EXPIRY_SECONDS)).toBe('valid');
    expect(verifySignature(KEY, TOKEN, SIGNED, EXPIRY_SECONDS + 1)).toBe('expired');
  });

  it('is bound to the key, the exact token, the lifetime, the block and the expiry', () => {
    const now = EXPIRY_SECONDS - 10;
    expect(verifySignature(`${KEY}x`, TOKEN, SIGNED, now)).toBe('wrong');
    expect(verifySignature(KEY, 'secret'.repeat(9), SIGNED, now)).toBe('wrong');
    expect(verifySignature(KEY, TOKEN, SIGNED, now, 60)).toBe('wrong');
    expect(verifySignature(KEY, TOKEN, SIGNED.replace('b19', 'b18'), now)).toBe('wrong');
    expect(verifySignature(KEY, TOKEN, SIGNED.replace('6b155922', '6b155923'), now)).toBe('wrong');
    expect(verifySignature(KEY, TOKEN, HELLO, now)).toBe('missing');
  });
});
