import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';

/** A clock that stands still until it is told to go on, and lets what is under way settle before each timer. */
export class StepClock implements Clock {
  #nowMs: number;
  #nextId = 0;
  readonly #timers = new Map<number, { readonly atMs: number; readonly fire: () => void }>();

  constructor(startMs = Date.parse('2026-11-22T12:00:00Z')) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  nowUs(): bigint {
    return BigInt(Math.round(this.#nowMs * 1000));
  }

  setTimer(delayMs: number, fire: () => void): () => void {
    const id = this.#nextId++;
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(delayMs, 0), fire });
    return () => {
      this.#timers.delete(id);
    };
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Fires what falls due within `durationMs`, in order. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await nextTurn();
    for (let next = this.#nextBy(endMs); next; next = this.#nextBy(endMs)) {
      this.#timers.delete(next.id);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await nextTurn();
    }
    this.#nowMs = endMs;
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
      const next = this.#nextBy(Number.POSITIVE_INFINITY);
      if (!next) {
        throw new Error('the work waits for something else than the clock');
      }
      await this.advance(next.atMs - this.#nowMs);
    }
    return outcome;
  }

  #nextBy(endMs: number) {
    let earliest: { id: number; atMs: number; fire: () => void } | undefined;
    for (const [id, { atMs, fire }] of this.#timers) {
      if (atMs <= endMs && (!earliest || atMs < earliest.atMs)) {
        earliest = { id, atMs, fire };
      }
    }
    return earliest;
  }
}
