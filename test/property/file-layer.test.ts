import fc from 'fast-check';
import { describe, test } from 'vitest';
import { BLOCK_SIZE_BYTES, FileModel, type Step } from '../support/blocks-file-model.ts';
import { runs, SEED } from '../support/seed.ts';

const path = fc.constantFrom('a', 'b', 'c', 'd/e');
const position = fc.nat({ max: 3 * BLOCK_SIZE_BYTES });
const length = fc.oneof(
  fc.nat({ max: 9 }),
  fc.nat({ max: 3 * BLOCK_SIZE_BYTES }),
  fc.constant(BLOCK_SIZE_BYTES),
);

const write = fc.record({ do: fc.constant('write' as const), path, offset: position, length });
const append = fc.record({
  do: fc.constant('append' as const),
  path,
  length,
  short: fc.constantFrom(0, 0, 0, 3),
});
const ofOneFile: Array<fc.Arbitrary<Step>> = [
  write,
  write,
  append,
  fc.record({ do: fc.constant('truncate' as const), path, size: position }),
  fc.record({ do: fc.constant('flush' as const), path, sync: fc.boolean() }),
  fc.record({ do: fc.constant('close' as const), path, flush: fc.boolean() }),
  fc.record({ do: fc.constant('read' as const), path, offset: position, length, exact: fc.boolean() }),
  fc.record({ do: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 5 }) }),
];
const step: fc.Arbitrary<Step> = fc.oneof(
  ...ofOneFile,
  ...ofOneFile,
  fc.record({ do: fc.constantFrom('copy' as const, 'rename' as const), path, to: path }),
  fc.record({ do: fc.constant('remove' as const), path }),
  fc.record({ do: fc.constant('snapshot' as const), path }),
  fc.record({ do: fc.constant('commit' as const) }),
  fc.record({ do: fc.constant('reload' as const) }),
  fc.record({ do: fc.constant('servers' as const), well: fc.boolean() }),
);

describe(`a collection with blocks of ${BLOCK_SIZE_BYTES} bytes (seed ${SEED})`, () => {
  test('holds what plain byte arrays hold, whatever is done to it, and heals once the servers do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const model = new FileModel();
        for (const next of steps) {
          await model.run(next);
          model.check();
        }
        await model.finish();
      }),
      { seed: SEED, numRuns: runs(300) },
    );
  });

  test('holds the same when its files are written side by side', async () => {
    const histories = fc.record({
      a: fc.array(fc.oneof(...ofOneFile), { maxLength: 12 }),
      b: fc.array(fc.oneof(...ofOneFile), { maxLength: 12 }),
      c: fc.array(fc.oneof(...ofOneFile), { maxLength: 12 }),
      whole: fc.array(
        fc.oneof<fc.Arbitrary<Step>[]>(
          fc.record({ do: fc.constant('commit' as const) }),
          fc.record({ do: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 9 }) }),
          fc.record({ do: fc.constant('servers' as const), well: fc.boolean() }),
        ),
        { maxLength: 8 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(histories, async ({ whole, ...files }) => {
        const model = new FileModel();
        const one = async (steps: readonly Step[], name?: string) => {
          for (const next of steps) {
            await model.run(name === undefined || !('path' in next) ? next : { ...next, path: name });
          }
        };
        await Promise.all([one(whole), ...Object.entries(files).map(([name, steps]) => one(steps, name))]);
        model.check();
        await model.finish();
      }),
      { seed: SEED, numRuns: runs(200) },
    );
  });
});
