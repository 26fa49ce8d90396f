import { describe, expect, test } from 'vitest';
import {
  agoText,
  countText,
  durationText,
  middleCut,
  plural,
  sizeText,
  words,
} from '../../src/contract/words.ts';

describe('words and numbers', () => {
  test('sizes are binary and say so', () => {
    expect([0, 640, 1023, 1024, 1536, 64 * 2 ** 20, 1.19 * 2 ** 30, 412 * 2 ** 30].map(sizeText)).toEqual([
      '0 B',
      '640 B',
      '1023 B',
      '1 KiB',
      '1.5 KiB',
      '64 MiB',
      '1.19 GiB',
      '412 GiB',
    ]);
  });

  test('nothing is ever written as 1024 of a unit', () => {
    expect(sizeText(2 ** 20 - 1)).toBe('1 MiB');
    expect(sizeText(2 ** 30 - 1)).toBe('1 GiB');
  });

  test('counts are grouped by thousands, and one is one', () => {
    expect(countText(38_201)).toBe('38,201');
    expect(countText(1_234_567)).toBe('1,234,567');
    expect([plural(1, 'file'), plural(0, 'file'), plural(1000, 'file')]).toEqual([
      '1 file',
      '0 files',
      '1,000 files',
    ]);
  });

  test('durations and ages are in one unit', () => {
    expect([32, 89, 90, 2400, 7200, 200_000].map(durationText)).toEqual([
      '32 s',
      '89 s',
      '2 minutes',
      '40 minutes',
      '2 hours',
      '2 days',
    ]);
    expect([0, 4_000, 32_000, 120_000, 3_600_000 * 3].map((ms) => agoText(1_000, 1_000 + ms))).toEqual([
      'just now',
      'just now',
      '32 seconds ago',
      '2 minutes ago',
      '3 hours ago',
    ]);
    expect(agoText(5_000, 1_000)).toBe('just now');
  });

  test('long names are cut in the middle', () => {
    expect(middleCut('abcdefghij', 7)).toBe('abc…hij');
    expect(middleCut('short', 7)).toBe('short');
    expect(middleCut('anything', 0)).toBe('');
  });

  test('the sentences of the design read as designed', () => {
    const now = 1_000_000;
    expect(words.everythingSaved(now - 120_000, now)).toBe('Everything saved 2 minutes ago');
    expect(words.uploadingFolders(2, 2400)).toBe('Uploading 2 folders, about 40 minutes');
    expect(words.problemsNeedYou(3)).toBe('3 problems need you');
    expect(words.problemsNeedYou(1)).toBe('1 problem needs you');
    expect(words.storedNotSaved(1.19 * 2 ** 30, now - 32_000, now)).toBe(
      'Stored, not saved: 1.19 GiB, oldest 32 s',
    );
    expect(`${words.failedBlocks(1, 64 * 2 ** 20)}, ${words.nextTry(now + 18_000, now)}`).toBe(
      '1 block failed, 64 MiB, goes again in 18 s',
    );
    expect(words.dryRun(38_201, 412 * 2 ** 30, 6_593)).toBe('38,201 files, 412 GiB, at least 6,593 blocks');
  });
});
