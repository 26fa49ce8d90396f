// How cost grows with size; started by `npm run bench:growth -- --help`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { downloads } from './cases/downloads.ts';
import { manifests } from './cases/manifests.ts';
import { millionFiles } from './cases/million-files.ts';
import { uploads } from './cases/uploads.ts';
import { watchedTree } from './cases/watched-tree.ts';
import { type Growth, growthChart } from './lib/growth-chart.ts';
import { between } from './lib/report.ts';
import { Recorder } from './lib/results.ts';
import { growthExponent, median } from './lib/statistics.ts';
import { Workplace } from './lib/workplace.ts';
import { writeChecked } from './lib/written-files.ts';

const SCALES = [0.01, 0.1, 1] as const;
/** A flat cost may come out this steep by chance, and a limit be passed by as much. */
const NOISE = 0.1;

interface GrowingCase {
  readonly id: string;
  readonly title: string;
  /** Who is read, and what. */
  readonly who: string;
  readonly what: 'wallSeconds' | 'cpuSeconds';
  readonly unit: string;
  /** At full size. */
  readonly size: number;
  readonly isFlat?: boolean;
}

const GROWING: readonly GrowingCase[] = [
  {
    id: 'upload-1-copy',
    title: 'upload, large files',
    who: 'keepsync',
    what: 'wallSeconds',
    unit: 'MiB',
    size: 3072,
  },
  {
    id: 'upload-small',
    title: 'upload, small files',
    who: 'keepsync',
    what: 'wallSeconds',
    unit: 'files',
    size: 20_000,
  },
  {
    id: 'download-large',
    title: 'download, large files',
    who: 'keepsync',
    what: 'wallSeconds',
    unit: 'MiB',
    size: 3072,
  },
  {
    id: 'download-small',
    title: 'download, small files',
    who: 'keepsync',
    what: 'wallSeconds',
    unit: 'files',
    size: 20_000,
  },
  {
    id: 'unchanged',
    title: 'restart, nothing changed',
    who: 'keepsync',
    what: 'wallSeconds',
    unit: 'files',
    size: 100_000,
  },
  {
    id: 'one-changed',
    title: 'saving one file',
    who: 'keepsync',
    what: 'wallSeconds',
    unit: 'files',
    size: 100_000,
    isFlat: true,
  },
  {
    id: 'rename-folder',
    title: 'rename of a folder',
    who: 'keepsync',
    what: 'wallSeconds',
    unit: 'files',
    size: 10_000,
  },
  {
    id: 'manifest',
    title: 'manifest to PDH',
    who: 'keepsync',
    what: 'wallSeconds',
    unit: 'files',
    size: 1_000_000,
  },
  {
    id: 'million-files',
    title: 'first save of many files',
    who: 'first save',
    what: 'wallSeconds',
    unit: 'files',
    size: 1_000_000,
  },
];

const HELP = `npm run bench:growth -- [options]
  --only CASE   of ${GROWING.map((one) => one.id).join(', ')}; several with several --only
  --runs N      the median of so many (default 3)
  --scale F     1 is the full size (default)
  --dir DIR     where files go (default: the folder for temporary files)
A whole run at full size writes docs/pictures/growth.svg and the table in docs/performance.md. Exit code 1 where
something grows faster than n log n, or saving one file with the number of files.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    runs: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    dir: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const CASES = [...uploads, ...downloads, ...watchedTree, ...manifests, ...millionFiles];
const DOCS = join(import.meta.dirname, '../../docs');
const PICTURE = join(DOCS, 'pictures', 'growth.svg');
const PAGE = join(DOCS, 'performance.md');

async function grow(one: GrowingCase): Promise<Growth> {
  const points: Array<readonly [number, number]> = [];
  for (const part of SCALES) {
    const scale = part * Number(values.scale);
    const workplace = new Workplace({
      dir: values.dir,
      scale,
      runs: Number(values.runs),
      venv: process.env.KEEPSYNC_INTEROP_VENV ?? '',
      hasOthers: false,
    });
    try {
      const record = new Recorder();
      const found = CASES.find(({ id }) => id === one.id);
      await found?.measure(workplace, record, found.runs?.(workplace.runs) ?? workplace.runs);
      const seconds = median(record.series[one.who]?.[one.what] ?? []);
      points.push([Math.round(one.size * scale), seconds]);
      console.error(`${one.id}: ${Math.round(one.size * scale)} ${one.unit} in ${seconds.toFixed(2)} s`);
    } finally {
      workplace.close();
    }
  }
  return { title: one.title, unit: one.unit, points, exponent: growthExponent(points.slice(-2)) };
}

/** What n·log n would come to over the same sizes. */
function limitOf(one: GrowingCase, { points }: Growth): number {
  return one.isFlat === true
    ? NOISE
    : growthExponent(points.slice(-2).map(([size]) => [size, size * Math.log(size)] as const)) + NOISE;
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const rows: string[] = [];
  const all: Growth[] = [];
  let isWithin = true;
  for (const one of GROWING.filter(({ id }) => values.only.length === 0 || values.only.includes(id))) {
    const growth = await grow(one);
    const limit = limitOf(one, growth);
    const whole = growthExponent(growth.points);
    const isReached = growth.exponent <= limit;
    isWithin &&= isReached;
    all.push(growth);
    const seconds = growth.points.map(([, value]) => value.toFixed(2)).join(' / ');
    const sizes = growth.points.map(([size]) => size.toLocaleString('en')).join(' / ');
    rows.push(
      `| ${one.title} | ${sizes} ${one.unit} | ${seconds} | ${whole.toFixed(2)} | ${growth.exponent.toFixed(2)} | ${limit.toFixed(2)} | ${isReached ? 'yes' : '**no**'} |`,
    );
  }
  const table = [
    '| case | sizes | seconds | exponent, all | last decade | n log n, and 0.1 for noise | within |',
    '| --- | --- | --- | ---: | ---: | ---: | --- |',
    ...rows,
  ].join('\n');
  console.log(table);
  if (values.only.length === 0 && values.scale === '1') {
    mkdirSync(dirname(PICTURE), { recursive: true });
    writeFileSync(PICTURE, growthChart(all));
    writeChecked(PAGE, between(readFileSync(PAGE, 'utf8'), 'growth', table));
    console.error(`Wrote ${PICTURE} and the table in ${PAGE}`);
  }
  return isWithin ? 0 : 1;
}

process.exitCode = await main();
