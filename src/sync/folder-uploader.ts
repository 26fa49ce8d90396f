import type { Clock } from '../base/clock.ts';
import { asKeepsyncError, errorToRecord, isRetriable, KeepsyncError } from '../base/errors.ts';
import type { Semaphore } from '../base/semaphore.ts';
import type { LocalDisk } from '../local/ports.ts';
import type { AcknowledgedBlock, Journal, PendingFile, StoredFile } from './journal-port.ts';
import { OutgoingBlock } from './outgoing-block.ts';
import { retryDelayMs } from './retry-delay.ts';
import { shutsTheGate, type UploadGate } from './upload-gate.ts';
import type { FillingBlock, UploadBlocks } from './upload-ports.ts';

export interface UploaderPorts {
  readonly folderId: number;
  readonly journal: Journal;
  readonly disk: LocalDisk;
  readonly blocks: UploadBlocks;
  /** One permit a block that holds a buffer: this is what bounds the memory of all folders together. */
  readonly slots: Semaphore;
  readonly gate: UploadGate;
  readonly clock: Clock;
  readonly blockSizeBytes: number;
  /** A known block is used again only if its signature is valid for so long. */
  readonly signatureMarginMs: number;
  readonly followLinks: () => boolean;
  /** Resolves to true when more files may be pending, to false when nothing is on its way (no scan runs). */
  readonly moreComing: () => Promise<boolean>;
  /** Something in the journal changed. */
  readonly onProgress: () => void;
  /**
   * Files whose content moved while they were read: to be looked at again. Resolves to those that could not be seen at all:
   * a scan will tell whether they are gone.
   */
  readonly onChangedFiles: (files: readonly PendingFile[]) => Promise<readonly PendingFile[]>;
}

/** How many files are asked of the journal, and given to the disk, at a time. */
const CLAIM_FILES = 4_096;

/** Paths that the block table shows of a block. */
const EXAMPLE_PATHS = 5;

/** More files than this do not go into one block, so that a block's book-keeping stays bounded. */
const FILES_PER_PACK = 16_384;

/** What is remembered of a file whose block is on its way: not its paths, as packs of thousands wait at a time. */
interface PackedFile {
  readonly entryId: number;
  readonly attempts: number;
}

/** How long small files wait, at most and about, for a large one that is being read (milliseconds). */
const SMALL_WAIT_MS = 30_000;

interface Pack {
  readonly block: FillingBlock;
  readonly outgoing: OutgoingBlock;
  readonly files: StoredFile[];
  readonly entries: PackedFile[];
  readonly examplePaths: string[];
}

interface Failure {
  /** A file that was read, or found changed, comes with its paths. */
  readonly file: PackedFile | PendingFile;
  readonly error: KeepsyncError;
}

/**
 * Brings one folder's pending files into blocks. Files of up to half a block share blocks; larger ones fill blocks of
 * their own, piece by piece, so that an upload cut short goes on where it stopped. Bytes go from the disk straight into
 * a block's shared buffer.
 */
export class FolderUploader {
  readonly #ports: UploaderPorts;
  readonly #failedBlocks = new Map<number, string>();
  readonly #onTheWay = new Set<Promise<void>>();
  /** By entry: bytes of a large file under way that are in acknowledged blocks. */
  readonly #pieceBytes = new Map<number, number>();
  #stopped = false;
  #working = false;
  #claimedAtMs = 0;
  #failure: unknown;

  constructor(ports: UploaderPorts) {
    this.#ports = ports;
  }

  /** Files are being read or sent; false also while a run finds nothing to do. */
  get working(): boolean {
    return this.#working;
  }

