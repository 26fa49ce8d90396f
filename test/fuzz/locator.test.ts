import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readableSizeBytes } from '../../src/keep/keep-rounds.ts';
import {
  BLOCK_LIMIT_BYTES,
  formatLocator,
  localSignature,
  parseLocator,
  placeHints,
  signatureExpiryMs,
  stripLocator,
  stripSignature,
} from '../../src/keep/locator.ts';
import { damagedText, poisonedText, resultOrRefusal, tries } from '../support/hostile.ts';
import { SEED } from '../support/seed.ts';

const MD5 = 'acbd18db4cc2f85cedef654fccc4a4d8';
const good = fc
  .tuple(
    fc.constantFrom(
      '0',
      '3',
      '67108864',
      '67108865',
      '9007199254740991',
      '9007199254740992',
      '9999999999999999',
    ),
    fc.subarray([`A${'5'.repeat(40)}@ffffffff`, `Rzzzzz-${'5'.repeat(40)}@6b155922`, 'K@zzzzz', 'Zx', 'Z']),
  )
  .map(([size, hints]) => [MD5, size, ...hints].join('+'));

test(`a locator of whatever text is read right or refused, and no block is larger than a block (seed ${SEED})`, {
  timeout: 600_000,
}, () => {
  let read = 0;
  fc.assert(
    fc.property(fc.oneof(good, damagedText(good), poisonedText), (text) => {
      const locator = resultOrRefusal(() => parseLocator(text));
      const bare = resultOrRefusal(() => stripLocator(text));
      const unsigned = resultOrRefusal(() => stripSignature(text));
      const sizeBytes = resultOrRefusal(() => readableSizeBytes(text));
      const expiryMs = resultOrRefusal(() => signatureExpiryMs(text));
      if (locator === undefined) {
        expect([bare, unsigned, sizeBytes, expiryMs]).toEqual([undefined, undefined, undefined, undefined]);
        return;
      }
      read += 1;
      expect(locator.md5).toMatch(/^[0-9a-f]{32}$/);
      expect(Number.isSafeInteger(locator.sizeBytes)).toBe(true);
      expect(parseLocator(formatLocator(locator))).toEqual({
        ...locator,
        hints: locator.hints.filter((hint) => hint.length > 1),
      });
      expect(bare).toMatch(/^[0-9a-f]{32}\+\d+$/);
      expect(localSignature(parseLocator(unsigned ?? ''))).toBeUndefined();
      placeHints(locator);
      // what is reserved for a block is decided by this
      expect(sizeBytes === undefined || sizeBytes <= BLOCK_LIMIT_BYTES).toBe(true);
    }),
    { seed: SEED, numRuns: tries(3_000, 50_000) },
  );
  expect(read).toBeGreaterThan(0);
});
