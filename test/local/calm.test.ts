import { describe, expect, it } from 'vitest';
import { calmMs, DEFAULT_CALM, isStill, remainingCalmMs } from '../../src/local/calm.ts';

const MIB = 1024 * 1024;
const YEAR_MS = 365 * 24 * 3_600_000;
const NOW_MS = Date.parse('2026-11-01T12:00:00Z');

describe('the calm period', () => {
  it.each([
    [0, 2_000],
    [50 * MIB - 1, 2_000],
    [50 * MIB, 3_000],
    [1024 * MIB, 22_000],
    [5_900 * MIB, 120_000],
    [2 ** 40, 120_000],
  ])('of a file of %d bytes is %d ms', (sizeBytes, expectedMs) => {
    expect(calmMs(sizeBytes)).toBe(expectedMs);
  });

  it('is a matter of settings', () => {
    const settings = { calmBaseMs: 10, calmBytesPerSecond: 1, calmMaxMs: 5_000 };
    expect(calmMs(3, settings)).toBe(3_010);
    expect(calmMs(100, settings)).toBe(5_000);
    expect(calmMs(100, { ...DEFAULT_CALM, calmMaxMs: 0 })).toBe(0);
  });
});

describe('a file counts as still', () => {
  const changedAgo = (agoMs: number) => ({ sizeBytes: 10, changedAtMs: NOW_MS - agoMs });

  it('once it has been left alone for its calm period', () => {
    const moment = { nowMs: NOW_MS, observedForMs: 0 };
    expect(isStill(changedAgo(1_999), moment)).toBe(false);
    expect(remainingCalmMs(changedAgo(1_999), moment)).toBe(1);
    expect(isStill(changedAgo(2_000), moment)).toBe(true);
  });

  it('by observation, when its change time lies in the future', () => {
    const future = changedAgo(-YEAR_MS);
    expect(isStill(future, { nowMs: NOW_MS, observedForMs: 0 })).toBe(false);
    expect(remainingCalmMs(future, { nowMs: NOW_MS, observedForMs: 500 })).toBe(1_500);
    expect(isStill(future, { nowMs: NOW_MS, observedForMs: 2_000 })).toBe(true);
  });

  it('by observation, when the clock was set back by a year while it was watched', () => {
    const file = changedAgo(0);
    expect(isStill(file, { nowMs: NOW_MS - YEAR_MS, observedForMs: 2_000 })).toBe(true);
  });
});
