import type { Clock } from '../base/clock.ts';
import { errorFromRecord, KeepsyncError } from '../base/errors.ts';
import { BlockManager } from '../blocks/block-manager.ts';
import type { SharedBufferPool } from '../blocks/shared-buffer-pool.ts';
import type { UploadSlots } from '../blocks/upload-slots.ts';
import type { BlockStore } from '../keep/ports.ts';
import type { StatusInput } from '../status/inputs.ts';
import type { BlockOwner, FillingBlock, UploadBlocks } from '../sync/upload-ports.ts';

interface DeskPorts {
  readonly publicId: string;
  readonly keep: BlockStore;
  readonly clock: Clock;
  readonly pool: SharedBufferPool;
  readonly slots: UploadSlots;
  readonly blockSizeBytes: number;
  readonly copies: number;
  readonly storageClasses: readonly string[];
  /** How long the cluster's signatures hold. */
  readonly signatureTtlMs: number;
  /** A valid signed locator for `md5+size`, if the journal has one. */
  readonly known: (md5AndSize: string) => Promise<string | undefined>;
  readonly tell: (input: StatusInput) => void;
  /** The first block begins to be filled. */
  readonly onFilling?: (() => void) | undefined;
}

/**
 * One folder's block manager: hands what happens to a block to the part of the uploader that owns it, and shows it to
 * people. Buffers and upload slots are shared by all folders.
 */
export class BlockDesk implements UploadBlocks {
  readonly #ports: DeskPorts;
  readonly #manager: BlockManager;
  #isFilling = false;

  constructor(ports: DeskPorts) {
    this.#ports = ports;
    this.#manager = new BlockManager({
      store: ports.keep,
      pool: ports.pool,
      slots: ports.slots,
      blockSizeBytes: ports.blockSizeBytes,
      copies: ports.copies,
      storageClasses: ports.storageClasses,
      clock: ports.clock,
      known: ports.known,
      acknowledge: async ({ blockId, locator, sizeBytes, reused }) => {
        await this.#ownerOf(blockId)?.acknowledged({
          locator,
          sizeBytes,
          reused,
          validForMs: this.#signatureHoldsMs(blockId),
        });
        this.#ports.tell({ type: reused ? 'reused' : 'sent', bytes: sizeBytes });
      },
    });
    this.#manager.events.on('block', (event) => {
      const owner = this.#ownerOf(event.blockId);
      if (owner === undefined) {
        return;
      }
      this.#ports.tell({
        type: 'block',
        block: {
          blockId: this.#publicBlockId(event.blockId),
          folderId: ports.publicId,
          state: event.state,
          sizeBytes: event.sizeBytes,
          capacityBytes: event.capacityBytes,
          locator: event.locator ?? null,
          attempts: event.attempts,
          server: event.server ?? null,
          error: event.error?.message ?? null,
          ...owner.describe(),
          sinceMs: this.#since(event.blockId, event.state),
        },
      });
      if (event.state === 'COMMITTED') {
        // The journal has it by now; the table of live blocks need not keep it.
        queueMicrotask(() => this.discard(event.blockId));
        owner.settled(undefined);
      } else if (event.state === 'ERROR') {
        this.#manager.dropPayload(event.blockId);
        owner.settled(event.error === undefined ? new Error('unknown') : errorFromRecord(event.error));
      }
    });
    this.#manager.events.on('removed', ({ blockId }) => {
      this.#sinceMs.delete(blockId);
      const owner = this.#owners.get(blockId);
      this.#owners.delete(blockId);
      // Whoever still waits for it hears that it will not come; after an end it had, this says nothing new.
      owner?.settled(new KeepsyncError('CLOSED', 'Stopped on the way'));
      this.#ports.tell({ type: 'block-removed', blockId: this.#publicBlockId(blockId) });
    });
  }

  readonly #sinceMs = new Map<string, { state: string; atMs: number }>();
  readonly #owners = new Map<string, BlockOwner>();

  allocate(owner: BlockOwner, startingCapacityBytes: number): FillingBlock {
    if (!this.#isFilling) {
      this.#isFilling = true;
      this.#ports.onFilling?.();
    }
    const block = this.#manager.allocBufferBlock({
      tag: owner,
      startingCapacity: Math.max(startingCapacityBytes, 1),
    });
    this.#owners.set(block.blockId, owner);
    return block;
  }

  async commit(block: FillingBlock): Promise<void> {
    const known = this.#manager.get(block.blockId);
    if (known !== undefined) {
      await this.#manager.commitBufferBlock(known);
    }
  }

  discard(blockId: string): void {
    const block = this.#manager.get(blockId);
    if (block !== undefined) {
      if (block.reserved) {
        block.advance(0);
      }
      this.#manager.deleteBufferBlock(blockId);
    }
  }

  /** Waits for uploads under way, or with `abort` breaks them off, and frees everything. */
  async close(options: { abort: boolean }): Promise<void> {
    await this.#manager.stopThreads(options);
    // The pool is everybody's: a buffer goes back only when the disk writes into it no more.
    await Promise.all(this.#manager.list().map((block) => block.whenUnreserved()));
    this.#manager.clear();
  }

  #ownerOf(blockId: string): BlockOwner | undefined {
    return this.#manager.get(blockId)?.tag as BlockOwner | undefined;
  }

  #publicBlockId(blockId: string): string {
    return `${this.#ports.publicId}/${blockId}`;
  }

  /**
   * How much longer the signature of a block that was sent holds at least, whatever the clocks say: it was made after
   * the block had been closed. Half of its life is taken off for a cluster that signs for less than it says.
   */
  #signatureHoldsMs(blockId: string): number {
    const { clock, signatureTtlMs } = this.#ports;
    const nowMs = clock.nowMs();
    const pending = this.#sinceMs.get(blockId);
    const sentSinceMs = pending?.state === 'PENDING' ? pending.atMs : nowMs;
    return Math.floor(signatureTtlMs / 2) - Math.max(0, nowMs - sentSinceMs);
  }

  #since(blockId: string, state: string): number {
    const before = this.#sinceMs.get(blockId);
    if (before?.state === state) {
      return before.atMs;
    }
    const atMs = this.#ports.clock.nowMs();
    this.#sinceMs.set(blockId, { state, atMs });
    return atMs;
  }
}
