import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join, sep } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { systemCode } from '../../base/durable-file.ts';
import { fileErrorCode, KeepsyncError } from '../../base/errors.ts';
import { serveThread } from '../../base/thread-rpc.ts';
import type { BlockPart, FileFailure, FilesThreadApi, FinishDir, FinishFile } from './files-api.ts';

/** A Keep block has at most 2^26 bytes. One buffer serves all calls: they run one after the other. */
const BLOCK_MAX_BYTES = 2 ** 26;
const COMPARE_BYTES = 2 ** 20;

let blockBuffer: Buffer | undefined;

function failure(index: number, thrown: unknown): FileFailure {
  if (thrown instanceof KeepsyncError) {
    return { index, code: thrown.code, message: thrown.message };
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { index, code: fileErrorCode(systemCode(thrown)), message };
}

function sizeOf(path: string): number {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? -1 : stat.size;
}

function makeDir(path: string): void {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    fs.mkdirSync(path);
  } else if (!stat.isDirectory()) {
    throw new KeepsyncError('BAD_NAME', `${path} is a link or not a folder`);
  }
}

function finishFile(file: FinishFile, overwrite: boolean): void {
  if (!overwrite && fs.lstatSync(file.diskPath, { throwIfNoEntry: false }) !== undefined) {
    throw new KeepsyncError('REFUSED', `${file.diskPath} exists already`);
  }
  if (file.isEmpty) {
    makeEmpty(file.partPath);
  }
  fs.renameSync(file.partPath, file.diskPath);
}

function makeEmpty(path: string): void {
  fs.rmSync(path, { force: true });
  fs.closeSync(fs.openSync(path, 'wx'));
}

function finishDir({ partsPath, diskPath, above, emptyNames, fileCount }: FinishDir): boolean {
  try {
    for (const name of emptyNames) {
      makeEmpty(join(partsPath, name));
    }
    if (fs.readdirSync(partsPath).length !== fileCount) {
      return false;
    }
    if (above.some((dir) => !fs.lstatSync(dir).isDirectory())) {
      return false;
    }
    // over an empty folder it would be renamed, too, but whoever made that one may have wanted it otherwise
    if (fs.lstatSync(diskPath, { throwIfNoEntry: false }) !== undefined) {
      return false;
    }
    fs.renameSync(partsPath, diskPath);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === undefined) {
      throw thrown;
    }
    // file by file it is found out what is wrong
    return false;
  }
}

function readWhole(part: BlockPart, into: Uint8Array, offset: number): void {
  const file = fs.openSync(part.diskPath, 'r');
  try {
    for (let done = 0; done < part.lengthBytes; ) {
      const read = fs.readSync(file, into, offset + done, part.lengthBytes - done, part.position + done);
      if (read === 0) {
        throw new KeepsyncError('FILE_CHANGED', `${part.diskPath} became shorter`);
      }
      done += read;
    }
  } finally {
    fs.closeSync(file);
  }
}

function hashParts({ sizeBytes, cover, rest }: Parameters<FilesThreadApi['hashParts']>[0]) {
  blockBuffer ??= Buffer.allocUnsafeSlow(BLOCK_MAX_BYTES);
  for (const part of cover) {
    try {
      readWhole(part, blockBuffer, part.blockOffset);
    } catch (thrown) {
      const { code, message } = failure(0, thrown);
      throw new KeepsyncError(code, message, { info: { diskPath: part.diskPath } });
    }
  }
  const data = blockBuffer.subarray(0, sizeBytes);
  return {
    md5: createHash('md5').update(data).digest('hex'),
    restSame: rest.map((part) => isSame(data, part)),
  };
}

function isSame(data: Uint8Array, part: BlockPart): boolean {
  const piece = Buffer.allocUnsafe(Math.min(COMPARE_BYTES, part.lengthBytes));
  try {
    for (let done = 0; done < part.lengthBytes; ) {
      const lengthBytes = Math.min(COMPARE_BYTES, part.lengthBytes - done);
      readWhole({ ...part, position: part.position + done, lengthBytes }, piece, 0);
      const start = part.blockOffset + done;
      if (piece.compare(data, start, start + lengthBytes, 0, lengthBytes) !== 0) {
        return false;
      }
      done += lengthBytes;
    }
    return true;
  } catch (thrown) {
    if (thrown instanceof KeepsyncError || systemCode(thrown) !== undefined) {
      return false;
    }
    throw thrown;
  }
}

/** Runs `treat` on each; what fails is told with its place. */
function each<T>(items: readonly T[], treat: (item: T) => void): FileFailure[] {
  const failures: FileFailure[] = [];
  for (const [index, item] of items.entries()) {
    try {
      treat(item);
    } catch (thrown) {
      failures.push(failure(index, thrown));
    }
  }
  return failures;
}

export const filesHandlers = {
  sizes: (paths: readonly string[]) => paths.map(sizeOf),
  makeDirs: ({ top, dirs }: { readonly top: string; readonly dirs: readonly string[] }) => {
    fs.mkdirSync(top, { recursive: true });
    const blocked: string[] = [];
    return each(dirs, (dir) => {
      const above = blocked.find((one) => dir.startsWith(one + sep));
      if (above !== undefined) {
        throw new KeepsyncError('BAD_NAME', `${above} is a link or not a folder`);
      }
      try {
        makeDir(dir);
      } catch (thrown) {
        blocked.push(dir);
        throw thrown;
      }
    });
  },
  finish: ({ files, overwrite }: { readonly files: readonly FinishFile[]; readonly overwrite: boolean }) =>
    each(files, (file) => finishFile(file, overwrite)),
  finishDirs: (dirs: readonly FinishDir[]) => dirs.map(finishDir),
  removeDir: (path: string) => fs.rmSync(path, { recursive: true, force: true }),
  hashParts,
  compareParts: ({ data, parts }: { readonly data: Uint8Array; readonly parts: readonly BlockPart[] }) =>
    parts.map((part) => isSame(data, part)),
};

if (parentPort !== null) {
  serveThread<FilesThreadApi>(parentPort, filesHandlers);
}
