import type { Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';

/** A terminal, a wrapper and `timeout` may each pass the same interrupt on: what comes so soon after is no second one. */
const SAME_INTERRUPT_MS = 300;

/** A person's Ctrl-C (SIGINT), or a system's SIGTERM: the first asks to stop in order, the second to stop now. */
export class Interrupts {
  readonly #stop = new AbortController();
  readonly #unlisten: () => void;

  constructor(options: {
    readonly listen: (onInterrupt: () => void) => () => void;
    readonly clock: Clock;
    /** Called with the first one, to say what happens. */
    readonly onFirst: () => void;
    /** Called with the second one: ends the process. */
    readonly onSecond: () => void;
  }) {
    let firstAtMs: number | undefined;
    this.#unlisten = options.listen(() => {
      const now = options.clock.monotonicMs();
      if (firstAtMs !== undefined) {
        if (now - firstAtMs >= SAME_INTERRUPT_MS) {
          options.onSecond();
        }
        return;
      }
      firstAtMs = now;
      options.onFirst();
      this.stop();
    });
  }

  /** Aborted with the first interrupt, its reason a CANCELLED error. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** As the first interrupt, from inside: the reader of our output went away, or the owner was asked to stop. */
  stop(): void {
    this.#stop.abort(new KeepsyncError('CANCELLED', 'Stopped'));
  }

  close(): void {
    this.#unlisten();
  }

  /** Resolves with the first interrupt. */
  stopped(): Promise<void> {
    if (this.signal.aborted) {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.signal.addEventListener('abort', () => resolve(), { once: true }));
  }
}
