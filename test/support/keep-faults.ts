import { onTestFinished } from 'vitest';

/**
 * Faults that a fake meets, per method in the order in which they were added. A fault that was never met means that a
 * test proves less than it says, so `assertAllMet` throws then.
 */
export class FaultQueue<Method extends string, Fault> {
  readonly #faults = new Map<Method, Fault[]>();

  /** The next `times` calls of `method` meet `fault`. */
  add(method: Method, fault: Fault, times = 1): this {
    const queue = this.#faults.get(method) ?? [];
    this.#faults.set(method, queue);
    for (let i = 0; i < times; i++) {
      queue.push(fault);
    }
    return this;
  }

  next(method: Method): Fault | undefined {
    return this.#faults.get(method)?.shift();
  }

  assertAllMet(): void {
    const left = [...this.#faults].filter(([, queue]) => queue.length > 0);
    if (left.length > 0) {
      const listed = left.map(([method, queue]) => `${method}: ${JSON.stringify(queue)}`).join(', ');
      throw new Error(`Faults that were never met: ${listed}`);
    }
  }

  /** Checks at the end of the running test. */
  assertAllMetAfterTest(): this {
    onTestFinished(() => this.assertAllMet());
    return this;
  }
}
