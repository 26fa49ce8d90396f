import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BenchCase, NotHere } from '../lib/bench-case.ts';
import { reading } from '../lib/results.ts';

const LISTED_FILES = 100_000;
const LARGE_MIB = 3 * 1024;
const CHANGES_PER_SECOND = 200;
const MAP_SECONDS = 10;

/** Runs a script of this folder in a process of its own; its lines of JSON. */
async function run(
  script: string,
  ...args: ReadonlyArray<string | number>
): Promise<Array<Record<string, unknown>>> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, '..', script), ...args.map(String)],
    { maxBuffer: 2 ** 24 },
  );
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function numbers(values: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

const uploading: BenchCase = {
  id: 'main-thread',
  title: 'main thread at full upload speed, 100,000 files listed in the window',
  isOwed: true,
  runs: (wanted) => Math.min(wanted, 2),
  targets: [
    { text: 'event-loop delay p99', limit: 16, unit: 'ms', reading: reading('keepsync', 'delayP99Ms') },
    {
      text: 'frames in the window',
      limit: 55,
      isAtLeast: true,
      unit: '/s',
      reading: reading('keepsync', 'framesPerSecond'),
    },
  ],
  measure: async (workplace, record, runs) => {
    for (let index = 0; index < runs; index += 1) {
      const [found = {}] = await run(
        'main-thread.ts',
        workplace.scaled(LARGE_MIB),
        workplace.scaled(LISTED_FILES),
        workplace.freshFolder('desktop'),
      );
      if (typeof found.reason === 'string') {
        throw new NotHere(found.reason);
      }
      record.note(
        `on Electron ${String(found.electron)}, drawn without a graphics card, the cluster in the app`,
      );
      record.add('keepsync', numbers(found));
    }
  },
};

const map: BenchCase = {
  id: 'block-map',
  title: 'block map of 16,384 blocks with 200 changes a second',
  isOwed: true,
  runs: (wanted) => Math.min(wanted, 2),
  targets: ['bins', 'one bin opened'].map((view) => ({
    text: `frames, ${view}`,
    limit: 55,
    isAtLeast: true,
    unit: '/s',
    reading: reading(view, 'framesPerSecond'),
  })),
  measure: async (_workplace, record, runs) => {
    for (let index = 0; index < runs; index += 1) {
      for (const view of await run('block-map.ts', MAP_SECONDS, CHANGES_PER_SECOND)) {
        record.add(String(view.view), numbers(view));
      }
    }
    record.note('in a Chromium of the system, without a graphics card');
  },
};

export const mainThread: readonly BenchCase[] = [uploading, map];
