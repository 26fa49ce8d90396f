import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatLocator,
  localSignature,
  parseLocator,
  placeHints,
  signatureExpiryMs,
  stripLocator,
  stripSignature,
} from '../../src/keep/locator.ts';

const MD5 = 'b1946ac92492d2347c6235b4d2611184';
const SIGNED = `${MD5}+6+A297cfb4f0125c72eb8f05022e05a789975097266@6b155922`;

describe('A locator', () => {
  it('is an md5, a size and hints in their order', () => {
    expect(parseLocator(`${SIGNED}+K@zzzzz+Zsomething`)).toEqual({
      md5: MD5,
      sizeBytes: 6,
      hints: ['A297cfb4f0125c72eb8f05022e05a789975097266@6b155922', 'K@zzzzz', 'Zsomething'],
    });
  });

  it.each([
    ['nothing', ''],
    ['an md5 alone', MD5],
    ['an md5 in capitals', `${MD5.toUpperCase()}+6`],
    ['an md5 that is too short', `${MD5.slice(1)}+6`],
    ['a size that is no number', `${MD5}+x`],
    ['a size below zero', `${MD5}+-1`],
    ['a size beyond all numbers', `${MD5}+9999999999999999`],
    ['a hint in small letters', `${MD5}+6+a123`],
    ['an empty hint', `${MD5}+6+`],
    ['a hint before the size', `${MD5}+K@zzzzz+6`],
    ['a hint with a slash', `${MD5}+6+K@zz/zz`],
    ['a line end', `${MD5}+6\n`],
    ['a path behind it', `${MD5}+6/../index`],
  ])('is refused when it is %s', (_, text) => {
    expect(() => parseLocator(text)).toThrow(expect.objectContaining({ code: 'REFUSED' }));
    expect(() => stripLocator(text)).toThrow(expect.objectContaining({ code: 'REFUSED' }));
  });

  it('is read with a hint of one letter, but never written with one', () => {
    const locator = parseLocator(`${MD5}+6+Z+K@zzzzz`);
    expect(locator.hints).toEqual(['Z', 'K@zzzzz']);
    expect(formatLocator(locator)).toBe(`${MD5}+6+K@zzzzz`);
  });

  it('comes through reading and writing as it was', () => {
    const hint = fc.stringMatching(/^[A-Z][A-Za-z0-9@_-]{1,50}$/);
    const md5 = fc.stringMatching(/^[0-9a-f]{32}$/);
    fc.assert(
      fc.property(md5, fc.nat(2 ** 26), fc.array(hint, { maxLength: 5 }), (hash, size, hints) => {
        const text = [hash, String(size), ...hints].join('+');
        expect(formatLocator(parseLocator(text))).toBe(text);
        expect(stripLocator(text)).toBe(`${hash}+${size}`);
      }),
      { verbose: true },
    );
  });

  it('loses only its local signature for the API, wherever that stands', () => {
    const [signature = ''] = parseLocator(SIGNED).hints;
    expect(stripSignature(`${MD5}+6+K@zzzzz+${signature}+Zx`)).toBe(`${MD5}+6+K@zzzzz+Zx`);
  });

  it('tells when its signature runs out, in any position', () => {
    const expirySeconds = 0x6b155922;
    const [signature = ''] = parseLocator(SIGNED).hints;
    expect(signatureExpiryMs(SIGNED)).toBe(expirySeconds * 1000);
    expect(signatureExpiryMs(`${MD5}+6+K@zzzzz+${signature}`)).toBe(expirySeconds * 1000);
    expect(localSignature(parseLocator(SIGNED))).toEqual({
      hex: '297cfb4f0125c72eb8f05022e05a789975097266',
      expirySeconds,
    });
    expect(signatureExpiryMs(`${MD5}+6`)).toBeUndefined();
    expect(signatureExpiryMs(`${MD5}+6+Anonsense@6b155922`)).toBeUndefined();
  });

  it('runs out with the first of a local and a remote signature', () => {
    const remote = `Rzzzzz-${'0'.repeat(40)}@00000010`;
    expect(signatureExpiryMs(`${MD5}+6+${remote}`)).toBe(16_000);
    expect(signatureExpiryMs(`${SIGNED}+${remote}`)).toBe(16_000);
  });

  it('names other clusters and gateways where it may be', () => {
    expect(placeHints(parseLocator(`${MD5}+6+K@abcde+K@zzzzz-bi6l4-000000000000001+K@ab+Zx`))).toEqual([
      { clusterId: 'abcde' },
      { gatewayUuid: 'zzzzz-bi6l4-000000000000001' },
    ]);
  });
});
