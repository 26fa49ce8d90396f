import type { BlockManager } from '../blocks/block-manager.ts';
import { FileReader } from './file-reader.ts';
import { type BlockRange, locate, pushRange, type Segment, sizeOf } from './segments.ts';
import { type StreamBlocks, streamRanges } from './stream-ranges.ts';

/** Pieces fetched ahead of the one that is read. */
const PREFETCH_PIECES = 2;

/** What the reader needs of a BlockManager. */
export type BlockSource = Pick<BlockManager, 'getBlock' | 'blockPrefetch'>;

/** Reads a file of an existing manifest, without a collection around it, and fetches ahead. Nothing to close but itself. */
export class StreamFileReader extends FileReader {
  readonly #source: BlockSource;
  readonly #segments: readonly Segment[];
  #prefetchedTo = 0;

  constructor(source: BlockSource, name: string, ranges: Iterable<BlockRange>) {
    super(name);
    this.#source = source;
    const segments: Segment[] = [];
    for (const { locator, offset, length } of ranges) {
      pushRange(segments, locator, offset, length);
    }
    this.#segments = segments;
  }

  /** The file that lies in `pieces` of a stream: the blocks of a line, and the tokens of its name in their order. */
  static ofStream(
    source: BlockSource,
    name: string,
    stream: StreamBlocks,
    pieces: ReadonlyArray<{ readonly position: number; readonly sizeBytes: number }>,
  ): StreamFileReader {
    return new StreamFileReader(source, name, streamRanges(stream, pieces));
  }

  override size(): number {
    return sizeOf(this.#segments);
  }

  override close(): void {
    this.endReading();
  }

  protected override async readAt(offset: number, size: number, exact: boolean): Promise<Uint8Array> {
    const ranges = locate(this.#segments, offset, size);
    const [first, ...rest] = ranges;
    if (first === undefined) {
      return new Uint8Array(0);
    }
    this.#prefetch(offset + size);
    const pieces = [cut(await this.#source.getBlock(first.locator), first)];
    for (const range of rest) {
      const block = await this.#source.getBlock(range.locator, { cacheOnly: !exact });
      if (block === undefined) {
        break;
      }
      pieces.push(cut(block, range));
    }
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  }

  /** Once for each piece that is entered, not for each read. */
  #prefetch(from: number): void {
    const size = this.size();
    if (from < this.#prefetchedTo || from >= size) {
      return;
    }
    const ahead = locate(this.#segments, from, size - from).slice(0, PREFETCH_PIECES);
    for (const { locator } of ahead) {
      this.#source.blockPrefetch(locator);
    }
    this.#prefetchedTo = from + (ahead[0]?.length ?? 0);
  }
}

function cut(block: Uint8Array, range: BlockRange): Uint8Array {
  return block.subarray(range.offset, range.offset + range.length);
}
