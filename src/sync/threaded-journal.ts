import { startThread } from '../base/thread.ts';
import { connectThread, type ThreadConnection } from '../base/thread-rpc.ts';
import type { OpenOptions } from './journal.ts';
import { packRecordBlock, packRecordChanges, unpackPending } from './journal-columns.ts';
import type { OpenJournal } from './journal-database.ts';
import type { JournalVerdict } from './journal-inspect.ts';
import { JOURNAL_CALLS, type JournalCall, type JournalThreadApi } from './journal-thread-api.ts';

/** As `openJournal`, in a thread of its own: SQLite never runs on the main thread. */
export async function openThreadedJournal(options: OpenOptions): Promise<OpenJournal> {
  const connection = connectThread<JournalThreadApi>(startThread('sync/journal-thread'));
  try {
    const movedAside = await connection.call('open', options);
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= closeThread(connection);
      return closing;
    };
    return { ...callsOver(connection), ...largeCallsOver(connection), movedAside, close };
  } catch (thrown) {
    await connection.close();
    throw thrown;
  }
}

/** As `inspectJournal`, in a thread of its own. */
export async function inspectThreadedJournal(path: string): Promise<JournalVerdict> {
  const connection = connectThread<JournalThreadApi>(startThread('sync/journal-thread'));
  try {
    return await connection.call('inspect', path);
  } finally {
    await connection.close();
  }
}

function callsOver(connection: ThreadConnection<JournalThreadApi>): Pick<OpenJournal, JournalCall> {
  const call = connection.call as (name: JournalCall, parameters: readonly unknown[]) => Promise<unknown>;
  return Object.fromEntries(
    JOURNAL_CALLS.map((name) => [name, (...parameters: readonly unknown[]) => call(name, parameters)]),
  ) as unknown as Pick<OpenJournal, JournalCall>;
}

function largeCallsOver({
  call,
}: ThreadConnection<JournalThreadApi>): Pick<
  OpenJournal,
  'claimPending' | 'recordChanges' | 'recordPackedBlock'
> {
  return {
    claimPending: async (...parameters) => unpackPending(await call('claimPendingPacked', parameters)),
    recordChanges: async (...parameters) => call('recordChangesPacked', packRecordChanges(parameters)),
    recordPackedBlock: async (...parameters) => call('recordPackedBlockPacked', packRecordBlock(parameters)),
  };
}

async function closeThread(connection: ThreadConnection<JournalThreadApi>): Promise<void> {
  try {
    await connection.call('close', []);
  } finally {
    await connection.close();
  }
}
