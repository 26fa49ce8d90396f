import type { Clock } from '../../src/base/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly seq: number;
  readonly fire: () => void;
}

/** Lets every promise that can go on do so: microtasks, and one turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * A clock that moves only when told. Timers fire in the order of their time, then of their making; between two of them
 * all pending promises go on, so a run is the same each time.
 */
export class SimClock implements Clock {
  #nowMs: number;
  #wallOffsetMs = 0;
  #seq = 0;
  #timers: Timer[] = [];

  constructor(startMs = Date.UTC(2026, 10, 22)) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return Math.floor(this.#nowMs + this.#wallOffsetMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), seq: this.#seq++, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Somebody sets the wall clock; timers do not care. */
  jumpWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Moves on by `byMs`, firing what falls due. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await turn();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await turn();
    }
    this.#nowMs = untilMs;
    await turn();
  }

  /** Moves on, timer by timer, until `done` says so; throws when `limitMs` of simulated time did not suffice. */
  async advanceUntil(done: () => boolean, limitMs: number, why: string): Promise<void> {
    const untilMs = this.#nowMs + limitMs;
    await turn();
    while (!done()) {
      const next = this.#next(untilMs);
      if (next === undefined) {
        throw new Error(`after ${limitMs} ms of simulated time still not: ${why}`);
      }
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await turn();
    }
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (
        timer.atMs <= untilMs &&
        (first === undefined ||
          timer.atMs < first.atMs ||
          (timer.atMs === first.atMs && timer.seq < first.seq))
      ) {
        first = timer;
      }
    }
    if (first) {
      this.#timers.splice(this.#timers.indexOf(first), 1);
    }
    return first;
  }
}
