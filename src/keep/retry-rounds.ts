import { type Clock, sleep, systemClock } from '../base/clock.ts';
import { asKeepsyncError, isRetriable, type KeepsyncError } from '../base/errors.ts';
import { type LogPort, silentLog } from '../base/log.ts';
import { type Random, systemRandom } from '../base/random.ts';
import { abortError } from './keep-errors.ts';

/**
 * Hears how a round ended: with an error that may pass, so that another round follows, or, with undefined, with an answer.
 * Must not throw.
 */
export type RoundListener = (error: KeepsyncError | undefined) => void;

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
  /** For those who want to know that a server is away long before the last round has failed. */
  readonly onRound?: RoundListener;
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
  readonly #onRound: RoundListener | undefined;
  readonly #pauses = new Set<AbortController>();

  constructor(policy: RetryPolicy = {}) {
    this.#attempts = policy.attempts ?? DEFAULT_ATTEMPTS;
    this.#baseMs = policy.baseMs ?? DEFAULT_BASE_MS;
    this.#capMs = policy.capMs ?? DEFAULT_CAP_MS;
    this.#jitter = policy.jitter ?? DEFAULT_JITTER;
    this.#clock = policy.clock ?? systemClock;
    this.#random = policy.random ?? systemRandom;
    this.#log = policy.log ?? silentLog;
    this.#onRound = policy.onRound;
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
        const result = await attempt(round, before);
        this.#onRound?.(undefined);
        return result;
      } catch (thrown) {
        if (signal.aborted) {
          throw abortError(signal);
        }
        const error = asKeepsyncError(thrown);
        if (round >= this.#attempts || !isRetriable(error.code)) {
          throw error;
        }
        before = error;
        this.#onRound?.(error);
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
      await this.#pause(waitMs, signal);
    }
  }

  /** Whatever waits for its next round begins it now. */
  hurry(): void {
    for (const pause of this.#pauses) {
      pause.abort();
    }
  }

  async #pause(waitMs: number, signal: AbortSignal): Promise<void> {
    const pause = new AbortController();
    this.#pauses.add(pause);
    try {
      await sleep(this.#clock, waitMs, AbortSignal.any([signal, pause.signal]));
    } catch (reason) {
      if (!pause.signal.aborted || signal.aborted) {
        throw reason;
      }
    } finally {
      this.#pauses.delete(pause);
    }
  }
}
