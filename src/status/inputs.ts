import type { ErrorCode } from '../base/errors.ts';
import type { FolderConfig } from '../contract/settings.ts';
import type { ActivityRow, FolderStatus } from '../contract/status.ts';

/**
 * What the stages tell the status, in the status' own words: `engine.ts` maps their events to these. Every input is a
 * fact that replaces what was known before, so a lost or repeated one does no lasting harm.
 */

export interface Tally {
  readonly files: number;
  readonly bytes: number;
}

/** A folder's files by state; the journal's counts are of this shape. */
export interface FolderTallies {
  /** Seen on disk, present content not on the cluster; includes what lies in live blocks. */
  readonly pending: Tally;
  readonly stored: Tally;
  readonly saved: Tally;
  readonly failed: Tally;
  readonly held: Tally;
  /** No longer on disk, waiting for the mass-delete guard; still in the collection. */
  readonly gone: Tally;
  /** Leave the collection with the next save. */
  readonly deleted: Tally;
  readonly dirsToSave: number;
  readonly oldestStoredAtMs: number | null;
  /** `files` counts blocks here. */
  readonly storedBlocks: Tally;
  readonly savedBlocks: Tally;
}

/** Everything about one folder that is not a block or a problem. */
export interface FolderFacts {
  readonly id: string;
  readonly config: FolderConfig;
  readonly phase: FolderStatus['phase'];
  /** Null: the journal has not been read yet. */
  readonly tallies: FolderTallies | null;
  /**
   * Bytes of pending files that acknowledged blocks hold already (pieces of a large file that is still on its way).
   * Shown as Stored, because that is what is true of them; 0 where nothing is known.
   */
  readonly acknowledgedPieceBytes: number;
  readonly collectionUuid: string | null;
  readonly portableDataHash: string | null;
  readonly lastSaveAtMs: number | null;
  readonly nextSaveAtMs: number | null;
  /** Null: never scanned by this or an earlier run; then nothing may be called saved. */
  readonly lastScanAtMs: number | null;
  readonly ignored: number;
  readonly links: number;
  /** Why phase is `blocked`; null otherwise. */
  readonly blockedBy: ErrorCode | null;
}

/** A block that is somewhere between a file and the journal. */
export interface LiveBlock {
  readonly blockId: string;
  readonly folderId: string | null;
  readonly state: 'WRITABLE' | 'PENDING' | 'COMMITTED' | 'ERROR';
  readonly sizeBytes: number;
  readonly capacityBytes: number;
  /** With or without its signature; shown without. */
  readonly locator: string | null;
  readonly attempts: number;
  readonly server: string | null;
  readonly error: string | null;
  /** Files that lie wholly or partly in it. */
  readonly files: number;
  readonly examplePaths: readonly string[];
  /** When it entered this state, milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** One cause in one folder, or of the whole client (`folderId` null: not signed in, offline). */
export interface ProblemFact {
  readonly code: ErrorCode;
  /** Files concerned; 0 where it is about no file (a folder, the account). */
  readonly files: number;
  readonly examplePath: string | null;
  /** The newest error's own message. */
  readonly message: string;
  /** The newest error's own advice, where it has one; else that of the table of causes. */
  readonly action?: string;
  readonly requestId: string | null;
  readonly nextTryAtMs: number | null;
  readonly sinceMs: number;
}

export interface AccountFacts {
  readonly host: string | null;
  readonly user: string | null;
  readonly local: boolean;
  readonly connected: boolean;
  readonly offlineSinceMs: number | null;
  readonly tokenExpiresAtMs: number | null;
}

export type StatusInput =
  | { readonly type: 'folder'; readonly facts: FolderFacts }
  /** Also forgets its blocks and problems. */
  | { readonly type: 'folder-removed'; readonly folderId: string }
  | { readonly type: 'block'; readonly block: LiveBlock }
  /** The journal has it (its bytes count as stored there), or it was dropped. */
  | { readonly type: 'block-removed'; readonly blockId: string }
  /** All problems of that folder, or with null all that belong to none. */
  | { readonly type: 'problems'; readonly folderId: string | null; readonly problems: readonly ProblemFact[] }
  | { readonly type: 'account'; readonly account: AccountFacts }
  /** Bytes that Keep acknowledged just now. */
  | { readonly type: 'sent'; readonly bytes: number }
  /** Bytes that needed no sending, because the cluster has them. */
  | { readonly type: 'reused'; readonly bytes: number }
  | { readonly type: 'limit'; readonly bytesPerSecond: number }
  | {
      readonly type: 'activity';
      readonly level: ActivityRow['level'];
      readonly folderId: string | null;
      readonly message: string;
    };
