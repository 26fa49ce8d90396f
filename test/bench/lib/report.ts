import type { BenchResults, CaseResult, TargetResult } from './results.ts';
import { spreadOf } from './statistics.ts';

/** Units of what is measured, by its name. */
const UNITS: Readonly<Record<string, { readonly label: string; readonly digits: number }>> = {
  wallSeconds: { label: 'wall s', digits: 2 },
  cpuSeconds: { label: 'CPU s', digits: 2 },
  peakRssMib: { label: 'peak RSS MiB', digits: 0 },
  rssMib: { label: 'RSS MiB', digits: 0 },
};

function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return Number.isNaN(value) ? '—' : value.toFixed(digits);
}

function withSpread(values: readonly number[], format: (value: number) => string): string {
  const { median, least, most } = spreadOf(values);
  return values.length < 2 ? format(median) : `${format(median)} (${format(least)}–${format(most)})`;
}

const cell = (text: string) => text.replaceAll('|', '\\|');

function verdict(target: TargetResult): string {
  return target.values.length === 0 ? 'not measured' : target.isReached ? 'yes' : '**no**';
}

function targetRows(one: CaseResult): string[] {
  return one.targets.map((target, index) => {
    const title = index === 0 ? `${one.title}${one.isOwed ? ' †' : ''}` : '';
    const limit = `${target.isAtLeast ? '≥' : '≤'} ${target.limit}${target.unit && ` ${target.unit}`}`;
    const measured = target.values.length === 0 ? '—' : withSpread(target.values, number);
    return `| ${title} | ${cell(target.text)} ${limit} | ${measured} | ${verdict(target)} |`;
  });
}

function seriesRows(one: CaseResult): string[] {
  return Object.entries(one.series).map(([who, columns], index) => {
    const runs = Math.max(...Object.values(columns).map((values) => values.length));
    const cells = Object.keys(UNITS).map((name) => {
      const values = columns[name];
      const digits = UNITS[name]?.digits ?? 2;
      return values === undefined ? '' : withSpread(values, (value) => value.toFixed(digits));
    });
    const others = Object.entries(columns)
      .filter(([name]) => !(name in UNITS))
      .map(([name, values]) => `${name} ${withSpread(values, number)}`);
    return `| ${[index === 0 ? one.title : '', cell(who), runs, ...cells, others.join('; ')].join(' | ')} |`;
  });
}

/** The tables of some cases: the targets, then the numbers behind them. */
export function reportOf(cases: readonly CaseResult[]): string {
  const labels = Object.values(UNITS).map((unit) => unit.label);
  const failures = cases.flatMap((one) =>
    one.failure === undefined ? [] : [`- ${one.title}: ${one.failure}`],
  );
  const notes = cases.flatMap((one) => one.notes.map((note) => `- ${one.title}: ${note}`));
  return [
    '| case | target | measured | reached |',
    '| --- | --- | --- | --- |',
    ...cases.flatMap(targetRows),
    '',
    '† owed',
    '',
    `| case | who | runs | ${labels.join(' | ')} | also |`,
    `| --- | --- | ---: |${labels.map(() => ' ---: |').join('')} --- |`,
    ...cases.flatMap(seriesRows),
    ...(failures.length > 0 ? ['', 'Not measured:', '', ...failures] : []),
    ...(notes.length > 0 ? ['', 'Notes:', '', ...notes] : []),
    '',
  ].join('\n');
}

/** The page with what stands between the two marks of that name written anew. */
export function between(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) {
    throw new Error(`The page has no ${begin} and ${end} for the tables to go between`);
  }
  return `${page.slice(0, from)}${begin}\n\n${text.trimEnd()}\n\n${page.slice(to)}`;
}

/** The page with its tables written anew. */
export function withReport(page: string, results: BenchResults): string {
  const { machine } = results;
  const head = [
    `Measured on ${results.date}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB of memory, ${machine.kernel},`,
    `Node ${machine.node}, against ${results.arvados}; ${results.places}. ${results.runs} runs,`,
    `alternating, ${Math.round(results.tookSeconds / 60)} minutes in all. A number is the median, in brackets the least and the most; a ratio is`,
    'that of the two neighbours in one run.',
  ].join('\n');
  return between(page, 'bench', `${head}\n\n${reportOf(results.cases)}`);
}
