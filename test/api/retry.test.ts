import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryDelayMs, withRetries } from '../../src/api/retry.ts';
import { systemClock } from '../../src/base/clock.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { systemRandom } from '../../src/base/random.ts';
import { errorOf, QUICK_RETRIES } from '../support/api-fixtures.ts';

const context = { clock: systemClock, random: systemRandom };

describe('the pause before a retry', () => {
  test('grows from try to try, stays below its cap, and honours what the server asks for up to there', () => {
    const policy = { maxAttempts: 9, baseDelayMs: 1_000, maxDelayMs: 60_000 };
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 200_000 }),
        (fraction, attempt, retryAfterMs) => {
          const random = { bytes: systemRandom.bytes, fraction: () => fraction };
          const delayMs = retryDelayMs(policy, attempt, random);
          expect(delayMs).toBeGreaterThanOrEqual(0.75 * 1_000 * 2 ** (attempt - 1));
          expect(delayMs).toBeLessThanOrEqual(1.25 * 1_000 * 2 ** (attempt - 1));
          expect(retryDelayMs(policy, attempt + 1, random)).toBeGreaterThan(delayMs);
          const asked = retryDelayMs(policy, attempt, random, retryAfterMs);
          expect(asked).toBe(Math.min(60_000, Math.max(delayMs, retryAfterMs)));
        },
      ),
    );
  });

  test('is capped however many tries there were', () => {
    expect(retryDelayMs({ maxAttempts: 99, baseDelayMs: 1_000, maxDelayMs: 60_000 }, 40, systemRandom)).toBe(
      60_000,
    );
  });
});

describe('retrying', () => {
  test('goes on until it works, and tells the number of each try', async () => {
    const attempts: number[] = [];
    const result = await withRetries(QUICK_RETRIES, context, async (attempt) => {
      attempts.push(attempt);
      if (attempt < 3) {
        throw new KeepsyncError('BUSY', 'later');
      }
      return 'done';
    });
    expect(result).toBe('done');
    expect(attempts).toEqual([1, 2, 3]);
  });

  test('ends with the last error when the tries are used up', async () => {
    let attempts = 0;
    const error = await errorOf(
      withRetries(QUICK_RETRIES, context, async () => {
        attempts++;
        throw new KeepsyncError('SERVER', `failure ${attempts}`);
      }),
    );
    expect(error.message).toBe(`failure ${QUICK_RETRIES.maxAttempts}`);
  });

  test('never tries again what cannot get better by itself', async () => {
    let attempts = 0;
    const error = await errorOf(
      withRetries(QUICK_RETRIES, context, async () => {
        attempts++;
        throw new KeepsyncError('FORBIDDEN', 'no');
      }),
    );
    expect([error.code, attempts]).toEqual(['FORBIDDEN', 1]);
  });

  test('stops in the middle of a pause when asked to', async () => {
    const stop = new AbortController();
    const error = await errorOf(
      withRetries(
        { maxAttempts: 2, baseDelayMs: 3_600_000, maxDelayMs: 3_600_000 },
        { ...context, signal: stop.signal, onRetry: () => queueMicrotask(() => stop.abort()) },
        async () => {
          throw new KeepsyncError('BUSY', 'later');
        },
      ),
    );
    expect(error.code).toBe('CANCELLED');
  });
});
