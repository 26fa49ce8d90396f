export type Unsubscribe = () => void;

/**
 * A typed event source owned by the stage that raises the events. Listeners run synchronously, in the order in which
 * they subscribed; one that throws does not keep the others from running, its error is thrown after the last.
 */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  on<K extends keyof Events>(type: K, listener: (event: Events[K]) => void): Unsubscribe {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  emit<K extends keyof Events>(type: K, event: Events[K]): void {
    let failed = false;
    let failure: unknown;
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        (listener as (event: Events[K]) => void)(event);
      } catch (thrown) {
        failed = true;
        failure ??= thrown;
      }
    }
    if (failed) {
      throw failure;
    }
  }

  listenerCount(type: keyof Events): number {
    return this.#listeners.get(type)?.size ?? 0;
  }
}
