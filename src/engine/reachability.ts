import type { Clock } from '../base/clock.ts';
import type { KeepsyncError } from '../base/errors.ts';

/** So long no request may have had an answer before people are told; shorter gaps are nobody's business. */
const AWAY_AFTER_MS = 10_000;

/**
 * Whether the servers can be reached, as told by requests that are still being tried again. An upload has patience for
 * minutes before it fails; a person who looks at the tray meanwhile must not be told that it goes on.
 */
export class Reachability {
  readonly #clock: Clock;
  #onChange: (() => void) | undefined;
  #error: KeepsyncError | undefined;
  #cancelTimer: (() => void) | undefined;
  #sinceMs = 0;
  #isAway = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What requests have met since `sinceMs` without one answer; undefined while the servers can be reached. */
  get away(): { readonly error: KeepsyncError; readonly sinceMs: number } | undefined {
    return this.#isAway && this.#error !== undefined
      ? { error: this.#error, sinceMs: this.#sinceMs }
      : undefined;
  }

  /** `listener` is called after `away` changed. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** How a request ended, one that will be tried again included; undefined where it succeeded. */
  note(error: KeepsyncError | undefined): void {
    if (error === undefined || !isSilence(error.code)) {
      this.#answered();
      return;
    }
    if (this.#error === undefined) {
      this.#sinceMs = this.#clock.nowMs();
      this.#cancelTimer = this.#clock.setTimer(AWAY_AFTER_MS, () => {
        this.#isAway = true;
        this.#onChange?.();
      });
    }
    this.#error = error;
  }

  close(): void {
    this.#cancelTimer?.();
  }

  #answered(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#error = undefined;
    if (this.#isAway) {
      this.#isAway = false;
      this.#onChange?.();
    }
  }
}

/** Errors in which no server said anything. */
export function isSilence(code: KeepsyncError['code']): boolean {
  return code === 'OFFLINE' || code === 'TIMEOUT' || code === 'NO_KEEP';
}
