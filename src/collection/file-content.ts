import type { FileBlocks } from './file-blocks.ts';
import { type BlockRange, locate, type Segment } from './segments.ts';

/** Blocks fetched ahead are looked for at the first and then at every 128th read, as in the Python SDK. */
const READS_PER_PREFETCH = 128;
/** How far ahead: two blocks' worth of bytes, in at most three pieces. */
const PREFETCH_BLOCKS = 2;
const PREFETCH_PIECES = 3;

/** Whether the `reads`-th read (from 1) should look ahead. */
export function isTimeToPrefetch(reads: number): boolean {
  return reads % READS_PER_PREFETCH === 1;
}

/** Begins to fetch the blocks that hold what comes `from` on, but for those that are being read anyway. */
export function prefetchFrom(
  blocks: FileBlocks,
  segments: readonly Segment[],
  from: number,
  reading: readonly BlockRange[],
): void {
  const ahead = locate(segments, from, PREFETCH_BLOCKS * blocks.blockSizeBytes).slice(0, PREFETCH_PIECES);
  const wanted = new Set(ahead.map((range) => range.locator));
  for (const { locator } of reading) {
    wanted.delete(locator);
  }
  for (const locator of wanted) {
    if (!blocks.isZeros(locator)) {
      blocks.manager.blockPrefetch(locator);
    }
  }
}

/**
 * The bytes of `ranges`, one after the other. Unless `exact`, fewer: it stops before a stored block, other than the
 * first, that would have to be fetched. A single stored range is given without a copy.
 */
export async function contentOf(
  blocks: FileBlocks,
  ranges: readonly BlockRange[],
  exact: boolean,
): Promise<Uint8Array> {
  const [only] = ranges;
  if (only !== undefined && ranges.length === 1) {
    return atHand(blocks, only) ?? cut(await blocks.manager.getBlock(storedLocator(blocks, only)), only);
  }
  const bytes = new Uint8Array(ranges.reduce((sum, range) => sum + range.length, 0));
  // Buffers are read first and at once: while a block is fetched they may be uploaded and released.
  const missing: Array<{ locator: string; range: BlockRange; at: number }> = [];
  let at = 0;
  for (const range of ranges) {
    const here = atHand(blocks, range);
    if (here === undefined) {
      missing.push({ locator: storedLocator(blocks, range), range, at });
    } else {
      bytes.set(here, at);
    }
    at += range.length;
  }
  for (const { locator, range, at: start } of missing) {
    const block = await blocks.manager.getBlock(locator, { cacheOnly: !exact && start > 0 });
    if (block === undefined) {
      return bytes.subarray(0, start);
    }
    bytes.set(cut(block, range), start);
  }
  return bytes;
}

/** A copy of bytes that are in a buffer, or known to be zeros. */
function atHand(blocks: FileBlocks, range: BlockRange): Uint8Array | undefined {
  if (blocks.isZeros(range.locator)) {
    return new Uint8Array(range.length);
  }
  const block = blocks.manager.get(range.locator);
  if (block === undefined || block.state === 'COMMITTED') {
    return undefined;
  }
  const bytes = new Uint8Array(range.length);
  block.copyTo(bytes, range.offset, range.length);
  return bytes;
}

/** The locator by which a stored range can be fetched, also after its buffer block has left the table. */
function storedLocator(blocks: FileBlocks, range: BlockRange): string {
  return blocks.manager.get(range.locator)?.locator() ?? range.locator;
}

function cut(block: Uint8Array, range: BlockRange): Uint8Array {
  return block.subarray(range.offset, range.offset + range.length);
}
