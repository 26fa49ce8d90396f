import { KeepsyncError } from '../base/errors.ts';
import type { BufferBlock } from '../blocks/buffer-block.ts';
import { STARTING_CAPACITY_BYTES } from '../blocks/buffer-block.ts';
import { contentOf, isTimeToPrefetch, prefetchFrom } from './file-content.ts';
import type { ContextFile, FileContext } from './file-context.ts';
import {
  type BlockRange,
  locate,
  pushRange,
  replaceRange,
  type Segment,
  sizeOf,
  truncateTo,
} from './segments.ts';
import { eachRange, type StreamBlocks, streamBlocks } from './stream-ranges.ts';
import { ZERO_BLOCK } from './zero-block.ts';

/** A full block is repacked and filled again only if that frees so much of it, else the copying costs more than it wins. */
const WORTH_REPACKING = 1 / 16;

export interface ArvadosFileOptions {
  /** What the file holds: kept, not copied. */
  readonly segments?: Segment[];
  /** A still picture for a reader; see BlockUser. */
  readonly snapshot?: boolean;
}

/**
 * A file in a collection: a sequence of segments over blocks, with random reads and writes. A write never changes a
 * block: it appends to one and puts a segment in place of what it covers. Writes are cut to fill blocks.
 *
 * One call at a time: calls that overlap are safe, but their pieces may interleave. SynchronizedArvadosFile runs them one
 * after the other. After `remove` every call fails with CLOSED.
 */
export class ArvadosFile implements ContextFile {
  readonly snapshot: boolean;
  readonly #context: FileContext;
  #segments: Segment[];
  /** Whether #segments is ours alone, so that it may be appended to in place. */
  #owned: boolean;
  #tail: BufferBlock | undefined;
  #writers = 0;
  #modified = false;
  #removed = false;
  #reads = 0;

  constructor(context: FileContext, options: ArvadosFileOptions = {}) {
    this.#context = context;
    this.#segments = options.segments ?? [];
    this.#owned = options.segments === undefined;
    this.snapshot = options.snapshot === true;
  }

