import { type Clock, sleep, systemClock } from '../base/clock.ts';
import { asKeepsyncError, isRetriable, type KeepsyncError } from '../base/errors.ts';
import { type LogPort, silentLog } from '../base/log.ts';
import { type Random, systemRandom } from '../base/random.ts';
import { abortError } from './keep-errors.ts';

export interface RetryPolicy {
  /** Rounds in all, the first included; 11 by default, as the Python SDK makes 10 retries. */
  readonly attempts?: number;
  /** From the start of the first round to that of the second, at least; doubles from round to round. 4 s by default. */
  readonly baseMs?: number;
  /** Where the doubling stops; 60 s by default. */
  readonly capMs?: number;
  /** Up to this share of a delay is added to it at random, so that clients do not come back all at once. 0.25 by default. */
  readonly jitter?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: LogPort;
}

const DEFAULT_ATTEMPTS = 11;
const DEFAULT_BASE_MS = 4000;
const DEFAULT_CAP_MS = 60_000;
const DEFAULT_JITTER = 0.25;

/** Repeats rounds with a growing distance between their starts, for as long as `isRetriable` says that it may help. */
export class RetryRounds {
  readonly #attempts: number;
  readonly #baseMs: number;
  readonly #capMs: number;
  readonly #jitter: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: LogPort;

  constructor(policy: RetryPolicy = {}) {
    this.#attempts = policy.attempts ?? DEFAULT_ATTEMPTS;
    this.#baseMs = policy.baseMs ?? DEFAULT_BASE_MS;
    this.#capMs = policy.capMs ?? DEFAULT_CAP_MS;
    this.#jitter = policy.jitter ?? DEFAULT_JITTER;
    this.#clock = policy.clock ?? systemClock;
    this.#random = policy.random ?? systemRandom;
    this.#log = policy.log ?? silentLog;
  }

  /** Least distance between the starts of round `round` and the next, without jitter. */
  delayMs(round: number): number {
    return Math.min(this.#capMs, this.#baseMs * 2 ** (round - 1));
  }

  /**
   * Calls `attempt` with 1, 2, … and with the error of the round before. Rejects with the error of the last round, or
   * with the signal's reason.
   */
  async run<T>(
    what: string,
    signal: AbortSignal,
    attempt: (round: number, before: KeepsyncError | undefined) => Promise<T>,
  ): Promise<T> {
    let before: KeepsyncError | undefined;
    for (let round = 1; ; round++) {
      const startMs = this.#clock.monotonicMs();
      try {
        return await attempt(round, before);
      } catch (thrown) {
        if (signal.aborted) {
          throw abortError(signal);
        }
        const error = asKeepsyncError(thrown);
        if (round >= this.#attempts || !isRetriable(error.code)) {
          throw error;
        }
        before = error;
      }
      const distanceMs = this.delayMs(round) * (1 + this.#jitter * this.#random.fraction());
      const waitMs = Math.max(0, startMs + distanceMs - this.#clock.monotonicMs());
      const { code, message } = before;
      this.#log.log('warn', `Trying again: ${what}`, {
        round,
        attempts: this.#attempts,
        waitMs,
        code,
        message,
      });
      await sleep(this.#clock, waitMs, signal);
    }
  }
}
