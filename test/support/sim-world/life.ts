import type { Clock } from '../../../src/base/clock.ts';
import type { Watcher } from '../../../src/local/ports.ts';

/** A call at which a process is to end: right before it is made, or right after it took effect. */
export interface Trap {
  /** `port.method`, as in `journal.finishSave`. */
  readonly point: string;
  readonly when: 'before' | 'after';
}

export interface LifeOptions {
  readonly clock: Clock;
  /** Numbers in [0, 1) for how long answers take. */
  readonly fraction: () => number;
  readonly onDeath: (trap: Trap | undefined) => void;
  /** Sees every call before it is made. */
  readonly onCall: (point: string, args: readonly unknown[]) => void;
}

/** One call in so many gets its answer late. */
const LATE_EVERY = 5;
const LATE_MAX_MS = 60;

const never = <T>(): Promise<T> => new Promise(() => undefined);

/**
 * One process's life: everything that a client does to the world goes through it, and when it ends nothing more does.
 * What was asked for before the end may still happen out there, as with a request that is on the wire, but no answer
 * comes back. So a kill falls between any two calls, and a trap puts it right before or after a certain one.
 */
export class Life {
  readonly #options: LifeOptions;
  readonly #timers = new Set<() => void>();
  readonly #watches = new Set<() => void>();
  /** When the last answer of a port that keeps its order is due. */
  readonly #lastAnswerMs = new Map<string, number>();
  #dead = false;
  trap: Trap | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
  }

  get dead(): boolean {
    return this.#dead;
  }

  end(trap?: Trap): void {
    if (this.#dead) {
      return;
    }
    this.#dead = true;
    for (const stop of [...this.#timers, ...this.#watches]) {
      stop();
    }
    this.#options.onDeath(trap);
  }

  readonly clock: Clock = {
    nowMs: () => this.#options.clock.nowMs(),
    monotonicMs: () => this.#options.clock.monotonicMs(),
    setTimer: (delayMs, fire) => {
      if (this.#dead) {
        return () => undefined;
      }
      const cancelTimer = this.#options.clock.setTimer(delayMs, () => {
        this.#timers.delete(cancel);
        fire();
      });
      const cancel = () => {
        this.#timers.delete(cancel);
        cancelTimer();
      };
      this.#timers.add(cancel);
      return cancel;
    },
  };

  /**
   * A port as this life sees it. `late`: some answers take their time; `inOrder`: answers come in the order of the calls,
   * as those of a thread do.
   */
  port<T extends object>(
    name: string,
    target: T,
    options: { readonly late?: boolean; readonly inOrder?: boolean } = {},
  ): T {
    return new Proxy(target, {
      get: (real, key) => {
        const member: unknown = Reflect.get(real, key, real);
        if (typeof member !== 'function' || typeof key !== 'string') {
          return member;
        }
        return (...args: unknown[]) =>
          this.#call(`${name}.${key}`, args, () => Promise.resolve(Reflect.apply(member, real, args)), {
            port: name,
            ...options,
          });
      },
    });
  }

  /** A watcher that sees nothing any more when this life has ended. */
  watcher(target: Watcher, onWatch: (events: Parameters<Watcher['watch']>[2]) => void): Watcher {
    return this.port('watcher', {
      watch: async (roots, rules, events) => {
        const watching = await target.watch(roots, rules, events);
        const stop = () => {
          this.#watches.delete(stop);
          void watching.close();
        };
        this.#watches.add(stop);
        onWatch(events);
        return { close: async () => stop() };
      },
    });
  }

  #call<T>(
    point: string,
    args: readonly unknown[],
    make: () => Promise<T>,
    options: { readonly port: string; readonly late?: boolean; readonly inOrder?: boolean },
  ): Promise<T> {
    if (this.#dead || this.#trapped(point, 'before')) {
      return never();
    }
    this.#options.onCall(point, args);
    const made = make();
    return new Promise((resolve, reject) => {
      const deliver = (settle: () => void) => {
        if (this.#dead || this.#trapped(point, 'after')) {
          return;
        }
        const waitMs = this.#waitMs(options);
        if (waitMs > 0) {
          this.clock.setTimer(waitMs, settle);
        } else {
          settle();
        }
      };
      made.then(
        (value) => deliver(() => resolve(value)),
        (thrown: unknown) => deliver(() => reject(thrown)),
      );
    });
  }

  #waitMs(options: { readonly port: string; readonly late?: boolean; readonly inOrder?: boolean }): number {
    if (options.late !== true) {
      return 0;
    }
    const nowMs = this.#options.clock.monotonicMs();
    const draw = this.#options.fraction() * LATE_EVERY;
    const ownMs = draw < 1 ? Math.floor(draw * LATE_MAX_MS) : 0;
    if (options.inOrder !== true) {
      return ownMs;
    }
    const dueMs = Math.max(nowMs + ownMs, this.#lastAnswerMs.get(options.port) ?? 0);
    this.#lastAnswerMs.set(options.port, dueMs);
    return dueMs - nowMs;
  }

  #trapped(point: string, when: Trap['when']): boolean {
    if (this.trap?.point !== point || this.trap.when !== when) {
      return false;
    }
    const { trap } = this;
    this.trap = undefined;
    this.end(trap);
    return true;
  }
}
