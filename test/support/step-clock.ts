import { setImmediate as nextTurn } from 'node:timers/promises';
import { ManualClock } from './manual-clock.ts';

/** A manual clock that lets what is under way settle before each timer. */
export class StepClock extends ManualClock {
  nowUs(): bigint {
    return BigInt(Math.round(this.nowMs() * 1000));
  }

  /** Fires what falls due within `durationMs`, in order. */
  async step(durationMs: number): Promise<void> {
    const endMs = this.nowMs() + durationMs;
    do {
      await nextTurn();
    } while (this.fireNext(endMs));
    this.goTo(endMs);
  }

  /** Goes from timer to timer until `work` settles. For work that waits for this clock alone. */
  async runUntilSettled<T>(work: Promise<T>): Promise<PromiseSettledResult<T>> {
    let settled = false;
    const outcome = Promise.allSettled([work]).then(([result]) => {
      settled = true;
      return result;
    });
    await nextTurn();
    while (!settled) {
      const nextAtMs = this.nextAtMs;
      if (nextAtMs === undefined) {
        throw new Error('the work waits for something else than the clock');
      }
      await this.step(nextAtMs - this.nowMs());
    }
    return outcome;
  }
}