  /** Bytes of large files under way that acknowledged blocks hold already. */
  get acknowledgedPieceBytes(): number {
    return [...this.#pieceBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** No new blocks are begun; what is on the way ends by itself. */
  stop(): void {
    this.#stopped = true;
  }

  resume(): void {
    this.#stopped = false;
  }

  /** Reads and uploads whatever is due, and resolves when every block of it has ended, well or badly. */
  async uploadDue(): Promise<void> {
    const small: PendingFile[] = [];
    const large: PendingFile[] = [];
    let pack: Pack | undefined;
    try {
      while (this.#mayGoOn()) {
        if (small.length < CLAIM_FILES / 2 && large.length === 0) {
          await this.#claim(small, large);
        }
        if (small.length === 0 && large.length === 0) {
          if (await this.#ports.moreComing()) {
            continue;
          }
          break;
        }
        if (small.length > 0) {
          pack ??= await this.#openPack(small);
          if (!(await this.#fill(pack, small))) {
            continue;
          }
        }
        // Whoever waits for another buffer holds none that is not on its way, so folders cannot block each other.
        if (pack) {
          await this.#seal(pack);
          pack = undefined;
        }
        for (let file = large.shift(); file; file = large.shift()) {
          await this.#uploadLarge(file, small);
        }
      }
    } finally {
      if (pack) {
        await this.#seal(pack);
      }
      await this.#ports.journal.releaseFiles([...small, ...large].map((file) => file.entryId));
      while (this.#onTheWay.size > 0) {
        await Promise.allSettled(this.#onTheWay);
      }
      this.#working = false;
    }
    await this.#forgetStaleBlocks();
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
  }

  #mayGoOn(): boolean {
    return !this.#stopped && this.#ports.gate.passable;
  }

  async #claim(small: PendingFile[], large: PendingFile[], largestBytes?: number): Promise<void> {
    const { journal, folderId, clock, blockSizeBytes } = this.#ports;
    const limits = {
      files: CLAIM_FILES,
      bytes: 4 * blockSizeBytes,
      ...(largestBytes === undefined ? {} : { largestBytes }),
    };
    this.#claimedAtMs = clock.monotonicMs();
    const claimed = await journal.claimPending(folderId, clock.nowMs(), limits);
    this.#working ||= claimed.length > 0;
    for (const file of claimed) {
      this.#forgetFailedBlock(file.entryId);
      (file.sizeBytes > blockSizeBytes / 2 ? large : small).push(file);
    }
  }

  #forgetFailedBlock(entryId: number): void {
    const blockId = this.#failedBlocks.get(entryId);
    if (blockId !== undefined) {
      for (const [other, id] of this.#failedBlocks) {
        if (id === blockId) {
          this.#failedBlocks.delete(other);
        }
      }
      this.#ports.blocks.discard(blockId);
    }
  }

  /** Failed blocks of files that were since deleted, or changed, have nobody left who would claim them. */
  async #forgetStaleBlocks(): Promise<void> {
    if (this.#failedBlocks.size > 0) {
      const { failed, held, pending } = await this.#ports.journal.counts(this.#ports.folderId);
      if (failed.files + held.files + pending.files === 0) {
        for (const entryId of [...this.#failedBlocks.keys()]) {
          this.#forgetFailedBlock(entryId);
        }
      }
    }
  }

  async #openPack(waiting: readonly PendingFile[]): Promise<Pack> {
    const files: StoredFile[] = [];
    const entries: PackedFile[] = [];
    const examplePaths: string[] = [];
    const outgoing = new OutgoingBlock({
      folderId: this.#ports.folderId,
      permit: await this.#ports.slots.acquire(),
      describe: () => ({ files: entries.length, examplePaths }),
      acknowledged: (block) => this.#recordPack(block, files),
    });
    const wantedBytes = waiting.reduce((sum, file) => sum + file.sizeBytes, 0);
    try {
      const block = this.#ports.blocks.allocate(outgoing, Math.min(wantedBytes, this.#ports.blockSizeBytes));
      return { block, outgoing, files, entries, examplePaths };
    } catch (thrown) {
      outgoing.abandon();
      throw thrown;
    }
  }

