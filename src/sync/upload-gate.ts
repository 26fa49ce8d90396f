import type { Clock } from '../base/clock.ts';
import type { ErrorCode, KeepsyncError } from '../base/errors.ts';

/**
 * Errors that are not about one file or block: whatever is sent next would meet them too. One of them shuts the gate for
 * all uploads, so that a full server or an expired token is not asked a million times.
 */
export function shutsTheGate(code: ErrorCode): boolean {
  switch (code) {
    case 'OFFLINE':
    case 'TIMEOUT':
    case 'TLS':
    case 'PLAIN_HTTP':
    case 'NOT_ARVADOS':
    case 'NOT_SIGNED_IN':
    case 'FULL':
    case 'READ_ONLY':
    case 'NO_KEEP':
    case 'CLASSES':
    case 'DISK_FULL':
      return true;
    default:
      return false;
  }
}

const FIRST_WAIT_MS = 15_000;
const LONGEST_WAIT_MS = 5 * 60_000;

/** Open, or shut with the error that shut it and the time of the next try. */
export class UploadGate {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #error: KeepsyncError | undefined;
  #untilMs = 0;
  #waits = 0;

  /** `onChange` runs after the gate was shut or opened, synchronously. */
  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** What keeps the gate shut; undefined while it is open, or while a probe may pass. */
  get error(): KeepsyncError | undefined {
    return this.#error;
  }

  /** When the next try is made, milliseconds since the epoch. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** Whether an upload may start now. */
  get passable(): boolean {
    return this.#error === undefined || this.#clock.nowMs() >= this.#untilMs;
  }

  shut(error: KeepsyncError): void {
    this.#waits += 1;
    this.#error = error;
    this.#untilMs = this.#clock.nowMs() + Math.min(FIRST_WAIT_MS * 2 ** (this.#waits - 1), LONGEST_WAIT_MS);
    this.#onChange();
  }

  /** A block was stored, or a person said: try now. */
  open(): void {
    if (this.#error !== undefined) {
      this.#error = undefined;
      this.#waits = 0;
      this.#onChange();
    }
  }
}
