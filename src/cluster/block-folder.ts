import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FsyncPolicy } from './cluster-options.ts';

/** Below this much free space keepstore calls a volume full. */
const MIN_FREE_BYTES = 67_108_864;
/** Free space is asked for this often at most. */
const FREE_SPACE_AGE_MS = 1000;

const BLOCK_NAME = /^[0-9a-f]{32}$/;

export interface IndexEntry {
  readonly hash: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/**
 * Blocks on disk as keepstore lays them out: `<first 3 digits>/<hash>`, mode 0600, raw bytes, mtime of the last PUT.
 * A block appears by rename and so is there as a whole or not at all.
 */
export class BlockFolder {
  readonly path: string;
  readonly fsync: FsyncPolicy;
  readonly #quotaBytes: number | undefined;
  #usedBytes = 0;
  #free = { bytes: Number.POSITIVE_INFINITY, atMs: Number.NEGATIVE_INFINITY };
  readonly #unsynced = new Set<string>();

  /** Makes the folder, and removes what writers that were killed have left. */
  constructor(path: string, options: { quotaBytes?: number | undefined; fsync: FsyncPolicy }) {
    this.path = path;
    this.fsync = options.fsync;
    this.#quotaBytes = options.quotaBytes;
    mkdirSync(path, { recursive: true, mode: 0o755 });
    for (const name of readdirSync(path)) {
      if (name.startsWith('tmp')) {
        rmSync(join(path, name), { force: true });
      }
    }
    if (this.#quotaBytes !== undefined) {
      for (const entry of this.index('')) {
        this.#usedBytes += entry.sizeBytes;
      }
    }
  }

  fileOf(hash: string): string {
    return join(this.path, hash.slice(0, 3), hash);
  }

  /** Beside the folders and not in them, so that a start need not look into thousands of them for leftovers. */
  temporaryFile(hash: string): string {
    return join(this.path, `tmp${hash}${randomBytes(6).toString('hex')}`);
  }

  /** Moves a complete temporary file to where the block belongs. */
  publish(temporary: string, hash: string): void {
    const target = this.fileOf(hash);
    try {
      renameSync(temporary, target);
    } catch (thrown) {
      // the first block of its folder, or somebody cleaned up while we run
      if (!isMissing(thrown)) {
        throw thrown;
      }
      mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
      renameSync(temporary, target);
    }
  }

  async sizeOf(hash: string): Promise<number | undefined> {
    try {
      return (await stat(this.fileOf(hash))).size;
    } catch (thrown) {
      if (isMissing(thrown)) {
        return undefined;
      }
      throw thrown;
    }
  }

  /** Whether another block of that size must be refused. */
  isFull(sizeBytes: number): boolean {
    if (this.#quotaBytes !== undefined && this.#usedBytes + sizeBytes > this.#quotaBytes) {
      return true;
    }
    const nowMs = performance.now();
    if (nowMs - this.#free.atMs > FREE_SPACE_AGE_MS) {
      const { bavail, bsize } = statfsSync(this.path);
      this.#free = { bytes: bavail * bsize, atMs: nowMs };
    }
    return this.#free.bytes < MIN_FREE_BYTES;
  }

  /** A block is in its place. With `eachBlock` its folder is brought to the platter too: the file was before. */
  async noteStored(hash: string, sizeBytes: number): Promise<void> {
    this.#usedBytes += sizeBytes;
    if (this.fsync === 'onSave') {
      this.#unsynced.add(this.fileOf(hash));
    } else if (this.fsync === 'eachBlock') {
      await syncPath(dirname(this.fileOf(hash)));
      await syncPath(this.path);
    }
  }

  /** Brings every block stored since the last call to the platter, with the folders that name them. */
  async sync(): Promise<void> {
    const files = [...this.#unsynced];
    this.#unsynced.clear();
    try {
      for (const file of files) {
        await syncPath(file);
      }
      for (const folder of new Set(files.map((file) => dirname(file)))) {
        await syncPath(folder);
      }
      if (files.length > 0) {
        await syncPath(this.path);
      }
    } catch (thrown) {
      for (const file of files) {
        this.#unsynced.add(file);
      }
      throw thrown;
    }
  }

  /** Every block whose hash starts with `prefix`. */
  *index(prefix: string): Iterable<IndexEntry> {
    for (const folder of readdirSync(this.path).sort()) {
      const isOne = /^[0-9a-f]{3}$/.test(folder);
      if (!isOne || !(folder.startsWith(prefix.slice(0, 3)) || prefix.startsWith(folder))) {
        continue;
      }
      for (const hash of readdirSync(join(this.path, folder)).sort()) {
        if (BLOCK_NAME.test(hash) && hash.startsWith(prefix)) {
          const { size, mtimeMs } = statSync(this.fileOf(hash));
          yield { hash, sizeBytes: size, mtimeMs };
        }
      }
    }
  }
}

/** Whether a system error says that a file or folder is not there. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
