import { asKeepsyncError } from '../base/errors.ts';
import { AsyncKeepWriteErrors, type BlockFailure } from '../blocks/async-keep-write-errors.ts';
import type { BlockManager } from '../blocks/block-manager.ts';
import type { BufferBlock } from '../blocks/buffer-block.ts';
import { repackInto, repackPlan } from './repack.ts';
import { type Move, movedTo, type Segment } from './segments.ts';
import { ZERO_BLOCK } from './zero-block.ts';

/** Whatever has segments in buffer blocks: a file, or the still picture of one that a reader works on. */
export interface BlockUser {
  /** A still picture: it keeps bytes readable, but gives no reason to upload them. */
  readonly snapshot: boolean;
  segments(): readonly Segment[];
  /** The same bytes, elsewhere. */
  moveSegments(segments: Segment[]): void;
}

/** Zeros are appended in pieces of this size when the zero block is made. */
const ZEROS = new Uint8Array(2 ** 16);

/**
 * Who uses which buffer block, for all files of one collection. Blocks are shared freely: by a copy and its original, by
 * a reader's still picture, by many small files. The bytes of a block never change once they are in it, so sharing is
 * safe in every state; only who is left decides what is uploaded and what is freed.
 */
export class FileBlocks {
  readonly manager: BlockManager;
  /** Those who may use a block, by its id: a user that stopped using it is taken out when somebody looks. */
  readonly #users = new Map<string, Set<BlockUser>>();
  #zeroBlockId: string | undefined;
  #storedZeros: string | undefined;

  constructor(manager: BlockManager) {
    this.manager = manager;
  }

  get blockSizeBytes(): number {
    return this.manager.blockSizeBytes;
  }

  /** Says that `user` may have segments in the buffer block (or the zero block) of that id. */
  use(blockId: string, user: BlockUser): void {
    const users = this.#users.get(blockId);
    if (users === undefined) {
      this.#users.set(blockId, new Set([user]));
    } else {
      users.add(user);
    }
  }

  /** Says so for all segments of `user` that are not in Keep yet. */
  useAll(user: BlockUser): void {
    for (const { locator } of user.segments()) {
      if (this.#users.has(locator)) {
        this.use(locator, user);
      }
    }
  }

  /** `user` is gone; blocks that nobody else uses are freed. */
  leaveAll(user: BlockUser): void {
    for (const blockId of new Set(user.segments().map((segment) => segment.locator))) {
      if (this.#users.get(blockId)?.delete(user)) {
        this.freeIfUnused(blockId);
      }
    }
  }

  /** Whether segments with this locator lie in a buffer block, or are zeros nobody wrote, and not in Keep. */
  isUnstored(locator: string): boolean {
    return this.#users.size > 0 && this.#users.has(locator);
  }

  /** Whether the bytes are zeros, wherever they are. */
  isZeros(locator: string): boolean {
    return locator === ZERO_BLOCK || locator === this.#storedZeros;
  }

  /**
   * Removes a block that nobody uses (any more): at once or, where a thread still reads it (PENDING) or writes into it
   * (reserved), as soon as that has ended.
   */
  freeIfUnused(blockId: string): void {
    if (this.#usersOf(blockId).length > 0) {
      return;
    }
    const block = this.manager.get(blockId);
    if (block !== undefined && (block.state === 'PENDING' || block.reserved)) {
      void this.manager.whenIdle(block).then(() => this.freeIfUnused(blockId));
      return;
    }
    this.#users.delete(blockId);
    this.manager.deleteBufferBlock(blockId);
  }

  /**
   * Readies a WRITABLE block for its upload: drops what was overwritten, puts what is left in file order. Returns the
   * block to go on with: itself, a smaller one in its place, or undefined where no file uses it.
   */
  repacked(block: BufferBlock): BufferBlock | undefined {
    if (block.blockId === this.#zeroBlockId) {
      return block;
    }
    const users = this.#usersOf(block.blockId).filter((user) => !user.snapshot);
    const plan = repackPlan(
      block,
      users.map((user) => user.segments()),
    );
    if (plan === undefined) {
      return block;
    }
    if (plan.length === 0) {
      this.freeIfUnused(block.blockId);
      return undefined;
    }
    const { target, moves } = repackInto(this.manager, block, plan);
    this.move(block.blockId, moves, (user) => !user.snapshot);
    return target;
  }

