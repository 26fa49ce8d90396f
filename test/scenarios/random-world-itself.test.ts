import { describe, expect, it } from 'vitest';
import { drawScript, runScript, STEPS, shrinkWhile } from '../support/sim-world/run-script.ts';
import { printScript } from '../support/sim-world/script.ts';
import { Trace } from '../support/sim-world/trace.ts';

describe('the simulated world', () => {
  it('does the same again, call by call, when it is given the same seed', async () => {
    for (const seed of [3, 7, 20]) {
      const traces = [new Trace(), new Trace()];
      for (const trace of traces) {
        expect((await runScript(drawScript(seed), trace)).failure).toBeUndefined();
      }
      expect(traces[0]?.lines.length).toBeGreaterThan(500);
      expect(traces[0]?.digest()).toBe(traces[1]?.digest());
    }
  });

  it('does something else when it is given another seed', async () => {
    const traces = [new Trace(), new Trace()];
    await runScript(drawScript(1), traces[0]);
    await runScript(drawScript(2), traces[1]);
    expect(traces[0]?.digest()).not.toBe(traces[1]?.digest());
  });

  it('begins with more than thirty files in two folders, and takes more than fifty steps', () => {
    const { files, steps } = drawScript(1);
    expect(new Set(files.map(([path]) => path)).size).toBeGreaterThanOrEqual(30);
    expect(new Set(files.map(([path]) => path.split('/')[2]))).toEqual(new Set(['first', 'other']));
    expect(steps.length).toBe(STEPS);
    expect(STEPS).toBeGreaterThanOrEqual(50);
  });

  it('finds the few steps that matter among the many', async () => {
    const script = drawScript(1);
    const needed = [script.steps[10], script.steps[41]];
    const file = script.files[5];
    const shortest = await shrinkWhile(
      script,
      async ({ steps, files }) =>
        needed.every((step) => step !== undefined && steps.includes(step)) &&
        file !== undefined &&
        files.includes(file),
    );
    expect(shortest).toEqual({ seed: 1, files: [file], steps: needed });
    expect(printScript(shortest)).toContain(JSON.stringify(needed[0]));
  });
});
