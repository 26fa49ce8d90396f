import { parentPort } from 'node:worker_threads';
import { KeepsyncError } from '../base/errors.ts';
import { serveThread } from '../base/thread-rpc.ts';
import { openJournal } from './journal.ts';
import { packPending, unpackRecordBlock, unpackRecordChanges } from './journal-columns.ts';
import type { OpenJournal } from './journal-database.ts';
import { inspectJournal } from './journal-inspect.ts';
import { JOURNAL_CALLS, type JournalThreadApi } from './journal-thread-api.ts';

if (parentPort === null) {
  throw new KeepsyncError('INTERNAL', 'The journal thread runs as a worker only');
}

let journal: OpenJournal | undefined;

const opened = (): OpenJournal => {
  if (journal === undefined) {
    throw new KeepsyncError('CLOSED', 'The journal is not open');
  }
  return journal;
};

/** Each call of the port by its name, with its arguments as a list. */
const calls = Object.fromEntries(
  JOURNAL_CALLS.map((name) => [
    name,
    (parameters: readonly unknown[]) =>
      (opened()[name] as (...list: readonly unknown[]) => Promise<unknown>)(...parameters),
  ]),
) as unknown as Pick<JournalThreadApi, (typeof JOURNAL_CALLS)[number]>;

serveThread<JournalThreadApi>(parentPort, {
  ...calls,
  claimPendingPacked: async (parameters) => packPending(await opened().claimPending(...parameters)),
  recordChangesPacked: (parameters) => opened().recordChanges(...unpackRecordChanges(parameters)),
  recordPackedBlockPacked: (parameters) => opened().recordPackedBlock(...unpackRecordBlock(parameters)),
  open: (options) => {
    journal = openJournal(options);
    return journal.movedAside;
  },
  inspect: (path) => inspectJournal(path),
});
