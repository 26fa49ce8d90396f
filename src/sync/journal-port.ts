import type { ErrorRecord } from '../base/errors.ts';
import type { FileStamp, TreeChange } from '../local/ports.ts';

/**
 * Where an entry of the journal stands.
 *
 * - `pending`: seen on disk, its present content is not on the cluster yet
 * - `stored`: every byte of its present content is in acknowledged blocks; not in a saved manifest
 * - `saved`: a saved manifest references exactly this content
 * - `failed`: could not be read or uploaded; tried again when due, or when a person asks
 * - `held`: not to be uploaded as it is (bad name, not a regular file)
 * - `gone`: no longer on disk; waits for the mass-delete guard
 * - `deleted`: to be removed from the collection with the next save
 */
export type EntryState = 'pending' | 'stored' | 'saved' | 'failed' | 'held' | 'gone' | 'deleted';

export interface JournalFolder {
  /** Row id inside this journal; what the other calls take. */
  readonly id: number;
  /** The pair's public id, the same in every journal. */
  readonly publicId: string;
  readonly collectionUuid: string | null;
  /** Of the collection after our last save or comparison; null: never compared. */
  readonly remotePdh: string | null;
  readonly remoteVersion: number | null;
  readonly lastSaveAtMs: number | null;
  readonly lastScanAtMs: number | null;
}

export interface Tally {
  readonly files: number;
  readonly bytes: number;
}

/** Files (not directories) and bytes by state, kept up to date row by row, so that reading it costs nothing. */
export interface JournalCounts {
  readonly pending: Tally;
  readonly stored: Tally;
  readonly saved: Tally;
  readonly failed: Tally;
  readonly held: Tally;
  readonly gone: Tally;
  readonly deleted: Tally;
  /** Directories waiting to be saved or removed. */
  readonly dirsToSave: number;
  /** When the oldest stored, unsaved row was stored; null where there is none. */
  readonly oldestStoredAtMs: number | null;
  /** Distinct blocks and their bytes that stored, unsaved rows reference; and those of saved ones. */
  readonly storedBlocks: Tally;
  readonly savedBlocks: Tally;
}

export interface GuardFigures {
  /** Files that are no longer on disk and whose bytes no other file of the folder has: not just renamed. */
  readonly gone: number;
  /** Those whose bytes another stored or saved file of the folder has. */
  readonly moved: number;
  /** Files still on disk that are, or are on their way, in the collection. */
  readonly live: number;
  /** Files still on disk that are held back or failed: what is gone is not weighed against them. */
  readonly outside: number;
}

/** A file to be read and uploaded. */
export interface PendingFile {
  readonly entryId: number;
  readonly path: string;
  readonly diskPath: string;
  readonly sizeBytes: number;
  readonly stamp: FileStamp;
  readonly attempts: number;
}

/** A block that Keep acknowledged, with every wanted copy and class. */
export interface AcknowledgedBlock {
  /** Signed. */
  readonly locator: string;
  readonly sizeBytes: number;
  /** Not sent, because the journal knew it. */
  readonly reused: boolean;
  /** How much longer its signature holds at least, whatever the clocks say; left out, only the locator tells. */
  readonly validForMs?: number;
}

