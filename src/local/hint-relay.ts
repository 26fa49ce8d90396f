import type { CancelTimer, Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import { PathCollector } from './coalesce.ts';
import { fileError, plainRecord } from './file-errors.ts';
import type { WatchEvents } from './ports.ts';
import { systemCodeOf } from './sync-disk.ts';

/** Hints are handed on this long after the first of a batch (milliseconds). */
const FLUSH_AFTER_MS = 100;
/** More paths than this in one batch become fewer, wider ones. */
const MAX_PATHS = 2_000;
/**
 * So many events within one batch mean that the loop was held up or somebody writes in a storm: half of what Linux
 * queues (`fs.inotify.max_queued_events`, 16,384) before it drops events without telling Node.
 */
const BURST_EVENTS = 8_192;

const WATCH_LIMIT_ACTION =
  'Raise the limit: sysctl fs.inotify.max_user_watches=524288 (and max_user_instances); until then changes are found by the regular scan.';

/** Between a watcher of the system and its user: merges hints, tells once what cannot be trusted. */
export class HintRelay {
  readonly #events: WatchEvents;
  readonly #clock: Clock;
  readonly #paths: PathCollector;
  #cancelFlush: CancelTimer | undefined;
  #eventCount = 0;
  #toldLimit = false;
  #doubt: KeepsyncError | undefined;
  #isClosed = false;

  constructor(events: WatchEvents, clock: Clock, roots: readonly string[], separator: string) {
    this.#events = events;
    this.#clock = clock;
    this.#paths = new PathCollector({ separator, maxPaths: MAX_PATHS, roots });
  }

  /** Something at or below `diskPath` may have changed. */
  hint(diskPath: string): void {
    if (!this.#isClosed) {
      this.#paths.add(diskPath);
      this.#planFlush();
    }
  }

  /** An event of the system was seen, whatever becomes of it. */
  countEvent(): void {
    if (!this.#isClosed) {
      this.#eventCount++;
      this.#planFlush();
    }
  }

  /** Something went wrong: what was not heard of has to be looked for. */
  doubt(thrown: unknown): void {
    const code = systemCodeOf(thrown);
    const isLimit = code === 'ENOSPC' || code === 'EMFILE' || code === 'ENFILE';
    if (this.#isClosed || (isLimit && this.#toldLimit)) {
      return;
    }
    this.#toldLimit ||= isLimit;
    this.#doubt ??= isLimit
      ? new KeepsyncError(
          'TOO_MANY_OPEN',
          'The system allows no more watches, so not every change is noticed',
          {
            action: WATCH_LIMIT_ACTION,
            cause: thrown,
          },
        )
      : watchError(thrown);
    this.#planFlush();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelFlush?.();
  }

  #planFlush(): void {
    this.#cancelFlush ??= this.#clock.setTimer(FLUSH_AFTER_MS, () => this.#flush());
  }

  #flush(): void {
    this.#cancelFlush = undefined;
    if (this.#eventCount >= BURST_EVENTS) {
      this.#doubt ??= new KeepsyncError(
        'FILE_BUSY',
        'So many changes at once that some may have gone unnoticed',
        {
          action: 'Nothing to do: everything is looked at again.',
        },
      );
    }
    this.#eventCount = 0;
    const doubt = this.#doubt;
    this.#doubt = undefined;
    if (!this.#paths.isEmpty) {
      this.#events.onHints(this.#paths.take().map((diskPath) => ({ diskPath })));
    }
    if (doubt !== undefined) {
      this.#events.onDoubt(plainRecord(doubt));
    }
  }
}

function watchError(thrown: unknown): KeepsyncError {
  const path =
    thrown instanceof Error && 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : '';
  return fileError(thrown, path);
}
