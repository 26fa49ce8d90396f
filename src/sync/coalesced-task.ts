import { asKeepsyncError } from '../base/errors.ts';

/**
 * Work that many events may ask for and that runs one at a time: kicks during a run make one more run after it,
 * however many they were.
 */
export class CoalescedTask {
  readonly #work: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #onIdle: () => void;
  #again = false;
  #running: Promise<void> | undefined;
  #stopped = false;

  /** `onError` gets what `work` throws, CANCELLED apart; `onIdle` runs after the last run. Neither may throw. */
  constructor(
    work: () => Promise<void>,
    onError: (error: unknown) => void,
    onIdle: () => void = () => undefined,
  ) {
    this.#work = work;
    this.#onError = onError;
    this.#onIdle = onIdle;
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  kick(): void {
    if (this.#stopped) {
      return;
    }
    this.#again = true;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing runs and nothing was asked for. */
  async idle(): Promise<void> {
    while (this.#running) {
      await this.#running;
    }
  }

  /** No more runs after the present one; resolves when that has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#again = false;
    await this.idle();
  }

  async #run(): Promise<void> {
    // One turn of the event loop first: kicks that come together make one run.
    await Promise.resolve();
    while (this.#again) {
      this.#again = false;
      try {
        await this.#work();
      } catch (thrown) {
        if (asKeepsyncError(thrown).code !== 'CANCELLED') {
          this.#onError(thrown);
        }
      }
    }
    this.#running = undefined;
    this.#onIdle();
  }
}
