import { type Clock, systemClock } from '../base/clock.ts';
import type { Emitter } from '../base/emitter.ts';
import { KeepsyncError } from '../base/errors.ts';
import type { BlockStore } from '../keep/ports.ts';
import { AsyncKeepWriteErrors, type BlockFailure } from './async-keep-write-errors.ts';
import { BackgroundUploads } from './background-uploads.ts';
import { BlockDownloads, type FetchingStore } from './block-downloads.ts';
import { StateChangeError } from './block-state.ts';
import { type BlockManagerEvents, BlockTable } from './block-table.ts';
import { type AcknowledgedBlock, BlockUploader } from './block-uploader.ts';
import { BufferBlock } from './buffer-block.ts';
import { SharedBufferPool } from './shared-buffer-pool.ts';
import { UploadSlots } from './upload-slots.ts';

/** The largest block that Keep takes: 64 MiB. */
export const KEEP_BLOCK_SIZE_BYTES = 2 ** 26;

/** Fetched blocks held for the next reads: the one being read and the two that are prefetched behind it. */
const HELD_BLOCKS = 3;
/** Blocks prefetched at the same time, as in the Python SDK. */
const PREFETCH_THREADS = 2;
/** Released buffers kept: those of four pending blocks and of one that is being filled. */
const RETAINED_BUFFERS = 5;

export interface BlockManagerOptions {
  readonly store: Pick<BlockStore, 'md5' | 'put'> & FetchingStore;
  /** Shared by all managers of a process, where there are several. */
  readonly pool?: SharedBufferPool;
  /** Shared by all managers of a process; `putThreads` and `putQueue` make one where it is not given. */
  readonly slots?: UploadSlots;
  /** Default 64 MiB. */
  readonly blockSizeBytes?: number;
  /** Default 2, see UploadSlots. */
  readonly putThreads?: number;
  /** Default 2, see UploadSlots. */
  readonly putQueue?: number;
  /** Copies wanted of each block, at least 1. */
  readonly copies: number;
  /** Storage classes wanted; empty: the cluster's default. */
  readonly storageClasses: readonly string[];
  /** Times the pauses between `numRetries`. */
  readonly clock?: Clock;
  /** A signed locator that was acknowledged earlier for `md5+size`: no PUT is needed. */
  readonly known?: (locator: string) => Promise<string | undefined>;
  /** Awaited before a block is shown as COMMITTED: the journal records it first. */
  readonly acknowledge?: (block: AcknowledgedBlock) => Promise<void>;
}

export interface GetBlockOptions {
  /** More rounds after a failure that may pass; 0 by default, because the store retries by itself. */
  readonly numRetries?: number;
  /** Only what is here already: undefined instead of a fetch. */
  readonly cacheOnly?: boolean;
}

/**
 * Keeps the table of buffer blocks, uploads them in the background and fetches stored ones. It never knows files: a
 * block carries its owner and a tag, and neither is looked at.
 *
 * At most four blocks (see UploadSlots for the arithmetic: 4 x 64 MiB = 256 MiB) are PENDING, whatever the input;
 * `commitBufferBlock` waits while that many are. Everything else is synchronous or waits for the network only.
 */
export class BlockManager {
  readonly events: Emitter<BlockManagerEvents>;
  readonly blockSizeBytes: number;
  readonly pool: SharedBufferPool;
  readonly #md5: BlockStore['md5'];
  readonly #downloads: BlockDownloads;
  readonly #table = new BlockTable();
  readonly #uploads: BackgroundUploads;
  readonly #packers = new Set<() => Promise<void>>();

