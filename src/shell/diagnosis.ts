import { type AccountChecks, CHECK_IDS, type Check } from '../api/checks.ts';
import { asKeepsyncError, type KeepsyncError } from '../base/errors.ts';
import { plural, sizeText } from '../contract/words.ts';
import type { Connection } from '../engine/connection.ts';
import type { JournalVerdict } from '../sync/journal-inspect.ts';

/** What is asked, in this order: who to speak to, the cluster, this computer. */
export const DIAGNOSIS_IDS = ['account', ...CHECK_IDS, 'profile', 'disk', 'watches', 'journal'] as const;
export type DiagnosisId = (typeof DIAGNOSIS_IDS)[number];

/** `warning`: it works, but not as well as it could. `skipped`: could not be asked, because of one that failed before. */
export type Finding = 'good' | 'warning' | 'failed' | 'skipped';

/** The answer to one question. */
export interface Diagnosis {
  readonly id: DiagnosisId;
  readonly finding: Finding;
  /** One plain sentence, good or bad. */
  readonly message: string;
  /** What to do; null where nothing is. */
  readonly action: string | null;
  /** Of the server, for its administrators. */
  readonly requestId: string | null;
}

/** What this computer is asked. */
export interface ComputerProbes {
  /** Throws what keeps a file from being written and removed in the folder (or, where it is not made yet, from being made). */
  checkWritable(dir: string): Promise<void>;
  /** Bytes that this user may still write to the disk of the folder. */
  freeBytes(dir: string): Promise<number>;
  /** How many files and folders the system lets one user watch; undefined: as many as there are. */
  watchLimit(): Promise<number | undefined>;
  /** Throws JOURNAL where it is damaged. */
  inspectJournal(journalFile: string): Promise<JournalVerdict>;
}

export interface DiagnosisPorts {
  /** Throws NOT_SIGNED_IN. */
  readonly connection: () => Promise<Connection>;
  readonly checkAccount: (connection: Connection, signal: AbortSignal) => Promise<AccountChecks>;
  readonly computer: ComputerProbes;
  readonly stateDir: string;
  readonly journalFile: string;
  /** Entries that are watched one by one; above them folders only. */
  readonly watchEntriesMax: number;
}

/** Under this the journal of a large folder may not find the space to grow. */
const FREE_BYTES_FEW = 200 * 1024 * 1024;
/** SQLite needs some to write anything at all. */
const FREE_BYTES_NONE = 8 * 1024 * 1024;
/** As `local` says when the limit is met. */
const WATCHES_WANTED = 524_288;

/**
 * Goes through everything that has to be right on this computer and in the cluster before a byte can be saved. Changes
 * nothing but a file that is written and removed at once. Never throws: what fails is an answer, too.
 */
export async function diagnose(ports: DiagnosisPorts, signal: AbortSignal): Promise<readonly Diagnosis[]> {
  const cluster = await aboutCluster(ports, signal);
  const { computer, stateDir, journalFile } = ports;
  const here = await Promise.all([
    ask('profile', async () => {
      await computer.checkWritable(stateDir);
      return good(`The folder for journal and logs can be written: ${stateDir}`);
    }),
    ask('disk', async () => aboutDisk(await computer.freeBytes(stateDir))),
    ask('watches', async () => aboutWatches(await computer.watchLimit(), ports.watchEntriesMax)),
    ask('journal', async () => aboutJournal(await computer.inspectJournal(journalFile))),
  ]);
  return [...cluster, ...here];
}

/** Whether anything failed: what a script wants to know. */
export function isHealthy(rows: readonly Diagnosis[]): boolean {
  return rows.every(({ finding }) => finding === 'good' || finding === 'warning');
}

type Answer = Omit<Diagnosis, 'id'>;

const good = (message: string): Answer => ({ finding: 'good', message, action: null, requestId: null });

const bad = (finding: 'warning' | 'failed', message: string, action: string): Answer => ({
  finding,
  message,
  action,
  requestId: null,
});

const failure = (error: KeepsyncError): Answer => ({
  finding: 'failed',
  message: error.message,
  action: error.action ?? null,
  requestId: error.requestId ?? null,
});

