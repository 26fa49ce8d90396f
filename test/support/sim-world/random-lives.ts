import { describe, expect, it } from 'vitest';
import { drawScript, expectWell } from './run-script.ts';
import { NETWORK_CALLS } from './sim-network.ts';
import { READER_EDITS, VERBS } from './verbs.ts';

/** How many seeds all shards together run; `npm run test:long` sets more. */
const SEEDS = Number(process.env.KEEPSYNC_SEEDS ?? 1_000);
/** Run only this one: a failure, to be seen again. (For property tests it may be `random`, too.) */
const ONLY = /^\d+$/.test(process.env.KEEPSYNC_SEED ?? '') ? Number(process.env.KEEPSYNC_SEED) : undefined;
/** Seeds in one test: enough to keep the report short, few enough that a failure comes soon. */
const PER_TEST = 25;
/** Of so many seeds it can be asked that they met everything. */
const ENOUGH_SEEDS = 400;
/** For one of those tests, on a computer that has much else to do. */
const TIMEOUT_MS = 600_000;

/** What must be met in a whole run, or it proves less than it says. */
const MUST_BE_MET = [
  ...VERBS.filter(({ weight }) => weight > 0).map(({ name }) => name),
  ...READER_EDITS.map((how) => `met: ${how} while it is read`),
  ...NETWORK_CALLS.map((call) => `fault: ${call}: answer lost`),
  'fault: put: offline',
  'fault: get: offline',
  'met: a stranger in the middle of a save',
  'killed before journal.recordPackedBlock',
  'killed after journal.recordPackedBlock',
  'killed before journal.finishSave',
  'killed after journal.finishSave',
  'killed before keep.put',
  'killed after keep.put',
  'killed before store.replaceFiles',
  'killed after store.replaceFiles',
];

/** The seeds 1, 1 + shards, … of the simulated world, as one test file runs them. */
export function describeRandomLives(shard: number, shards: number): void {
  const seeds =
    ONLY === undefined
      ? Array.from({ length: SEEDS }, (_, index) => index + 1).filter((seed) => seed % shards === shard)
      : [ONLY].filter((seed) => seed % shards === shard);
  const met = new Map<string, number>();

  describe.runIf(seeds.length > 0)('a random life ends with every promise kept and everything saved', () => {
    for (let at = 0; at < seeds.length; at += PER_TEST) {
      const some = seeds.slice(at, at + PER_TEST);
      it(`of the seeds from ${some[0]} to ${some.at(-1)}`, { timeout: TIMEOUT_MS }, async () => {
        for (const seed of some) {
          const run = await expectWell(drawScript(seed));
          for (const [what, times] of run.met) {
            met.set(what, (met.get(what) ?? 0) + times);
          }
        }
      });
    }

    it.runIf(seeds.length >= ENOUGH_SEEDS)('and met every kind of step and fault on the way', () => {
      const lines = [...met]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([what, times]) => `  ${times} ${what}`);
      process.stdout.write(`${seeds.length} seeds met:\n${lines.join('\n')}\n`);
      expect(MUST_BE_MET.filter((what) => !met.has(what))).toEqual([]);
    });
  });
}
