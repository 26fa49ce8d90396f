import type { BenchResults, CaseResult } from './results.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** Less than this is noise, however steady the runs were. */
const LEAST_CHANGE = 0.05;
/** What is compared of our own runs, as it stands; all of them better when less. */
const COSTS = ['cpuSeconds', 'wallSeconds', 'peakRssMib', 'rssMib'];

interface Compared {
  readonly what: string;
  readonly isAtLeast: boolean;
  readonly values: readonly number[];
}

/**
 * What got worse, one line each: where the median moved the wrong way by more than a twentieth and by more than the runs
 * of either side spread. Targets are compared as ratios, so a slower computer alone is no regression there; our own costs
 * are compared as they stand where both were measured on the same kind of computer and at the same scale.
 */
export function regressions(before: BenchResults, after: BenchResults): string[] {
  const isSameComputer =
    before.scale === after.scale && JSON.stringify(before.machine) === JSON.stringify(after.machine);
  const lines: string[] = [];
  for (const now of after.cases) {
    const then = before.cases.find((one) => one.id === now.id);
    if (then === undefined) {
      continue;
    }
    if (now.failure !== undefined && then.failure === undefined) {
      lines.push(`${now.id}: no longer measured: ${now.failure}`);
      continue;
    }
    for (const one of comparedOf(now, isSameComputer)) {
      const old = comparedOf(then, isSameComputer).find(({ what }) => what === one.what);
      if (old !== undefined && isWorse(old, one)) {
        const [from, to] = [spreadOf(old.values), spreadOf(one.values)];
        lines.push(`${now.id}: ${one.what} from ${text(from)} to ${text(to)}`);
      }
    }
  }
  return lines;
}

function comparedOf(one: CaseResult, isSameComputer: boolean): Compared[] {
  const targets = one.targets.map(({ text: what, values, isAtLeast }) => ({ what, values, isAtLeast }));
  const ours = one.series.keepsync;
  const costs = COSTS.map((name) => ({
    what: `keepsync ${name}`,
    values: ours?.[name] ?? [],
    isAtLeast: false,
  }));
  return [...targets, ...(isSameComputer ? costs : [])].filter(({ values }) => values.length > 0);
}

function isWorse(before: Compared, after: Compared): boolean {
  const [from, to] = [spreadOf(before.values), spreadOf(after.values)];
  const change = after.isAtLeast ? from.median - to.median : to.median - from.median;
  const noise = Math.max(from.most - from.least, to.most - to.least, Math.abs(from.median) * LEAST_CHANGE);
  return change > noise;
}

function text({ median, least, most }: Spread): string {
  return `${median.toPrecision(3)} (${least.toPrecision(3)}–${most.toPrecision(3)})`;
}
