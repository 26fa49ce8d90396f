import { KeepsyncError } from './errors.ts';

/**
 * A first-in, first-out queue of at most `capacity` items. `push` waits while it is full, `shift` while it is empty:
 * this is what keeps a fast reader from filling the memory ahead of a slow network.
 */
export class BoundedQueue<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  readonly #takers: Array<{ resolve: (item: T) => void; reject: (reason: unknown) => void }> = [];
  readonly #givers: Array<{ item: T; resolve: () => void; reject: (reason: unknown) => void }> = [];
  #closed = false;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 0) {
      throw new RangeError(`a queue's capacity is a whole number, not ${capacity}`);
    }
    this.#capacity = capacity;
  }

  /** Items queued, not counting those whose `push` still waits. */
  get size(): number {
    return this.#items.length;
  }

  /** Resolves once the item is in the queue, or handed to a waiting `shift`. Throws CLOSED after `close`. */
  push(item: T): Promise<void> {
    if (this.#closed) {
      return Promise.reject(new KeepsyncError('CLOSED', 'The queue is closed'));
    }
    const taker = this.#takers.shift();
    if (taker) {
      taker.resolve(item);
      return Promise.resolve();
    }
    if (this.#items.length < this.#capacity) {
      this.#items.push(item);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => this.#givers.push({ item, resolve, reject }));
  }

  /** The oldest item; waits for one. Throws CLOSED once the queue is closed and empty. */
  shift(): Promise<T> {
    const item = this.#items.shift();
    const giver = this.#givers.shift();
    if (giver) {
      giver.resolve();
      if (item === undefined) {
        return Promise.resolve(giver.item);
      }
      this.#items.push(giver.item);
    }
    if (item !== undefined) {
      return Promise.resolve(item);
    }
    if (this.#closed) {
      return Promise.reject(new KeepsyncError('CLOSED', 'The queue is closed'));
    }
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /** No more pushes; what is queued can still be taken, whoever waits in vain gets CLOSED. Returns what never got in. */
  close(): T[] {
    this.#closed = true;
    const error = new KeepsyncError('CLOSED', 'The queue is closed');
    for (const taker of this.#takers.splice(0)) {
      taker.reject(error);
    }
    const left = this.#givers.splice(0);
    for (const giver of left) {
      giver.reject(error);
    }
    return left.map((giver) => giver.item);
  }
}
