import { type Clock, systemClock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import { asKeepsyncError, type ErrorRecord, errorToRecord, KeepsyncError } from '../base/errors.ts';
import type { BlockStore } from '../keep/ports.ts';
import { AsyncKeepWriteErrors, type BlockFailure } from './async-keep-write-errors.ts';
import { bareLocator, EMPTY_BLOCK } from './bare-locator.ts';
import { BlockDownloads } from './block-downloads.ts';
import { type BlockState, StateChangeError } from './block-state.ts';
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
  readonly store: Pick<BlockStore, 'md5' | 'put' | 'get'>;
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
  readonly events = new Emitter<BlockManagerEvents>();
  readonly blockSizeBytes: number;
  readonly pool: SharedBufferPool;
  readonly #slots: UploadSlots;
  readonly #md5: BlockStore['md5'];
  readonly #uploader: BlockUploader;
  readonly #downloads: BlockDownloads;
  readonly #blocks = new Map<string, BufferBlock>();
  readonly #uploads = new Map<BufferBlock, Promise<void>>();
  readonly #packers = new Set<() => Promise<void>>();
  readonly #closing = new AbortController();
  readonly #aborting = new AbortController();
  #nextId = 0;

  constructor(options: BlockManagerOptions) {
    this.blockSizeBytes = options.blockSizeBytes ?? KEEP_BLOCK_SIZE_BYTES;
    this.pool =
      options.pool ?? new SharedBufferPool({ retain: RETAINED_BUFFERS, capacityBytes: this.blockSizeBytes });
    this.#slots =
      options.slots ??
      new UploadSlots({
        ...(options.putThreads === undefined ? {} : { threads: options.putThreads }),
        ...(options.putQueue === undefined ? {} : { queue: options.putQueue }),
      });
    this.#md5 = (data) => options.store.md5(data);
    this.#uploader = new BlockUploader(options);
    this.#downloads = new BlockDownloads({
      store: options.store,
      clock: options.clock ?? systemClock,
      heldBytes: HELD_BLOCKS * this.blockSizeBytes,
      prefetchThreads: PREFETCH_THREADS,
    });
  }

  /** Blocks of this manager that are queued for, or in, an upload thread. */
  get pending(): number {
    return this.#uploads.size;
  }

  /** The block of that id, whatever its state. */
  get(blockId: string): BufferBlock | undefined {
    return this.#blocks.get(blockId);
  }

  /** All blocks, oldest first. */
  list(): BufferBlock[] {
    return [...this.#blocks.values()];
  }

  /**
   * A new WRITABLE block: `bufferblock0`, `bufferblock1`, … or the id given, which must be new and no locator (USAGE).
   * Never waits. Throws CLOSED after `stopThreads`.
   */
  allocBufferBlock(
    options: { blockId?: string; startingCapacity?: number; owner?: unknown; tag?: unknown } = {},
  ): BufferBlock {
    this.#assertOpen();
    const blockId = this.#newId(options.blockId);
    const block = new BufferBlock({
      blockId,
      pool: this.pool,
      blockSizeBytes: this.blockSizeBytes,
      ...(options.startingCapacity === undefined ? {} : { startingCapacityBytes: options.startingCapacity }),
      owner: options.owner,
      onChange: (changed) => this.#tell(changed),
    });
    block.tag = options.tag;
    this.#enter(block);
    return block;
  }

  /** A WRITABLE block with a copy of the bytes of `block`. STATE where those are gone. */
  dupBlock(block: BufferBlock, options: { blockId?: string; owner?: unknown } = {}): BufferBlock {
    this.#assertOpen();
    const copy = block.clone(this.#newId(options.blockId));
    copy.owner = options.owner;
    this.#enter(copy);
    return copy;
  }

  /**
   * Sends a WRITABLE or ERROR block on its way. Resolves when it is PENDING, which may take until one of four pending
   * blocks has ended; with `sync` when it is COMMITTED, and rejects with the error where it fails. A block that is
   * PENDING or COMMITTED already is left alone, and waited for with `sync`. A block without bytes is COMMITTED as the
   * empty block without a request. Throws STATE where the bytes are gone, CLOSED after `stopThreads`.
   */
  async commitBufferBlock(block: BufferBlock, options: { sync?: boolean } = {}): Promise<void> {
    await this.#start(block);
    if (options.sync === true) {
      await this.#uploads.get(block);
      if (block.error !== undefined) {
        throw block.error;
      }
    }
  }

  /** Resolves, never rejects, when no thread uses the block: its upload, well or badly, or its reservation has ended. */
  async whenIdle(block: BufferBlock): Promise<void> {
    await block.whenUnreserved();
    await this.#uploads.get(block);
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
    await Promise.all(blocks.map((block) => this.#uploads.get(block)));
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
    const block = this.#blocks.get(locatorOrId);
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
    const block = this.#blocks.get(locatorOrId);
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

  /** Frees the memory of a failed block, which stays in the table. STATE unless it is in ERROR. */
  dropPayload(blockId: string): void {
    this.#existing(blockId).dropPayload();
  }

  /**
   * Has `fill` bring the bytes of a failed block again whose payload was dropped; afterwards `retry` works. Where the
   * bytes are not the same (by md5) the payload is dropped again and FILE_CHANGED thrown, as is whatever `fill` throws.
   */
  async refillPayload(blockId: string, fill: (view: Uint8Array) => Promise<void>): Promise<void> {
    const block = this.#existing(blockId);
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
    this.#closing.abort(new KeepsyncError('CLOSED', 'The block manager was stopped'));
    if (options.abort === true) {
      this.#aborting.abort(new KeepsyncError('CANCELLED', 'The upload was broken off'));
    }
    await Promise.all([this.#downloads.close(), ...this.#uploads.values()]);
  }

  /** Removes every block that is not PENDING and frees its memory: the end of a manager, after `stopThreads`. */
  clear(): void {
    for (const block of this.list()) {
      if (block.state !== 'PENDING') {
        this.deleteBufferBlock(block.blockId);
      }
    }
  }

  async #start(block: BufferBlock): Promise<void> {
    for (;;) {
      await block.whenUnreserved();
      if (!this.#mayStart(block)) {
        return;
      }
      this.#assertOpen();
      await this.#slots.take(this.#closing.signal);
      // Waiting takes time: somebody may have sent it, removed it or begun to read into it.
      if (!block.reserved) {
        break;
      }
      this.#slots.release();
    }
    if (!this.#mayStart(block)) {
      this.#slots.release();
      return;
    }
    const lastError = block.error;
    try {
      block.toPending();
    } catch (thrown) {
      this.#slots.release();
      throw thrown;
    }
    const upload = this.#slots
      .run(() => this.#upload(block, lastError))
      .then((locator) => this.#ended(block, () => block.toCommitted(locator)))
      .catch((thrown) => this.#ended(block, () => block.toError(asKeepsyncError(thrown))));
    this.#uploads.set(block, upload);
  }

  #mayStart(block: BufferBlock): boolean {
    const unsent = block.state === 'WRITABLE' || block.state === 'ERROR';
    return unsent && this.#blocks.get(block.blockId) === block;
  }

  /** The state moves before the slot is given back, so that never more than the limit are PENDING. */
  #ended(block: BufferBlock, move: () => void): void {
    this.#uploads.delete(block);
    move();
    this.#slots.release();
  }

  async #upload(block: BufferBlock, lastError: KeepsyncError | undefined): Promise<string> {
    if (block.size() === 0) {
      return EMPTY_BLOCK;
    }
    const earlierRounds = block.attempts;
    return await this.#uploader.upload(
      block,
      this.#aborting.signal,
      ({ outcome, round, server }) => {
        if (outcome === 'started') {
          block.attempts = earlierRounds + round;
          block.server = server;
          this.#tell(block);
        }
      },
      lastError,
    );
  }

  #failureOf(block: BufferBlock): BlockFailure[] {
    if (block.error === undefined || this.#blocks.get(block.blockId) !== block) {
      return [];
    }
    const locator = block.md5 === undefined ? block.blockId : block.locator();
    return [{ locator, blockId: block.blockId, cause: block.error }];
  }

  #newId(wanted: string | undefined): string {
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

  #enter(block: BufferBlock): void {
    this.#blocks.set(block.blockId, block);
    this.#tell(block);
  }

  #existing(blockId: string): BufferBlock {
    const block = this.#blocks.get(blockId);
    if (block === undefined) {
      throw new KeepsyncError('NOT_FOUND', `No block is called ${blockId}`);
    }
    return block;
  }

  #assertOpen(): void {
    this.#closing.signal.throwIfAborted();
  }

  #tell(block: BufferBlock): void {
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
