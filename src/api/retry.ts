import { type Clock, sleep } from '../base/clock.ts';
import { asKeepsyncError, isRetriable, KeepsyncError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';

/** How often, and how long apart, a request is tried again. */
export interface RetryPolicy {
  /** Tries in all, at least 1. */
  readonly maxAttempts: number;
  /** The pause before the first retry; each further one is twice as long, give or take a quarter. */
  readonly baseDelayMs: number;
  /** No pause is longer, whatever the server's Retry-After says. */
  readonly maxDelayMs: number;
}

/**
 * Five tries within about half a minute. The official SDK goes on for ten minutes; here the engine above has its own
 * patience and wants to show soon that the server is away.
 */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { maxAttempts: 5, baseDelayMs: 1_000, maxDelayMs: 60_000 };

export interface RetryContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
  /** Called before each pause; must not throw. */
  readonly onRetry?: (error: KeepsyncError, attempt: number, delayMs: number) => void;
}

/** The pause after failed attempt number `attempt` (1 for the first); the server's wish wins where it is longer. */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: Random, retryAfterMs = 0): number {
  const growing = policy.baseDelayMs * 2 ** (attempt - 1) * (0.75 + random.fraction() / 2);
  return Math.min(policy.maxDelayMs, Math.max(growing, retryAfterMs));
}

/**
 * Runs `attemptOnce` until it succeeds, its error is not retriable, or the policy is used up; then throws the last
 * error. An aborted signal ends a pause at once with CANCELLED.
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  context: RetryContext,
  attemptOnce: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(attempt);
    } catch (thrown) {
      const error = asKeepsyncError(thrown);
      if (attempt >= policy.maxAttempts || !isRetriable(error.code)) {
        throw error;
      }
      const wish = error.info?.retryAfterMs;
      const delayMs = retryDelayMs(policy, attempt, context.random, typeof wish === 'number' ? wish : 0);
      context.onRetry?.(error, attempt, delayMs);
      await pause(context, delayMs);
    }
  }
}

async function pause(context: RetryContext, delayMs: number): Promise<void> {
  try {
    await sleep(context.clock, delayMs, context.signal);
  } catch (reason) {
    throw cancelled(reason);
  }
}

/** What an aborted signal becomes: its own reason where that is one of ours, else CANCELLED. */
export function cancelled(reason: unknown): KeepsyncError {
  return reason instanceof KeepsyncError
    ? reason
    : new KeepsyncError('CANCELLED', 'Stopped', { cause: reason });
}
