import type { CancelTimer, Clock } from '../base/clock.ts';

export interface ProgressLimits {
  /** No byte moved for that long: given up. */
  readonly idleMs: number;
  /** Fewer than `slowBytesPerSecond` over a whole `slowWindowMs`: given up. */
  readonly slowBytesPerSecond: number;
  readonly slowWindowMs: number;
}

/**
 * Watches one transfer, and calls `onStall` once if it stands still or creeps. Time spent between `pause` and `resume`
 * does not count: that is when our own rate limit holds the transfer back.
 */
export class ProgressWatch {
  readonly #clock: Clock;
  readonly #limits: ProgressLimits;
  readonly #onStall: (message: string) => void;
  #cancelTimer: CancelTimer | undefined;
  #lastMoveMs: number;
  #windowStartMs: number;
  #windowBytes = 0;
  #pausedAtMs: number | undefined;
  #ended = false;

  constructor(clock: Clock, limits: ProgressLimits, onStall: (message: string) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onStall = onStall;
    this.#lastMoveMs = clock.monotonicMs();
    this.#windowStartMs = this.#lastMoveMs;
    this.#arm();
  }

  moved(bytes: number): void {
    this.#lastMoveMs = this.#clock.monotonicMs();
    this.#windowBytes += bytes;
  }

  pause(): void {
    this.#pausedAtMs ??= this.#clock.monotonicMs();
  }

  resume(): void {
    if (this.#pausedAtMs !== undefined) {
      const pausedMs = this.#clock.monotonicMs() - this.#pausedAtMs;
      this.#pausedAtMs = undefined;
      this.#lastMoveMs += pausedMs;
      this.#windowStartMs += pausedMs;
    }
  }

  end(): void {
    this.#ended = true;
    this.#cancelTimer?.();
  }

  /** One timer at a time, set to the next moment at which something could be wrong: progress itself costs none. */
  #arm(): void {
    const { idleMs, slowWindowMs } = this.#limits;
    const nowMs = this.#pausedAtMs ?? this.#clock.monotonicMs();
    const dueMs = Math.min(this.#lastMoveMs + idleMs, this.#windowStartMs + slowWindowMs);
    this.#cancelTimer = this.#clock.setTimer(Math.max(dueMs - nowMs, 1), () => this.#check());
  }

  #check(): void {
    if (this.#ended) {
      return;
    }
    const { idleMs, slowBytesPerSecond, slowWindowMs } = this.#limits;
    const nowMs = this.#pausedAtMs ?? this.#clock.monotonicMs();
    if (nowMs - this.#lastMoveMs >= idleMs) {
      this.end();
      this.#onStall(`no progress for ${Math.round(idleMs / 1000)} s`);
      return;
    }
    if (nowMs - this.#windowStartMs >= slowWindowMs) {
      if (this.#windowBytes < (slowBytesPerSecond * slowWindowMs) / 1000) {
        this.end();
        this.#onStall(
          `under ${slowBytesPerSecond} bytes per second for ${Math.round(slowWindowMs / 1000)} s`,
        );
        return;
      }
      this.#windowStartMs = nowMs;
      this.#windowBytes = 0;
    }
    this.#arm();
  }
}
