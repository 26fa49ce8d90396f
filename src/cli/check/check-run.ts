import { asKeepsyncError, type KeepsyncError } from '../../base/errors.ts';
import type { BlockStore } from '../../keep/ports.ts';
import { blockKey, type ManifestFile } from '../collection-path.ts';
import type { BlockPart } from '../files/files-api.ts';
import type { FilesThreads } from '../files/files-threads.ts';

/** Reading and hashing one block while the next is asked for. */
const BLOCKS_AT_ONCE = 3;

/** A file on this computer, as the walk met it. */
export interface LocalFile {
  readonly diskPath: string;
  readonly sizeBytes: number;
}

/** `=` same bytes, `*` on both sides but different, `+` only on this computer, `-` only in the collection. */
export type CheckSign = '=' | '*' | '+' | '-';

export interface CheckResult {
  /** Sorted by path. */
  readonly rows: ReadonlyArray<{ readonly sign: CheckSign; readonly path: string }>;
  readonly checkedBytes: number;
  /** Bytes that had to be downloaded, because no local file could stand for the whole block. */
  readonly downloadedBytes: number;
  readonly failures: ReadonlyArray<{ readonly path: string; readonly error: KeepsyncError }>;
}

interface CheckPart extends BlockPart {
  readonly path: string;
}

interface CheckBlock {
  readonly locator: string;
  readonly sizeBytes: number;
  readonly parts: CheckPart[];
}

/**
 * Compares files with a manifest byte for byte, downloading as little as can be: where local files cover a whole block,
 * its md5 over their bytes says it all; only blocks that are covered in part, or whose md5 differs, are fetched and
 * compared.
 */
export async function runCheck(options: {
  readonly local: ReadonlyMap<string, LocalFile>;
  readonly remote: ReadonlyMap<string, ManifestFile>;
  readonly keep: Pick<BlockStore, 'get'>;
  readonly threads: FilesThreads;
  readonly onBytes: (checkedBytes: number) => void;
  readonly signal: AbortSignal;
}): Promise<CheckResult> {
  const { local, remote, keep, threads, signal } = options;
  const signs = new Map<string, CheckSign>();
  const blocks = new Map<string, CheckBlock>();
  for (const path of local.keys()) {
    if (!remote.has(path)) {
      signs.set(path, '+');
    }
  }
  for (const [path, file] of remote) {
    const here = local.get(path);
    if (here === undefined) {
      signs.set(path, '-');
    } else if (here.sizeBytes !== file.sizeBytes) {
      signs.set(path, '*');
    } else {
      signs.set(path, '=');
      addParts(blocks, path, here, file);
    }
  }

  const failures: Array<{ path: string; error: KeepsyncError }> = [];
  let checkedBytes = 0;
  let downloadedBytes = 0;
  const differsByBytes = async (block: CheckBlock): Promise<CheckPart[]> => {
    const data = await keep.get(block.locator, { signal });
    downloadedBytes += block.sizeBytes;
    const same = await threads.call('compareParts', { data, parts: block.parts.map(bare) }, signal);
    return block.parts.filter((_, index) => same[index] !== true);
  };
  const check = async (block: CheckBlock) => {
    try {
      const different = (await differsByHash(block, threads, signal)) ?? (await differsByBytes(block));
      for (const part of different) {
        signs.set(part.path, '*');
      }
    } catch (thrown) {
      signal.throwIfAborted();
      for (const path of new Set(block.parts.map((part) => part.path))) {
        signs.set(path, '*');
        failures.push({ path, error: asKeepsyncError(thrown) });
      }
    }
    checkedBytes += block.parts.reduce((sum, part) => sum + part.lengthBytes, 0);
    options.onBytes(checkedBytes);
  };
  const queue = blocks.values();
  const worker = async () => {
    for (const block of queue) {
      signal.throwIfAborted();
      await check(block);
    }
  };
  await Promise.all(Array.from({ length: BLOCKS_AT_ONCE }, worker));
  const rows = [...signs].map(([path, sign]) => ({ sign, path }));
  rows.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { rows, checkedBytes, downloadedBytes, failures };
}

function addParts(blocks: Map<string, CheckBlock>, path: string, here: LocalFile, file: ManifestFile): void {
  for (const segment of file.segments) {
    const key = blockKey(segment.locator);
    const block = blocks.get(key) ?? {
      locator: segment.locator,
      sizeBytes: Number(key.split('+')[1]),
      parts: [],
    };
    blocks.set(key, block);
    block.parts.push({
      path,
      diskPath: here.diskPath,
      position: segment.fileStart,
      blockOffset: segment.offset,
      lengthBytes: segment.length,
    });
  }
}

const bare = ({ diskPath, position, blockOffset, lengthBytes }: BlockPart): BlockPart => ({
  diskPath,
  position,
  blockOffset,
  lengthBytes,
});

/** Parts that lie side by side and make up the whole block, and the others; undefined where there is a gap. */
function coverOf(block: CheckBlock): { cover: CheckPart[]; rest: CheckPart[] } | undefined {
  const cover: CheckPart[] = [];
  const rest: CheckPart[] = [];
  let end = 0;
  for (const part of block.parts.toSorted(
    (a, b) => a.blockOffset - b.blockOffset || b.lengthBytes - a.lengthBytes,
  )) {
    if (part.blockOffset === end) {
      cover.push(part);
      end += part.lengthBytes;
    } else {
      rest.push(part);
    }
  }
  return end === block.sizeBytes ? { cover, rest } : undefined;
}

/** The parts that differ, without a download; undefined where that cannot be told. */
async function differsByHash(
  block: CheckBlock,
  threads: FilesThreads,
  signal: AbortSignal,
): Promise<CheckPart[] | undefined> {
  const parts = coverOf(block);
  if (parts === undefined) {
    return undefined;
  }
  const { cover, rest } = parts;
  try {
    const { md5, restSame } = await threads.call(
      'hashParts',
      { sizeBytes: block.sizeBytes, cover: cover.map(bare), rest: rest.map(bare) },
      signal,
    );
    return md5 === blockKey(block.locator).split('+')[0]
      ? rest.filter((_, index) => restSame[index] !== true)
      : undefined;
  } catch (thrown) {
    // a file that cannot be read is found by the comparison, and the others of the block with it
    if (asKeepsyncError(thrown).code.startsWith('FILE_')) {
      return undefined;
    }
    throw thrown;
  }
}
