import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import type { RangeVerdict } from '../local/ports.ts';
import type { UploaderPorts } from './folder-uploader.ts';
import type {
  AdoptableBlock,
  AdoptableRange,
  AdoptionVerdict,
  Journal,
  PendingFile,
  Tally,
} from './journal-port.ts';
import { shutsTheGate } from './upload-gate.ts';

export interface AdopterPorts
  extends Pick<UploaderPorts, 'folderId' | 'disk' | 'slots' | 'gate' | 'clock' | 'onProgress'> {
  readonly journal: Pick<Journal, 'beginAdoption' | 'nextAdoptable' | 'recordAdoption'>;
  /** A block's bytes, checked against its md5; views shared memory. Errors as those of `BlockStore.get`. */
  readonly fetchBlock: (locator: string, signal: AbortSignal) => Promise<Uint8Array>;
  /** Both versions are kept where the files differ, so that it is worth a whole block to know that one does not. */
  readonly keepsBeside: () => boolean;
  /** Files that could not be read. */
  readonly onFailures: (
    failures: ReadonlyArray<{ readonly file: PendingFile; readonly error: KeepsyncError }>,
  ) => Promise<void>;
}

/**
 * `done`: all was compared. `later`: what is left waits for files that are not due, or for the outcome of a save. `stopped`:
 * on the way, by Keep or by whoever called `stop`.
 */
export interface AdoptionEnd {
  readonly outcome: 'done' | 'later' | 'stopped';
  readonly adopted: Tally;
}

/** A block that takes too long so many times is not waited for any more; other trouble of the network passes. */
const TIMEOUTS_MAX = 3;

/**
 * Recognises files that the collection has already, though this journal never saved them: of another profile, another
 * computer, or an `arv-put`. What lies in one block is compared together. Where waiting files cover all of a block, its
 * md5 proves them equal and nothing is downloaded; else the block is, once. What is equal is saved from that moment on,
 * because the collection's manifest references it. What differs is uploaded as any other file.
 */
export class CollectionAdopter {
  readonly #ports: AdopterPorts;
  readonly #timeouts = new Map<string, number>();
  #abort = new AbortController();
  #working = false;

  constructor(ports: AdopterPorts) {
    this.#ports = ports;
  }

  /** Files are being compared. */
  get working(): boolean {
    return this.#working;
  }

  /** Ends as soon as it can. What was compared is kept. */
  stop(): void {
    this.#abort.abort(new KeepsyncError('CANCELLED', 'Stopped'));
  }

  resume(): void {
    this.#abort = new AbortController();
  }

  /** Compares whatever waits. Throws what the journal does. */
  async adopt(): Promise<AdoptionEnd> {
    const { journal, folderId, clock, gate } = this.#ports;
    const { signal } = this.#abort;
    let files = 0;
    let bytes = 0;
    const end = (outcome: AdoptionEnd['outcome']) => ({ outcome, adopted: { files, bytes } });
    try {
      this.#working = (await journal.beginAdoption(folderId, clock.nowMs())) > 0;
      for (let left = 0; ; ) {
        const block = await journal.nextAdoptable(folderId, clock.nowMs());
        if (block === undefined) {
          return end(left > 0 ? 'later' : 'done');
        }
        const verdicts = await this.#compare(block, signal);
        if (verdicts === undefined || signal.aborted || !gate.passable) {
          return end('stopped');
        }
        const recorded = await journal.recordAdoption(folderId, verdicts, clock.nowMs());
        files += recorded.adopted.files;
        bytes += recorded.adopted.bytes;
        left += recorded.refused + (block.isRipe || verdicts.every(isEqual) ? 0 : 1);
        this.#ports.onProgress();
      }
    } finally {
      this.#working = false;
    }
  }