  async #recordPack(block: AcknowledgedBlock, files: readonly StoredFile[]): Promise<void> {
    await this.#ports.journal.recordPackedBlock(
      this.#ports.folderId,
      block,
      files,
      this.#ports.clock.nowMs(),
    );
    this.#ports.gate.open();
  }

  /** First fit: takes from `waiting`, in order, whatever still fits. */
  #takeFitting(waiting: PendingFile[], roomBytes: number, pack: Pack): PendingFile[] {
    const chosen: PendingFile[] = [];
    let room = roomBytes;
    let kept = 0;
    const most = Math.min(CLAIM_FILES, FILES_PER_PACK - pack.entries.length);
    for (const file of waiting) {
      if (chosen.length < most && file.sizeBytes <= room) {
        room -= file.sizeBytes;
        chosen.push(file);
      } else {
        waiting[kept] = file;
        kept += 1;
      }
    }
    waiting.length = kept;
    return chosen;
  }

  /** Reads files that fit from `waiting` into the pack's block; true when the block should be sealed. */
  async #fill(pack: Pack, waiting: PendingFile[]): Promise<boolean> {
    const { journal, disk, folderId, clock, blockSizeBytes } = this.#ports;
    const chosen = this.#takeFitting(waiting, blockSizeBytes - pack.block.size(), pack);
    if (chosen.length === 0) {
      return true;
    }
    const wantedBytes = chosen.reduce((sum, file) => sum + file.sizeBytes, 0);
    const start = pack.block.size();
    const view = pack.block.reserve(Math.min(wantedBytes, blockSizeBytes - start));
    const results = await disk.readSmall(folderId, { into: view, files: chosen }).catch((thrown: unknown) => {
      pack.block.advance(0);
      waiting.push(...chosen);
      throw thrown;
    });
    let filled = 0;
    const known: Array<{ entryId: number; stamp: string; digest: string }> = [];
    const failed: Failure[] = [];
    for (const [index, file] of chosen.entries()) {
      const result = results[index];
      if (result === undefined || result.outcome === 'full') {
        waiting.push(file);
      } else if (result.outcome === 'failed') {
        failed.push({
          file,
          error: new KeepsyncError(result.error.code, result.error.message, result.error),
        });
      } else if (result.outcome === 'known' || result.lengthBytes === 0) {
        known.push({ entryId: file.entryId, stamp: file.stamp, digest: result.digest });
      } else {
        filled = Math.max(filled, result.offset + result.lengthBytes);
        pack.entries.push({ entryId: file.entryId, attempts: file.attempts });
        if (pack.examplePaths.length < EXAMPLE_PATHS) {
          pack.examplePaths.push(file.path);
        }
        pack.files.push({
          entryId: file.entryId,
          stamp: file.stamp,
          digest: result.digest,
          offset: start + result.offset,
          lengthBytes: result.lengthBytes,
        });
      }
    }
    pack.block.advance(filled);
    if (known.length > 0) {
      await journal.recordKnownFiles(folderId, known, clock.nowMs());
      this.#ports.onProgress();
    }
    await this.#recordFailures(failed);
    return pack.entries.length >= FILES_PER_PACK || pack.block.size() >= blockSizeBytes;
  }

  /** Hands the pack's block to the upload threads; its files are recorded when Keep has acknowledged it. */
  async #seal(pack: Pack): Promise<void> {
    if (pack.block.size() === 0) {
      pack.outgoing.abandon();
      this.#ports.blocks.discard(pack.block.blockId);
      return;
    }
    this.#follow(
      pack.outgoing
        .whenSettled()
        .then((error) =>
          error === undefined
            ? this.#ports.onProgress()
            : this.#blockFailed(pack.block.blockId, pack.entries, error),
        ),
    );
    await this.#commit(pack.block, pack.outgoing);
  }

  /** A block that cannot even be queued has ended, too: its permit goes back, and whoever follows it hears why. */
  async #commit(block: FillingBlock, outgoing: OutgoingBlock): Promise<void> {
    try {
      await this.#ports.blocks.commit(block);
    } catch (thrown) {
      outgoing.settled(thrown);
    }
  }

  /** What is small and became due while a large file is read does not wait for its end. To be called with no block open. */
  async #uploadSmallMeanwhile(small: PendingFile[]): Promise<void> {
    const { clock, blockSizeBytes } = this.#ports;
    if (clock.monotonicMs() - this.#claimedAtMs < SMALL_WAIT_MS) {
      return;
    }
    await this.#claim(small, [], Math.floor(blockSizeBytes / 2));
    while (small.length > 0 && this.#mayGoOn()) {
      const pack = await this.#openPack(small);
      try {
        await this.#fill(pack, small);
      } finally {
        await this.#seal(pack);
      }
    }
  }

  /** `small` takes what becomes due meanwhile. */
  async #uploadLarge(file: PendingFile, small: PendingFile[]): Promise<void> {
    const { journal, disk, blocks, slots, clock, blockSizeBytes, folderId } = this.#ports;
    const pieces = Math.ceil(file.sizeBytes / blockSizeBytes);
    const validUntilMs = clock.nowMs() + this.#ports.signatureMarginMs;
    const there = new Set(await journal.piecesOf(file.entryId, file.stamp, validUntilMs));
    const acknowledge = (bytes: number) =>
      this.#pieceBytes.set(file.entryId, (this.#pieceBytes.get(file.entryId) ?? 0) + bytes);
    for (const index of there) {
      acknowledge(Math.min(blockSizeBytes, file.sizeBytes - index * blockSizeBytes));
    }
    const settled: Array<Promise<{ blockId: string; error: unknown }>> = [];
    let failure: KeepsyncError | undefined;
    for (let index = 0; index < pieces && failure === undefined; index += 1) {
      if (there.has(index)) {
        continue;
      }
      try {
        await this.#uploadSmallMeanwhile(small);
      } catch (thrown) {
        this.#failure ??= thrown;
        failure = new KeepsyncError('CANCELLED', 'Stopped on the way');
        break;
      }
      const permit = await slots.acquire();
      if (!this.#mayGoOn()) {
        permit();
        failure = new KeepsyncError('CANCELLED', 'Stopped on the way');
        break;
      }
      const position = index * blockSizeBytes;
      const lengthBytes = Math.min(blockSizeBytes, file.sizeBytes - position);
      const outgoing = new OutgoingBlock({
        folderId,
        permit,
        describe: () => ({ files: 1, examplePaths: [file.path] }),
        acknowledged: async (block) => {
          const piece = { entryId: file.entryId, stamp: file.stamp, index, lengthBytes };
          await journal.recordPieceBlock(folderId, block, piece, clock.nowMs());
          acknowledge(lengthBytes);
          this.#ports.gate.open();
        },
      });
      let block: FillingBlock;
      try {
        block = blocks.allocate(outgoing, lengthBytes);
      } catch (thrown) {
        failure = asKeepsyncError(thrown);
        outgoing.abandon();
        break;
      }
      try {
        await disk.readPiece({
          diskPath: file.diskPath,
          stamp: file.stamp,
          position,
          into: block.reserve(lengthBytes),
        });
        block.advance(lengthBytes);
      } catch (thrown) {
        failure = asKeepsyncError(thrown);
        outgoing.abandon();
        blocks.discard(block.blockId);
        break;
      }
      settled.push(
        outgoing.whenSettled().then((error) => {
          this.#ports.onProgress();
          return { blockId: block.blockId, error };
        }),
      );
      await this.#commit(block, outgoing);
    }
    // Later files go on while the last pieces of this one are still on their way.
    this.#follow(
      this.#finishLarge(file, settled, failure).finally(() => this.#pieceBytes.delete(file.entryId)),
    );
  }

  async #finishLarge(
    file: PendingFile,
    settled: ReadonlyArray<Promise<{ blockId: string; error: unknown }>>,
    readFailure: KeepsyncError | undefined,
  ): Promise<void> {
    const { journal, disk, clock } = this.#ports;
    const ends = await Promise.all(settled);
    const failed = ends.filter((end) => end.error !== undefined);
    // Of several failed blocks one is shown, and only where it is what kept the file from being stored.
    const cause = readFailure === undefined || readFailure.code === 'CANCELLED' ? failed[0] : undefined;
    for (const end of failed) {
      if (end !== cause) {
        this.#ports.blocks.discard(end.blockId);
      }
    }
    if (cause !== undefined) {
      await this.#blockFailed(cause.blockId, [file], cause.error);
      return;
    }
    if (readFailure !== undefined) {
      await this.#recordFailures([{ file, error: readFailure }]);
      return;
    }
    const [stat] = await disk.stat([file.diskPath], this.#ports.followLinks());
    if (stat?.stamp !== file.stamp) {
      await this.#recordFailures([
        { file, error: new KeepsyncError('FILE_CHANGED', 'The file changed while it was read') },
      ]);
      return;
    }
    if (!(await journal.recordLargeFile(file.entryId, file.stamp, clock.nowMs()))) {
      await journal.releaseFiles([file.entryId]);
    }
    this.#ports.onProgress();
  }

  async #blockFailed(blockId: string, files: readonly PackedFile[], thrown: unknown): Promise<void> {
    const error = asKeepsyncError(thrown);
    for (const file of files) {
      this.#failedBlocks.set(file.entryId, blockId);
    }
    if (shutsTheGate(error.code)) {
      this.#ports.gate.shut(error);
      await this.#ports.journal.releaseFiles(files.map((file) => file.entryId));
      this.#ports.onProgress();
      return;
    }
    await this.#recordFailures(files.map((file) => ({ file, error })));
  }

  /** Files that somebody else read for this folder and could not: failed, or to be looked at again. */
  async failed(
    failures: ReadonlyArray<{ readonly file: PendingFile; readonly error: KeepsyncError }>,
  ): Promise<void> {
    await this.#recordFailures(failures);
  }

  async #recordFailures(failures: readonly Failure[]): Promise<void> {
    if (failures.length === 0) {
      return;
    }
    const { journal, clock } = this.#ports;
    const changed = failures.filter((failure) => ['FILE_CHANGED', 'FILE_GONE'].includes(failure.error.code));
    const stopped = failures.filter((failure) => ['CANCELLED', 'CLOSED'].includes(failure.error.code));
    const failed = failures.filter((failure) => !changed.includes(failure) && !stopped.includes(failure));
    const nowMs = clock.nowMs();
    if (failed.length > 0) {
      await journal.recordFailures(
        failed.map(({ file, error }) => ({
          entryId: file.entryId,
          error: errorToRecord(error),
          dueAtMs: isRetriable(error.code) ? nowMs + retryDelayMs(error.code, file.attempts) : null,
          state: error.code === 'BAD_NAME' || error.code === 'FILE_KIND' ? 'held' : 'failed',
        })),
        nowMs,
      );
    }
    if (stopped.length > 0) {
      await journal.releaseFiles(stopped.map((failure) => failure.file.entryId));
    }
    if (changed.length > 0) {
      await journal.releaseFiles(changed.map((failure) => failure.file.entryId));
      const unseen = await this.#ports.onChangedFiles(
        changed.flatMap(({ file }) => ('diskPath' in file ? [file] : [])),
      );
      if (unseen.length > 0) {
        // A file that is there and cannot be seen, in a folder without permission, is not tried at once again and again.
        await journal.recordFailures(
          unseen.map((file) => ({
            entryId: file.entryId,
            error: errorToRecord(
              new KeepsyncError('FILE_CHANGED', `It could not be looked at after it was read: ${file.path}`),
            ),
            dueAtMs: nowMs + retryDelayMs('FILE_CHANGED', file.attempts),
            state: 'failed',
          })),
          nowMs,
        );
      }
    }
    this.#ports.onProgress();
  }

  #follow(work: Promise<void>): void {
    this.#onTheWay.add(work);
    work.then(
      () => this.#onTheWay.delete(work),
      (thrown) => {
        this.#failure ??= thrown;
        this.#onTheWay.delete(work);
      },
    );
  }
}
