import { createHash } from 'node:crypto';
import { closeSync, fsync, openSync, readSync, rmSync, statSync, utimesSync, writev } from 'node:fs';
import { promisify } from 'node:util';
import { type BlockFolder, isMissing } from './block-folder.ts';

/** Written to disk in runs of at least this much: fewer system calls, and the disk works while the network does. */
const RUN_BYTES = 1 << 20;
/** More than this waiting for the disk stops the sender. */
const BACKLOG_BYTES = 4 << 20;

export type ReceiveOutcome =
  | { readonly kind: 'stored'; readonly sizeBytes: number }
  | { readonly kind: 'wrongHash' }
  /** Other bytes lie under that hash already. */
  | { readonly kind: 'collision' };

/**
 * Takes in one block. A new one goes to a temporary file that is renamed at the end; one that is already there is
 * compared byte by byte as it arrives, and nothing is written but its mtime.
 */
export class BlockReceiver {
  readonly #folder: BlockFolder;
  readonly #hash: string;
  readonly #digest = createHash('md5');
  readonly #existing: number | undefined;
  readonly #existingBytes: number;
  readonly #temporary: string;
  #output: number | undefined;
  #receivedBytes = 0;
  #isSame = true;
  #isPublished = false;
  #run: Buffer[] = [];
  #runBytes = 0;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  /** Throws the system's error where no file can be opened. */
  constructor(folder: BlockFolder, hash: string) {
    this.#folder = folder;
    this.#hash = hash;
    this.#temporary = folder.temporaryFile(hash);
    this.#existing = openExisting(folder.fileOf(hash));
    this.#existingBytes = this.#existing === undefined ? 0 : statSync(folder.fileOf(hash)).size;
    if (this.#existing === undefined) {
      this.#output = openSync(this.#temporary, 'wx', 0o600);
    }
  }

  get isNew(): boolean {
    return this.#existing === undefined;
  }

  /** Undefined, or a promise to wait for before the next piece. The piece is kept until it is written. */
  push(piece: Buffer): Promise<void> | undefined {
    this.#digest.update(piece);
    if (this.#existing !== undefined) {
      this.#compare(piece);
    } else {
      this.#run.push(piece);
      this.#runBytes += piece.length;
      if (this.#runBytes >= RUN_BYTES && !this.#writing) {
        this.#startWriting();
      }
    }
    this.#receivedBytes += piece.length;
    return this.#runBytes > BACKLOG_BYTES ? this.#writing : undefined;
  }

  /** All bytes are here. Throws the system's error (ENOSPC and the like) where they could not be written. */
  async finish(): Promise<ReceiveOutcome> {
    try {
      while (this.#writing || this.#runBytes > 0) {
        if (!this.#writing) {
          this.#startWriting();
        }
        await this.#writing;
      }
      if (this.#failure !== undefined) {
        throw this.#failure;
      }
      if (this.#digest.digest('hex') !== this.#hash) {
        return { kind: 'wrongHash' };
      }
      const target = this.#folder.fileOf(this.#hash);
      if (this.#existing !== undefined) {
        if (!this.#isSame || this.#receivedBytes !== this.#existingBytes) {
          return { kind: 'collision' };
        }
        const now = new Date();
        utimesSync(target, now, now);
      } else {
        await this.#publish();
      }
      return { kind: 'stored', sizeBytes: this.#receivedBytes };
    } finally {
      this.#release();
    }
  }

  /** The sender went away. */
  async abort(): Promise<void> {
    this.#run = [];
    this.#runBytes = 0;
    await this.#writing;
    this.#release();
  }

  async #publish(): Promise<void> {
    if (this.#output !== undefined) {
      if (this.#folder.fsync === 'eachBlock') {
        await syncFile(this.#output);
      }
      closeSync(this.#output);
      this.#output = undefined;
    }
    this.#folder.publish(this.#temporary, this.#hash);
    this.#isPublished = true;
    await this.#folder.noteStored(this.#hash, this.#receivedBytes);
  }

  #compare(piece: Buffer): void {
    if (!this.#isSame || this.#existing === undefined) {
      return;
    }
    const stored = Buffer.allocUnsafe(piece.length);
    const readBytes = readSync(this.#existing, stored, 0, piece.length, this.#receivedBytes);
    this.#isSame = readBytes === piece.length && stored.equals(piece);
  }

  #startWriting(): void {
    const run = this.#run;
    const runBytes = this.#runBytes;
    this.#run = [];
    this.#runBytes = 0;
    this.#writing = this.#writeAll(run, runBytes)
      .catch((thrown: unknown) => {
        this.#failure ??= thrown;
      })
      .finally(() => {
        this.#writing = undefined;
        if (this.#runBytes >= RUN_BYTES) {
          this.#startWriting();
        }
      });
  }

  async #writeAll(run: Buffer[], runBytes: number): Promise<void> {
    if (this.#output === undefined || this.#failure !== undefined) {
      return;
    }
    const file = this.#output;
    const written = await new Promise<number>((resolve, reject) => {
      writev(file, run, (error, bytes) => (error ? reject(error) : resolve(bytes)));
    });
    if (written < runBytes) {
      const rest = Buffer.concat(run).subarray(written);
      await this.#writeAll([rest], rest.length);
    }
  }

  #release(): void {
    if (this.#existing !== undefined) {
      closeSync(this.#existing);
    }
    if (this.#output !== undefined) {
      closeSync(this.#output);
      this.#output = undefined;
    }
    if (this.isNew && !this.#isPublished) {
      rmSync(this.#temporary, { force: true });
    }
  }
}

const syncFile = promisify(fsync);

function openExisting(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (thrown) {
    if (isMissing(thrown)) {
      return undefined;
    }
    throw thrown;
  }
}
