import type { Columns } from '../base/columns.ts';
import type { OpenOptions } from './journal.ts';
import type { PackedRecordBlock, PackedRecordChanges } from './journal-columns.ts';
import type { OpenJournal } from './journal-database.ts';
import type { JournalVerdict } from './journal-inspect.ts';

/** The calls that cross to the journal's thread. */
export const JOURNAL_CALLS = [
  'openFolder',
  'updateFolder',
  'removeFolder',
  'recordChanges',
  'writeFound',
  'guardFigures',
  'confirmDeletes',
  'claimPending',
  'releaseFiles',
  'nextDueAtMs',
  'recordPackedBlock',
  'recordPieceBlock',
  'piecesOf',
  'recordLargeFile',
  'recordKnownFiles',
  'recordFailures',
  'retry',
  'knownBlock',
  'refreshSignatures',
  'expireSignatures',
  'counts',
  'needsRemote',
  'buildSave',
  'finishSave',
  'abandonSave',
  'writeSaved',
  'compareRemote',
  'mayAdopt',
  'beginAdoption',
  'nextAdoptable',
  'recordAdoption',
  'listFiles',
  'listBlocks',
  'listSaves',
  'listProblems',
  'verify',
  'close',
] as const satisfies ReadonlyArray<keyof OpenJournal>;

export type JournalCall = (typeof JOURNAL_CALLS)[number];

/** Fails to compile where a call of the journal is missing in the list. */
type Missing = Exclude<keyof OpenJournal, JournalCall | 'movedAside'>;
const _complete: Missing extends never ? true : never = true;
void _complete;

export type JournalThreadApi = {
  [K in JournalCall]: (parameters: Parameters<OpenJournal[K]>) => ReturnType<OpenJournal[K]>;
} & {
  /** As the calls that they are named after, with their files in columns. */
  claimPendingPacked: (parameters: Parameters<OpenJournal['claimPending']>) => Promise<Columns>;
  recordChangesPacked: (parameters: PackedRecordChanges) => ReturnType<OpenJournal['recordChanges']>;
  recordPackedBlockPacked: (parameters: PackedRecordBlock) => Promise<void>;
  /** Answers where a damaged journal was moved, or null. */
  open: (options: OpenOptions) => string | null;
  /** Looks at a journal that this thread has not opened. */
  inspect: (path: string) => JournalVerdict;
};
