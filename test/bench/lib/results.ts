import type { Machine } from './machine.ts';
import { median } from './statistics.ts';

/** The values of the runs, in the order of the runs, by who was measured and what. */
export type Series = Record<string, Record<string, number[]>>;

export interface TargetResult {
  readonly text: string;
  /** One value for each run, or one in all. */
  readonly values: readonly number[];
  readonly limit: number;
  readonly isAtLeast: boolean;
  readonly unit: string;
  readonly isReached: boolean;
}

export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly isOwed: boolean;
  readonly runs: number;
  readonly series: Series;
  readonly targets: readonly TargetResult[];
  readonly notes: readonly string[];
  /** Why it was not measured, or broke. */
  readonly failure?: string;
  readonly tookSeconds: number;
}

export interface BenchResults {
  readonly version: 1;
  readonly machine: Machine;
  readonly date: string;
  readonly scale: number;
  readonly runs: number;
  readonly places: string;
  readonly arvados: string;
  readonly tookSeconds: number;
  readonly cases: readonly CaseResult[];
}

/** Collects what a case measures. */
export class Recorder {
  readonly series: Series = {};
  readonly notes: string[] = [];

  add(who: string, values: Readonly<Record<string, number>>): void {
    this.series[who] ??= {};
    const columns = this.series[who];
    for (const [name, value] of Object.entries(values)) {
      columns[name] ??= [];
      columns[name].push(value);
    }
  }

  note(text: string): void {
    if (!this.notes.includes(text)) {
      this.notes.push(text);
    }
  }
}

/** Where a target's values come from: one for each run. */
export type Reading = (series: Series) => number[];

export interface Target {
  readonly text: string;
  readonly limit: number;
  readonly isAtLeast?: boolean;
  readonly unit?: string;
  readonly reading: Reading;
}

export function reading(who: string, what: string): Reading {
  return (series) => series[who]?.[what] ?? [];
}

/** One by the other, run by run. Where one of them had fewer runs, its median stands for those it lacks. */
export function ratio(upper: Reading, lower: Reading): Reading {
  return pairwise(upper, lower, (a, b) => a / b);
}

export function sum(one: Reading, other: Reading): Reading {
  return pairwise(one, other, (a, b) => a + b);
}

function pairwise(one: Reading, other: Reading, join: (a: number, b: number) => number): Reading {
  return (series) => {
    const a = one(series);
    const b = other(series);
    if (a.length === 0 || b.length === 0) {
      return [];
    }
    const runs = Math.max(a.length, b.length);
    return Array.from({ length: runs }, (_, run) => join(a[run] ?? median(a), b[run] ?? median(b)));
  };
}

export function judge(target: Target, series: Series): TargetResult {
  const values = target.reading(series);
  const isAtLeast = target.isAtLeast === true;
  const value = median(values);
  return {
    text: target.text,
    values,
    limit: target.limit,
    isAtLeast,
    unit: target.unit ?? '',
    isReached: isAtLeast ? value >= target.limit : value <= target.limit,
  };
}
