import { Mutex } from '../base/mutex.ts';
import type { BufferBlock } from '../blocks/buffer-block.ts';
import type { BlockUser, FileBlocks } from './file-blocks.ts';
import type { Move } from './segments.ts';

/** Closed files that wait at most: each has a buffer of at least 16 KiB, so these hold 64 MiB. */
const MOST_WAITING_FILES = 4_096;

/** A file as the packer sees it: it may have a block of its own that is not full. */
export interface PackableFile extends BlockUser {
  /** The WRITABLE block that the file's next bytes would go into. */
  tail(): BufferBlock | undefined;
  /** The file lets go of that block; its segments stay. */
  dropTail(): void;
}

/**
 * Brings the unfilled blocks of closed files together, so that many small files, or the ends of large ones, fill whole
 * blocks. A file may be cut to fill a block: five of 20 MiB make 64 + 36 MiB. The first block is filled up by the
 * others' bytes, in the order in which their files were closed; what is left over stays open for files to come.
 */
export class SmallFilePacker {
  readonly #blocks: FileBlocks;
  /** In the order in which they were closed, with the bytes that each brings. */
  readonly #waiting = new Map<PackableFile, number>();
  readonly #lock = new Mutex();
  #waitingBytes = 0;
  #target: BufferBlock | undefined;

  constructor(blocks: FileBlocks) {
    this.#blocks = blocks;
  }

  /** A file was closed. Packs, and waits while the upload queue is full, once what waits fills a block. */
  async add(file: PackableFile): Promise<void> {
    this.enlist(file);
    const bytes = this.#waitingBytes + (this.#openTarget()?.size() ?? 0);
    if (bytes >= this.#blocks.blockSizeBytes || this.#waiting.size >= MOST_WAITING_FILES) {
      await this.#lock.run(() => this.#packWaiting());
    }
  }

  /** Has the file packed with the next ones; packs nothing itself. */
  enlist(file: PackableFile): void {
    const tail = file.tail();
    if (tail !== undefined && !this.#waiting.has(file)) {
      this.#waiting.set(file, tail.size());
      this.#waitingBytes += tail.size();
    }
  }

  /** The file is being written again, or gone. */
  forget(file: PackableFile): void {
    this.#waitingBytes -= this.#waiting.get(file) ?? 0;
    this.#waiting.delete(file);
  }

  /** Packs whatever waits and sends the last block too, full or not. Returns when it is queued. */
  packAll(): Promise<void> {
    return this.#lock.run(async () => {
      await this.#packWaiting();
      const target = this.#openTarget();
      this.#target = undefined;
      const ready = target && this.#blocks.repacked(target);
      if (ready !== undefined) {
        await this.#blocks.manager.commitBufferBlock(ready);
      }
    });
  }

  async #packWaiting(): Promise<void> {
    for (;;) {
      const [file] = this.#waiting.keys();
      if (file === undefined) {
        return;
      }
      this.forget(file);
      const tail = file.tail();
      if (tail !== undefined && !tail.reserved) {
        const ready = this.#blocks.repacked(tail);
        file.dropTail();
        if (ready !== undefined) {
          await this.#take(ready);
        }
      }
    }
  }

  /** Brings the bytes of `block` into the open block, or makes it that; sends those that are full. */
  async #take(block: BufferBlock): Promise<void> {
    const target = this.#openTarget();
    if (block.roomBytes === 0) {
      await this.#blocks.manager.commitBufferBlock(block);
    } else if (target === undefined) {
      this.#target = block;
    } else {
      await this.#pour(block, target);
    }
  }

  async #pour(block: BufferBlock, into: BufferBlock): Promise<void> {
    // Without a pause up to the move: readers and writers see the bytes in the old place or in the new one.
    const data = block.data();
    const moves: Move[] = [];
    let target = into;
    let full: BufferBlock | undefined;
    for (let offset = 0; offset < data.length; ) {
      if (target.roomBytes === 0) {
        full = target;
        target = this.#blocks.manager.allocBufferBlock({ startingCapacity: data.length - offset });
      }
      const length = Math.min(target.roomBytes, data.length - offset);
      const toOffset = target.append(data.subarray(offset, offset + length));
      moves.push({ offset, length, toLocator: target.blockId, toOffset });
      offset += length;
    }
    this.#blocks.move(block.blockId, moves, (user) => !user.snapshot);
    if (target.roomBytes === 0) {
      full = target;
    }
    this.#target = target.roomBytes === 0 ? undefined : target;
    if (full !== undefined) {
      // Files in it may have been changed or removed since they were packed.
      const ready = this.#blocks.repacked(full);
      if (ready !== undefined) {
        await this.#take(ready);
      }
    }
  }

  #openTarget(): BufferBlock | undefined {
    const target = this.#target;
    const open = target?.state === 'WRITABLE' && this.#blocks.manager.get(target.blockId) === target;
    return open ? target : undefined;
  }
}
