import { setImmediate as nextTurn } from 'node:timers/promises';
import { KeepsyncError } from '../base/errors.ts';
import type { CallContext } from '../base/thread-rpc.ts';
import type { PackedChanges, PackedReads, PackedResults } from './batch-columns.ts';
import { compareRanges } from './compare-ranges.ts';
import type { KnownSource } from './known-source.ts';
import type {
  CompareRanges,
  FileStat,
  RangeVerdict,
  ReadPiece,
  ReadSmallFiles,
  ScanRequest,
  ScanTotals,
  SmallFileResult,
  TreeChange,
  TreeRules,
} from './ports.ts';
import { readPieceOf, readSmallFiles, statOf } from './read-files.ts';
import { type HelpLine, LateHelp, serveHelp } from './scan-help.ts';
import { scanTree } from './scan-tree.ts';
import type { SyncDisk } from './sync-disk.ts';

export interface ScanStep {
  readonly changes: readonly TreeChange[];
  /** Set with the last step. */
  readonly totals?: ScanTotals;
  /** Once: somebody else could look at folders ahead of this scan; see `bringHelp`. */
  readonly wantsHelp?: boolean;
}

/** A step on its way between threads. */
interface PackedStep extends Omit<ScanStep, 'changes'> {
  readonly changes: PackedChanges;
}

export interface ScanHelpRequest {
  readonly folderId: number;
  readonly rules: TreeRules;
  readonly line: HelpLine;
}

/** What a disk thread offers. A type, not an interface, because thread methods are looked up by name. */
export type DiskThreadApi = {
  /** The number of a scan under way, for `nextStep` and `dropScan`. */
  beginScan(input: { readonly folderId: number; readonly request: ScanRequest }): number;
  /** The next batch that has something in it, or the end. The pace is the caller's: nothing piles up. */
  nextStep(scanId: number): Promise<PackedStep>;
  dropScan(scanId: number): void;
  /** Help for a scan that wants it, at the other end of the line. */
  bringHelp(input: { readonly scanId: number; readonly line: HelpLine }): void;
  /** Helps a scan of another thread. */
  helpScan(input: ScanHelpRequest): void;
  stat(input: {
    readonly diskPaths: readonly string[];
    readonly followLinks: boolean;
  }): Array<FileStat | undefined>;
  readSmall(input: { readonly folderId: number; readonly request: PackedReads }): PackedResults;
  readPiece(input: ReadPiece): void;
  compareRanges(input: CompareRanges): RangeVerdict[];
};

interface Scan {
  readonly steps: Generator<readonly TreeChange[], ScanTotals, void>;
  readonly help: LateHelp;
  hasAsked: boolean;
}

/** The disk's work over a synchronous disk and the journal's view; runs in a thread, or in a test without one. */
export class DiskService {
  readonly #disk: SyncDisk;
  readonly #known: KnownSource;
  readonly #scans = new Map<number, Scan>();
  #nextScanId = 1;

  constructor(disk: SyncDisk, known: KnownSource) {
    this.#disk = disk;
    this.#known = known;
  }

  beginScan(folderId: number, request: ScanRequest): number {
    const scanId = this.#nextScanId++;
    const help = new LateHelp();
    const steps = scanTree(this.#disk, this.#known.knownTree(folderId), request, help);
    this.#scans.set(scanId, { steps, help, hasAsked: false });
    return scanId;
  }

  /** Between batches with nothing in them the thread takes other messages, `cancel` among them. */
  async nextStep(scanId: number, { signal }: CallContext): Promise<ScanStep> {
    const scan = this.#scans.get(scanId);
    if (scan === undefined) {
      throw new KeepsyncError('INTERNAL', `there is no scan ${scanId}`);
    }
    try {
      for (;;) {
        signal.throwIfAborted();
        if (scan.help.isWanted && !scan.hasAsked) {
          scan.hasAsked = true;
          return { changes: [], wantsHelp: true };
        }
        const step = scan.steps.next();
        if (step.done === true) {
          this.dropScan(scanId);
          return { changes: [], totals: step.value };
        }
        if (step.value.length > 0) {
          return { changes: step.value };
        }
        await nextTurn();
      }
    } catch (thrown) {
      this.dropScan(scanId);
      throw thrown;
    }
  }

  dropScan(scanId: number): void {
    this.#scans.get(scanId)?.help.close();
    this.#scans.delete(scanId);
  }

  bringHelp(scanId: number, line: HelpLine): void {
    const scan = this.#scans.get(scanId);
    if (scan === undefined) {
      line.port.close();
    } else {
      scan.help.arrive(line);
    }
  }

  helpScan(folderId: number, rules: TreeRules, line: HelpLine): void {
    serveHelp(line, this.#disk, () => this.#known.knownTree(folderId), rules);
  }

  stat(diskPaths: readonly string[], followLinks: boolean): Array<FileStat | undefined> {
    return diskPaths.map((diskPath) => statOf(this.#disk, diskPath, followLinks));
  }

  readSmall(folderId: number, request: ReadSmallFiles): SmallFileResult[] {
    return readSmallFiles(this.#disk, request.into, request.files, this.#known.knownBytes(folderId));
  }

  readPiece(request: ReadPiece): void {
    readPieceOf(this.#disk, request);
  }

  compareRanges(request: CompareRanges): RangeVerdict[] {
    return compareRanges(this.#disk, request);
  }

  close(): void {
    for (const scanId of [...this.#scans.keys()]) {
      this.dropScan(scanId);
    }
    this.#known.close();
  }
}

/** Drives one scan to its end, batch by batch; what is not run to its end is dropped. */
export async function runScan(
  begin: () => Promise<number> | number,
  next: (scanId: number) => Promise<ScanStep>,
  drop: (scanId: number) => Promise<void> | void,
  onChanges: (changes: readonly TreeChange[]) => Promise<void>,
  signal?: AbortSignal,
  help: (scanId: number) => void = () => undefined,
): Promise<ScanTotals> {
  signal?.throwIfAborted();
  const scanId = await begin();
  let isOver = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const step = await next(scanId);
      if (step.changes.length > 0) {
        await onChanges(step.changes);
      }
      if (step.wantsHelp === true) {
        help(scanId);
      }
      if (step.totals !== undefined) {
        isOver = true;
        return step.totals;
      }
    }
  } finally {
    if (!isOver) {
      await drop(scanId);
    }
  }
}
