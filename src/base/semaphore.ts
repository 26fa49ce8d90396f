/** Hands out at most `count` permits at a time, in the order in which they were asked for. */
export class Semaphore {
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Permits not handed out. */
  get free(): number {
    return this.#free;
  }

  /** Resolves to a function that gives the permit back; calling it twice gives it back once. */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
    } else {
      await new Promise<void>((resolve, reject) => {
        const turn = () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        };
        const onAbort = () => {
          this.#waiting.splice(this.#waiting.indexOf(turn), 1);
          reject(signal?.reason);
        };
        this.#waiting.push(turn);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    }
    let given = true;
    return () => {
      if (given) {
        given = false;
        const next = this.#waiting.shift();
        if (next) {
          next();
        } else {
          this.#free += 1;
        }
      }
    };
  }
}