async function ask(id: DiagnosisId, work: () => Promise<Answer>): Promise<Diagnosis> {
  try {
    return { id, ...(await work()) };
  } catch (thrown) {
    return { id, ...failure(asKeepsyncError(thrown)) };
  }
}

async function aboutCluster(ports: DiagnosisPorts, signal: AbortSignal): Promise<readonly Diagnosis[]> {
  let connection: Connection;
  try {
    connection = await ports.connection();
  } catch (thrown) {
    return [{ id: 'account', ...failure(asKeepsyncError(thrown)) }, ...skipped([])];
  }
  const account: Diagnosis = { id: 'account', ...aboutConnection(connection) };
  try {
    const { checks } = await ports.checkAccount(connection, signal);
    return [account, ...checks.map(fromCheck), ...skipped(checks)];
  } catch (thrown) {
    // the checks themselves never fail: the time was up, or a setting (the CA file) makes no sense
    const error = asKeepsyncError(thrown);
    const answer =
      error.code === 'CANCELLED'
        ? bad('failed', 'The cluster did not answer in time', 'Check the network, and try again.')
        : failure(error);
    return [account, { id: 'host', ...answer }, ...skipped([{ id: 'host' }])];
  }
}

const fromCheck = (check: Check): Diagnosis => ({
  id: check.id,
  finding: check.ok ? 'good' : 'failed',
  message: check.message,
  action: check.action ?? null,
  requestId: check.requestId ?? null,
});

function skipped(asked: ReadonlyArray<{ readonly id: DiagnosisId }>): readonly Diagnosis[] {
  return CHECK_IDS.filter((id) => !asked.some((one) => one.id === id)).map((id) => ({
    id,
    finding: 'skipped',
    message: 'Not asked, because of what failed before',
    action: null,
    requestId: null,
  }));
}

const FROM: Readonly<Record<Connection['origin'], string>> = {
  environment: 'the environment',
  'settings file': 'settings.conf',
  profile: 'the profile',
};

function aboutConnection(connection: Connection): Answer {
  const { host, origin, insecure } = connection;
  return insecure
    ? bad(
        'warning',
        `${host}, from ${FROM[origin]}; anybody on the way can read the token, because certificates are not checked`,
        'Give the certificate of the authority with "keepsync login --ca-file" instead, and unset ARVADOS_API_HOST_INSECURE.',
      )
    : good(`${host}, from ${FROM[origin]}`);
}

function aboutDisk(freeBytes: number): Answer {
  const message = `${sizeText(freeBytes)} free where journal and logs are`;
  if (freeBytes < FREE_BYTES_FEW) {
    const finding = freeBytes < FREE_BYTES_NONE ? 'failed' : 'warning';
    return bad(finding, `Only ${message}`, 'Free some space on that disk.');
  }
  return good(message);
}

function aboutWatches(limit: number | undefined, entriesMax: number): Answer {
  if (limit === undefined) {
    return good('This system has no limit for watched files');
  }
  const message = `The system lets a user watch ${limit.toLocaleString('en')} files and folders`;
  return limit < entriesMax
    ? bad(
        'warning',
        `${message}; changes in large folders are noticed by the hourly scan only`,
        `Raise the limit: sysctl fs.inotify.max_user_watches=${WATCHES_WANTED}`,
      )
    : good(message);
}

function aboutJournal(verdict: JournalVerdict): Answer {
  switch (verdict.state) {
    case 'none':
      return good('There is no journal yet: nothing was kept with this profile');
    case 'older':
      return good('The journal is of an older Keepsync; the next start brings it up to date');
    case 'newer':
      return bad(
        'failed',
        'The journal was written by a newer Keepsync',
        'Install the newer Keepsync again.',
      );
    case 'sound': {
      const files = Object.values(verdict.files).reduce((sum, count) => sum + count, 0);
      const saved = verdict.files.saved ?? 0;
      return good(
        `The journal is sound: ${plural(verdict.folders, 'folder')}, ${plural(files, 'file')}, ${saved.toLocaleString('en')} of them saved`,
      );
    }
  }
}
