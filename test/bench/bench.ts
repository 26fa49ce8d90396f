// The whole benchmark; started by `npm run bench -- --help`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { downloads } from './cases/downloads.ts';
import { mainThread } from './cases/main-thread.ts';
import { manifests } from './cases/manifests.ts';
import { millionFiles } from './cases/million-files.ts';
import { uploads } from './cases/uploads.ts';
import { watchedTree } from './cases/watched-tree.ts';
import { type BenchCase, NotHere } from './lib/bench-case.ts';
import { regressions } from './lib/compare.ts';
import { thisMachine } from './lib/machine.ts';
import { reportOf, withReport } from './lib/report.ts';
import { type BenchResults, type CaseResult, judge, Recorder } from './lib/results.ts';
import { Workplace } from './lib/workplace.ts';
import { writeChecked } from './lib/written-files.ts';

const CASES: readonly BenchCase[] = [
  ...uploads,
  ...downloads,
  ...watchedTree,
  ...manifests,
  ...millionFiles,
  ...mainThread,
];

const ROOT = join(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs', 'performance.md');
const FULL_RESULTS = join(ROOT, 'docs', 'performance.json');
const OTHER_RESULTS = join(ROOT, 'node_modules', '.cache', 'keepsync-bench', 'results.json');

const HELP = `npm run bench -- [options]
  --only CASE      one case, or several with several --only; of
                   ${CASES.map((one) => one.id).join('\n                   ')}
  --runs N         how often each is measured (default 5; slow cases fewer times, as their row says)
  --scale F        1 is the full size (default); 0.05 to try something
  --out FILE       where the results go, as JSON
  --compare FILE   earlier results: lists what got worse by more than the spread; exit code 1 where something did
  --from FILE      do not measure, take these results
  --dir DIR        where files go (default: the folder for temporary files); up to 25 GB, emptied afterwards
A whole run at full size writes docs/performance.md and docs/performance.json.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    out: { type: 'string' },
    compare: { type: 'string' },
    from: { type: 'string' },
    dir: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const started = performance.now();
const elapsed = () => `${((performance.now() - started) / 60_000).toFixed(1)} min`;

async function measureCase(one: BenchCase, workplace: Workplace): Promise<CaseResult> {
  const record = new Recorder();
  const runs = one.runs?.(workplace.runs) ?? workplace.runs;
  const startedMs = performance.now();
  let failure: string | undefined;
  try {
    await one.measure(workplace, record, runs);
  } catch (thrown) {
    failure = thrown instanceof Error ? thrown.message : String(thrown);
    if (!(thrown instanceof NotHere) && thrown instanceof Error) {
      console.error(thrown.stack);
    }
  }
  return {
    id: one.id,
    title: one.title,
    isOwed: one.isOwed,
    runs,
    series: record.series,
    targets: one.targets.map((target) => judge(target, record.series)),
    notes: record.notes,
    ...(failure === undefined ? {} : { failure }),
    tookSeconds: (performance.now() - startedMs) / 1000,
  };
}

async function measureAll(venv: string): Promise<BenchResults> {
  const unknown = values.only.filter((id) => !CASES.some((one) => one.id === id));
  if (unknown.length > 0) {
    throw new Error(`There is no case ${unknown.join(', ')}`);
  }
  const chosen = CASES.filter((one) => values.only.length === 0 || values.only.includes(one.id));
  const workplace = new Workplace({
    dir: values.dir,
    scale: Number(values.scale),
    runs: Number(values.runs),
    venv,
  });
  const cases: CaseResult[] = [];
  try {
    for (const one of chosen) {
      console.error(`${elapsed()}  ${one.id}: ${one.title}`);
      const result = await measureCase(one, workplace);
      cases.push(result);
      console.error(reportOf([result]));
    }
  } finally {
    workplace.close();
  }
  return {
    version: 1,
    machine: thisMachine(),
    date: new Date().toISOString().slice(0, 10),
    scale: workplace.scale,
    runs: workplace.runs,
    places: workplace.places(),
    // It names itself by the whole path it was called by.
    arvados: execFileSync(workplace.arvados.put, ['--version'], { encoding: 'utf8' })
      .trim()
      .replace(/^\S*\//, ''),
    tookSeconds: (performance.now() - started) / 1000,
    cases,
  };
}

const isWhole = values.only.length === 0 && values.scale === '1' && values.from === undefined;

async function main(): Promise<number> {
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const before =
    values.compare === undefined
      ? undefined
      : (JSON.parse(readFileSync(values.compare, 'utf8')) as BenchResults);
  const venv = process.env.KEEPSYNC_INTEROP_VENV;
  if (venv === undefined && values.from === undefined) {
    console.error(
      `There are no Arvados commands to measure against: ${process.env.KEEPSYNC_INTEROP_SKIP ?? 'start this by "npm run bench"'}`,
    );
    return 1;
  }
  const results =
    values.from === undefined
      ? await measureAll(venv ?? '')
      : (JSON.parse(readFileSync(values.from, 'utf8')) as BenchResults);
  const out = values.out ?? (isWhole ? FULL_RESULTS : OTHER_RESULTS);
  if (values.from === undefined) {
    const text = `${JSON.stringify(results, undefined, 1)}\n`;
    if (out === FULL_RESULTS) {
      writeChecked(out, text);
    } else {
      mkdirSync(dirname(out), { recursive: true });
      writeFileSync(out, text);
    }
    console.error(`Took ${elapsed()}; the results are in ${out}`);
  }
  if (isWhole) {
    writeChecked(PAGE, withReport(readFileSync(PAGE, 'utf8'), results));
    console.error(`The table is in ${PAGE}`);
  }
  console.log(reportOf(results.cases));
  if (before === undefined) {
    return results.cases.some((one) => one.failure !== undefined) ? 1 : 0;
  }
  const worse = regressions(before, results);
  console.log(worse.length === 0 ? 'Nothing got worse.' : `Got worse:\n${worse.join('\n')}`);
  return worse.length === 0 ? 0 : 1;
}

process.exitCode = await main();
