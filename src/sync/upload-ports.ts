import type { AcknowledgedBlock } from './journal-port.ts';

/** A block that is being filled; `BufferBlock` of the blocks stage. */
export interface FillingBlock {
  readonly blockId: string;
  size(): number;
  /** A view over the next `sizeBytes` of the buffer, for the disk to read into. */
  reserve(sizeBytes: number): Uint8Array;
  /** The first `sizeBytes` of what was reserved are content now. */
  advance(sizeBytes: number): void;
}

/**
 * Who a block belongs to. The block manager carries it as an opaque tag; the engine hands what happens to the block back
 * to it.
 */
export interface BlockOwner {
  readonly folderId: number;
  /** Paths inside, for the block table: how many, and at most five of them. */
  describe(): { readonly files: number; readonly examplePaths: readonly string[] };
  /** Keep confirmed every copy. The journal's record is made here; only then the block counts as COMMITTED. */
  acknowledged(block: AcknowledgedBlock): Promise<void>;
  /** COMMITTED, ERROR with its cause, or removed before it came so far: the first call counts. */
  settled(error: unknown): void;
}

/** What the uploader needs of the `BlockManager`. */
export interface UploadBlocks {
  allocate(owner: BlockOwner, startingCapacityBytes: number): FillingBlock;
  /** Queues the block for an upload thread; waits only while the queue is full. */
  commit(block: FillingBlock): Promise<void>;
  /** Forgets a block whose bytes are not wanted (any more); a failed one gave its buffer back already. */
  discard(blockId: string): void;
}
