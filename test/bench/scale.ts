// What many clients cost a cluster: counts requests, then simulates. Started by `npm run bench:scale`; writes docs/scale.md.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterLimits, type FleetResult, simulateFleet, type Workload } from './lib/fleet.ts';
import { between } from './lib/report.ts';
import { type CountedCosts, countRequests } from './lib/request-costs.ts';
import { Workplace } from './lib/workplace.ts';
import { writeChecked } from './lib/written-files.ts';

const PAGE = join(import.meta.dirname, '../../docs/scale.md');

/** An ordinary cluster of some size. The first two are what a production installation of Arvados comes with. */
const LIMITS: ClusterLimits = {
  apiAtOnce: 16,
  apiLine: 128,
  apiSeconds: 0.05,
  apiSecondsPerMib: 0.2,
  keepServers: 8,
  keepBytesPerSecond: 1e9,
  clientBytesPerSecond: 112e6,
  copies: 2,
};

const RUN_FILE_BYTES = 250e6;
const RUN_FILES = 4_000;
const SECONDS_PER_DAY = 86_400;
const CLIENTS = 200;

interface Scene {
  readonly title: string;
  readonly load: Workload;
  readonly limits?: Partial<ClusterLimits>;
}

const DAY_OF_RUNS: Workload = {
  clients: CLIENTS,
  beginWithinSeconds: 300,
  fileBytes: RUN_FILE_BYTES,
  filesAtFirst: 0,
  secondsPerFile: SECONDS_PER_DAY / RUN_FILES,
  filesSaved: RUN_FILES / 2,
  seconds: 3600,
};

const SCENES: readonly Scene[] = [
  { title: 'each writes 1 TB a day, one file of 250 MB every 21.6 s', load: DAY_OF_RUNS },
  {
    title: 'the same, at half the cluster: 4 Keep servers, 8 API requests at once',
    load: DAY_OF_RUNS,
    limits: { keepServers: 4, apiAtOnce: 8 },
  },
  {
    title: 'the network is back after an outage: each has 1 TB waiting',
    load: { ...DAY_OF_RUNS, beginWithinSeconds: 10, filesAtFirst: RUN_FILES, secondsPerFile: Infinity },
  },
  {
    title: 'all start within 10 s, nothing changed',
    load: {
      ...DAY_OF_RUNS,
      beginWithinSeconds: 10,
      secondsPerFile: Infinity,
      filesSaved: 100_000,
      seconds: 300,
    },
  },
  {
    title: 'each saves a file of 20 KB every 10 s, into a collection of 100,000',
    load: { ...DAY_OF_RUNS, fileBytes: 20_000, secondsPerFile: 10, filesSaved: 100_000, seconds: 1200 },
  },
  {
    title: 'the same, into a collection of 2,000',
    load: { ...DAY_OF_RUNS, fileBytes: 20_000, secondsPerFile: 10, filesSaved: 2_000, seconds: 1200 },
  },
];

const count = (value: number) => Math.round(value).toLocaleString('en');
const seconds = (value: number) =>
  Number.isNaN(value) ? '—' : value < 10 ? `${value.toFixed(2)} s` : `${count(value)} s`;

function costTable({ rows, journalBytesPerFile, saveBytesPerFile }: CountedCosts): string {
  return [
    '| what | API requests | bytes to the API | bytes from it | block PUTs | bytes to Keep |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(
      (row) =>
        `| ${row.what} | ${row.api} | ${count(row.apiSent)} | ${count(row.apiReceived)} | ${row.keepPuts} | ${count(row.keepSent)} |`,
    ),
    '',
    `A new file costs ${saveBytesPerFile.toFixed(0)} bytes of the request that saves it, and ${journalBytesPerFile.toFixed(0)} bytes of the journal.`,
  ].join('\n');
}

function sceneTable(results: ReadonlyArray<readonly [Scene, FleetResult]>): string {
  return [
    '| 200 clients | API requests/s | API busy | waits at the API, p99 | turned away (503) | Keep MiB/s | Keep busy | start, p99 | whole file to saved, p50 / p99 |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...results.map(([{ title }, result]) =>
      [
        `| ${title}`,
        result.apiPerSecond.toFixed(1),
        `${count(result.apiBusyPercent)} %`,
        seconds(result.apiWaitP99),
        count(result.turnedAway),
        count(result.keepMibPerSecond),
        `${count(result.keepBusyPercent)} %`,
        seconds(result.startP99),
        `${seconds(result.unsavedP50)} / ${seconds(result.unsavedP99)} |`,
      ].join(' | '),
    ),
  ].join('\n');
}

function limitsText(limits: ClusterLimits): string {
  return [
    `API: ${limits.apiAtOnce} requests at once, ${limits.apiLine} in line, 503 beyond; ${limits.apiSeconds * 1000} ms each, and for a save ${limits.apiSecondsPerMib * 1000} ms for each MiB of the`,
    `collection's manifest. Keep: ${limits.keepServers} servers of ${limits.keepBytesPerSecond / 1e9} GB/s. Clients: ${limits.clientBytesPerSecond / 1e6} MB/s each. ${limits.copies} copies.`,
  ].join('\n');
}

async function main(): Promise<void> {
  const workplace = new Workplace({
    dir: process.argv[2],
    scale: 1 / 3,
    runs: 1,
    venv: process.env.KEEPSYNC_INTEROP_VENV ?? '',
    hasOthers: false,
  });
  let costs: CountedCosts;
  try {
    costs = await countRequests(workplace);
  } finally {
    workplace.close();
  }
  console.log(costTable(costs));
  const api = (what: string) => costs.rows.find((row) => row.what === what)?.api ?? Number.NaN;
  const perRequest = {
    apiPerStart: api('start, nothing changed'),
    apiPerSave: api('save of one changed file'),
  };
  const results = SCENES.map(
    (scene) => [scene, simulateFleet({ ...LIMITS, ...scene.limits }, scene.load, perRequest)] as const,
  );
  console.log(sceneTable(results));
  const page = between(readFileSync(PAGE, 'utf8'), 'costs', costTable(costs));
  writeChecked(PAGE, between(between(page, 'limits', limitsText(LIMITS)), 'fleet', sceneTable(results)));
  console.error(`Wrote the tables in ${PAGE}`);
}

await main();
