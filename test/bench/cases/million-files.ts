import type { BenchCase } from '../lib/bench-case.ts';
import { reading } from '../lib/results.ts';
import { SmallTree } from '../lib/trees.ts';
import { WatchingDaemon } from '../lib/watching-daemon.ts';

const FILES = 1_000_000;
const PER_FOLDER = 1_000;
const FILE_BYTES = [10, 100] as const;

const million: BenchCase = {
  id: 'million-files',
  title: 'engine with 1,000,000 files in the journal, watcher included',
  isOwed: true,
  runs: (wanted) => Math.min(wanted, 2),
  targets: [
    { text: 'RSS', limit: 600, unit: 'MiB', reading: reading('keepsync', 'peakRssMib') },
    { text: 'start', limit: 20, unit: 's', reading: reading('keepsync', 'wallSeconds') },
  ],
  measure: async (workplace, record, runs) => {
    const tree = await SmallTree.make(workplace.fresh('million'), workplace.scaled(FILES), {
      perFolder: PER_FOLDER,
      sizes: FILE_BYTES,
    });
    try {
      await workplace.withCluster({ keepServers: 1 }, async (cluster) => {
        const profile = workplace.freshFolder('profile');
        const env = workplace.environment(cluster);
        const startedMs = performance.now();
        const first = await WatchingDaemon.start(workplace.main, profile, env);
        try {
          await first.addFolder(tree.folder, 'million');
          await first.untilSaved(tree.fileCount);
          const { cpuSeconds, peakRssMib, rssMib } = first.usage();
          record.add('first save', {
            wallSeconds: (performance.now() - startedMs) / 1000,
            cpuSeconds,
            peakRssMib,
            rssMib,
          });
        } finally {
          await first.stop();
        }
        for (let run = 0; run < runs; run += 1) {
          const againMs = performance.now();
          const daemon = await WatchingDaemon.start(workplace.main, profile, env);
          try {
            await daemon.untilSaved(tree.fileCount);
            const { cpuSeconds, peakRssMib, rssMib } = daemon.usage();
            record.add('keepsync', {
              wallSeconds: (performance.now() - againMs) / 1000,
              cpuSeconds,
              peakRssMib,
              rssMib,
            });
          } finally {
            await daemon.stop();
          }
        }
      });
      record.note('files of 10 to 100 bytes; the target for RSS is judged by its peak');
    } finally {
      tree.remove();
    }
  },
};

export const millionFiles: readonly BenchCase[] = [million];