/** A whole file's place in one block. */
export interface StoredFile {
  readonly entryId: number;
  /** Of the bytes that were read; a row that has another stamp by now stays as it is. */
  readonly stamp: FileStamp;
  readonly digest: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

/** One piece of a large file that fills a block. `index` counts blocks of the block size from the file's start. */
export interface StoredPiece {
  readonly entryId: number;
  readonly stamp: FileStamp;
  readonly index: number;
  readonly lengthBytes: number;
}

/** What the server answered to a save. */
export interface SaveResult {
  readonly atMs: number;
  /** Of the collection as it is now. */
  readonly portableDataHash: string;
  readonly version: number | null;
  /** Somebody else may have saved between the last look and this save: what came of it is for the next look to say. */
  readonly collided: boolean;
}

export interface SaveRequest {
  readonly folderId: number;
  readonly nowMs: number;
  /** Blocks whose signature ends before this are not used: their rows go back to pending. */
  readonly signatureValidUntilMs: number;
  /** The collection is as we left it, so `current/PATH` sources may be used for renames and copies. */
  readonly remoteUnchanged: boolean;
  /** Leave rows for the next save when the manifest text reaches this many bytes. */
  readonly limitBytes: number;
  /**
   * The collection's present manifest: needed when directories are to be removed (see `needsRemote`) or when the
   * collection changed under us. Files in it that were never ours are not touched.
   */
  readonly remoteManifest?: string;
  /** What happens to a path that somebody else changed since our last save. */
  readonly conflicts: 'keep-beside' | 'overwrite';
  /** There is no collection yet: the save is to be a manifest that one is made of. Default: false. */
  readonly isNew?: boolean;
}

export interface BuiltSave {
  /** Names this build in `finishSave` and `abandonSave`. */
  readonly saveId: number;
  readonly manifestText: string;
  readonly replaceFiles: Readonly<Record<string, string>>;
  readonly files: number;
  readonly bytes: number;
  readonly deleted: number;
  /** Of the manifest; only of a save that is new. */
  readonly portableDataHash?: string;
  /** Rows that had to go back to pending because a signature ran out. */
  readonly resetFiles: number;
  /** More rows wait for another save. */
  readonly more: boolean;
  /** Paths at which both versions are kept: ours at the path, theirs at `beside`. */
  readonly conflicts: ReadonlyArray<{ readonly path: string; readonly beside: string }>;
}

/** One row of what a comparison with the collection found. */
export interface RemoteDrift {
  /** Our saved paths that the collection no longer has as we saved them; they were made `pending` or `stored` again. */
  readonly lost: number;
  readonly examples: readonly string[];
}

/**
 * Rows to show. `state` as stored; `error` for failed and held ones.
 */
export interface JournalFileRow {
  readonly entryId: number;
  readonly path: string;
  readonly state: EntryState;
  readonly sizeBytes: number;
  readonly error: ErrorRecord | null;
  readonly dueAtMs: number | null;
}

export interface JournalBlockRow {
  readonly blockId: number;
  /** Without signature. */
  readonly locator: string;
  readonly sizeBytes: number;
  readonly saved: boolean;
  readonly storedAtMs: number;
  readonly files: number;
  readonly examplePaths: readonly string[];
}

export interface JournalSaveRow {
  readonly atMs: number;
  readonly files: number;
  readonly bytes: number;
  readonly deleted: number;
  readonly portableDataHash: string;
  readonly version: number | null;
}

/** Failed, held and gone rows of one folder, grouped by error code. */
export interface JournalProblem {
  readonly code: ErrorRecord['code'];
  readonly state: 'failed' | 'held';
  readonly count: number;
  readonly examplePath: string;
  readonly error: ErrorRecord;
  readonly nextTryAtMs: number | null;
  readonly sinceMs: number;
}

/** A range of a waiting file that is perhaps a range of a block of the collection. */
export interface AdoptableRange extends PendingFile {
  /** In the file. */
  readonly position: number;
  /** In the block. */
  readonly offset: number;
  readonly lengthBytes: number;
}

/** A block of the collection, and all that is waiting and may lie in it, in the block's order. */
export interface AdoptableBlock {
  /** Signed, where the journal has a signature. */
  readonly locator: string;
  readonly md5: string;
  readonly sizeBytes: number;
  readonly ranges: readonly AdoptableRange[];
  /** No file in it is still to become due, or one has waited long enough for those: time to download the block. */
  readonly isRipe: boolean;
}

/**
 * What the comparison of one range found. `unknown`: it could not be compared and will not be; `unread`: it was not
 * compared this time.
 */
export type AdoptionVerdict =
  | { readonly outcome: 'equal'; readonly digest: string }
  | { readonly outcome: 'differs' | 'unknown' | 'unread' };

/**
 * The sync engine's memory: what was seen on disk, where its bytes went, which blocks are acknowledged. One writer.
 * Every call is one transaction, durable (fsync) when it resolves, but for what a scan has just found (`recordChanges`). A
 * damaged journal raises JOURNAL; the caller opens a new one and rescans.
 */
export interface Journal {
  openFolder(publicId: string): Promise<JournalFolder>;
  updateFolder(
    folderId: number,
    change: Partial<Omit<JournalFolder, 'id' | 'publicId'>>,
  ): Promise<JournalFolder>;
  /** Forgets the folder's rows; the collection and the disk are not touched. */
  removeFolder(folderId: number): Promise<void>;

