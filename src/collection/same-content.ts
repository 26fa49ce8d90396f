import { stripLocator } from '../keep/locator.ts';
import type { BlockRange } from './segments.ts';

/**
 * Whether two files are known to hold the same bytes: the same ranges of the same blocks, however they are cut and
 * whoever signed them. False means "not by their blocks": equal bytes in different blocks are not seen here.
 */
export function sameContent(left: readonly BlockRange[], right: readonly BlockRange[]): boolean {
  const a = filled(left);
  const b = filled(right);
  let i = 0;
  let j = 0;
  let usedA = 0;
  let usedB = 0;
  for (;;) {
    const rangeA = a[i];
    const rangeB = b[j];
    if (rangeA === undefined || rangeB === undefined) {
      return rangeA === undefined && rangeB === undefined;
    }
    if (rangeA.offset + usedA !== rangeB.offset + usedB || !sameBlock(rangeA.locator, rangeB.locator)) {
      return false;
    }
    const length = Math.min(rangeA.length - usedA, rangeB.length - usedB);
    usedA += length;
    usedB += length;
    if (usedA === rangeA.length) {
      i += 1;
      usedA = 0;
    }
    if (usedB === rangeB.length) {
      j += 1;
      usedB = 0;
    }
  }
}

function filled(ranges: readonly BlockRange[]): readonly BlockRange[] {
  return ranges.some((range) => range.length === 0) ? ranges.filter((range) => range.length > 0) : ranges;
}

function sameBlock(left: string, right: string): boolean {
  return left === right || stripLocator(left) === stripLocator(right);
}
