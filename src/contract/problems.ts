import type { ErrorCode } from '../base/errors.ts';

/** The six states of the tray, worst first: the worst of all folders and of the connection wins. */
export const TRAY_STATES = ['error', 'attention', 'offline', 'paused', 'syncing', 'ready'] as const;
export type TrayState = (typeof TRAY_STATES)[number];

/** `waiting` heals by itself; `needs-you` does not. */
export type ProblemKind = 'waiting' | 'needs-you';

/** What a person can be offered for a problem. */
export type ProblemAction =
  | 'retry'
  | 'show-file'
  | 'exclude'
  | 'sign-in'
  | 'allow'
  | 'confirm-deletes'
  | 'copy-details';

export interface CauseEntry {
  readonly kind: ProblemKind;
  /** What the tray shows while such a problem stands; `syncing` for what heals by itself. */
  readonly tray: TrayState;
  /** A plain reason, after a count: "3 files: …". */
  readonly reason: string;
  /** What to do, one sentence; for waiting ones, what will happen. */
  readonly advice: string;
  readonly actions: readonly ProblemAction[];
}

const waiting = (reason: string, advice: string, tray: TrayState = 'syncing'): CauseEntry => ({
  kind: 'waiting',
  tray,
  reason,
  advice,
  actions: ['retry', 'show-file', 'copy-details'],
});

const needsYou = (
  reason: string,
  advice: string,
  actions: readonly ProblemAction[] = ['retry', 'show-file', 'exclude', 'copy-details'],
  tray: TrayState = 'attention',
): CauseEntry => ({ kind: 'needs-you', tray, reason, advice, actions });

/** The one table that says for each cause: waiting or needs you, which tray state, and the words. */
export const CAUSES: Readonly<Record<ErrorCode, CauseEntry>> = {
  OFFLINE: waiting('the cluster cannot be reached', 'Goes on when the cluster answers.', 'offline'),
  TIMEOUT: waiting('the cluster does not answer in time', 'Tried again by itself.', 'offline'),
  BUSY: waiting('the server is busy', 'Tried again by itself.'),
  SERVER: waiting('the server had a fault', 'Tried again by itself; if it stays, tell its administrators.'),
  BAD_ANSWER: waiting('the server answered something malformed', 'Tried again by itself.'),
  CHECKSUM: waiting('bytes arrived damaged', 'Tried again by itself.'),
  COPIES: waiting('not enough copies could be stored', 'Tried again by itself.'),
  NO_KEEP: waiting('the cluster names no Keep service', 'Tried again by itself.', 'offline'),
  FILE_CHANGED: waiting('still being written', 'Uploaded once it has been still for a while.'),
  FILE_BUSY: waiting('locked by another program', 'Tried again by itself.'),
  FILE_GONE: waiting('vanished while it was read', 'Looked at again with the next scan.'),
  TOO_MANY_OPEN: waiting('this computer ran out of file handles', 'Tried again by itself.'),
  CANCELLED: waiting('stopped on the way', 'Goes on with the next start.'),
  CLOSED: waiting('stopped on the way', 'Goes on with the next start.'),
  TLS: needsYou(
    'the certificate cannot be verified',
    'Give the CA file of your cluster in the settings.',
    ['retry', 'sign-in', 'copy-details'],
    'error',
  ),
  PLAIN_HTTP: needsYou(
    'a Keep service would get your token unencrypted',
    'Ask the administrators for https, or allow plain http for this cluster.',
    ['allow', 'retry', 'copy-details'],
    'error',
  ),
  NOT_ARVADOS: needsYou(
    'the host is not an Arvados cluster',
    'Check the host name.',
    ['sign-in', 'copy-details'],
    'error',
  ),
  NOT_SIGNED_IN: needsYou(
    'your token is missing or has expired',
    'Sign in, uploads go on where they stopped.',
    ['sign-in'],
    'error',
  ),
  FORBIDDEN: needsYou('you may not write there', 'Choose another project, or ask its owner.'),
  NOT_FOUND: needsYou(
    'what should be there is gone from the cluster',
    'Choose another collection, or retry.',
  ),
  REFUSED: needsYou('the server refuses it', 'Read the details; they name the reason.'),
  TOO_LARGE: needsYou('larger than the server takes', 'Ask the administrators to raise the limit.'),
  FULL: needsYou(
    'the cluster is full',
    'Ask the administrators for space, then retry.',
    ['retry', 'copy-details'],
    'error',
  ),
  READ_ONLY: needsYou(
    'no Keep service takes writes',
    'Ask the administrators.',
    ['retry', 'copy-details'],
    'error',
  ),
  CLASSES: needsYou(
    'a wanted storage class is not to be had',
    'Choose another storage class, or ask the administrators.',
  ),
  SIGNATURE: needsYou('a block is no longer confirmed by the cluster', 'Retry uploads it again.'),
  FILE_DENIED: needsYou('no permission to read', 'Give yourself the right to read it, or exclude it.'),
  FILE_BROKEN: needsYou('the disk cannot read it', 'Check the disk; copy the file to another one.'),
  FILE_KIND: needsYou('not a regular file', 'Exclude it: only files and folders can be saved.'),
  BAD_NAME: needsYou('a name that Arvados or its tools cannot hold', 'Rename it, allow it, or exclude it.', [
    'allow',
    'exclude',
    'show-file',
    'copy-details',
  ]),
  ROOT_GONE: needsYou('the folder is missing or empty', 'Bring the folder back, or remove the pair.', [
    'retry',
    'confirm-deletes',
    'copy-details',
  ]),
  MASS_DELETE: needsYou(
    'more than half of the folder is gone',
    'The collection still has the files. Confirm the deletion, or bring them back.',
    ['confirm-deletes', 'retry', 'copy-details'],
  ),
  DISK_FULL: needsYou("this computer's disk is full", 'Free some space.', ['retry', 'copy-details'], 'error'),
  JOURNAL: needsYou('the journal could not be used', 'It was moved aside and rebuilt; nothing is lost.', [
    'copy-details',
  ]),
  CONFLICT: needsYou(
    'somebody else changed the same file in the collection',
    'Both versions are kept; compare them, then retry to clear this.',
    ['retry', 'copy-details'],
  ),
  OTHER_CLUSTER: needsYou(
    'kept in another cluster',
    'Sign in to that cluster again; or remove the folder here and add it anew, to save it into this one, too.',
    ['sign-in', 'copy-details'],
  ),
  TARGET_GONE: needsYou('the collection is in the trash or deleted', 'Restore it, or choose another.', [
    'retry',
    'copy-details',
  ]),
  LOCKED: needsYou(
    'another Keepsync is running on this profile',
    'Stop the other one first.',
    ['copy-details'],
    'error',
  ),
  USAGE: needsYou('a setting makes no sense', 'Correct the setting.', ['copy-details']),
  STATE: needsYou(
    'a fault inside Keepsync',
    'Retry; send the details to its makers.',
    ['retry', 'copy-details'],
    'error',
  ),
  INTERNAL: needsYou(
    'a fault inside Keepsync',
    'Retry; send the details to its makers.',
    ['retry', 'copy-details'],
    'error',
  ),
};
