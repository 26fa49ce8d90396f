import { appendFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import type { RequestCount } from './bench-cluster.ts';
import { LargeTree, SmallTree } from './trees.ts';
import { WatchingDaemon } from './watching-daemon.ts';
import type { Workplace } from './workplace.ts';

const LARGE_BYTES = 2 ** 30;
const SMALL_FILES = 5_000;
const MORE_FILES = 200;
/** After a save, until the look at the collection that follows it is over. */
const SETTLE_MS = 1_500;

/** What something asked of the cluster, as the cluster counted it. */
export interface RequestCost {
  readonly what: string;
  readonly api: number;
  /** Bytes to and from the API. */
  readonly apiSent: number;
  readonly apiReceived: number;
  readonly keepPuts: number;
  readonly keepSent: number;
}

export interface CountedCosts {
  readonly rows: readonly RequestCost[];
  readonly journalBytesPerFile: number;
  readonly saveBytesPerFile: number;
}

function costOf(what: string, requests: readonly RequestCount[]): RequestCost {
  const api = requests.filter((one) => one.server === 'api');
  const puts = requests.filter((one) => one.server === 'keep' && one.method === 'PUT');
  const sum = (of: readonly RequestCount[], name: 'bodyBytes' | 'answerBytes') =>
    of.reduce((total, one) => total + one[name], 0);
  return {
    what,
    api: api.length,
    apiSent: sum(api, 'bodyBytes'),
    apiReceived: sum(api, 'answerBytes'),
    keepPuts: puts.length,
    keepSent: sum(puts, 'bodyBytes'),
  };
}

/** What is still in the log of a journal that nobody has open goes into the file first. */
function journalBytes(path: string): number {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
  return statSync(path).size;
}

/** Counts the requests of what people do, on a cluster of two Keep servers that wants two copies. */
export async function countRequests(workplace: Workplace): Promise<CountedCosts> {
  const rows: RequestCost[] = [];
  let journalBytesPerFile = Number.NaN;
  const large = await LargeTree.make(workplace.fresh('large'), LARGE_BYTES);
  const small = await SmallTree.make(workplace.fresh('small'), SMALL_FILES);
  await workplace.withCluster({ isCounted: true }, async (cluster) => {
    const env = workplace.environment(cluster);
    const count = async (what: string) => {
      rows.push(costOf(what, await cluster.requests()));
    };
    await workplace.keepsync(['put', '--no-progress', large.folder], env);
    await count('put 1 GiB in four files');
    await workplace.keepsync(['put', '--no-progress', small.folder], env);
    await count(`put ${SMALL_FILES.toLocaleString('en')} files of 1–20 KB`);

    const profile = workplace.freshFolder('profile');
    const first = await WatchingDaemon.start(workplace.main, profile, env);
    try {
      await first.addFolder(small.folder, 'watched');
      await first.untilSaved(small.fileCount);
    } finally {
      await first.stop();
    }
    journalBytesPerFile = journalBytes(join(profile, 'journal.sqlite')) / small.fileCount;
    await cluster.requests();

    const daemon = await WatchingDaemon.start(workplace.main, profile, env);
    try {
      await daemon.untilSaved(small.fileCount);
      await wait(SETTLE_MS);
      await count('start, nothing changed');
      const edit = async (what: string, change: () => void) => {
        const atMs = Date.now();
        change();
        await daemon.until(({ folders }) =>
          folders.every((one) => (one.lastSaveAtMs ?? 0) > atMs && one.phase === 'watching'),
        );
        await wait(SETTLE_MS);
        await count(what);
      };
      const path = join(small.folder, 'plate-0', 'sample-1.txt');
      // the first save of a session also asks where Keep is
      await edit('first save since the start', () => appendFileSync(path, 'once'));
      await edit('save of one changed file', () => appendFileSync(path, 'again'));
      await edit(`save of ${MORE_FILES} changed files`, () => {
        for (let index = 0; index < MORE_FILES; index += 1) {
          appendFileSync(join(small.folder, 'plate-1', `sample-${500 + index}.txt`), 'more');
        }
      });
    } finally {
      await daemon.stop();
    }
  });
  const put = rows.find(({ what }) => what.includes('KB'));
  return { rows, journalBytesPerFile, saveBytesPerFile: (put?.apiSent ?? Number.NaN) / SMALL_FILES };
}
