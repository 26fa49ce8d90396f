import { type Clock, sleep } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { RemoteChange } from './event-messages.ts';
import { retryDelayMs } from './retry.ts';

export interface RemoteEventMap {
  /** Something happened to an object that `isWanted` lets through. */
  readonly change: RemoteChange;
  /** Changes may have been missed: look at everything afresh. Raised whenever listening starts or starts again. */
  readonly doubt: { readonly reason: string };
  readonly mode: EventMode;
}

/** `live`: the server tells us; `polling`: we ask; `away`: neither works at the moment. */
export type EventMode = 'live' | 'polling' | 'away';

/** Where events come from: the real ones are made by `remoteEventPorts`. */
export interface RemoteEventPorts {
  /** Address of the web socket, or undefined where the cluster has none. */
  socketUrl(signal: AbortSignal): Promise<string | undefined>;
  /** One connection until it ends: never resolves. */
  listen(options: {
    readonly url: string;
    readonly lastLogId: number | undefined;
    readonly signal: AbortSignal;
    readonly onSubscribed: () => void;
    readonly onChange: (change: RemoteChange) => void;
  }): Promise<never>;
  newestLogId(signal: AbortSignal): Promise<number>;
  changesSince(afterId: number, signal: AbortSignal): Promise<readonly RemoteChange[]>;
}

export interface RemoteEventsOptions {
  readonly ports: RemoteEventPorts;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogPort;
  /** Filtering is up to the client: the server sends events of everything that the token may read. */
  readonly isWanted: (objectUuid: string) => boolean;
  /** 15 s, as the official SDK polls. */
  readonly pollIntervalMs?: number;
  /** Pause before the first new connection; doubles up to five minutes. */
  readonly reconnectDelayMs?: number;
}

const DEFAULT_POLL_INTERVAL_MS = 15_000;
const DEFAULT_RECONNECT_DELAY_MS = 1_000;
const LONGEST_RECONNECT_DELAY_MS = 300_000;

/**
 * Tells when something changed on the server: by web socket, and by polling the logs while there is none. Started once;
 * `close` ends every timer and connection.
 */
export class RemoteEvents {
  readonly events = new Emitter<RemoteEventMap>();
  readonly #options: RemoteEventsOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #mode: EventMode = 'away';
  #lastLogId: number | undefined;

  constructor(options: RemoteEventsOptions) {
    this.#options = options;
  }

  get mode(): EventMode {
    return this.#mode;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort(new KeepsyncError('CLOSED', 'Listening to the server has ended'));
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      if (await this.#connect()) {
        failures = 0;
      }
      await this.#pollUntil(this.#reconnectDelayMs(failures));
    }
  }

  #reconnectDelayMs(failures: number): number {
    return retryDelayMs(
      {
        maxAttempts: Number.POSITIVE_INFINITY,
        baseDelayMs: this.#options.reconnectDelayMs ?? DEFAULT_RECONNECT_DELAY_MS,
        maxDelayMs: LONGEST_RECONNECT_DELAY_MS,
      },
      failures + 1,
      this.#options.random,
    );
  }

  /** One connection, until it ends; true where it had got as far as a subscription. */
  async #connect(): Promise<boolean> {
    const { ports, log } = this.#options;
    const { signal } = this.#stop;
    let wasLive = false;
    try {
      const url = await ports.socketUrl(signal);
      if (url === undefined) {
        return false;
      }
      await ports.listen({
        url,
        lastLogId: this.#lastLogId,
        signal,
        onSubscribed: () => {
          wasLive = true;
          this.#setMode('live');
          this.events.emit('doubt', { reason: 'connected' });
        },
        onChange: (change) => this.#heard(change),
      });
    } catch (thrown) {
      if (!signal.aborted) {
        const error = asKeepsyncError(thrown);
        log.log('info', 'No events from the server for now', { code: error.code, reason: error.message });
      }
    }
    return wasLive;
  }

  /** Asks for new log rows, now and at each interval, until it is time for the next connection. */
  async #pollUntil(durationMs: number): Promise<void> {
    const { clock } = this.#options;
    const intervalMs = this.#options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS;
    const endMs = clock.monotonicMs() + durationMs;
    while (!this.#stop.signal.aborted) {
      await this.#poll();
      const leftMs = endMs - clock.monotonicMs();
      await this.#pause(Math.min(intervalMs, Math.max(leftMs, 0)));
      if (leftMs <= intervalMs) {
        return;
      }
    }
  }

  async #poll(): Promise<void> {
    const { ports, log } = this.#options;
    const { signal } = this.#stop;
    try {
      if (this.#lastLogId === undefined) {
        this.#lastLogId = await ports.newestLogId(signal);
        this.events.emit('doubt', { reason: 'polling starts' });
      } else {
        for (const change of await ports.changesSince(this.#lastLogId, signal)) {
          this.#heard(change);
        }
      }
      this.#setMode('polling');
    } catch (thrown) {
      if (!signal.aborted) {
        const error = asKeepsyncError(thrown);
        log.log('info', 'The logs of the server cannot be read', { code: error.code, reason: error.message });
        this.#setMode('away');
      }
    }
  }

  async #pause(delayMs: number): Promise<void> {
    try {
      await sleep(this.#options.clock, delayMs, this.#stop.signal);
    } catch (thrown) {
      if (!this.#stop.signal.aborted) {
        throw thrown;
      }
    }
  }

  #heard(change: RemoteChange): void {
    this.#lastLogId = Math.max(this.#lastLogId ?? 0, change.logId);
    if (change.objectUuid !== '' && this.#options.isWanted(change.objectUuid)) {
      this.events.emit('change', change);
    }
  }

  #setMode(mode: EventMode): void {
    if (mode !== this.#mode) {
      this.#mode = mode;
      this.events.emit('mode', mode);
    }
  }
}
