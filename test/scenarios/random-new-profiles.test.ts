import { describe, expect, it } from 'vitest';
import { drawMovingScript, expectWell } from '../support/sim-world/run-script.ts';

/** A tenth of what the other random lives are given: 40 by default. */
const SEEDS = Math.ceil(Number(process.env.KEEPSYNC_SEEDS ?? 400) / 10);

/** For each, on a computer that has much else to do. */
const LIFE_MS = 15_000;

describe('random lives in which new profiles go on with what others saved', () => {
  it(`end with every promise kept and everything saved, ${SEEDS} of them`, {
    timeout: SEEDS * LIFE_MS,
  }, async () => {
    const met = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      for (const [what, times] of (await expectWell(drawMovingScript(seed))).met) {
        met.set(what, (met.get(what) ?? 0) + times);
      }
    }
    expect(met.get('a new profile')).toBeGreaterThan(SEEDS);
  });
});
