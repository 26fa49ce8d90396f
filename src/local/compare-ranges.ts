import { createHash } from 'node:crypto';
import { fileErrorRecord } from './file-errors.ts';
import type { ComparedRange, CompareRanges, RangeVerdict } from './ports.ts';
import { readChecked } from './read-files.ts';
import type { ReadDisk } from './sync-disk.ts';

/** So much is read at a time: what a comparison needs beside the block. */
const CHUNK_BYTES = 1024 * 1024;

/** The first half of a sha256, as small files have it in the journal. */
const DIGEST_LENGTH = 32;

/**
 * Compares ranges of files with a block: with its bytes where the request brings them, else with its md5. One file's
 * trouble stays its own.
 */
export function compareRanges(disk: ReadDisk, request: CompareRanges): RangeVerdict[] {
  const { bytes } = request;
  return bytes === undefined
    ? compareByMd5(disk, request)
    : request.ranges.map((range) => compareBytes(disk, range, bytes));
}

/**
 * The ranges that follow each other from the block's start to its end are read in that order: if their md5 is the
 * block's, all of them are equal. One that lies where another does (a copy) is equal if its digest is that one's.
 */
function compareByMd5(disk: ReadDisk, { ranges, md5, sizeBytes }: CompareRanges): RangeVerdict[] {
  const unknown = ranges.map((): RangeVerdict => ({ outcome: 'unknown' }));
  const twins = coverOf(ranges, sizeBytes);
  if (twins === undefined) {
    return unknown;
  }
  const block = createHash('md5');
  const digests: string[] = [];
  for (const [index, range] of ranges.entries()) {
    const isCover = twins[index] === index;
    try {
      digests.push(readRange(disk, range, (chunk) => void (isCover && block.update(chunk))));
    } catch (thrown) {
      unknown[index] = { outcome: 'failed', error: fileErrorRecord(thrown, range.diskPath) };
      return unknown;
    }
  }
  if (block.digest('hex') !== md5) {
    return unknown;
  }
  return ranges.map((_, index) => {
    const digest = digests[index] ?? '';
    const twin = twins[index];
    return twin !== undefined && digests[twin] === digest
      ? { outcome: 'equal', digest }
      : { outcome: twin === undefined ? 'unknown' : 'differs' };
  });
}

/**
 * For each range the index of the one that stands for it: its own where it takes part in covering the block, that of an
 * equal place before it, or undefined. Undefined as a whole where the block is not covered.
 */
function coverOf(ranges: readonly ComparedRange[], sizeBytes: number): Array<number | undefined> | undefined {
  const twins: Array<number | undefined> = [];
  let coveredBytes = 0;
  let last = -1;
  for (const [index, { offset, lengthBytes }] of ranges.entries()) {
    const before = ranges[last];
    if (offset === coveredBytes) {
      coveredBytes += lengthBytes;
      last = index;
      twins.push(index);
    } else if (before?.offset === offset && before.lengthBytes === lengthBytes) {
      twins.push(last);
    } else {
      twins.push(undefined);
    }
  }
  return coveredBytes === sizeBytes ? twins : undefined;
}

function compareBytes(disk: ReadDisk, range: ComparedRange, block: Uint8Array): RangeVerdict {
  try {
    let at = range.offset;
    let isEqual = true;
    const digest = readRange(disk, range, (chunk) => {
      isEqual &&= Buffer.compare(chunk, block.subarray(at, at + chunk.length)) === 0;
      at += chunk.length;
    });
    return isEqual ? { outcome: 'equal', digest } : { outcome: 'differs' };
  } catch (thrown) {
    return { outcome: 'failed', error: fileErrorRecord(thrown, range.diskPath) };
  }
}

/** Reads a range, piece by piece, each checked before and after; returns its digest. */
function readRange(disk: ReadDisk, range: ComparedRange, take: (chunk: Uint8Array) => void): string {
  const digest = createHash('sha256');
  const buffer = new Uint8Array(Math.min(range.lengthBytes, CHUNK_BYTES));
  for (let done = 0; done < range.lengthBytes; done += buffer.length) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, range.lengthBytes - done));
    readChecked(disk, range.diskPath, range.stamp, range.position + done, chunk);
    digest.update(chunk);
    take(chunk);
  }
  return digest.digest('hex').slice(0, DIGEST_LENGTH);
}
