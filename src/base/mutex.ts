import PQueue from 'p-queue';

/** Runs critical sections one at a time, in the order in which they were asked for. Not re-entrant. */
export class Mutex {
  readonly #queue = new PQueue({ concurrency: 1 });

  /** Runs `section` when all earlier ones have ended, well or badly; passes its result or error on. */
  run<T>(section: () => T | Promise<T>): Promise<T> {
    return this.#queue.add(async () => await section());
  }
}
