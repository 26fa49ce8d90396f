import type { Clock } from '../base/clock.ts';
import { asKeepsyncError, type KeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import type { LocalDisk } from '../local/ports.ts';
import { Backoff } from '../sync/backoff.ts';
import type { OpenJournal } from '../sync/journal-database.ts';
import { saysDamaged } from '../sync/journal-sums.ts';
import { JOURNAL_CALLS } from '../sync/journal-thread-api.ts';

export interface JournalKeeperPorts {
  readonly clock: Clock;
  readonly log: LogPort;
  readonly journal: OpenJournal;
  /** Closes the journal in use, moves it aside and opens a new one. */
  readonly renew: () => Promise<OpenJournal>;
  /** Ends everything that uses the journal: ids of the old one mean something else in a new one. */
  readonly stopUsers: () => Promise<void>;
  /** Opens the folders in the new journal, and begins again with those that had begun. */
  readonly startUsers: () => Promise<void>;
  /** Nothing is scanned, uploaded or saved, so that a check of the whole journal keeps nobody waiting. */
  readonly isIdle: () => boolean;
  /** A line for people. */
  readonly tell: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** What keeps the journal from being renewed; undefined when nothing does any more. */
  readonly onProblem: (problem: JournalTrouble | undefined) => void;
}

export interface JournalTrouble {
  readonly error: KeepsyncError;
  readonly sinceMs: number;
  readonly nextTryAtMs: number;
}

/** A whole check takes seconds per million rows: the first one soon after the start, the others a few times a day. */
const FIRST_CHECK_MS = 10 * 60_000;
const CHECK_EVERY_MS = 6 * 3_600_000;
const BUSY_CHECK_MS = 5 * 60_000;

/** A disk that damages one journal after the other must not make a loop of rescans. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * The journal in use. One that turns out damaged (a call raises JOURNAL with `info.damaged`, or a check while nothing
 * else is to do finds it) is moved aside, and the folders begin again on a new one: everything is looked at afresh, and
 * what the collection has already is found there again.
 */
export class JournalKeeper {
  readonly #ports: JournalKeeperPorts;
  readonly #pause: Backoff;
  #journal: OpenJournal;
  /** Counts journals, so that a late error of an old one says nothing about the present one. */
  #generation = 0;
  #damagedGeneration = -1;
  #renewing: Promise<void> | undefined;
  #checking: Promise<void> | undefined;
  #trouble: JournalTrouble | undefined;
  #cancelCheck: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  constructor(ports: JournalKeeperPorts) {
    this.#ports = ports;
    this.#pause = new Backoff(ports.clock, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    this.#journal = this.#watched(ports.journal);
  }

  get journal(): OpenJournal {
    return this.#journal;
  }

  /** How many journals took the place of a damaged one. */
  get renewals(): number {
    return this.#generation;
  }

  /** The disk as it is; a scan that cannot read the journal makes the keeper check it. */
  watchDisk(disk: LocalDisk): LocalDisk {
    const watch = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await work;
      } catch (thrown) {
        if (asKeepsyncError(thrown).code === 'JOURNAL') {
          void this.check();
        }
        throw thrown;
      }
    };
    return {
      scan: (...parameters) => watch(disk.scan(...parameters)),
      readSmall: (...parameters) => watch(disk.readSmall(...parameters)),
      stat: (...parameters) => disk.stat(...parameters),
      readPiece: (request) => disk.readPiece(request),
      compareRanges: (request) => disk.compareRanges(request),
      close: () => disk.close(),
    };
  }

  /** Checks the journal from time to time from now on. */
  startChecks(): void {
    this.#checkAfter(FIRST_CHECK_MS);
  }

  /** Reads the whole journal; renews it where it is damaged. Never rejects. */
  check(): Promise<void> {
    this.#checking ??= this.#checkNow().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Resolves when no renewal is under way. One that failed is tried again later; nobody waits for that. */
  async settled(): Promise<void> {
    while (this.#renewing) {
      await this.#renewing;
    }
  }

  /** Begins nothing more. A renewal under way is returned: it ends without opening anything. */
  close(): Promise<void> | undefined {
    this.#closed = true;
    this.#cancelCheck?.();
    this.#cancelRetry?.();
    return this.#renewing;
  }

  #watched(journal: OpenJournal): OpenJournal {
    const generation = this.#generation;
    const call = journal as unknown as Record<string, (...list: readonly unknown[]) => Promise<unknown>>;
    const calls = Object.fromEntries(
      JOURNAL_CALLS.map((name) => [
        name,
        async (...parameters: readonly unknown[]) => {
          try {
            return await call[name]?.(...parameters);
          } catch (thrown) {
            if (saysDamaged(thrown)) {
              this.#damaged(generation, asKeepsyncError(thrown));
            }
            throw thrown;
          }
        },
      ]),
    );
    return { ...(calls as unknown as OpenJournal), movedAside: journal.movedAside };
  }

  async #checkNow(): Promise<void> {
    try {
      await this.#journal.verify();
      this.#pause.reset();
    } catch (thrown) {
      const { code, message } = asKeepsyncError(thrown);
      this.#ports.log.log('warn', 'The check of the journal failed', { code, message });
    }
  }

  #checkAfter(delayMs: number): void {
    this.#cancelCheck?.();
    if (this.#closed) {
      return;
    }
    this.#cancelCheck = this.#ports.clock.setTimer(delayMs, () => {
      if (!this.#ports.isIdle() || this.#renewing || this.#trouble) {
        this.#checkAfter(BUSY_CHECK_MS);
        return;
      }
      void this.check().finally(() => this.#checkAfter(CHECK_EVERY_MS));
    });
  }

  #damaged(generation: number, error: KeepsyncError): void {
    if (generation !== this.#generation || this.#damagedGeneration === generation || this.#closed) {
      return;
    }
    this.#damagedGeneration = generation;
    this.#ports.log.log('error', 'The journal is damaged', { message: error.message });
    this.#begin(error);
  }

  #begin(error: KeepsyncError): void {
    this.#renewing ??= this.#renew(error).finally(() => {
      this.#renewing = undefined;
      if (this.#damagedGeneration === this.#generation && !this.#trouble && !this.#closed) {
        // The new one was damaged before this had come to its end.
        this.#begin(error);
      }
    });
  }

  async #renew(error: KeepsyncError): Promise<void> {
    const { clock, renew, stopUsers, startUsers, tell } = this.#ports;
    try {
      await stopUsers();
      if (this.#closed) {
        return;
      }
      if (clock.nowMs() < this.#pause.untilMs) {
        this.#later(error);
        return;
      }
      const fresh = await renew();
      this.#generation += 1;
      this.#journal = this.#watched(fresh);
      this.#pause.failed();
      await startUsers();
      this.#setTrouble(undefined);
      tell(
        'warn',
        fresh.movedAside === null
          ? 'The journal was damaged and is made anew; everything is looked at again'
          : `The journal was damaged and moved to ${fresh.movedAside}; everything is looked at again`,
      );
    } catch (thrown) {
      this.#pause.failed();
      this.#later(asKeepsyncError(thrown));
    }
  }

  #later(error: KeepsyncError): void {
    const { clock } = this.#ports;
    const nextTryAtMs = this.#pause.untilMs;
    this.#setTrouble({ error, sinceMs: this.#trouble?.sinceMs ?? clock.nowMs(), nextTryAtMs });
    if (!this.#closed) {
      this.#cancelRetry?.();
      this.#cancelRetry = clock.setTimer(nextTryAtMs - clock.nowMs(), () => {
        this.#setTrouble(undefined);
        this.#begin(error);
      });
    }
  }

  #setTrouble(trouble: JournalTrouble | undefined): void {
    if (trouble !== this.#trouble) {
      this.#trouble = trouble;
      this.#ports.onProblem(trouble);
    }
  }
}