  /** Bytes. */
  size(): number {
    return sizeOf(this.#segments);
  }

  /** Its segments now; later changes do not reach into the list. */
  segments(): readonly Segment[] {
    this.#owned = false;
    return this.#segments;
  }

  /** Whether it changed since it was made or `setUnmodified` was called. */
  get modified(): boolean {
    return this.#modified;
  }

  /** It is saved as it is now. */
  setUnmodified(): void {
    this.#modified = false;
    this.#context.modified.delete(this);
  }

  /** Whether nobody has it open for writing. */
  get closed(): boolean {
    return this.#writers === 0;
  }

  /** Whether each of its bytes is in Keep, so that its segments name Keep blocks only. */
  get stored(): boolean {
    return !this.#segments.some((segment) => this.#context.blocks.isUnstored(segment.locator));
  }

  /** Says that one more writer has it open; `close` takes that back. */
  open(): void {
    this.#assertUsable();
    this.#writers += 1;
  }

  /**
   * Writes all of `data` at `offset`; a gap before it reads as zeros. Waits while the upload queue is full and a block
   * has to go; `data` must stay as it is until then. Resolves to the number of bytes.
   */
  async writeTo(offset: number, data: Uint8Array): Promise<number> {
    assertPosition(offset);
    this.#assertUsable();
    let done = 0;
    while (done < data.length) {
      const tail = this.#tailFor(data.length - done);
      const obstacle = this.#obstacle(tail);
      if (obstacle !== undefined) {
        await obstacle;
        continue;
      }
      const position = offset + done;
      if (position > this.size()) {
        this.truncate(position);
      }
      const piece = data.subarray(done, done + tail.roomBytes);
      this.#put(position, { locator: tail.blockId, offset: tail.append(piece), length: piece.length });
      done += piece.length;
    }
    return data.length;
  }

  /**
   * Appends `n` bytes that `fill` writes straight into blocks, in pieces that fill each block; it resolves to how many
   * it wrote. Fewer than asked end the append. Full blocks are sent at once. Resolves to the bytes appended; an error of
   * `fill` passes through, and what was appended before stays.
   */
  async appendReserved(n: number, fill: (view: Uint8Array) => Promise<number>): Promise<number> {
    assertPosition(n);
    let done = 0;
    while (done < n) {
      const tail = this.#tailFor(n - done);
      const obstacle = this.#obstacle(tail);
      if (obstacle !== undefined) {
        await obstacle;
        continue;
      }
      const view = tail.reserve(Math.min(tail.roomBytes, n - done));
      const filled = await this.#fill(tail, view, fill);
      done += filled;
      if (tail.roomBytes === 0) {
        await this.#makeRoom(tail);
      }
      if (filled < view.length) {
        break;
      }
    }
    return done;
  }

  /**
   * At most `size` bytes from `offset`: fewer only at the end of the file or, unless `exact` (the default), before a
   * block that would have to be fetched. The bytes may be shared with other readers and must not be written to.
   */
  async readFrom(offset: number, size: number, options: { exact?: boolean } = {}): Promise<Uint8Array> {
    this.#assertUsable();
    assertPosition(offset);
    assertPosition(size);
    const ranges = locate(this.#segments, offset, size);
    const { blocks } = this.#context;
    this.#reads += 1;
    if (isTimeToPrefetch(this.#reads)) {
      prefetchFrom(blocks, this.#segments, offset + size, ranges);
    }
    return await contentOf(blocks, ranges, options.exact ?? true);
  }

  /** Makes the file `sizeBytes` long: cuts it, or lets it go on with zeros. */
  truncate(sizeBytes: number): void {
    this.#assertUsable();
    assertPosition(sizeBytes);
    const size = this.size();
    if (sizeBytes === size) {
      return;
    }
    if (sizeBytes < size) {
      this.#set(truncateTo(this.#segments, sizeBytes));
      return;
    }
    const segments = [...this.#segments];
    const { blocks } = this.#context;
    for (let missing = sizeBytes - size; missing > 0; ) {
      const last = segments.at(-1);
      const used = last?.locator === ZERO_BLOCK ? last.offset + last.length : 0;
      const offset = used === blocks.blockSizeBytes ? 0 : used;
      const length = Math.min(missing, blocks.blockSizeBytes - offset);
      pushRange(segments, ZERO_BLOCK, offset, length);
      missing -= length;
    }
    blocks.use(ZERO_BLOCK, this);
    this.#set(segments);
  }

  /** Appends `sizeBytes` bytes at `position` of a stream of stored blocks. USAGE where the stream ends before. */
  addSegment(blocks: readonly string[] | StreamBlocks, position: number, sizeBytes: number): void {
    this.#assertUsable();
    const stream = 'locators' in blocks ? blocks : streamBlocks(blocks);
    if (sizeBytes > 0 && !(position >= 0 && position + sizeBytes <= (stream.starts.at(-1) ?? 0))) {
      throw new KeepsyncError('USAGE', `The stream ends before ${position} + ${sizeBytes} bytes`);
    }
    if (!this.#owned) {
      this.#segments = [...this.#segments];
      this.#owned = true;
    }
    eachRange(stream, position, sizeBytes, (locator, offset, length) => {
      pushRange(this.#segments, locator, offset, length);
    });
    this.#touch();
  }

  /**
   * A file with the same bytes that goes its own way from here. Blocks are shared, those in buffers too, so it costs
   * nothing. A `snapshot` is read only and has to be given up with `remove`.
   */
  clone(options: { snapshot?: boolean } = {}): ArvadosFile {
    this.#assertUsable();
    this.#owned = false;
    const copy = new ArvadosFile(this.#context, {
      segments: this.#segments,
      snapshot: options.snapshot === true,
    });
    this.#context.blocks.useAll(copy);
    return copy;
  }

  /**
   * Sends what the file has in its own unfilled block. With `sync` (the default) everything else that it has in buffers
   * too, waits for all of it and puts signed locators in; throws one AsyncKeepWriteErrors for what failed. Without, it
   * waits only while the upload queue is full.
   */
  async flush(options: { sync?: boolean } = {}): Promise<void> {
    this.#assertUsable();
    const { blocks, manager, packer } = this.#context;
    packer.forget(this);
    await this.#tail?.whenUnreserved();
    const tail = this.tail();
    this.dropTail();
    const ready = tail && blocks.repacked(tail);
    if (ready !== undefined) {
      await manager.commitBufferBlock(ready);
    }
    if (options.sync !== false) {
      blocks.materialiseZeros();
      const unsent = blocks.liveBlocks([this]).flatMap((block) => {
        const repacked = block.state === 'WRITABLE' && !block.reserved ? blocks.repacked(block) : block;
        return repacked ?? [];
      });
      await blocks.commit(unsent);
    }
  }

  /**
   * One writer less. With `flush` (the default) as `flush`; without, the end of the file may share a block with those of
   * other closed files, and is sent when that is full or by `commitAll`.
   */
  async close(options: { flush?: boolean } = {}): Promise<void> {
    this.#writers = Math.max(0, this.#writers - 1);
    if (this.#removed) {
      return;
    }
    if (options.flush !== false) {
      await this.flush();
    } else if (this.closed) {
      await this.#context.packer.add(this);
    }
  }

  /** The file is no longer in its collection, or a snapshot no longer read: buffers that only it used are freed. */
  remove(): void {
    if (this.#removed) {
      return;
    }
    const tail = this.#tail;
    this.#context.packer.forget(this);
    this.dropTail();
    this.setUnmodified();
    this.#removed = true;
    this.#context.blocks.leaveAll(this);
    this.#segments = [];
    if (tail !== undefined) {
      this.#context.blocks.freeIfUnused(tail.blockId);
    }
  }

  tail(): BufferBlock | undefined {
    const tail = this.#tail;
    const writable = tail?.state === 'WRITABLE' && this.#context.manager.get(tail.blockId) === tail;
    return writable ? tail : undefined;
  }

  dropTail(): void {
    this.#tail = undefined;
    this.#context.tails.delete(this);
  }

  moveSegments(segments: Segment[]): void {
    this.#segments = segments;
    this.#owned = true;
  }

  /** The block that the next bytes go into, a new one if need be. At once: nothing can happen in between. */
  #tailFor(wantedBytes: number): BufferBlock {
    this.#assertUsable();
    this.#context.packer.forget(this);
    const tail = this.tail();
    if (tail !== undefined) {
      return tail;
    }
    const { manager, tails } = this.#context;
    const startingCapacity = Math.min(Math.max(wantedBytes, STARTING_CAPACITY_BYTES), manager.blockSizeBytes);
    const fresh = manager.allocBufferBlock({ startingCapacity, owner: this });
    this.#tail = fresh;
    tails.add(this);
    return fresh;
  }

  /** What has to be waited for before anything can be appended to the block; undefined: nothing. */
  #obstacle(tail: BufferBlock): Promise<void> | undefined {
    if (tail.reserved) {
      return tail.whenUnreserved();
    }
    return tail.roomBytes === 0 ? this.#makeRoom(tail) : undefined;
  }

  /** Sends a full block, unless dropping what was overwritten makes enough room in it. */
  async #makeRoom(tail: BufferBlock): Promise<void> {
    const ready = this.#context.blocks.repacked(tail);
    this.dropTail();
    if (ready === undefined) {
      return;
    }
    if (ready.roomBytes > 0 && ready.roomBytes >= ready.blockSizeBytes * WORTH_REPACKING) {
      this.#tail = ready;
      this.#context.tails.add(this);
      return;
    }
    await this.#context.manager.commitBufferBlock(ready);
  }

  /** Ends the reservation and takes the bytes into the file at one stroke, so that nobody sees one without the other. */
  async #fill(
    tail: BufferBlock,
    view: Uint8Array,
    fill: (view: Uint8Array) => Promise<number>,
  ): Promise<number> {
    let filled = 0;
    try {
      const claimed = await fill(view);
      if (!Number.isInteger(claimed) || claimed < 0 || claimed > view.length) {
        throw new KeepsyncError('USAGE', `${claimed} bytes cannot have been read into ${view.length}`);
      }
      filled = claimed;
    } finally {
      const offset = tail.size();
      tail.advance(filled);
      if (this.#removed) {
        this.#context.blocks.freeIfUnused(tail.blockId);
      } else {
        this.#put(this.size(), { locator: tail.blockId, offset, length: filled });
      }
    }
    this.#assertUsable();
    return filled;
  }

  #put(position: number, range: BlockRange): void {
    if (range.length > 0) {
      this.#context.blocks.use(range.locator, this);
      this.#set(replaceRange(this.#segments, position, range));
    }
  }

  #set(segments: Segment[]): void {
    this.moveSegments(segments);
    this.#touch();
  }

  #touch(): void {
    if (!this.#modified && !this.snapshot) {
      this.#modified = true;
      this.#context.modified.add(this);
    }
  }

  #assertUsable(): void {
    if (this.#removed) {
      throw new KeepsyncError('CLOSED', 'The file was removed from its collection');
    }
  }
}

function assertPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) {
    throw new KeepsyncError('USAGE', `No place in a file: ${position}`);
  }
}
