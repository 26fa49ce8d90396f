import type { Clock } from '../base/clock.ts';
import type { Preview } from '../contract/shell.ts';
import type { CountRequest, FolderCount } from './folder-count.ts';

/** A count under way. */
export interface Counting {
  /** The newest numbers, before the count is complete. */
  onCount(listener: (count: FolderCount) => void): void;
  readonly done: Promise<FolderCount>;
  close(): Promise<void>;
}

/** How long the first numbers are waited for: a small folder is counted whole within this. */
const FIRST_NUMBERS_WITHIN_MS = 300;
/** A count that nobody has asked about for so long is dropped; a complete one is made anew. */
const HOLDS_MS = 5_000;

interface Walk {
  readonly of: string;
  readonly counting: Counting;
  newest: Preview;
  failure: { readonly thrown: unknown } | undefined;
  askedAtMs: number;
}

/**
 * Live counts of folders. Asking again for the same folder and rules gives newer numbers of the same walk; asking for
 * others ends it. One walk at a time: a person looks at one folder at a time.
 */
export class Previews {
  readonly #clock: Clock;
  readonly #start: (request: CountRequest) => Counting;
  #walk: Walk | undefined;

  constructor(options: { readonly clock: Clock; readonly start: (request: CountRequest) => Counting }) {
    this.#clock = options.clock;
    this.#start = options.start;
  }

  async preview(request: CountRequest): Promise<Preview> {
    const of = JSON.stringify(request);
    const nowMs = this.#clock.nowMs();
    const present = this.#walk;
    const isUsable =
      present?.of === of && present.failure === undefined && nowMs - present.askedAtMs < HOLDS_MS;
    const walk = isUsable ? present : await this.#begin(of, request, nowMs);
    walk.askedAtMs = nowMs;
    if (walk.failure !== undefined) {
      const { thrown } = walk.failure;
      this.#walk = this.#walk === walk ? undefined : this.#walk;
      throw thrown;
    }
    return walk.newest;
  }

  async close(): Promise<void> {
    const walk = this.#walk;
    this.#walk = undefined;
    await walk?.counting.close();
  }

  async #begin(of: string, request: CountRequest, nowMs: number): Promise<Walk> {
    const before = this.#walk;
    const counting = this.#start(request);
    const walk: Walk = {
      of,
      counting,
      newest: {
        files: 0,
        bytes: 0,
        leftOutFiles: 0,
        leftOutBytes: 0,
        blocks: 0,
        rules: request.rules.map(({ pattern }) => ({ pattern, files: 0, bytes: 0, examplePath: null })),
        complete: false,
        countedAtMs: nowMs,
      },
      failure: undefined,
      askedAtMs: nowMs,
    };
    this.#walk = walk;
    await before?.counting.close();
    const take = (count: FolderCount) => {
      walk.newest = { ...count, countedAtMs: this.#clock.nowMs() };
    };
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.setTimer(FIRST_NUMBERS_WITHIN_MS, resolve);
      counting.onCount(take);
      counting.done
        .then(take, (thrown: unknown) => {
          walk.failure = { thrown };
        })
        .finally(() => {
          cancel();
          resolve();
          // the thread has done its work; what closing it could say is of no use to anybody
          counting.close().catch(() => undefined);
        });
    });
    return walk;
  }
}