  /**
   * Takes in what a scan found. A file whose stamp another row of this folder has (a renamed or hard-linked file) takes
   * over that row's segments and becomes `stored` at once; a file that is back with its row's stamp becomes what it was;
   * others become `pending`, due after their calm period. What is gone and was never saved is dropped, the rest becomes
   * `gone` and waits for `confirmDeletes`.
   *
   * What is new and due at once may be kept in memory until something happens to it: a scan after a kill finds it again.
   */
  recordChanges(
    folderId: number,
    changes: readonly TreeChange[],
    options: { readonly nowMs: number; readonly calm: CalmSettings },
  ): Promise<{ readonly pending: number; readonly taken: number; readonly gone: number }>;

  /** Writes what was only kept in memory: before a scan, which compares the disk with the journal's file. */
  writeFound(folderId: number): Promise<void>;

  /** For the mass-delete guard; costs what is gone, not what exists. */
  guardFigures(folderId: number): Promise<GuardFigures>;
  /**
   * The guard, or a person, agreed: with 'mirror' `gone` rows become `deleted`, with 'keep' they are forgotten and the
   * collection keeps the files. Unless a person said so, a file waits while a pending one of its size may turn out to be
   * the same file under another name: then one save moves it, and nothing is sent. Returns how many.
   */
  confirmDeletes(folderId: number, deletes: 'mirror' | 'keep', who: 'guard' | 'person'): Promise<number>;

  /**
   * Pending and due failed rows, oldest first, that nobody holds yet; they are held (in memory) until one of the record
   * calls names them or `releaseFiles` lets go. With `largestBytes` larger files are passed over, some thousands at most.
   * Left out are those that the collection may have already: see `beginAdoption`.
   */
  claimPending(
    folderId: number,
    nowMs: number,
    limits: { files: number; bytes: number; largestBytes?: number },
  ): Promise<readonly PendingFile[]>;
  releaseFiles(entryIds: readonly number[]): Promise<void>;
  /** When the next pending or failed row is due; null where none is waiting. */
  nextDueAtMs(folderId: number): Promise<number | null>;

  /** The block, and the files that lie wholly in it, in one transaction: they become `stored`. */
  recordPackedBlock(
    folderId: number,
    block: AcknowledgedBlock,
    files: readonly StoredFile[],
    nowMs: number,
  ): Promise<void>;
  /** A block that is one piece of a large file. The file itself becomes `stored` with `recordLargeFile`. */
  recordPieceBlock(
    folderId: number,
    block: AcknowledgedBlock,
    piece: StoredPiece,
    nowMs: number,
  ): Promise<void>;
  /** Indices of pieces that are acknowledged for this very stamp, with signatures valid until the given time. */
  piecesOf(entryId: number, stamp: FileStamp, signatureValidUntilMs: number): Promise<readonly number[]>;
  /** All pieces are there and the file was still the same after the last read: `stored`. False: pieces are missing. */
  recordLargeFile(entryId: number, stamp: FileStamp, nowMs: number): Promise<boolean>;
  /** Files without bytes, and files whose bytes the journal knows by size and digest: `stored` without a new block. */
  recordKnownFiles(
    folderId: number,
    files: ReadonlyArray<{ readonly entryId: number; readonly stamp: FileStamp; readonly digest: string }>,
    nowMs: number,
  ): Promise<void>;
  /** `failed` with a due time, or none (needs a person); `held` for names and kinds. */
  recordFailures(
    failures: ReadonlyArray<{
      readonly entryId: number;
      readonly error: ErrorRecord;
      readonly dueAtMs: number | null;
      readonly state: 'failed' | 'held';
    }>,
    nowMs: number,
  ): Promise<void>;
  /** Failed (and, if asked, held) rows become pending, due now. */
  retry(
    folderId: number,
    options: { readonly code?: ErrorRecord['code']; readonly nowMs: number },
  ): Promise<number>;

