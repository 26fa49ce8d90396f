import { parseLocator } from '../keep/locator.ts';
import type { ManifestStream } from './manifest-scan.ts';
import type { BlockRange } from './segments.ts';

/** Blocks laid end to end: their locators, where each begins, and, last, the length of all. */
export type StreamBlocks = Pick<ManifestStream, 'locators' | 'starts'>;

/** Stored blocks as a stream. Throws REFUSED for what is no locator. */
export function streamBlocks(locators: readonly string[]): StreamBlocks {
  const starts = [0];
  let length = 0;
  for (const locator of locators) {
    length += parseLocator(locator).sizeBytes;
    starts.push(length);
  }
  return { locators, starts };
}

/** Calls `take` for each block range that `sizeBytes` bytes at `position` of the stream lie in, in order. */
export function eachRange(
  stream: StreamBlocks,
  position: number,
  sizeBytes: number,
  take: (locator: string, offset: number, length: number) => void,
): void {
  const { locators, starts } = stream;
  const end = position + sizeBytes;
  let low = 0;
  let high = locators.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((starts[middle] ?? 0) <= position) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  let from = position;
  for (let i = low; i < locators.length && from < end; i += 1) {
    const blockStart = starts[i] ?? 0;
    const to = Math.min(end, starts[i + 1] ?? 0);
    if (to > from) {
      take(locators[i] ?? '', from - blockStart, to - from);
      from = to;
    }
  }
}

/** The block ranges of several pieces of a stream, one after the other. */
export function streamRanges(
  stream: StreamBlocks,
  pieces: ReadonlyArray<{ readonly position: number; readonly sizeBytes: number }>,
): BlockRange[] {
  const ranges: BlockRange[] = [];
  for (const { position, sizeBytes } of pieces) {
    eachRange(stream, position, sizeBytes, (locator, offset, length) =>
      ranges.push({ locator, offset, length }),
    );
  }
  return ranges;
}
