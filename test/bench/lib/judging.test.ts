import { describe, expect, test } from 'vitest';
import { regressions } from './compare.ts';
import { between, reportOf } from './report.ts';
import { type BenchResults, judge, ratio, reading, sum } from './results.ts';
import { growthExponent, median } from './statistics.ts';

function results(cpuSeconds: readonly number[], more: Partial<BenchResults> = {}): BenchResults {
  const series = {
    keepsync: { cpuSeconds: [...cpuSeconds] },
    'arv-put': { cpuSeconds: cpuSeconds.map(() => 10) },
  };
  const target = {
    text: "client CPU of arv-put's",
    limit: 0.5,
    reading: ratio(reading('keepsync', 'cpuSeconds'), reading('arv-put', 'cpuSeconds')),
  };
  return {
    version: 1,
    machine: { cpu: 'one', cores: 2, memoryGib: 8, kernel: 'Linux 6.1', node: '24.0.0' },
    date: '2026-11-22',
    scale: 1,
    runs: cpuSeconds.length,
    places: '',
    arvados: '',
    tookSeconds: 1,
    cases: [
      {
        id: 'upload',
        title: 'upload',
        isOwed: true,
        runs: cpuSeconds.length,
        series,
        targets: [judge(target, series)],
        notes: [],
        tookSeconds: 1,
      },
    ],
    ...more,
  };
}

describe('what the benchmark makes of its numbers', () => {
  test('a target is judged by the median of the ratios of neighbours', () => {
    const series = { a: { wall: [1, 9, 2] }, b: { wall: [2, 3, 4] } };
    const target = { text: '', limit: 0.5, reading: ratio(reading('a', 'wall'), reading('b', 'wall')) };
    expect(judge(target, series)).toMatchObject({ values: [0.5, 3, 0.5], isReached: true });
    expect(judge({ ...target, limit: 1, isAtLeast: true }, series).isReached).toBe(false);
  });

  test('what had fewer runs is stood in for by its median', () => {
    const series = { a: { wall: [1, 2, 3] }, b: { wall: [4, 6] } };
    expect(sum(reading('a', 'wall'), reading('b', 'wall'))(series)).toEqual([5, 8, 8]);
  });

  test('what was not measured reaches nothing', () => {
    const target = { text: '', limit: 1, reading: reading('nobody', 'wall') };
    expect(judge(target, {}).isReached).toBe(false);
    expect(judge({ ...target, isAtLeast: true }, {}).isReached).toBe(false);
  });

  test('a cost beyond the spread of the runs is a regression', () => {
    const worse = regressions(results([1, 1.1, 1.2]), results([1.5, 1.6, 1.55]));
    expect(worse.map((line) => line.split(' from ')[0])).toEqual([
      "upload: client CPU of arv-put's",
      'upload: keepsync cpuSeconds',
    ]);
  });

  test('a cost within the spread, or a better one, is none', () => {
    expect(regressions(results([1, 1.1, 1.6]), results([1.4, 1.5, 1.6]))).toEqual([]);
    expect(regressions(results([1, 1, 1]), results([0.5, 0.5, 0.5]))).toEqual([]);
    expect(regressions(results([1, 1, 1]), results([1.04, 1.04, 1.04]))).toEqual([]);
  });

  test('on another computer only ratios are compared', () => {
    const other = { machine: { ...results([1]).machine, cpu: 'another' } };
    expect(regressions(results([1, 1]), results([2, 2], other))).toHaveLength(1);
  });

  test('a case that can no longer be measured is a regression', () => {
    const after = results([1]);
    const broken = { ...after, cases: after.cases.map((one) => ({ ...one, failure: 'it ended' })) };
    expect(regressions(results([1]), broken)).toEqual(['upload: no longer measured: it ended']);
  });

  test('growth is the slope of a line through logarithms', () => {
    expect(growthExponent([10, 100, 1000].map((n) => [n, 3 * n ** 2] as const))).toBeCloseTo(2);
    expect(growthExponent([10, 100, 1000].map((n) => [n, 5] as const))).toBeCloseTo(0);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test('the table names the target, the median with its spread, and whether it is reached', () => {
    expect(reportOf(results([4, 5, 6]).cases)).toContain(
      "| upload † | client CPU of arv-put's ≤ 0.5 | 0.50 (0.40–0.60) | yes |",
    );
    expect(reportOf(results([6, 7, 8]).cases)).toContain('| **no** |');
  });

  test('only what stands between its marks is written anew in a page', () => {
    const page = 'before\n<!-- x -->\nold\n<!-- /x -->\nafter\n';
    const once = between(page, 'x', 'new\n');
    expect(once).toBe('before\n<!-- x -->\n\nnew\n\n<!-- /x -->\nafter\n');
    expect(between(once, 'x', 'new')).toBe(once);
    expect(() => between('no marks', 'x', 'new')).toThrow('no <!-- x -->');
  });
});
