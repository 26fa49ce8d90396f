import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import { EMPTY_BLOCK } from './bare-locator.ts';
import type { BlockTable } from './block-table.ts';
import type { BlockUploader } from './block-uploader.ts';
import type { BufferBlock } from './buffer-block.ts';
import type { UploadSlots } from './upload-slots.ts';

/** Takes blocks of a table from WRITABLE or ERROR through PENDING to their end, within the slots there are. */
export class BackgroundUploads {
  readonly #table: BlockTable;
  readonly #slots: UploadSlots;
  readonly #uploader: BlockUploader;
  readonly #underWay = new Map<BufferBlock, Promise<void>>();
  readonly #closing = new AbortController();
  readonly #aborting = new AbortController();

  constructor(table: BlockTable, slots: UploadSlots, uploader: BlockUploader) {
    this.#table = table;
    this.#slots = slots;
    this.#uploader = uploader;
  }

  /** Blocks that are PENDING. */
  get count(): number {
    return this.#underWay.size;
  }

  /** Throws CLOSED after `close`. */
  assertOpen(): void {
    this.#closing.signal.throwIfAborted();
  }

  /** Resolves, never rejects, when the block is not PENDING (any more). */
  async whenEnded(block: BufferBlock): Promise<void> {
    await this.#underWay.get(block);
  }

  /** Resolves when the block is PENDING, or was already, or has no need to be. See BlockManager.commitBufferBlock. */
  async start(block: BufferBlock): Promise<void> {
    for (;;) {
      await block.whenUnreserved();
      if (!this.#mayStart(block)) {
        return;
      }
      this.assertOpen();
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
    this.#underWay.set(block, upload);
  }

  /** See BlockManager.stopThreads. */
  async close(abort: boolean): Promise<void> {
    this.#closing.abort(new KeepsyncError('CLOSED', 'The block manager was stopped'));
    if (abort) {
      this.#aborting.abort(new KeepsyncError('CANCELLED', 'The upload was broken off'));
    }
    await Promise.all(this.#underWay.values());
  }

  #mayStart(block: BufferBlock): boolean {
    return (block.state === 'WRITABLE' || block.state === 'ERROR') && this.#table.has(block);
  }

  /** The state moves before the slot is given back, so that never more than the limit are PENDING. */
  #ended(block: BufferBlock, move: () => void): void {
    this.#underWay.delete(block);
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
          this.#table.tell(block);
        }
      },
      lastError,
    );
  }
}
