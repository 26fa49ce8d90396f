import { expect, test } from 'vitest';
import { ROOT, World } from '../support/world.ts';

test('what a folder notes of itself is written before closing is done, and nothing is afterwards', async () => {
  const world = new World();
  try {
    await world.start();
    await world.settle();
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    world.beforePairsAreSaved = async () => {
      begun += 1;
      await gate.promise;
    };
    world.disk.write(`${ROOT}/a`, 'alpha');
    for (let second = 0; begun === 0 && second < 3_600; second += 1) {
      await world.pass(1_000);
    }
    expect(begun).toBe(1);
    let isClosed = false;
    const closing = world.engine.close({ finish: false }).then(() => {
      isClosed = true;
    });
    await world.pass(10_000);
    expect(isClosed).toBe(false);
    gate.resolve();
    await closing;
    const { pairs } = world;
    expect(pairs[0]?.config.target.collectionUuid).not.toBeNull();
    await world.pass(10_000);
    expect(begun).toBe(1);
    expect(world.pairs).toBe(pairs);
  } finally {
    await world.end();
  }
});
