import type { CancelTimer, Clock } from '../../src/base/clock.ts';

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #nowMs: number;
  #nextId = 0;
  readonly #timers = new Map<number, { readonly atMs: number; readonly fire: () => void }>();

  constructor(startMs = Date.parse('2026-11-01T12:00:00Z')) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): CancelTimer {
    const id = this.#nextId++;
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(delayMs, 0), fire });
    return () => {
      this.#timers.delete(id);
    };
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Goes on by `durationMs` and fires what falls due, in order. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    while (this.fireNext(endMs)) {
      // A timer may set others.
    }
    this.goTo(endMs);
  }

  /** When the next timer is due; undefined where there is none. */
  protected get nextAtMs(): number | undefined {
    const times = [...this.#timers.values()].map((timer) => timer.atMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Fires the first timer that is due by then; false where none is. */
  protected fireNext(endMs: number): boolean {
    const [due] = [...this.#timers]
      .filter(([, timer]) => timer.atMs <= endMs)
      .sort(([, a], [, b]) => a.atMs - b.atMs);
    if (due === undefined) {
      return false;
    }
    const [id, timer] = due;
    this.#timers.delete(id);
    this.goTo(timer.atMs);
    timer.fire();
    return true;
  }

  protected goTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }
}
