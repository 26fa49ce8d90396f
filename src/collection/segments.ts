/** A piece of a block. */
export interface BlockRange {
  /** A Keep locator, or the id of a buffer block. */
  readonly locator: string;
  /** Where in the block the piece begins, in bytes. */
  readonly offset: number;
  /** Bytes; at least 1. */
  readonly length: number;
}

/** A piece of a file: which bytes of which block lie at `fileStart`. */
export interface Segment extends BlockRange {
  readonly fileStart: number;
}

/*
 * A file is a list of segments in file order, without gaps, starting at 0, none of them empty, neighbours merged where
 * they are contiguous in the same block. The functions here keep it so. Those that return a list leave the given one as
 * it is, so that a clone may share it.
 */

/** The file's size in bytes. */
export function sizeOf(segments: readonly Segment[]): number {
  const last = segments.at(-1);
  return last === undefined ? 0 : last.fileStart + last.length;
}

/** Appends a range in place, merging it with the last segment where it goes on from it; an empty one vanishes. */
export function pushRange(segments: Segment[], locator: string, offset: number, length: number): void {
  if (length <= 0) {
    return;
  }
  const last = segments.at(-1);
  if (last === undefined) {
    segments.push({ locator, fileStart: 0, length, offset });
  } else if (last.locator === locator && last.offset + last.length === offset) {
    segments[segments.length - 1] = { ...last, length: last.length + length };
  } else {
    segments.push({ locator, fileStart: last.fileStart + last.length, length, offset });
  }
}

/** The index of the segment that holds the byte at `position`; the number of segments at or past the end. */
function indexAt(segments: readonly Segment[], position: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const segment = segments[middle];
    if (segment !== undefined && segment.fileStart + segment.length <= position) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** The ranges that hold the file's bytes from `start`, at most `length` of them; fewer at the end of the file. */
export function locate(segments: readonly Segment[], start: number, length: number): BlockRange[] {
  const ranges: BlockRange[] = [];
  const end = start + length;
  for (let i = indexAt(segments, start); i < segments.length; i += 1) {
    const segment = segments[i];
    if (segment === undefined || segment.fileStart >= end) {
      break;
    }
    const from = Math.max(start, segment.fileStart);
    const to = Math.min(end, segment.fileStart + segment.length);
    if (to > from) {
      ranges.push({
        locator: segment.locator,
        offset: segment.offset + from - segment.fileStart,
        length: to - from,
      });
    }
  }
  return ranges;
}

/** The first `sizeBytes` of the file, or all of it where it is shorter. */
export function truncateTo(segments: readonly Segment[], sizeBytes: number): Segment[] {
  const end = indexAt(segments, sizeBytes);
  const kept = segments.slice(0, end);
  const cut = segments[end];
  if (cut !== undefined && sizeBytes > cut.fileStart) {
    kept.push({ ...cut, length: sizeBytes - cut.fileStart });
  }
  return kept;
}

/**
 * The file with `range` in place of what lies from `start` on, over the range's length; it grows where the range goes
 * past its end. `start` is at most the file's size (RangeError).
 */
export function replaceRange(segments: readonly Segment[], start: number, range: BlockRange): Segment[] {
  const size = sizeOf(segments);
  if (start > size) {
    throw new RangeError(`a range cannot begin at ${start} of a file of ${size} bytes`);
  }
  const result = truncateTo(segments, start);
  pushRange(result, range.locator, range.offset, range.length);
  const end = start + range.length;
  if (end >= size) {
    return result;
  }
  const first = indexAt(segments, end);
  const cut = segments[first];
  if (cut !== undefined) {
    const skipped = end - cut.fileStart;
    pushRange(result, cut.locator, cut.offset + skipped, cut.length - skipped);
  }
  for (let i = first + 1; i < segments.length; i += 1) {
    const segment = segments[i];
    if (segment !== undefined) {
      result.push(segment);
    }
  }
  return result;
}

/** Where a piece of one block has gone. */
export interface Move {
  readonly offset: number;
  readonly length: number;
  readonly toLocator: string;
  readonly toOffset: number;
}

/** The same bytes after pieces of the block `locator` have moved: `moves` in the order of their offsets, no gaps used. */
export function movedTo(segments: readonly Segment[], locator: string, moves: readonly Move[]): Segment[] {
  const result: Segment[] = [];
  for (const segment of segments) {
    if (segment.locator !== locator) {
      pushRange(result, segment.locator, segment.offset, segment.length);
      continue;
    }
    let offset = segment.offset;
    const end = segment.offset + segment.length;
    for (const move of moves) {
      if (move.offset <= offset && offset < move.offset + move.length) {
        const length = Math.min(end, move.offset + move.length) - offset;
        pushRange(result, move.toLocator, move.toOffset + offset - move.offset, length);
        offset += length;
      }
    }
    if (offset < end) {
      throw new RangeError(`bytes ${offset} to ${end} of ${locator} have gone nowhere`);
    }
  }
  return result;
}
