import { asKeepsyncError, type KeepsyncError } from '../base/errors.ts';
import { type LogPort, silentLog } from '../base/log.ts';
import { KeepReadError, KeepWriteError, NO_GET_PROGRESS, NO_PUT_PROGRESS } from './keep-errors.ts';
import type { GetOptions, KeepService, PutOptions } from './ports.ts';

/**
 * The cluster's Keep services: asked for once, and afresh before each retry. While the API cannot say, the last list
 * serves: Keep may be up where the API is down.
 */
export class ServiceList {
  readonly #ask: () => Promise<readonly KeepService[]>;
  readonly #log: LogPort;
  #known: readonly KeepService[] | undefined;
  #asking: Promise<readonly KeepService[]> | undefined;

  constructor(ask: () => Promise<readonly KeepService[]>, log: LogPort = silentLog) {
    this.#ask = ask;
    this.#log = log;
  }

  /** The list for a PUT round. Rejects with a KeepWriteError of the reason's code. */
  forPut(options: PutOptions): Promise<readonly KeepService[]> {
    return this.#forRound(options.round, (error) => {
      const progress = options.progress ?? NO_PUT_PROGRESS;
      return new KeepWriteError(error.code, error.message, { failures: [], progress, cause: error });
    });
  }

  /** The list for a GET or HEAD round. Rejects with a KeepReadError of the reason's code. */
  forGet(options: GetOptions): Promise<readonly KeepService[]> {
    return this.#forRound(options.round, (error) => {
      const progress = options.progress ?? NO_GET_PROGRESS;
      return new KeepReadError(error.code, error.message, { failures: [], progress, cause: error });
    });
  }

  async #forRound(
    round: number | undefined,
    fail: (error: KeepsyncError) => KeepsyncError,
  ): Promise<readonly KeepService[]> {
    if (this.#known && (round ?? 1) === 1) {
      return this.#known;
    }
    try {
      // Blocks that retry at the same time ask once.
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      this.#known = await this.#asking;
      return this.#known;
    } catch (thrown) {
      const error = asKeepsyncError(thrown);
      if (this.#known) {
        const { code, message } = error;
        this.#log.log('warn', 'Keep services could not be listed, the last list serves', { code, message });
        return this.#known;
      }
      throw fail(error);
    }
  }
}
