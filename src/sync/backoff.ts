import type { Clock } from '../base/clock.ts';

/** Doubling waits after failures, from `firstMs` to `longestMs`. */
export class Backoff {
  readonly #clock: Clock;
  readonly #firstMs: number;
  readonly #longestMs: number;
  #failures = 0;
  #untilMs = 0;

  constructor(clock: Clock, firstMs: number, longestMs: number) {
    this.#clock = clock;
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  /** Nothing is to be tried before this moment, milliseconds since the epoch; 0 when nothing failed. */
  get untilMs(): number {
    return this.#untilMs;
  }

  failed(): void {
    this.#untilMs = this.#clock.nowMs() + Math.min(this.#firstMs * 2 ** this.#failures, this.#longestMs);
    this.#failures += 1;
  }

  reset(): void {
    this.#failures = 0;
    this.#untilMs = 0;
  }
}
