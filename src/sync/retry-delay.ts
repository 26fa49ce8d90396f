import type { ErrorCode } from '../base/errors.ts';

const LONGEST_DELAY_MS = 15 * 60_000;

/**
 * How long a failed file waits before it is read and sent again, milliseconds. `attempts` counts failures so far. The
 * Keep client has retried each block by itself before this; so the wait starts long and doubles.
 */
export function retryDelayMs(code: ErrorCode, attempts: number): number {
  const firstMs = code === 'FILE_BUSY' || code === 'TOO_MANY_OPEN' ? 5_000 : 30_000;
  return Math.min(firstMs * 2 ** Math.min(attempts, 10), LONGEST_DELAY_MS);
}
