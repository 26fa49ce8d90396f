import { afterAll, beforeAll, expect, it } from 'vitest';
import { type KillPoint, KillWorld } from '../support/real-kills/kill-world.ts';
import { seededFractions } from '../support/sim-disk-watcher.ts';

const CYCLES = Number(process.env.KEEPSYNC_KILLS ?? 30);
/** For a cycle on a computer that has much else to do. */
const PATIENCE_MS = 60_000;
const MIB = 1024 * 1024;
/** A whole block and a part of one. */
const LARGE_BYTES = 64 * MIB + 5 * MIB;
const LARGE_EVERY = 10;
const RANDOM_KILL_WITHIN_MS = 2_000;
/** No life is long enough for deletes to be judged, and too many of them would wait for a person: one life has the time. */
const SETTLE_EVERY = 35;

/** The collection is made once only. */
const FIRST: KillPoint = { what: 'create', moment: 'done', nth: 1, delayMs: 0 };
const NOW: KillPoint = { what: 'start', moment: 'arrives', nth: 1, delayMs: 0 };
/** Around each step of a block and of a save; what lies between two of them is a journal's write. */
const NAMED: readonly KillPoint[] = [
  { moment: 'arrives' as const, delayMs: 0 },
  { moment: 'done' as const, delayMs: 0 },
  ...[0, 1, 3, 8, 20].map((delayMs) => ({ moment: 'answered' as const, delayMs })),
].flatMap((point) => [
  { ...point, what: 'block' as const, nth: 1 },
  { ...point, what: 'save' as const, nth: 1 },
]);

let world: KillWorld;
beforeAll(async () => {
  world = await KillWorld.open();
});
afterAll(() => world.close());

function killPointOf(cycle: number, isLarge: boolean, below: (limit: number) => number): KillPoint {
  const named = NAMED[Math.floor(cycle / 2) % NAMED.length];
  if (cycle === 0) {
    return FIRST;
  }
  if (isLarge) {
    return { what: 'block', moment: 'answered', nth: 2, delayMs: below(5) };
  }
  return cycle % 2 === 1 || named === undefined
    ? { what: 'start', moment: 'arrives', nth: 1, delayMs: below(RANDOM_KILL_WITHIN_MS) }
    : named;
}

it(`after ${CYCLES} kills everything is saved, nothing was called saved that was not, and little was sent twice`, {
  timeout: PATIENCE_MS * (CYCLES + 2),
}, async () => {
  const fraction = seededFractions(4_711);
  const below = (limit: number) => Math.floor(fraction() * limit);
  for (let i = 0; i < 60; i += 1) {
    world.write(`folder ${i % 5}/file ${i}`, below(40_000));
  }
  await world.command('folder', 'add', world.path('data'), '--deletes', 'mirror');
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    // What a person does while nothing runs. Only what is saved is written over: all else has to be sent.
    for (let i = 0; i < 4; i += 1) {
      const saved = world.savedPaths();
      const path = saved[below(saved.length)];
      if (path !== undefined && i === 0) {
        world.rename(path, `renamed ${cycle % 3}/file ${cycle}`);
      } else if (path !== undefined && i === 1) {
        world.remove(path);
      } else if (path !== undefined) {
        world.write(path, 1 + below(60_000));
      }
    }
    world.write(`new ${cycle % 7}/file ${cycle}`, 100 + below(90_000));
    const isLarge = cycle % LARGE_EVERY === LARGE_EVERY - 4;
    if (isLarge) {
      world.write(`large ${cycle}`, LARGE_BYTES);
    }
    const looks = world.looks();
    world.start();
    const isLong = cycle % SETTLE_EVERY === SETTLE_EVERY - 1;
    if (isLong) {
      await world.settled();
    }
    await world.killAt(isLong ? NOW : killPointOf(cycle, isLarge, below));
    expect(world.looks()).toEqual(looks);
    await world.checkJournal();
  }
  world.start();
  await world.settled();
  await world.interrupt();
  expect(await world.checkJournal()).toBe(world.local().size);
  const againBytes = world.sentBytes - world.newBytes;
  process.stdout.write(
    `${CYCLES} kills: ${world.newBytes} new bytes, ${world.sentBytes} sent, ${againBytes} of them again; ` +
      `${world.unrecordedBytes} were not in the journal yet; at most ${world.mostUnrecorded} blocks at a kill\n`,
  );
  expect(world.mostUnrecorded).toBeLessThanOrEqual(4);
  expect(againBytes).toBeLessThanOrEqual(world.unrecordedBytes);
  const secret = world.token.slice(world.token.lastIndexOf('/') + 1);
  for (const text of [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(world.token)]) {
    expect(world.filesWith(text)).toEqual([]);
  }
});
