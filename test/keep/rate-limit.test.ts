import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../src/keep/rate-limit.ts';
import { StepClock } from '../support/step-clock.ts';

const MIB = 1_048_576;

/** Two threads' views of one limit, on a clock that stands still. */
function world(bytesPerSecond: number) {
  const clock = new StepClock();
  const shared = RateLimit.share();
  const nowUs = () => clock.nowUs();
  const limit = new RateLimit(shared, clock, nowUs);
  const other = new RateLimit(shared, clock, nowUs);
  limit.setLimit(bytesPerSecond);
  const send = async (through: RateLimit, totalBytes: number) => {
    for (let sent = 0; sent < totalBytes; ) {
      const slice = Math.min(through.sliceBytes(), totalBytes - sent);
      await through.take(slice);
      sent += slice;
    }
    return clock.monotonicMs();
  };
  return { clock, limit, other, send };
}

describe('A rate limit', () => {
  it('of 0 holds nothing back', () => {
    const { limit } = world(0);
    for (let i = 0; i < 100; i++) {
      expect(limit.take(64 * MIB)).toBeUndefined();
    }
    expect(limit.sliceBytes()).toBe(MIB);
  });

  it('takes as long as the bytes take at that rate', async () => {
    const { clock, limit, send } = world(MIB);
    const startMs = clock.monotonicMs();
    const outcome = await clock.runUntilSettled(send(limit, 10 * MIB));
    const tookMs = (outcome.status === 'fulfilled' ? outcome.value : 0) - startMs;
    // The last slice may begin a tenth of a second before its time is up.
    expect(tookMs).toBeGreaterThanOrEqual(9800);
    expect(tookMs).toBeLessThanOrEqual(10_100);
  });

  it('is one for all threads', async () => {
    const { clock, limit, other, send } = world(MIB);
    const startMs = clock.monotonicMs();
    const both = Promise.all([send(limit, 5 * MIB), send(other, 5 * MIB)]);
    const outcome = await clock.runUntilSettled(both);
    const tookMs = (outcome.status === 'fulfilled' ? Math.max(...outcome.value) : 0) - startMs;
    expect(tookMs).toBeGreaterThanOrEqual(9700);
    expect(tookMs).toBeLessThanOrEqual(10_200);
  });

  it('cuts slices of a tenth of a second, within bounds', () => {
    expect(world(1000).limit.sliceBytes()).toBe(4096);
    expect(world(1_000_000).limit.sliceBytes()).toBe(100_000);
    expect(world(1_000_000_000).limit.sliceBytes()).toBe(MIB);
  });

  it('saves up no more than a quarter of a second', async () => {
    const { clock, limit } = world(1000);
    await clock.step(3_600_000);
    expect(limit.take(250)).toBeUndefined();
    expect(limit.take(1)).toBeUndefined();
    expect(limit.take(1)).toBeInstanceOf(Promise);
    await clock.step(10_000);
  });

  it('is felt by who waits already when it is raised, within a quarter of a second', async () => {
    const { clock, limit, other } = world(1);
    await limit.take(4096);
    let passed = false;
    const waiting = Promise.resolve(limit.take(4096)).then(() => {
      passed = true;
    });
    await clock.step(60_000);
    expect(passed).toBe(false);
    other.setLimit(0);
    await clock.step(250);
    await waiting;
    expect(passed).toBe(true);
    expect(other.bytesPerSecond).toBe(0);
  });

  it('lets go of who stops waiting', async () => {
    const { clock, limit } = world(1);
    await limit.take(4096);
    const stop = new AbortController();
    const waiting = limit.take(4096, stop.signal);
    stop.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
    expect(clock.timerCount).toBe(0);
  });

  it('never lets more through than rate times time, a burst and a slice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 10_000_000 }),
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 30 }),
        async (bytesPerSecond, slices) => {
          const { clock, limit } = world(bytesPerSecond);
          const startMs = clock.monotonicMs();
          let totalBytes = 0;
          const work = (async () => {
            for (const slice of slices) {
              await limit.take(slice);
              const elapsedSeconds = (clock.monotonicMs() - startMs) / 1000;
              expect(totalBytes).toBeLessThanOrEqual(bytesPerSecond * (elapsedSeconds + 0.26) + 1);
              totalBytes += slice;
            }
          })();
          const outcome = await clock.runUntilSettled(work);
          expect(outcome.status).toBe('fulfilled');
        },
      ),
      { verbose: true },
    );
  });
});
