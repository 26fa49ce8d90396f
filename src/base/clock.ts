/** Cancels a timer; calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/** Time as a port, so that a test can run a whole client on a simulated clock. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. May jump when a person sets it. */
  nowMs(): number;
  /** Monotonic milliseconds since an arbitrary moment; for measuring, never for storing. */
  monotonicMs(): number;
  /** Runs `fire` once after `delayMs` (at least 0), from the event loop, never synchronously. */
  setTimer(delayMs: number, fire: () => void): CancelTimer;
}

/** The longest delay that setTimeout takes before it overflows to 1 ms (2^31 - 1). */
const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, fire) => {
    const timer = setTimeout(fire, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves after `delayMs` on `clock`; rejects at once with `signal.reason` when the signal is or becomes aborted.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
