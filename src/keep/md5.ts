import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { abortError } from './keep-errors.ts';
import { Md5Lanes, type Md5Stream } from './md5-lanes.ts';

/** About 7 ms of hashing: between two slices the thread's sockets get their turn. */
const SLICE_BYTES = 4_194_304;
/** Less than this is not worth the making of lanes. */
export const LANES_FROM_BYTES = 4_194_304;

/** Lower-case hex md5 of `data`. Rejects with the signal's reason on abort. */
export async function blockMd5(data: Uint8Array, signal?: AbortSignal): Promise<string> {
  const hash = createHash('md5');
  for (let offset = 0; offset < data.length; offset += SLICE_BYTES) {
    if (offset > 0) {
      await nextTurn();
    }
    if (signal?.aborted) {
      throw abortError(signal);
    }
    hash.update(data.subarray(offset, offset + SLICE_BYTES));
  }
  return hash.digest('hex');
}

/**
 * Md5s of what comes in, on the thread that it is used on. Those of large blocks that come in at the same time cost less
 * together than one by one: see md5-module.
 */
export class Md5Streams {
  readonly #createLanes: () => Md5Lanes | undefined;
  #lanes: Md5Lanes | undefined;
  #lanesWereMade = false;

  /** `createLanes` is called when they are first needed; where it makes none, Node's own md5 serves. */
  constructor(createLanes = Md5Lanes.create) {
    this.#createLanes = createLanes;
  }

  /** A stream of about `sizeBytes`: `digest` or `close` must be called in the end. */
  open(sizeBytes: number): Md5Stream {
    return (sizeBytes >= LANES_FROM_BYTES ? this.#lane() : undefined) ?? new NodeStream();
  }

  #lane(): Md5Stream | undefined {
    if (!this.#lanesWereMade) {
      this.#lanesWereMade = true;
      this.#lanes = this.#createLanes();
    }
    return this.#lanes?.open();
  }
}

/** Node's own md5: for small blocks, where there are no lanes, and while all of them are busy. */
class NodeStream implements Md5Stream {
  readonly #hash = createHash('md5');

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }

  close(): void {
    // Node's garbage collection does it.
  }
}
