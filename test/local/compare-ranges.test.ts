import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { compareRanges } from '../../src/local/compare-ranges.ts';
import type { ComparedRange, RangeVerdict } from '../../src/local/ports.ts';
import { stampOf } from '../../src/local/sync-disk.ts';
import { SimDisk } from '../support/sim-disk.ts';

const BLOCK = 'alphabetagamma';

const newDisk = () => {
  const disk = new SimDisk({ nowMs: () => 5_000 });
  disk.write('/a', 'alpha');
  disk.write('/b', 'beta');
  disk.write('/g', 'gamma');
  return disk;
};

function range(
  disk: SimDisk,
  path: string,
  offset: number,
  position = 0,
  lengthBytes?: number,
): ComparedRange {
  const stat = disk.stat(path);
  if (stat === undefined) {
    throw new Error(`there is no ${path}`);
  }
  const length = lengthBytes ?? Number(stat.size) - position;
  return { diskPath: path, stamp: stampOf(stat), position, offset, lengthBytes: length };
}

const outcomes = (verdicts: readonly RangeVerdict[]) => verdicts.map(({ outcome }) => outcome);
const md5 = createHash('md5').update(BLOCK).digest('hex');

function compare(disk: SimDisk, ranges: readonly ComparedRange[], bytes?: string) {
  return compareRanges(disk, {
    ranges,
    md5,
    sizeBytes: BLOCK.length,
    ...(bytes === undefined ? {} : { bytes: Buffer.from(bytes) }),
  });
}

describe('comparing files with a block', () => {
  it('needs its md5 alone where they cover it, and gives their digests', () => {
    const disk = newDisk();
    const verdicts = compare(disk, [range(disk, '/a', 0), range(disk, '/b', 5), range(disk, '/g', 9)]);
    const digest = createHash('sha256').update('beta').digest('hex').slice(0, 32);
    expect(outcomes(verdicts)).toEqual(['equal', 'equal', 'equal']);
    expect(verdicts[1]).toEqual({ outcome: 'equal', digest });
  });

  it('reads nothing where they leave a hole, at the start, the end or between', () => {
    const disk = newDisk();
    const [a, b, g] = [range(disk, '/a', 0), range(disk, '/b', 5), range(disk, '/g', 9)];
    for (const some of [[a, b], [a, g], [b, g], []]) {
      expect(outcomes(compare(disk, some))).toEqual(some.map(() => 'unknown'));
    }
    expect(disk.callsOf('read')).toBe(0);
  });

  it('says nothing of any by the md5 where one differs, and of each by the bytes', () => {
    const disk = newDisk();
    disk.write('/b', 'BETA');
    const ranges = [range(disk, '/a', 0), range(disk, '/b', 5), range(disk, '/g', 9)];
    expect(outcomes(compare(disk, ranges))).toEqual(['unknown', 'unknown', 'unknown']);
    expect(outcomes(compare(disk, ranges, BLOCK))).toEqual(['equal', 'differs', 'equal']);
  });

  it('knows a copy at the same place by the other one, and one that is not equal', () => {
    const disk = newDisk();
    disk.write('/copy', 'beta');
    disk.write('/not', 'BETA');
    const ranges = [
      range(disk, '/a', 0),
      range(disk, '/b', 5),
      range(disk, '/copy', 5),
      range(disk, '/not', 5),
      range(disk, '/g', 9),
    ];
    expect(outcomes(compare(disk, ranges))).toEqual(['equal', 'equal', 'equal', 'differs', 'equal']);
  });

  it('leaves open what overlaps in another way', () => {
    const disk = newDisk();
    disk.write('/part', 'et');
    const ranges = [
      range(disk, '/a', 0),
      range(disk, '/b', 5),
      range(disk, '/part', 6),
      range(disk, '/g', 9),
    ];
    expect(outcomes(compare(disk, ranges))).toEqual(['equal', 'equal', 'unknown', 'equal']);
    expect(outcomes(compare(disk, ranges, BLOCK))).toEqual(['equal', 'equal', 'equal', 'equal']);
  });

  it('takes a part of a file that reaches over the ends of the block', () => {
    const disk = newDisk();
    disk.write('/long', `before${BLOCK}after`);
    const ranges = [range(disk, '/long', 0, 6, BLOCK.length)];
    expect(outcomes(compare(disk, ranges))).toEqual(['equal']);
    expect(outcomes(compare(disk, ranges, BLOCK))).toEqual(['equal']);
  });

  it.each([undefined, BLOCK])('notices an edit on the way, and the trouble stays with its file', (bytes) => {
    const disk = newDisk();
    const ranges = [range(disk, '/a', 0), range(disk, '/b', 5), range(disk, '/g', 9)];
    disk.onNextRead('/b', () => disk.write('/b', 'BETA'));
    const rest = bytes === undefined ? 'unknown' : 'equal';
    const verdicts = compare(disk, ranges, bytes);
    expect(outcomes(verdicts)).toEqual([rest, 'failed', rest]);
    expect(verdicts[1]).toMatchObject({ error: { code: 'FILE_CHANGED' } });
  });
});
