import { createCipheriv, createHash } from 'node:crypto';
import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 2 ** 26;
const LARGE_FILES = 4;
const PIECE_BYTES = 2 ** 22;
/** Least and most bytes of a small file. */
const SMALL_BYTES = [1_000, 20_000] as const;

/** A stream of bytes that no store can shrink, the same in every run. */
class Noise {
  readonly #cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'keep'), Buffer.alloc(16));
  readonly #zeros = Buffer.alloc(PIECE_BYTES);

  /** At most 4 MiB at a time. */
  bytes(count: number): Buffer {
    return this.#cipher.update(this.#zeros.subarray(0, count));
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + (this.bytes(4).readUInt32LE() % (most - least + 1));
  }
}

/** A block's bytes in a file of its own, ready to be sent. */
export interface ReadyBlock {
  readonly path: string;
  readonly md5: string;
  readonly sizeBytes: number;
}

function writeNoise(noise: Noise, path: string, sizeBytes: number): string {
  const digest = createHash('md5');
  const file = openSync(path, 'w');
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
    const piece = noise.bytes(Math.min(PIECE_BYTES, sizeBytes - at));
    digest.update(piece);
    writeSync(file, piece);
  }
  // what the kernel still has to write would be written while somebody is measured
  fdatasyncSync(file);
  closeSync(file);
  return digest.digest('hex');
}

/** So many bytes as blocks in files, for who only sends. */
function readyBlocks(folder: string, sizeBytes: number): ReadyBlock[] {
  mkdirSync(folder, { recursive: true });
  const noise = new Noise();
  const blocks: ReadyBlock[] = [];
  for (let at = 0; at < sizeBytes; at += BLOCK_BYTES) {
    const path = join(folder, `block-${blocks.length}`);
    const size = Math.min(BLOCK_BYTES, sizeBytes - at);
    blocks.push({ path, md5: writeNoise(noise, path, size), sizeBytes: size });
  }
  return blocks;
}

/** A few files of many blocks each. */
export class LargeTree {
  readonly folder: string;
  readonly sizeBytes: number;
  readonly files: readonly string[];
  #blocks: readonly ReadyBlock[] | undefined;

  private constructor(folder: string, sizeBytes: number, files: readonly string[]) {
    this.folder = folder;
    this.sizeBytes = sizeBytes;
    this.files = files;
  }

  static async make(folder: string, sizeBytes: number): Promise<LargeTree> {
    mkdirSync(folder);
    const noise = new Noise();
    const files = Array.from({ length: LARGE_FILES }, (_, index) => join(folder, `reads-${index}.fastq`));
    for (const path of files) {
      writeNoise(noise, path, Math.floor(sizeBytes / LARGE_FILES));
    }
    return new LargeTree(folder, sizeBytes, files);
  }

  /** As many bytes as ready-made blocks. */
  blocks(): readonly ReadyBlock[] {
    this.#blocks ??= readyBlocks(`${this.folder}-blocks`, this.sizeBytes);
    return this.#blocks;
  }
}

/** Many small files, 500 in a folder. */
export class SmallTree {
  readonly folder: string;
  readonly fileCount: number;
  readonly sizeBytes: number;
  #blocks: readonly ReadyBlock[] | undefined;

  private constructor(folder: string, fileCount: number, sizeBytes: number) {
    this.folder = folder;
    this.fileCount = fileCount;
    this.sizeBytes = sizeBytes;
  }

  static async make(
    folder: string,
    fileCount: number,
    shape: { readonly perFolder?: number; readonly sizes?: readonly [least: number, most: number] } = {},
  ): Promise<SmallTree> {
    const { perFolder = 500, sizes = SMALL_BYTES } = shape;
    const noise = new Noise();
    let sizeBytes = 0;
    for (let index = 0; index < fileCount; index += 1) {
      const below = join(folder, folderOf(index, perFolder));
      if (index % perFolder === 0) {
        mkdirSync(below, { recursive: true });
      }
      const size = noise.between(...sizes);
      writeFileSync(join(below, `sample-${index}.txt`), noise.bytes(size));
      sizeBytes += size;
    }
    return new SmallTree(folder, fileCount, sizeBytes);
  }

  blocks(): readonly ReadyBlock[] {
    this.#blocks ??= readyBlocks(`${this.folder}-blocks`, this.sizeBytes);
    return this.#blocks;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(`${this.folder}-blocks`, { recursive: true, force: true });
  }
}

/** The folder, below the tree's, of the file of that number. */
export function folderOf(index: number, perFolder: number): string {
  return `plate-${Math.floor(index / perFolder)}`;
}

/** Throws where two trees differ in a file or its bytes: a fast download of something else is no result. */
export function assertSameTrees(one: string, other: string): void {
  const names = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
      .sort();
  const expected = names(one);
  const found = names(other);
  if (expected.join('\n') !== found.join('\n')) {
    throw new Error(`${found.length} files came back, not the ${expected.length} that were sent`);
  }
  const md5 = (path: string) => createHash('md5').update(readFileSync(path)).digest('hex');
  const different = expected.find((name) => md5(one + name) !== md5(other + name));
  if (different !== undefined) {
    throw new Error(`${different} came back with other bytes`);
  }
}
