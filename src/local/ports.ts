import type { ErrorRecord } from '../base/errors.ts';

/**
 * What identifies one state of one file on disk, as text that is only ever compared:
 * `size:mtimeNs:ctimeNs:dev:ino`. Equal stamps: nobody touched the file. Renaming a folder leaves the stamps of what is
 * in it as they are; renaming a file moves its ctime.
 */
export type FileStamp = string;

export interface FileStat {
  readonly kind: 'file' | 'dir' | 'other';
  readonly sizeBytes: number;
  readonly stamp: FileStamp;
  /** The later of mtime and ctime, milliseconds since the epoch: when it last changed. */
  readonly changedAtMs: number;
}

/** Where a folder pair's content comes from: one root for a watched folder, one for each PATH of `put`. */
export interface TreeRoot {
  /** Absolute path of a folder or a file on disk. */
  readonly diskPath: string;
  /** Where it goes in the collection: '' for the top, else `a/b` without slashes at its ends. */
  readonly prefix: string;
}

export interface TreeRules {
  /** gitignore-style patterns of the folder's settings; `.keepsyncignore` files in the tree add theirs. */
  readonly patterns: readonly string[];
  readonly followLinks: boolean;
  /** Let names through that the Arvados SDK cannot load again (Unicode spaces). */
  readonly allowUnreadableNames: boolean;
}

/** One difference between the disk and what the journal last saw. Paths are those in the collection, `a/b`. */
export type TreeChange =
  | { readonly type: 'file'; readonly path: string; readonly diskPath: string; readonly stat: FileStat }
  | { readonly type: 'dir'; readonly path: string; readonly diskPath: string }
  | { readonly type: 'gone'; readonly path: string; readonly wasDir: boolean }
  /** There, but not to be uploaded as it is: no permission, a bad name, a FIFO. */
  | { readonly type: 'held'; readonly path: string; readonly diskPath: string; readonly error: ErrorRecord };

export interface ScanTotals {
  readonly files: number;
  readonly dirs: number;
  readonly bytes: number;
  /** Left out by a rule, and links that are not followed. */
  readonly ignored: number;
  readonly links: number;
}

/** What the journal knows of one entry, for the scan to compare. */
export interface KnownEntry {
  readonly name: string;
  readonly kind: 'file' | 'dir';
  /** '' for a directory and for whatever must be looked at again. */
  readonly stamp: FileStamp;
  /** Of a directory: it could not be looked at; once it can, it has to be reported again. */
  readonly isHeld?: boolean;
}

export interface KnownPage {
  /** '' for the first page. */
  readonly after: string;
  readonly limit: number;
}

/** The scan's view of the journal: one directory at a time, so that memory does not grow with the tree. */
export interface KnownTree {
  /**
   * Entries right inside `dir` ('' is the top). With a `page`, up to `limit` of them, in the order of their names as UTF-8,
   * those that come after the name given; fewer than that: the last page.
   */
  entriesOf(dir: string, page?: KnownPage): readonly KnownEntry[];
  /** One entry right inside `dir`: what a scan of a few paths asks, so that it does not cost a whole directory. */
  entryOf(dir: string, name: string): KnownEntry | undefined;
}

export interface ScanRequest {
  readonly roots: readonly TreeRoot[];
  readonly rules: TreeRules;
  /** Undefined: everything. Else only these collection paths and what is below them. */
  readonly only?: readonly string[];
}

/** One small file to be read into a block. */
export interface SmallFile {
  readonly diskPath: string;
  readonly sizeBytes: number;
  readonly stamp: FileStamp;
}

export type SmallFileResult =
  /** Its bytes lie in the buffer from `offset`, `lengthBytes` long. */
  | {
      readonly outcome: 'read';
      readonly offset: number;
      readonly lengthBytes: number;
      readonly digest: string;
    }
  /** The journal knows these bytes (same size and digest); nothing was put into the buffer. */
  | { readonly outcome: 'known'; readonly digest: string }
  /** It did not fit into what is left; so did none after it. */
  | { readonly outcome: 'full' }
  | { readonly outcome: 'failed'; readonly error: ErrorRecord };

export interface ReadSmallFiles {
  /** Views shared memory; files are laid one after the other from its start. */
  readonly into: Uint8Array;
  readonly files: readonly SmallFile[];
}

export interface ReadPiece {
  readonly diskPath: string;
  readonly stamp: FileStamp;
  readonly position: number;
  /** Filled whole, or the read fails with FILE_CHANGED. Views shared memory. */
  readonly into: Uint8Array;
}

/** A range of a file that is perhaps a range of a block. */
export interface ComparedRange {
  readonly diskPath: string;
  readonly stamp: FileStamp;
  /** In the file. */
  readonly position: number;
  /** In the block. */
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface CompareRanges {
  /** Of one block, in its order. */
  readonly ranges: readonly ComparedRange[];
  /** Of the block. */
  readonly md5: string;
  readonly sizeBytes: number;
  /**
   * The block itself; views shared memory. Without it the ranges are compared by the block's md5, which tells something
   * only where they cover all of it and all of them are equal.
   */
  readonly bytes?: Uint8Array;
}

export type RangeVerdict =
  /** With the range's digest, which is a small file's if the range is all of it. */
  | { readonly outcome: 'equal'; readonly digest: string }
  | { readonly outcome: 'differs' }
  /** The md5 alone does not tell. */
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'failed'; readonly error: ErrorRecord };

/**
 * The disk as the sync engine reads it; it has no way to write (what must always hold, 4). Everything is done in batches,
 * because the real one lives in a worker thread. Errors are KeepsyncErrors with FILE_… codes.
 */
export interface LocalDisk {
  /** Walks the tree and reports differences to the journal in batches, then the totals. Memory grows with depth only. */
  scan(
    folderId: number,
    request: ScanRequest,
    onChanges: (changes: readonly TreeChange[]) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<ScanTotals>;
  /** Undefined where there is nothing (any more). Follows links as `followLinks` says. */
  stat(diskPaths: readonly string[], followLinks: boolean): Promise<ReadonlyArray<FileStat | undefined>>;
  /** Each file's stamp is compared before and after its bytes are read; FILE_CHANGED where it differs. */
  readSmall(folderId: number, request: ReadSmallFiles): Promise<readonly SmallFileResult[]>;
  /** One piece of a large file; the stamp is compared before and after. */
  readPiece(request: ReadPiece): Promise<void>;
  /** Compares ranges of files with a block; each file's stamp is compared before and after. One verdict for each range. */
  compareRanges(request: CompareRanges): Promise<readonly RangeVerdict[]>;
  close(): Promise<void>;
}

/** A hint that something at or below `diskPath` may have changed. Never complete: the scan is the truth. */
export interface WatchHint {
  readonly diskPath: string;
}

export interface Watching {
  close(): Promise<void>;
}

export interface WatchEvents {
  onHints(hints: readonly WatchHint[]): void;
  /** The watcher may have lost events (overflow, too many watches, an error): scan everything. */
  onDoubt(error: ErrorRecord): void;
}

/** chokidar, folders only, or nothing at all, behind one port. */
export interface Watcher {
  /** `knownEntries`: so many entries the tree had when it was last looked at; who knows that need not count them. */
  watch(
    roots: readonly TreeRoot[],
    rules: TreeRules,
    events: WatchEvents,
    knownEntries?: number,
  ): Promise<Watching>;
}