  constructor(options: BlockManagerOptions) {
    this.events = this.#table.events;
    this.blockSizeBytes = options.blockSizeBytes ?? KEEP_BLOCK_SIZE_BYTES;
    this.pool =
      options.pool ?? new SharedBufferPool({ retain: RETAINED_BUFFERS, capacityBytes: this.blockSizeBytes });
    const slots =
      options.slots ??
      new UploadSlots({
        ...(options.putThreads === undefined ? {} : { threads: options.putThreads }),
        ...(options.putQueue === undefined ? {} : { queue: options.putQueue }),
      });
    this.#md5 = (data) => options.store.md5(data);
    this.#uploads = new BackgroundUploads(this.#table, slots, new BlockUploader(options));
    this.#downloads = new BlockDownloads({
      store: options.store,
      clock: options.clock ?? systemClock,
      heldBytes: HELD_BLOCKS * this.blockSizeBytes,
      prefetchThreads: PREFETCH_THREADS,
    });
  }

  /** Blocks of this manager that are queued for, or in, an upload thread. */
  get pending(): number {
    return this.#uploads.count;
  }

  /** The block of that id, whatever its state. */
  get(blockId: string): BufferBlock | undefined {
    return this.#table.get(blockId);
  }

  /** All blocks, oldest first. */
  list(): BufferBlock[] {
    return this.#table.list();
  }

  /**
   * A new WRITABLE block: `bufferblock0`, `bufferblock1`, … or the id given, which must be new and no locator (USAGE).
   * Never waits. Throws CLOSED after `stopThreads`.
   */
  allocBufferBlock(
    options: { blockId?: string; startingCapacity?: number; owner?: unknown; tag?: unknown } = {},
  ): BufferBlock {
    this.#uploads.assertOpen();
    const blockId = this.#table.newId(options.blockId);
    const block = new BufferBlock({
      blockId,
      pool: this.pool,
      blockSizeBytes: this.blockSizeBytes,
      ...(options.startingCapacity === undefined ? {} : { startingCapacityBytes: options.startingCapacity }),
      owner: options.owner,
      onChange: (changed) => this.#table.tell(changed),
    });
    block.tag = options.tag;
    this.#table.enter(block);
    return block;
  }

  /** A WRITABLE block with a copy of the bytes of `block`. STATE where those are gone. */
  dupBlock(block: BufferBlock, options: { blockId?: string; owner?: unknown } = {}): BufferBlock {
    this.#uploads.assertOpen();
    const copy = block.clone(this.#table.newId(options.blockId));
    copy.owner = options.owner;
    this.#table.enter(copy);
    return copy;
  }

  /**
   * Sends a WRITABLE or ERROR block on its way. Resolves when it is PENDING, which may take until one of four pending
   * blocks has ended; with `sync` when it is COMMITTED, and rejects with the error where it fails. A block that is
   * PENDING or COMMITTED already is left alone, and waited for with `sync`. A block without bytes is COMMITTED as the
   * empty block without a request. Throws STATE where the bytes are gone, CLOSED after `stopThreads`.
   */
  async commitBufferBlock(block: BufferBlock, options: { sync?: boolean } = {}): Promise<void> {
    await this.#uploads.start(block);
    if (options.sync === true) {
      await this.#uploads.whenEnded(block);
      if (block.error !== undefined) {
        throw block.error;
      }
    }
  }

  /** Resolves, never rejects, when no thread uses the block: its upload, well or badly, or its reservation has ended. */
  async whenIdle(block: BufferBlock): Promise<void> {
    await block.whenUnreserved();
    await this.#uploads.whenEnded(block);
  }

  /** Sends a failed block again. STATE unless it is in ERROR with its bytes. */
  async retry(block: BufferBlock): Promise<void> {
    if (block.state !== 'ERROR') {
      throw new StateChangeError(
        block.blockId,
        block.state,
        'PENDING',
        `Block ${block.blockId} did not fail`,
      );
    }
    await this.commitBufferBlock(block);
  }

  /**
   * Packs, sends everything that is not on its way, failed blocks of earlier calls included, and waits for all of it.
   * Then throws one AsyncKeepWriteErrors if any block is in ERROR. `only` leaves other blocks of a shared manager alone.
   */
  async commitAll(options: { only?: (block: BufferBlock) => boolean } = {}): Promise<void> {
    for (const pack of [...this.#packers]) {
      await pack();
    }
    const blocks = this.list().filter(options.only ?? (() => true));
    for (const block of blocks) {
      const unsent = (block.state === 'WRITABLE' && block.size() > 0) || block.state === 'ERROR';
      if (unsent && block.hasPayload) {
        await this.commitBufferBlock(block);
      }
    }
    await Promise.all(blocks.map((block) => this.#uploads.whenEnded(block)));
    const failures = blocks.flatMap((block) => this.#failureOf(block));
    if (failures.length > 0) {
      throw new AsyncKeepWriteErrors(failures);
    }
  }

  /** Has `pack` run at the start of each `commitAll`, in the order of registration. Returns how to end that. */
  addPacker(pack: () => Promise<void>): () => void {
    this.#packers.add(pack);
    return () => {
      this.#packers.delete(pack);
    };
  }

  /**
   * The bytes of a buffer block (a copy) or, by any locator, of a stored one: the latter may be shared with other
   * readers and must not be written to. NOT_FOUND where neither exists; other errors are the store's.
   */
  getBlock(locatorOrId: string, options?: { numRetries?: number; cacheOnly?: false }): Promise<Uint8Array>;
  getBlock(locatorOrId: string, options: GetBlockOptions): Promise<Uint8Array | undefined>;
  async getBlock(locatorOrId: string, options: GetBlockOptions = {}): Promise<Uint8Array | undefined> {
    const block = this.#table.get(locatorOrId);
    if (block !== undefined && block.state !== 'COMMITTED') {
      return Uint8Array.from(block.data());
    }
    const locator = block?.locator() ?? locatorOrId;
    if (options.cacheOnly === true) {
      return this.#downloads.held(locator);
    }
    return await this.#downloads.get(locator, options.numRetries ?? 0);
  }

  /** Begins to fetch a stored block for later; returns at once, and fetches nothing twice. A hint: failures pass. */
  blockPrefetch(locatorOrId: string): void {
    const block = this.#table.get(locatorOrId);
    if (block === undefined) {
      this.#downloads.prefetch(locatorOrId);
    } else if (block.state === 'COMMITTED') {
      this.#downloads.prefetch(block.locator());
    }
  }

  /**
   * Removes a block and frees its memory. STATE while it is PENDING: an upload thread reads it. Whoever reserved space
   * in it must have stopped writing there. An id that is not in the table is no error.
   */
  deleteBufferBlock(blockId: string): void {
    this.#table.delete(blockId);
  }

  /** Frees the memory of a failed block, which stays in the table. STATE unless it is in ERROR. */
  dropPayload(blockId: string): void {
    this.#table.existing(blockId).dropPayload();
  }

  /**
   * Has `fill` bring the bytes of a failed block again whose payload was dropped; afterwards `retry` works. Where the
   * bytes are not the same (by md5) the payload is dropped again and FILE_CHANGED thrown, as is whatever `fill` throws.
   */
  async refillPayload(blockId: string, fill: (view: Uint8Array) => Promise<void>): Promise<void> {
    const block = this.#table.existing(blockId);
    const view = block.refill();
    try {
      await fill(view);
      if (block.md5 !== undefined && (await this.#md5(view)) !== block.md5) {
        throw new KeepsyncError('FILE_CHANGED', `The bytes of block ${blockId} are no longer what they were`);
      }
    } catch (thrown) {
      block.dropPayload();
      throw thrown;
    }
  }

  /**
   * Stops and waits: nothing new is begun, fetches end at once, uploads run to their end or, with `abort`, are broken
   * off (their blocks go to ERROR with CANCELLED). Afterwards commits, allocations and fetches fail with CLOSED.
   * Blocks stay in the table, to be looked at or deleted.
   */
  async stopThreads(options: { abort?: boolean } = {}): Promise<void> {
    await Promise.all([this.#downloads.close(), this.#uploads.close(options.abort === true)]);
  }

  /** Removes every block that is not PENDING and frees its memory: the end of a manager, after `stopThreads`. */
  clear(): void {
    for (const block of this.list()) {
      if (block.state !== 'PENDING') {
        this.deleteBufferBlock(block.blockId);
      }
    }
  }

  #failureOf(block: BufferBlock): BlockFailure[] {
    if (block.error === undefined || !this.#table.has(block)) {
      return [];
    }
    const locator = block.md5 === undefined ? block.blockId : block.locator();
    return [{ locator, blockId: block.blockId, cause: block.error }];
  }
}
