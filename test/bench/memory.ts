// What put, get and a watching daemon need: peak memory, processor time and wall time, against a local cluster. Run by
// `npm run bench:memory -- --help`; Linux only, and of the built command.
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { MeasuredProcess, type Usage } from './measured-process.ts';

const HELP = `node test/bench/memory.ts [options]
  --what LIST        of put,get,watch (default: all)
  --small N          small files (default 20000)
  --small-kib N      size of each (default 10)
  --large N          large files (default 4)
  --large-mib N      size of each (default 256)
  --dense            write the large files' bytes; else they are sparse, each block different in its first bytes
  --touch N          files that the watched folder gets once everything is saved (default 100)
  --dir DIR          where sources, cluster and results go; emptied afterwards (default: a temporary folder)
  --main FILE        the command (default: dist/keepsync.cjs)
  --node-args LIST   further arguments of Node, separated by spaces
  --arv-get FILE     measure this arv-get beside ours`;

const { values } = parseArgs({
  options: {
    what: { type: 'string', default: 'put,get,watch' },
    small: { type: 'string', default: '20000' },
    'small-kib': { type: 'string', default: '10' },
    large: { type: 'string', default: '4' },
    'large-mib': { type: 'string', default: '256' },
    dense: { type: 'boolean', default: false },
    touch: { type: 'string', default: '100' },
    dir: { type: 'string' },
    main: { type: 'string', default: join(import.meta.dirname, '../../dist/keepsync.cjs') },
    'node-args': { type: 'string', default: '' },
    'arv-get': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const BLOCK_BYTES = 2 ** 26;
const FILES_PER_FOLDER = 500;
const SETTLE_MS = 15_000;

const command = [...values['node-args'].split(' ').filter((arg) => arg !== ''), values.main];
const what = new Set(values.what.split(','));
const smallCount = Number(values.small);
const largeCount = Number(values.large);
const largeBytes = Number(values['large-mib']) * 2 ** 20;

function makeSource(top: string): void {
  const text = Buffer.alloc(Number(values['small-kib']) * 1024, 'keep ');
  for (let index = 0; index < smallCount; index++) {
    const dir = join(top, `folder-${Math.floor(index / FILES_PER_FOLDER)}`);
    if (index % FILES_PER_FOLDER === 0) {
      mkdirSync(dir, { recursive: true });
    }
    text.write(`file ${index} `);
    writeFileSync(join(dir, `small-${index}.txt`), text);
  }
  const dense = values.dense ? Buffer.alloc(BLOCK_BYTES, 'dense') : undefined;
  mkdirSync(join(top, 'large'), { recursive: true });
  for (let index = 0; index < largeCount; index++) {
    const file = openSync(join(top, 'large', `large-${index}.bin`), 'w');
    ftruncateSync(file, largeBytes);
    for (let at = 0; at < largeBytes; at += BLOCK_BYTES) {
      if (dense !== undefined) {
        writeSync(file, dense, 0, Math.min(BLOCK_BYTES, largeBytes - at), at);
      }
      writeSync(file, `block ${index} ${at}`, at);
    }
    closeSync(file);
  }
}

const rows: Array<Record<string, string | number>> = [];

function report(run: string, usage: Usage): void {
  const row = {
    run,
    'peak MiB': usage.peakRssMib,
    'RSS MiB': usage.rssMib,
    'CPU s': usage.cpuSeconds.toFixed(2),
    'wall s': usage.wallSeconds.toFixed(2),
  };
  rows.push(row);
  process.stderr.write(`${JSON.stringify(row)}\n`);
}

async function startCluster(dir: string): Promise<{ process: MeasuredProcess; env: NodeJS.ProcessEnv }> {
  const args = [...command, 'cluster', '--data', join(dir, 'cluster'), '--env'];
  const cluster = new MeasuredProcess(process.execPath, args, process.env);
  while (!cluster.stdout.includes('SSL_CERT_FILE')) {
    if (cluster.child.exitCode !== null) {
      throw new Error(`The cluster ended: ${cluster.stderr}`);
    }
    await wait(100);
  }
  const exports = [...cluster.stdout.matchAll(/^export (\w+)='(.*)'$/gm)];
  const named = Object.fromEntries(exports.map(([, name = '', value = '']) => [name, value]));
  return { process: cluster, env: { ...process.env, ...named, HOME: dir } };
}

async function once(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const run = new MeasuredProcess(process.execPath, [...command, ...args], env);
  await run.end();
  return run.stdout.trim();
}

interface BarStatus {
  readonly folders: ReadonlyArray<{
    readonly percentSaved: number;
    readonly bar: { readonly saved: { readonly files: number } };
  }>;
}

/** Waits until so many files are saved. */
async function untilSaved(args: readonly string[], env: NodeJS.ProcessEnv, files: number): Promise<void> {
  for (;;) {
    await wait(1000);
    const run = new MeasuredProcess(process.execPath, [...command, '--json', ...args, 'status'], env);
    await run.end().catch((thrown: unknown) => {
      // Exit code 2: work is pending.
      if (run.child.exitCode !== 2) {
        throw thrown;
      }
    });
    const status = JSON.parse(run.stdout) as BarStatus;
    if (status.folders.every((folder) => folder.percentSaved === 100 && folder.bar.saved.files >= files)) {
      return;
    }
  }
}

async function watched(dir: string, source: string, env: NodeJS.ProcessEnv): Promise<void> {
  const profile = ['--profile', join(dir, 'watching')];
  const daemon = new MeasuredProcess(process.execPath, [...command, ...profile, 'daemon'], env);
  try {
    await wait(2000);
    await once([...profile, 'folder', 'add', source, '--name', 'watched'], env);
    await untilSaved(profile, env, smallCount + largeCount);
    report('watch: all saved', daemon.usage());
    const touched = Number(values.touch);
    for (let index = 0; index < touched; index++) {
      appendFileSync(join(source, `touched-${index}.txt`), `touched ${index}\n`);
    }
    await untilSaved(profile, env, smallCount + largeCount + touched);
    report(`watch: ${touched} more`, daemon.usage());
    await wait(SETTLE_MS);
    report('watch: at rest', daemon.usage());
  } finally {
    await daemon.interrupt();
  }
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(values.dir ?? tmpdir(), 'keepsync-bench-'));
  let cluster: MeasuredProcess | undefined;
  try {
    const source = join(dir, 'source');
    makeSource(source);
    const started = await startCluster(dir);
    cluster = started.process;
    const { env } = started;
    if (what.has('put') || what.has('get')) {
      const put = new MeasuredProcess(process.execPath, [...command, 'put', '--no-progress', source], env);
      report('put', await put.end());
      const uuid = put.stdout.trim();
      if (what.has('get')) {
        const args = [...command, 'get', '--no-progress', uuid, join(dir, 'got')];
        report('get', await new MeasuredProcess(process.execPath, args, env).end());
        rmSync(join(dir, 'got'), { recursive: true });
      }
      if (values['arv-get'] !== undefined) {
        mkdirSync(join(dir, 'arv-got'));
        const arvGet = new MeasuredProcess(
          values['arv-get'],
          ['--no-progress', `${uuid}/`, join(dir, 'arv-got')],
          env,
        );
        report('arv-get', await arvGet.end());
      }
    }
    if (what.has('watch')) {
      await watched(dir, source, env);
    }
  } finally {
    await cluster?.interrupt();
    rmSync(dir, { recursive: true, force: true });
  }
  console.table(rows);
}

if (values.help) {
  console.log(HELP);
} else {
  await main();
}
