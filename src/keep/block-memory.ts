import type { CancelTimer, Clock } from '../base/clock.ts';

/** The smallest piece that is kept: 1 MiB. */
const SMALLEST_BYTES = 1_048_576;
/** How long nothing must be out before the memory is let go of: a download of many blocks is over then. */
const IDLE_MS = 5000;

/** Memory for one block. `view` is as long as was asked for. */
export interface BorrowedBlock {
  readonly view: Uint8Array;
  readonly memory: ArrayBuffer;
}

/**
 * Memory for blocks on their way through a thread, used again and again: fresh buffers of 64 MiB would pile up faster
 * than they are collected. Holds no more pieces than were ever out at once, and none after a while of rest.
 */
export class BlockMemory {
  readonly #clock: Clock;
  readonly #free: ArrayBuffer[] = [];
  #outCount = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bytes held for the next ones who ask. */
  get freeBytes(): number {
    return this.#free.reduce((sum, piece) => sum + piece.byteLength, 0);
  }

  take(sizeBytes: number): BorrowedBlock {
    this.#cancelTimer?.();
    this.#outCount += 1;
    const fitting = this.#free.findIndex((piece) => piece.byteLength >= sizeBytes);
    // A piece that is too small makes room for one that will do for longer.
    const [piece] = this.#free.splice(Math.max(fitting, 0), 1);
    const memory = piece && fitting >= 0 ? piece : new ArrayBuffer(roomFor(sizeBytes));
    return { view: new Uint8Array(memory, 0, sizeBytes), memory };
  }

  giveBack(block: BorrowedBlock): void {
    this.#free.push(block.memory);
    this.#outCount -= 1;
    if (this.#outCount === 0) {
      this.#cancelTimer = this.#clock.setTimer(IDLE_MS, () => {
        this.#free.length = 0;
      });
    }
  }
}

function roomFor(sizeBytes: number): number {
  return Math.max(SMALLEST_BYTES, 2 ** Math.ceil(Math.log2(Math.max(sizeBytes, 1))));
}