  /** Tells all users of a block (or those that `who` says) where its bytes have gone, and frees it if that was all. */
  move(blockId: string, moves: readonly Move[], who: (user: BlockUser) => boolean = () => true): void {
    const users = this.#users.get(blockId);
    for (const user of this.#usersOf(blockId).filter(who)) {
      user.moveSegments(movedTo(user.segments(), blockId, moves));
      users?.delete(user);
      for (const { toLocator } of moves) {
        if (this.manager.get(toLocator) !== undefined) {
          this.use(toLocator, user);
        }
      }
    }
    this.freeIfUnused(blockId);
  }

  /** Makes the block of zeros for files that were made longer; it goes the way of all blocks from here. */
  materialiseZeros(): void {
    if (!this.#usersOf(ZERO_BLOCK).some((user) => !user.snapshot)) {
      return;
    }
    const length = this.blockSizeBytes;
    let toLocator = this.#storedZeros ?? this.#zeroBlockId;
    if (toLocator === undefined || !(this.#storedZeros || this.manager.get(toLocator))) {
      const block = this.manager.allocBufferBlock({ startingCapacity: length });
      while (block.roomBytes > 0) {
        block.append(ZEROS.subarray(0, Math.min(ZEROS.length, block.roomBytes)));
      }
      toLocator = block.blockId;
      this.#zeroBlockId = toLocator;
    }
    this.move(ZERO_BLOCK, [{ offset: 0, length, toLocator, toOffset: 0 }], (user) => !user.snapshot);
  }

  /** Buffer blocks with bytes that a file, not only a reader, uses. */
  liveBlocks(users?: Iterable<BlockUser>): BufferBlock[] {
    const only = users === undefined ? undefined : new Set(users);
    const blocks: BufferBlock[] = [];
    for (const blockId of this.#users.keys()) {
      const block = this.manager.get(blockId);
      const live = this.#usersOf(blockId).some(
        (user) => !user.snapshot && (only === undefined || only.has(user)),
      );
      if (block !== undefined && live) {
        blocks.push(block);
      }
    }
    return blocks;
  }

  /** Frees every block that nobody uses. */
  sweep(): void {
    for (const blockId of [...this.#users.keys()]) {
      this.freeIfUnused(blockId);
    }
  }

  /** Puts signed locators in place of all blocks that are COMMITTED by now, and takes those out of the table. */
  settle(): void {
    for (const blockId of [...this.#users.keys()]) {
      const block = this.manager.get(blockId);
      if (block?.state === 'COMMITTED') {
        const toLocator = block.locator();
        if (blockId === this.#zeroBlockId) {
          this.#storedZeros = toLocator;
        }
        this.move(blockId, [{ offset: 0, length: block.size(), toLocator, toOffset: 0 }]);
      }
    }
  }

  /** Uploads `blocks`, waits for all, and settles. Throws one AsyncKeepWriteErrors for those that fail. */
  async commit(blocks: readonly BufferBlock[]): Promise<void> {
    const results = await Promise.allSettled(
      blocks.map((block) => this.manager.commitBufferBlock(block, { sync: true })),
    );
    this.settle();
    const failures: BlockFailure[] = [];
    for (const [i, result] of results.entries()) {
      const block = blocks[i];
      if (result.status === 'rejected' && block !== undefined) {
        const locator = block.md5 === undefined ? block.blockId : block.locator();
        failures.push({ locator, blockId: block.blockId, cause: asKeepsyncError(result.reason) });
      }
    }
    if (failures.length > 0) {
      throw new AsyncKeepWriteErrors(failures);
    }
  }

  /** Those who do use the block, snapshots included. */
  #usersOf(blockId: string): BlockUser[] {
    const users = this.#users.get(blockId);
    if (users === undefined) {
      return [];
    }
    const real: BlockUser[] = [];
    for (const user of users) {
      if (user.segments().some((segment) => segment.locator === blockId)) {
        real.push(user);
      } else {
        users.delete(user);
      }
    }
    return real;
  }
}
