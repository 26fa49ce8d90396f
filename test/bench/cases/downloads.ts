import type { BenchCase } from '../lib/bench-case.ts';
import { ratio, reading, type Target } from '../lib/results.ts';
import { assertSameTrees } from '../lib/trees.ts';
import type { Workplace } from '../lib/workplace.ts';

const ofArvGet = (what: string) => ratio(reading('keepsync', what), reading('arv-get', what));

function targets(wallLimit: number): readonly Target[] {
  return [
    { text: "wall of arv-get's", limit: wallLimit, reading: ofArvGet('wallSeconds') },
    { text: "client CPU of arv-get's", limit: 0.4, reading: ofArvGet('cpuSeconds') },
  ];
}

function download(
  id: string,
  title: string,
  wallLimit: number,
  source: (workplace: Workplace) => Promise<{ readonly folder: string }>,
): BenchCase {
  return {
    id,
    title,
    isOwed: true,
    targets: targets(wallLimit),
    measure: async (workplace, record, runs) => {
      const { folder } = await source(workplace);
      await workplace.withCluster({}, async (cluster) => {
        const put = await workplace.keepsync(
          ['put', '--no-progress', '--replication', '1', `${folder}/`],
          workplace.environment(cluster),
        );
        const got: string[] = [];
        for (let run = 0; run < runs; run += 1) {
          const ours = workplace.fresh('got');
          const get = await workplace.keepsync(
            ['get', '--no-progress', put.stdout, ours],
            workplace.environment(cluster),
          );
          record.add('keepsync', { ...get.usage });
          if (run === 0) {
            assertSameTrees(folder, ours);
          }
          got.push(ours);
          if (workplace.hasOthers) {
            const theirs = workplace.freshFolder('arv-got');
            const arvGet = [workplace.arvados.get, '--no-progress', `${put.stdout}/`, theirs];
            const { usage } = await workplace.measure(arvGet, workplace.environment(cluster));
            record.add('arv-get', { ...usage });
            got.push(theirs);
          }
          if (id === 'download-large') {
            await workplace.remove(...got.splice(0));
          }
        }
        // after the last run: a disk from which many files were just removed is slow at making new ones
        await workplace.remove(...got);
      });
    },
  };
}

export const downloads: readonly BenchCase[] = [
  download('download-large', '3 GiB in four files, download', 0.6, (workplace) => workplace.largeTree()),
  download('download-small', '20,000 files of 1–20 KB, download', 0.4, (workplace) => workplace.smallTree()),
];
