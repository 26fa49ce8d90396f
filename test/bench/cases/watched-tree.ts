import { appendFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { defaultSettings } from '../../../src/contract/settings.ts';
import type { BenchCase } from '../lib/bench-case.ts';
import type { BenchCluster, RequestCount } from '../lib/bench-cluster.ts';
import { type Recorder, ratio, reading } from '../lib/results.ts';
import { folderOf, SmallTree } from '../lib/trees.ts';
import { WatchingDaemon } from '../lib/watching-daemon.ts';
import type { Workplace } from '../lib/workplace.ts';

const FILES = 100_000;
const PER_FOLDER = 10_000;
const FILE_BYTES = [200, 1_000] as const;
const IDLE_SECONDS = 300;
/** After everything is saved, until the first garbage collections and the look at the collection are over. */
const SETTLE_SECONDS = 10;
/** One is slow: some minutes. */
const ARV_PUT_RUNS = 2;
const CALM_MS = defaultSettings.uploads.calmBaseMs;
const MIB = 2 ** 20;

/** A tree that a daemon has saved, on a cluster that counts. */
interface SavedTree {
  readonly workplace: Workplace;
  readonly cluster: BenchCluster;
  readonly tree: SmallTree;
  readonly profile: string;
  readonly env: Record<string, string>;
}

async function withSavedTree(
  workplace: Workplace,
  record: Recorder,
  work: (saved: SavedTree) => Promise<void>,
): Promise<void> {
  const tree = await SmallTree.make(workplace.fresh('watched'), workplace.scaled(FILES), {
    perFolder: workplace.scaled(PER_FOLDER),
    sizes: FILE_BYTES,
  });
  try {
    await workplace.withCluster({ isCounted: true }, async (cluster) => {
      const profile = workplace.freshFolder('profile');
      const env = workplace.environment(cluster);
      const daemon = await WatchingDaemon.start(workplace.main, profile, env);
      const startedMs = performance.now();
      try {
        await daemon.addFolder(tree.folder, 'watched');
        await daemon.untilSaved(tree.fileCount);
        record.add('first save', {
          wallSeconds: (performance.now() - startedMs) / 1000,
          cpuSeconds: daemon.usage().cpuSeconds,
          peakRssMib: daemon.usage().peakRssMib,
        });
      } finally {
        await daemon.stop();
      }
      await work({ workplace, cluster, tree, profile, env });
    });
  } finally {
    tree.remove();
  }
}

const unchanged: BenchCase = {
  id: 'unchanged',
  title: 'unchanged 100,000 files, restart to "everything saved"',
  isOwed: true,
  targets: [
    {
      text: 'wall of find -printf',
      limit: 3,
      reading: ratio(reading('keepsync', 'wallSeconds'), reading('find', 'wallSeconds')),
    },
    {
      text: 'times faster than arv-put with its resume cache',
      limit: 10,
      isAtLeast: true,
      reading: ratio(reading('arv-put', 'wallSeconds'), reading('keepsync', 'wallSeconds')),
    },
  ],
  measure: (workplace, record, runs) =>
    withSavedTree(workplace, record, async ({ cluster, tree, profile, env }) => {
      const home = workplace.freshFolder('arv-home');
      const arvPut = () =>
        workplace.measure(
          [workplace.arvados.put, '--no-progress', `${tree.folder}/`],
          workplace.environment(cluster, home),
        );
      if (workplace.hasOthers) {
        record.add('arv-put, first time', { ...(await arvPut()).usage });
      }
      for (let run = 0; run < runs; run += 1) {
        const find = ['sh', '-c', `find '${tree.folder}' -printf '%p %s %T@\\n' > /dev/null`];
        record.add('find', { ...(await workplace.measure(find, env)).usage });
        const startedMs = performance.now();
        const daemon = await WatchingDaemon.start(workplace.main, profile, env);
        try {
          await daemon.untilSaved(tree.fileCount);
          const { cpuSeconds, peakRssMib } = daemon.usage();
          record.add('keepsync', {
            wallSeconds: (performance.now() - startedMs) / 1000,
            cpuSeconds,
            peakRssMib,
          });
        } finally {
          await daemon.stop();
        }
        if (workplace.hasOthers && run < ARV_PUT_RUNS) {
          record.add('arv-put', { ...(await arvPut()).usage });
        }
      }
      record.note(`arv-put in ${Math.min(runs, ARV_PUT_RUNS)} of ${runs} runs: it is slow at this`);
    }),
};

const bodyBytes = (requests: readonly RequestCount[], server: RequestCount['server'], method: RegExp) =>
  requests
    .filter((one) => one.server === server && method.test(one.method))
    .reduce((total, one) => total + one.bodyBytes, 0);

const WRITES = /^(PUT|POST|PATCH)$/;

async function oneChanged(
  { cluster, tree, profile, env, workplace }: SavedTree,
  record: Recorder,
  runs: number,
) {
  const daemon = await WatchingDaemon.start(workplace.main, profile, env);
  try {
    await daemon.untilSaved(tree.fileCount);
    await wait(2000);
    for (let run = 0; run < runs; run += 1) {
      const index = (run * 7919) % tree.fileCount;
      const path = join(tree.folder, folderOf(index, workplace.scaled(PER_FOLDER)), `sample-${index}.txt`);
      await cluster.requests();
      const cpuBefore = daemon.usage().cpuSeconds;
      const atMs = Date.now();
      const startedMs = performance.now();
      appendFileSync(path, `changed in run ${run}\n`);
      await daemon.until(({ folders }) =>
        folders.every((one) => (one.lastSaveAtMs ?? 0) > atMs && one.phase === 'watching'),
      );
      const requests = await cluster.requests();
      const fileBytes = statSync(path).size;
      record.add('keepsync', {
        wallSeconds: (performance.now() - startedMs) / 1000,
        cpuSeconds: daemon.usage().cpuSeconds - cpuBefore,
        'bytes to Keep for each byte and copy': bodyBytes(requests, 'keep', WRITES) / fileBytes / 2,
        'bytes to the API': bodyBytes(requests, 'api', WRITES),
        requests: requests.length,
      });
      // a save rests ten times as long as the one before took
      await wait(1000);
    }
  } finally {
    await daemon.stop();
  }
}

const changed: BenchCase = {
  id: 'one-changed',
  title: 'one changed file among 100,000',
  isOwed: false,
  targets: [
    {
      text: 'seconds to saved, over the calm period',
      limit: 1,
      unit: 's',
      reading: (series) => (series.keepsync?.wallSeconds ?? []).map((seconds) => seconds - CALM_MS / 1000),
    },
    {
      text: "bytes sent to Keep, of the file's",
      limit: 1,
      reading: reading('keepsync', 'bytes to Keep for each byte and copy'),
    },
    {
      text: 'manifest sent: that of one file, bytes to the API',
      limit: 2_000,
      unit: 'bytes',
      reading: reading('keepsync', 'bytes to the API'),
    },
  ],
  measure: (workplace, record, runs) =>
    withSavedTree(workplace, record, (saved) => oneChanged(saved, record, runs)),
};

async function renamed(
  { cluster, tree, profile, env, workplace }: SavedTree,
  record: Recorder,
  runs: number,
) {
  const daemon = await WatchingDaemon.start(workplace.main, profile, env);
  try {
    await daemon.untilSaved(tree.fileCount);
    await wait(2000);
    let folder = join(tree.folder, 'plate-0');
    for (let run = 0; run < runs; run += 1) {
      await cluster.requests();
      const cpuBefore = daemon.usage().cpuSeconds;
      const atMs = Date.now();
      const startedMs = performance.now();
      const renamedTo = join(tree.folder, `renamed-${run}`);
      renameSync(folder, renamedTo);
      folder = renamedTo;
      await daemon.until(({ folders }) =>
        folders.every(
          (one) =>
            (one.lastSaveAtMs ?? 0) > atMs &&
            one.phase === 'watching' &&
            one.bar.saved.files === tree.fileCount &&
            one.percentSaved === 100,
        ),
      );
      const requests = await cluster.requests();
      record.add('keepsync', {
        wallSeconds: (performance.now() - startedMs) / 1000,
        cpuSeconds: daemon.usage().cpuSeconds - cpuBefore,
        'blocks sent': requests.filter((one) => one.server === 'keep' && one.method === 'PUT').length,
        'MiB to the API': bodyBytes(requests, 'api', WRITES) / MIB,
        saves: requests.filter((one) => one.server === 'api' && /^(PUT|PATCH)$/.test(one.method)).length,
      });
      await wait(3000);
    }
  } finally {
    await daemon.stop();
  }
}

const rename: BenchCase = {
  id: 'rename-folder',
  title: 'rename of a folder with 10,000 files, of 100,000',
  isOwed: false,
  runs: (wanted) => Math.min(wanted, 3),
  targets: [
    { text: 'blocks sent', limit: 0, reading: reading('keepsync', 'blocks sent') },
    { text: 'saved within', limit: 5, unit: 's', reading: reading('keepsync', 'wallSeconds') },
  ],
  measure: (workplace, record, runs) =>
    withSavedTree(workplace, record, (saved) => renamed(saved, record, runs)),
};

const idle: BenchCase = {
  id: 'idle',
  title: 'idle with 100,000 files watched, 5 minutes',
  isOwed: true,
  runs: () => 1,
  targets: [
    {
      text: 'CPU of one core',
      limit: 0.5,
      unit: '%',
      reading: reading('keepsync', '% of a core'),
    },
  ],
  measure: (workplace, record) =>
    withSavedTree(workplace, record, async ({ tree, profile, env }) => {
      const daemon = await WatchingDaemon.start(workplace.main, profile, env);
      try {
        await daemon.untilSaved(tree.fileCount);
        await wait(SETTLE_SECONDS * 1000);
        const seconds = Math.max(20, IDLE_SECONDS * Math.min(1, workplace.scale));
        const cpuSeconds = await daemon.cpuSecondsOver(seconds);
        const { rssMib, peakRssMib } = daemon.usage();
        record.add('keepsync', {
          wallSeconds: seconds,
          cpuSeconds,
          rssMib,
          peakRssMib,
          '% of a core': (100 * cpuSeconds) / seconds,
        });
      } finally {
        await daemon.stop();
      }
    }),
};

export const watchedTree: readonly BenchCase[] = [unchanged, changed, rename, idle];
