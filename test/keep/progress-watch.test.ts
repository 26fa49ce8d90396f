import { describe, expect, it } from 'vitest';
import { ProgressWatch } from '../../src/keep/progress-watch.ts';
import { StepClock } from '../support/step-clock.ts';

const LIMITS = { idleMs: 10_000, slowBytesPerSecond: 100, slowWindowMs: 60_000 };

function watch() {
  const clock = new StepClock();
  const stalls: string[] = [];
  const watched = new ProgressWatch(clock, LIMITS, (why) => stalls.push(why));
  return { clock, stalls, watched };
}

describe('The watch over a transfer', () => {
  it('gives up when nothing moves for long enough, once', async () => {
    const { clock, stalls } = watch();
    await clock.step(9999);
    expect(stalls).toEqual([]);
    await clock.step(100_000);
    expect(stalls).toEqual(['no progress for 10 s']);
    expect(clock.timerCount).toBe(0);
  });

  it('counts from the last byte', async () => {
    const { clock, stalls, watched } = watch();
    await clock.step(9000);
    watched.moved(100_000);
    await clock.step(9999);
    expect(stalls).toEqual([]);
    await clock.step(1);
    expect(stalls).toHaveLength(1);
  });

  it('gives up on a transfer that creeps', async () => {
    const { clock, stalls, watched } = watch();
    for (let second = 0; second < 60; second++) {
      watched.moved(99);
      await clock.step(1000);
    }
    expect(stalls).toEqual(['under 100 bytes per second for 60 s']);
  });

  it('leaves one alone that is just fast enough, for as long as it takes', async () => {
    const { clock, stalls, watched } = watch();
    for (let second = 0; second < 600; second++) {
      watched.moved(101);
      await clock.step(1000);
    }
    expect(stalls).toEqual([]);
    watched.end();
    expect(clock.timerCount).toBe(0);
  });

  it('does not count the time that our own limit holds the transfer back', async () => {
    const { clock, stalls, watched } = watch();
    await clock.step(5000);
    watched.pause();
    await clock.step(1_000_000);
    watched.resume();
    await clock.step(4999);
    expect(stalls).toEqual([]);
    await clock.step(1);
    expect(stalls).toEqual(['no progress for 10 s']);
  });
});
