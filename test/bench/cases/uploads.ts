import type { BenchCase } from '../lib/bench-case.ts';
import { sendByCurl } from '../lib/curl-limit.ts';
import { ratio, reading, sum, type Target } from '../lib/results.ts';
import type { LargeTree } from '../lib/trees.ts';
import type { Workplace } from '../lib/workplace.ts';

type Copies = 1 | 2;

const ofArvPut = (what: string) => ratio(reading('keepsync', what), reading('arv-put', what));

const OVER_HTTP: readonly Target[] = [
  { text: "client CPU of arv-put's", limit: 0.5, reading: ofArvPut('cpuSeconds') },
  { text: "peak RSS of arv-put's", limit: 0.7, reading: ofArvPut('peakRssMib') },
  { text: "wall of arv-put's", limit: 0.8, reading: ofArvPut('wallSeconds') },
  {
    text: "wall of curl's",
    limit: 1.2,
    reading: ratio(reading('keepsync', 'wallSeconds'), reading('curl', 'wallSeconds')),
  },
];

const OVER_HTTPS: readonly Target[] = [
  { text: "client CPU of arv-put's", limit: 0.7, reading: ofArvPut('cpuSeconds') },
];

async function byArvPut(workplace: Workplace, folder: string, keepTls: boolean, copies: Copies) {
  return workplace.withCluster({ keepTls }, async (cluster) => {
    const command = [workplace.arvados.put, '--no-progress', '--replication', String(copies), `${folder}/`];
    const { usage } = await workplace.measure(command, workplace.environment(cluster));
    return usage;
  });
}

async function byKeepsync(workplace: Workplace, folder: string, keepTls: boolean, copies: Copies) {
  return workplace.withCluster({ keepTls }, async (cluster) => {
    const args = ['put', '--no-progress', '--replication', String(copies), `${folder}/`];
    const { usage } = await workplace.keepsync(args, workplace.environment(cluster));
    return usage;
  });
}

async function byCurl(
  workplace: Workplace,
  tree: Pick<LargeTree, 'blocks'>,
  keepTls: boolean,
  copies: Copies,
) {
  const blocks = tree.blocks();
  return workplace.withCluster({ keepTls }, (cluster) => sendByCurl(workplace, cluster, blocks, copies));
}

function largeUpload(id: string, copies: Copies, keepTls: boolean): BenchCase {
  return {
    id,
    title: `3 GiB in four files, upload, ${copies === 1 ? '1 copy' : '2 copies'}${keepTls ? ', https' : ''}`,
    isOwed: true,
    // one bound is judged there, and a run takes a minute
    ...(keepTls && copies === 2 ? { runs: (wanted: number) => Math.min(wanted, 3) } : {}),
    targets: keepTls ? OVER_HTTPS : OVER_HTTP,
    measure: async (workplace, record, runs) => {
      const tree = await workplace.largeTree();
      for (let run = 0; run < runs; run += 1) {
        record.add('keepsync', { ...(await byKeepsync(workplace, tree.folder, keepTls, copies)) });
        if (!workplace.hasOthers) {
          continue;
        }
        record.add('arv-put', { ...(await byArvPut(workplace, tree.folder, keepTls, copies)) });
        record.add('curl', { ...(await byCurl(workplace, tree, keepTls, copies)) });
        if (copies === 1 && !keepTls) {
          const { usage } = await workplace.measure(
            ['md5sum', ...tree.files],
            workplace.environment(undefined),
          );
          record.add('md5sum', { ...usage });
        }
      }
    },
  };
}

const smallUpload: BenchCase = {
  id: 'upload-small',
  title: '20,000 files of 1–20 KB, upload',
  isOwed: true,
  targets: [
    { text: "wall of arv-put's", limit: 0.25, reading: ofArvPut('wallSeconds') },
    { text: "client CPU of arv-put's", limit: 0.25, reading: ofArvPut('cpuSeconds') },
    {
      text: 'wall of tar | md5sum plus curl',
      limit: 1.5,
      reading: ratio(
        reading('keepsync', 'wallSeconds'),
        sum(reading('tar | md5sum', 'wallSeconds'), reading('curl', 'wallSeconds')),
      ),
    },
  ],
  measure: async (workplace, record, runs) => {
    const tree = await workplace.smallTree();
    for (let run = 0; run < runs; run += 1) {
      record.add('keepsync', { ...(await byKeepsync(workplace, tree.folder, false, 1)) });
      if (!workplace.hasOthers) {
        continue;
      }
      record.add('arv-put', { ...(await byArvPut(workplace, tree.folder, false, 1)) });
      const tar = ['sh', '-c', `tar cf - '${tree.folder}' 2>/dev/null | md5sum`];
      record.add('tar | md5sum', {
        ...(await workplace.measure(tar, workplace.environment(undefined))).usage,
      });
      record.add('curl', { ...(await byCurl(workplace, tree, false, 1)) });
    }
  },
};

export const uploads: readonly BenchCase[] = [
  largeUpload('upload-1-copy', 1, false),
  largeUpload('upload-2-copies', 2, false),
  largeUpload('upload-https-1-copy', 1, true),
  largeUpload('upload-https-2-copies', 2, true),
  smallUpload,
];
