import type { CancelTimer, Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import { abortError } from './keep-errors.ts';
import { type ProgressLimits, ProgressWatch } from './progress-watch.ts';

interface Guarded {
  readonly connectTimeoutMs: number;
  /** Of whoever asked. */
  readonly signal: AbortSignal;
}

interface GuardEnvironment {
  readonly clock: Clock;
  readonly limits: ProgressLimits;
}

/**
 * What ends an exchange from outside: whoever asked gives up, nothing moves, no connection comes about. Each calls `onEnd`;
 * only the first call counts.
 */
export class ExchangeGuard {
  readonly #request: Guarded;
  readonly #env: GuardEnvironment;
  readonly #onEnd: (why: KeepsyncError) => void;
  readonly #onAbort: () => void;
  readonly watch: ProgressWatch;
  #cancelConnectTimer: CancelTimer | undefined;

  constructor(request: Guarded, env: GuardEnvironment, onEnd: (why: KeepsyncError) => void) {
    this.#request = request;
    this.#env = env;
    this.#onEnd = onEnd;
    this.#onAbort = () => onEnd(abortError(request.signal));
    this.watch = new ProgressWatch(env.clock, env.limits, (why) => onEnd(new KeepsyncError('TIMEOUT', why)));
  }

  /** Throws CANCELLED where whoever asked has given up already. */
  begin(): void {
    const { signal } = this.#request;
    if (signal.aborted) {
      throw abortError(signal);
    }
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** A connection is being made, until the returned function is called. */
  connecting(): () => void {
    const { connectTimeoutMs } = this.#request;
    const message = `no connection within ${Math.round(connectTimeoutMs / 1000)} s`;
    const cancel = this.#env.clock.setTimer(connectTimeoutMs, () =>
      this.#onEnd(new KeepsyncError('TIMEOUT', message)),
    );
    this.#cancelConnectTimer = cancel;
    return cancel;
  }

  end(): void {
    this.watch.end();
    this.#cancelConnectTimer?.();
    this.#request.signal.removeEventListener('abort', this.#onAbort);
  }
}
