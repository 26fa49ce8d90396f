import type { CancelTimer, Clock } from '../base/clock.ts';
import type { BlockRow, StatusSnapshot } from '../contract/status.ts';
import type { StatusInput } from './inputs.ts';
import type { StatusFold } from './status-fold.ts';

/** At most ten snapshots a second. */
const MIN_INTERVAL_MS = 100;
/** While bytes move, the sparkline wants a sample a second; else only "2 minutes ago" ages. */
const BUSY_REFRESH_MS = 1_000;
const IDLE_REFRESH_MS = 30_000;

export interface StatusListeners {
  onSnapshot(snapshot: StatusSnapshot): void;
  /** Live blocks that changed since the last call; never empty. */
  onBlocks(rows: readonly BlockRow[]): void;
}

/**
 * Publishes the fold's snapshots: at once after a quiet time, then at most ten a second however many inputs come, and
 * now and then without any input, because sentences and samples age. One snapshot is built per publication, never per
 * input.
 */
export class StatusPublisher {
  readonly #fold: StatusFold;
  readonly #clock: Clock;
  readonly #listeners: StatusListeners;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: CancelTimer | undefined;
  #due = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(fold: StatusFold, clock: Clock, listeners: StatusListeners) {
    this.#fold = fold;
    this.#clock = clock;
    this.#listeners = listeners;
    this.#schedule(0);
  }

  apply(input: StatusInput): void {
    this.#fold.apply(input, this.#clock.nowMs());
    if (input.type !== 'activity') {
      this.#schedule(this.#lastAtMs + MIN_INTERVAL_MS - this.#clock.monotonicMs());
    }
  }

  /** The present state, built now. */
  snapshot(): StatusSnapshot {
    return this.#fold.snapshot(this.#clock.nowMs());
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  #schedule(delayMs: number): void {
    const at = this.#clock.monotonicMs() + Math.max(0, delayMs);
    if (this.#closed || at >= this.#due) {
      return;
    }
    this.#cancelTimer?.();
    this.#due = at;
    this.#cancelTimer = this.#clock.setTimer(Math.max(0, delayMs), () => this.#publish());
  }

  #publish(): void {
    this.#due = Number.POSITIVE_INFINITY;
    this.#cancelTimer = undefined;
    if (this.#closed) {
      return;
    }
    this.#lastAtMs = this.#clock.monotonicMs();
    const snapshot = this.snapshot();
    const rows = this.#fold.takeChangedBlocks();
    this.#schedule(snapshot.tray === 'syncing' ? BUSY_REFRESH_MS : IDLE_REFRESH_MS);
    this.#listeners.onSnapshot(snapshot);
    if (rows.length > 0) {
      this.#listeners.onBlocks(rows);
    }
  }
}
