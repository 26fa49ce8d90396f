import { Emitter } from '../base/emitter.ts';
import { type ErrorRecord, errorToRecord, KeepsyncError } from '../base/errors.ts';
import { bareLocator } from './bare-locator.ts';
import { type BlockState, StateChangeError } from './block-state.ts';
import type { BufferBlock } from './buffer-block.ts';

export interface BlockEvent {
  readonly blockId: string;
  readonly state: BlockState;
  readonly sizeBytes: number;
  /** The most it can hold. */
  readonly capacityBytes: number;
  /** Signed once COMMITTED; `md5+size` as soon as that is known. */
  readonly locator?: string;
  /** Upload rounds so far. */
  readonly attempts: number;
  /** The Keep server asked last. */
  readonly server?: string;
  /** Exactly in ERROR. */
  readonly error?: ErrorRecord;
}

export interface BlockManagerEvents {
  /** A block was made, changed its state, was tried again, or grew by a 64th of the block size. */
  block: BlockEvent;
  /** A block is no longer in the table. */
  removed: { readonly blockId: string };
}

/** The buffer blocks of a manager by id, and the events about them. */
export class BlockTable {
  readonly events = new Emitter<BlockManagerEvents>();
  readonly #blocks = new Map<string, BufferBlock>();
  #nextId = 0;

  get(blockId: string): BufferBlock | undefined {
    return this.#blocks.get(blockId);
  }

  has(block: BufferBlock): boolean {
    return this.#blocks.get(block.blockId) === block;
  }

  /** All blocks, oldest first. */
  list(): BufferBlock[] {
    return [...this.#blocks.values()];
  }

  /** The block of that id, or NOT_FOUND. */
  existing(blockId: string): BufferBlock {
    const block = this.#blocks.get(blockId);
    if (block === undefined) {
      throw new KeepsyncError('NOT_FOUND', `No block is called ${blockId}`);
    }
    return block;
  }

  /** `wanted`, which must be new and no locator (USAGE), or the next of bufferblock0, bufferblock1, … */
  newId(wanted: string | undefined): string {
    if (wanted !== undefined) {
      if (this.#blocks.has(wanted) || bareLocator(wanted) !== undefined) {
        throw new KeepsyncError('USAGE', `A new block cannot be called ${wanted}`);
      }
      return wanted;
    }
    let blockId: string;
    do {
      blockId = `bufferblock${this.#nextId}`;
      this.#nextId += 1;
    } while (this.#blocks.has(blockId));
    return blockId;
  }

  enter(block: BufferBlock): void {
    this.#blocks.set(block.blockId, block);
    this.tell(block);
  }

  /** See BlockManager.deleteBufferBlock. */
  delete(blockId: string): void {
    const block = this.#blocks.get(blockId);
    if (block === undefined) {
      return;
    }
    if (block.state === 'PENDING') {
      throw new StateChangeError(blockId, block.state, undefined, `Block ${blockId} is being uploaded`);
    }
    block.discard();
    this.#blocks.delete(blockId);
    this.#emit('removed', { blockId });
  }

  /** Raises an event with what the block is now. */
  tell(block: BufferBlock): void {
    const locator = block.state === 'COMMITTED' || block.md5 !== undefined ? block.locator() : undefined;
    this.#emit('block', {
      blockId: block.blockId,
      state: block.state,
      sizeBytes: block.size(),
      capacityBytes: block.blockSizeBytes,
      ...(locator === undefined ? {} : { locator }),
      attempts: block.attempts,
      ...(block.server === undefined ? {} : { server: block.server }),
      ...(block.error === undefined ? {} : { error: errorToRecord(block.error) }),
    });
  }

  /** A listener that throws is a bug; it must come to light, and must not make a good block look failed. */
  #emit<K extends keyof BlockManagerEvents>(type: K, event: BlockManagerEvents[K]): void {
    try {
      this.events.emit(type, event);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}
