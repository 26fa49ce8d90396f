/** Runs critical sections one at a time, in the order in which they were asked for. Not re-entrant. */
export class Mutex {
  #tail: Promise<void> = Promise.resolve();

  /** Runs `section` when all earlier ones have ended, well or badly; passes its result or error on. */
  run<T>(section: () => T | Promise<T>): Promise<T> {
    const result = this.#tail.then(section);
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}
