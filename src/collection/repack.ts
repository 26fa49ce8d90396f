import type { BlockManager } from '../blocks/block-manager.ts';
import type { BufferBlock } from '../blocks/buffer-block.ts';
import type { Move, Segment } from './segments.ts';

interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** What `files` use of the block `blockId`: each file's pieces in file order, the files as they come in the block. */
function extentsOf(blockId: string, files: ReadonlyArray<readonly Segment[]>): Extent[] {
  const perFile = files
    .map((segments) => segments.filter((segment) => segment.locator === blockId))
    .map((pieces) => ({
      pieces,
      first: pieces.reduce((least, piece) => Math.min(least, piece.offset), Number.POSITIVE_INFINITY),
    }));
  return perFile.sort((a, b) => a.first - b.first).flatMap(({ pieces }) => pieces);
}

/** The same bytes without overlaps, by offset. */
function united(extents: readonly Extent[]): Extent[] {
  const result: Extent[] = [];
  for (const extent of [...extents].sort((a, b) => a.offset - b.offset)) {
    const last = result.at(-1);
    const end = extent.offset + extent.length;
    if (last !== undefined && extent.offset <= last.offset + last.length) {
      const length = Math.max(last.length, end - last.offset);
      result[result.length - 1] = { offset: last.offset, length };
    } else {
      result.push({ offset: extent.offset, length: extent.length });
    }
  }
  return result;
}

/**
 * How the bytes of a WRITABLE block that `files` use are to be laid out anew: without what was overwritten and, where
 * each byte is used once, in file order, so that random writes make no fragmented manifest. Undefined where the block
 * is fine as it is; an empty list where nothing of it is used.
 */
export function repackPlan(
  block: BufferBlock,
  files: ReadonlyArray<readonly Segment[]>,
): readonly Extent[] | undefined {
  const extents = extentsOf(block.blockId, files);
  if (extents.length === 0) {
    return [];
  }
  const used = united(extents);
  const usedBytes = used.reduce((sum, extent) => sum + extent.length, 0);
  const mentionedBytes = extents.reduce((sum, extent) => sum + extent.length, 0);
  const inOrder = extents.every((extent, i) => i === 0 || (extents[i - 1]?.offset ?? 0) < extent.offset);
  if (usedBytes === block.size() && (inOrder || mentionedBytes > usedBytes)) {
    return undefined;
  }
  return mentionedBytes === usedBytes ? extents : used;
}

/** Copies the extents of `plan` into a new block and says what went where, by the old offsets. */
export function repackInto(
  manager: BlockManager,
  block: BufferBlock,
  plan: readonly Extent[],
): { readonly target: BufferBlock; readonly moves: readonly Move[] } {
  const data = block.data();
  const target = manager.allocBufferBlock({
    startingCapacity: plan.reduce((sum, extent) => sum + extent.length, 0),
    owner: block.owner,
    tag: block.tag,
  });
  const moves = plan.map(({ offset, length }) => ({
    offset,
    length,
    toLocator: target.blockId,
    toOffset: target.append(data.subarray(offset, offset + length)),
  }));
  return { target, moves: moves.sort((a, b) => a.offset - b.offset) };
}