  /**
   * A signed locator for these bytes, valid until then; undefined: unknown, or its signature is too old.
   * With a folder, only blocks that were stored as that folder wants them (copies, classes) count.
   */
  knownBlock(
    md5AndSize: string,
    signatureValidUntilMs: number,
    folderId?: number,
  ): Promise<string | undefined>;
  /** Takes over fresh signatures (and blocks we did not know) from a manifest of our collection. */
  refreshSignatures(folderId: number, signedManifest: string): Promise<number>;
  /** Signatures hold for one token: with another one all of this journal's are worthless. Blocks stay known as saved. */
  expireSignatures(): Promise<void>;

  counts(folderId: number): Promise<JournalCounts>;
  /**
   * Whether a save must bring the collection's manifest along: where there was no comparison yet. After one, the journal
   * knows what else the collection holds, for as long as its hash stays the same.
   */
  needsRemote(folderId: number): Promise<boolean>;
  /**
   * The next save's content, or undefined where there is nothing to save, or where a new collection cannot be made of a
   * manifest alone. Runs off the main thread.
   */
  buildSave(request: SaveRequest): Promise<BuiltSave | undefined>;
  /** The server took it: rows that did not change meanwhile become `saved`, `deleted` ones vanish. */
  finishSave(saveId: number, result: SaveResult): Promise<void>;
  abandonSave(saveId: number): Promise<void>;
  /**
   * Writes into each row what `finishSave` may have noted for all of them together. Any call that needs the rows does that
   * first; this is for whoever has the time.
   */
  writeSaved(): Promise<void>;
  /** Compares saved rows with the collection as it is now; what it lost becomes stored (or pending) again. */
  compareRemote(folderId: number, remoteManifest: string): Promise<RemoteDrift>;

  /** Whether the collection holds files that are not ours and may yet turn out to be those on disk. Cheap. */
  mayAdopt(folderId: number): Promise<boolean>;
  /**
   * Looks for waiting files of the very size that the collection has at their path, and plans how to compare them. Files
   * without bytes are taken over at once. Returns how many others there are to compare first.
   */
  beginAdoption(folderId: number, nowMs: number): Promise<number>;
  /** The next block to compare; undefined when all were. */
  nextAdoptable(folderId: number, nowMs: number): Promise<AdoptableBlock | undefined>;
  /**
   * One verdict for each range of that block. A file whose ranges are all equal takes over the collection's segments and
   * is `saved` at once. A due one that is not equal is an ordinary file to be uploaded from now on. Files stay as they are
   * (`refused`) while the outcome of a save is not known.
   */
  recordAdoption(
    folderId: number,
    verdicts: readonly AdoptionVerdict[],
    nowMs: number,
  ): Promise<{ readonly adopted: Tally; readonly refused: number }>;

  listFiles(
    folderId: number,
    query: {
      readonly search: string;
      readonly states: readonly EntryState[];
      readonly code?: ErrorRecord['code'];
      readonly offset: number;
      readonly limit: number;
    },
  ): Promise<{ readonly total: number; readonly rows: readonly JournalFileRow[] }>;
  listBlocks(
    folderId: number,
    query: { readonly saved?: boolean; readonly offset: number; readonly limit: number },
  ): Promise<{ readonly total: number; readonly rows: readonly JournalBlockRow[] }>;
  listSaves(
    folderId: number,
    query: { readonly offset: number; readonly limit: number },
  ): Promise<readonly JournalSaveRow[]>;
  listProblems(folderId: number): Promise<readonly JournalProblem[]>;
  close(): Promise<void>;
}

/** Plain data, so that it can cross to the journal's thread: see `calmMs` of the local stage. */
export interface CalmSettings {
  readonly calmBaseMs: number;
  readonly calmBytesPerSecond: number;
  readonly calmMaxMs: number;
}
