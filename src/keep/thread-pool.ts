import type { Worker } from 'node:worker_threads';
import { KeepsyncError } from '../base/errors.ts';
import { type LogPort, silentLog } from '../base/log.ts';
import { connectThread, type ThreadConnection } from '../base/thread-rpc.ts';
import { abortError } from './keep-errors.ts';
import type { AttemptEvent, BlockEvent, KeepThreadApi, KeepThreadSetup } from './keep-thread-api.ts';

/** The kinds of calls, by what they hold up in a thread. */
export type Lane = 'upload' | 'download' | 'stream' | 'quick';

/**
 * Calls per thread at the same time. One upload fills a line, and two uploads would only take each other's time. Two
 * downloads let one come in while the other's bytes are written to disk. Streams are downloads whose work is md5 above all:
 * as many as its lanes take in together (see md5-module).
 */
const LANE_WIDTH: Readonly<Record<Lane, number>> = {
  upload: 1,
  download: 2,
  stream: 4,
  quick: Number.POSITIVE_INFINITY,
};

interface Slot {
  connection: ThreadConnection<KeepThreadApi> | undefined;
  readonly running: Record<Lane, number>;
}

function loadOf({ running }: Slot): number {
  return running.upload + running.download + running.stream + running.quick;
}

/** A thread died under a call; whoever made the call says what that means for it. */
export class ThreadDied extends Error {}

export interface ThreadPoolOptions {
  readonly threads: number;
  readonly startThread: () => Worker;
  /** What each new thread is told first. */
  readonly setup: () => KeepThreadSetup;
  readonly onAttempt: (event: AttemptEvent) => void;
  readonly onBlock: (event: BlockEvent) => void;
  readonly log?: LogPort;
}

/**
 * N Keep threads, started when they are first needed, and again after one died. Gives each call to the thread that has
 * least to do, but streams to one that has others already: their md5s cost half as much together, and two threads that write
 * to one file wait for each other. Calls wait, first come first served, while every thread has its fill of their lane.
 */
export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  readonly #log: LogPort;
  readonly #slots: Slot[] = [];
  readonly #waiting: Record<Lane, Array<() => void>> = { upload: [], download: [], stream: [], quick: [] };
  #closed = false;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    for (let i = 0; i < options.threads; i++) {
      this.#slots.push({ connection: undefined, running: { upload: 0, download: 0, stream: 0, quick: 0 } });
    }
  }

  /** Starts the threads that do not run, for whoever will need them soon. */
  start(): void {
    for (const slot of this.#closed ? [] : this.#slots) {
      this.#connected(slot);
    }
  }

  /** Runs `call` on a thread. Rejects with ThreadDied if that thread ends, with CLOSED after `close`. */
  async run<T>(
    lane: Lane,
    signal: AbortSignal | undefined,
    call: (connection: ThreadConnection<KeepThreadApi>) => Promise<T>,
  ): Promise<T> {
    const slot = await this.#take(lane, signal);
    try {
      const connection = this.#connected(slot);
      try {
        return await call(connection);
      } catch (thrown) {
        if (slot.connection !== connection && !this.#closed) {
          throw new ThreadDied('the thread died', { cause: thrown });
        }
        throw thrown;
      }
    } finally {
      slot.running[lane] -= 1;
      this.#waiting[lane].shift()?.();
    }
  }

  /** Calls every running thread. */
  async all(call: (connection: ThreadConnection<KeepThreadApi>) => Promise<void>): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.connection && call(slot.connection)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const lane of Object.values(this.#waiting)) {
      for (const wake of lane.splice(0)) {
        wake();
      }
    }
    await Promise.all(this.#slots.map((slot) => slot.connection?.close()));
  }

  async #take(lane: Lane, signal: AbortSignal | undefined): Promise<Slot> {
    for (;;) {
      if (this.#closed) {
        throw new KeepsyncError('CLOSED', 'The Keep client is closed');
      }
      if (signal?.aborted) {
        // Woken and stopped at once: the turn is the next one's.
        this.#waiting[lane].shift()?.();
        throw abortError(signal);
      }
      const slot = this.#choose(lane);
      if (slot) {
        slot.running[lane] += 1;
        return slot;
      }
      await this.#nextTurn(lane, signal);
    }
  }

  #choose(lane: Lane): Slot | undefined {
    const free = this.#slots.filter((slot) => slot.running[lane] < LANE_WIDTH[lane]);
    const company = ({ running }: Slot) => (lane === 'stream' ? running.stream : 0);
    return free.sort((a, b) => company(b) - company(a) || loadOf(a) - loadOf(b))[0];
  }

  #nextTurn(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting[lane];
      const wake = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        waiting.splice(waiting.indexOf(wake), 1);
        resolve();
      };
      waiting.push(wake);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #connected(slot: Slot): ThreadConnection<KeepThreadApi> {
    if (slot.connection) {
      return slot.connection;
    }
    const connection = connectThread<KeepThreadApi>(this.#options.startThread());
    slot.connection = connection;
    connection.onEvent((event, payload) => {
      if (event === 'attempt') {
        this.#options.onAttempt(payload as AttemptEvent);
      } else if (event === 'block') {
        this.#options.onBlock(payload as BlockEvent);
      }
    });
    connection.onDeath((error) => {
      this.#log.log('error', 'A Keep thread died; the next call starts another', { message: error.message });
      slot.connection = undefined;
    });
    // Messages arrive in order, so the call behind it finds the thread ready; if this fails, that call fails too.
    connection.call('setup', this.#options.setup()).catch((thrown: unknown) => {
      this.#log.log('error', 'A Keep thread could not be set up', { message: String(thrown) });
    });
    return connection;
  }
}