  /** Undefined: not now. */
  async #compare(
    block: AdoptableBlock,
    signal: AbortSignal,
  ): Promise<readonly AdoptionVerdict[] | undefined> {
    const { disk, slots } = this.#ports;
    // As a block that is being filled: this is what bounds the memory of all folders together.
    const release = await slots.acquire();
    try {
      if (signal.aborted) {
        return undefined;
      }
      let verdicts = await disk.compareRanges({
        ranges: block.ranges.map(rangeOnDisk),
        md5: block.md5,
        sizeBytes: block.sizeBytes,
      });
      if (verdicts.some(isUnknown) && !block.isRipe) {
        return verdicts.map((verdict) => (isEqual(verdict) ? verdict : UNREAD));
      }
      if (verdicts.some(isUnknown) && this.#isWorthFetching(block)) {
        const bytes = await this.#fetch(block, signal);
        if (bytes === undefined) {
          return undefined;
        }
        verdicts = bytes === 'never' ? verdicts : await this.#compareWith(bytes, block, verdicts);
      }
      await this.#tellFailures(block, verdicts);
      return verdicts.map((verdict) => (verdict.outcome === 'failed' ? UNREAD : verdict));
    } finally {
      release();
    }
  }

  async #compareWith(
    bytes: Uint8Array,
    block: AdoptableBlock,
    before: readonly RangeVerdict[],
  ): Promise<readonly RangeVerdict[]> {
    const open = block.ranges.filter((_, index) => before[index]?.outcome === 'unknown');
    const found = await this.#ports.disk.compareRanges({
      ranges: open.map(rangeOnDisk),
      md5: block.md5,
      sizeBytes: block.sizeBytes,
      bytes,
    });
    let next = 0;
    return before.map((verdict) => {
      if (verdict.outcome !== 'unknown') {
        return verdict;
      }
      next += 1;
      return found[next - 1] ?? verdict;
    });
  }

  /** To replace the other version costs sending the files: less than half of a block is not worth bringing all of it. */
  #isWorthFetching({ ranges, sizeBytes }: AdoptableBlock): boolean {
    const wantedBytes = ranges.reduce((sum, range) => sum + range.lengthBytes, 0);
    return this.#ports.keepsBeside() || wantedBytes * 2 >= sizeBytes;
  }

  /** Undefined: not now; `never`: Keep does not have it, or does not give it to us. */
  async #fetch(block: AdoptableBlock, signal: AbortSignal): Promise<Uint8Array | 'never' | undefined> {
    const { gate } = this.#ports;
    try {
      const bytes = await this.#ports.fetchBlock(block.locator, signal);
      this.#timeouts.delete(block.md5);
      gate.open();
      return bytes;
    } catch (thrown) {
      const error = asKeepsyncError(thrown);
      if (signal.aborted || error.code === 'CANCELLED' || error.code === 'CLOSED') {
        return undefined;
      }
      const timeouts = (this.#timeouts.get(block.md5) ?? 0) + (error.code === 'TIMEOUT' ? 1 : 0);
      this.#timeouts.set(block.md5, timeouts);
      if (!shutsTheGate(error.code) || timeouts >= TIMEOUTS_MAX) {
        this.#timeouts.delete(block.md5);
        return 'never';
      }
      gate.shut(error);
      return undefined;
    }
  }

  async #tellFailures(block: AdoptableBlock, verdicts: readonly RangeVerdict[]): Promise<void> {
    const failures = new Map<number, { file: PendingFile; error: KeepsyncError }>();
    for (const [index, file] of block.ranges.entries()) {
      const verdict = verdicts[index];
      if (verdict?.outcome === 'failed' && !failures.has(file.entryId)) {
        const { error } = verdict;
        failures.set(file.entryId, { file, error: new KeepsyncError(error.code, error.message, error) });
      }
    }
    if (failures.size > 0) {
      await this.#ports.onFailures([...failures.values()]);
    }
  }
}

const UNREAD = { outcome: 'unread' } as const;

const isUnknown = ({ outcome }: { readonly outcome: string }) => outcome === 'unknown';

function isEqual<V extends RangeVerdict | AdoptionVerdict>(
  verdict: V,
): verdict is V & { readonly outcome: 'equal' } {
  return verdict.outcome === 'equal';
}

const rangeOnDisk = ({ diskPath, stamp, position, offset, lengthBytes }: AdoptableRange) => ({
  diskPath,
  stamp,
  position,
  offset,
  lengthBytes,
});
