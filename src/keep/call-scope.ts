import { KeepsyncError } from '../base/errors.ts';
import { abortError } from './keep-errors.ts';

/** The calls under way of a store: each with a signal of its own, ended by its caller's signal or by closing the store. */
export class CallScope {
  readonly #controllers = new Set<AbortController>();
  readonly #running = new Set<Promise<unknown>>();
  #closed: KeepsyncError | undefined;

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Runs `work`; rejects with CLOSED after `close`, and with the caller's reason where its signal is aborted already. */
  run<T>(callerSignal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const call = this.#run(callerSignal, work);
    this.#running.add(call);
    const forget = () => this.#running.delete(call);
    call.then(forget, forget);
    return call;
  }

  /** Aborts every call under way with CLOSED, and resolves once each has settled. */
  async close(): Promise<void> {
    this.#closed ??= new KeepsyncError('CLOSED', 'The Keep client is closed');
    for (const controller of this.#controllers) {
      controller.abort(this.#closed);
    }
    await Promise.allSettled(this.#running);
  }

  async #run<T>(
    callerSignal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) {
      throw this.#closed;
    }
    if (callerSignal?.aborted) {
      throw abortError(callerSignal);
    }
    const controller = new AbortController();
    const onAbort = () => callerSignal && controller.abort(abortError(callerSignal));
    callerSignal?.addEventListener('abort', onAbort, { once: true });
    this.#controllers.add(controller);
    try {
      return await work(controller.signal);
    } finally {
      this.#controllers.delete(controller);
      callerSignal?.removeEventListener('abort', onAbort);
    }
  }
}
