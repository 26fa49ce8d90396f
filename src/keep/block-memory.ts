/** The smallest piece that is kept: 1 MiB. */
const SMALLEST_BYTES = 1_048_576;

/** Memory for one block. `view` is as long as was asked for. */
export interface BorrowedBlock {
  readonly view: Uint8Array;
  readonly memory: ArrayBuffer;
}

/**
 * Memory for blocks on their way through a thread, used again and again: fresh buffers of 64 MiB would pile up faster
 * than they are collected. Holds no more pieces than were ever out at once.
 */
export class BlockMemory {
  readonly #free: ArrayBuffer[] = [];

  take(sizeBytes: number): BorrowedBlock {
    const fitting = this.#free.findIndex((piece) => piece.byteLength >= sizeBytes);
    // A piece that is too small makes room for one that will do for longer.
    const [piece] = this.#free.splice(Math.max(fitting, 0), 1);
    const memory = piece && fitting >= 0 ? piece : new ArrayBuffer(roomFor(sizeBytes));
    return { view: new Uint8Array(memory, 0, sizeBytes), memory };
  }

  giveBack(block: BorrowedBlock): void {
    this.#free.push(block.memory);
  }
}

function roomFor(sizeBytes: number): number {
  return Math.max(SMALLEST_BYTES, 2 ** Math.ceil(Math.log2(Math.max(sizeBytes, 1))));
}
