import type { Command } from 'commander';
import * as z from 'zod';
import { parseJsonOrUndefined, readIfThere } from '../../base/durable-file.ts';
import type { ActivityRow } from '../../contract/status.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { wholeNumber } from '../option-values.ts';
import type { RunWork } from './command.ts';

const LINES_DEFAULT = 200;

const fileLineSchema = z.object({ timestamp: z.string(), level: z.string(), message: z.string() });

export function addLog(program: Command, run: RunWork): void {
  program
    .command('log')
    .summary('show what happened')
    .description('Shows what the running Keepsync did; where none runs, the end of its log file.')
    .option('-f, --follow', 'go on showing what happens, until Ctrl-C')
    .option('-n, --lines <n>', 'show so many lines', wholeNumber(1, 5_000), LINES_DEFAULT)
    .action((flags: { follow?: boolean; lines: number }) => run((context) => log(context, flags)));
}

async function log(context: Context, flags: { follow?: boolean; lines: number }) {
  const { output } = context;
  if (flags.follow) {
    await follow(context, flags.lines);
    return EXIT.saved;
  }
  const owner = await context.ownerIfRunning();
  if (owner !== undefined) {
    const rows = await owner.run('activity.list', { limit: flags.lines });
    output.result(rows, rows.map(rowText));
    return EXIT.saved;
  }
  const lines = ((await readIfThere(context.paths.logFile)) ?? '').split('\n').filter((line) => line !== '');
  const rows = lines.slice(-flags.lines).flatMap((line) => {
    const parsed = fileLineSchema.safeParse(parseJsonOrUndefined(line));
    return parsed.success ? [parsed.data] : [];
  });
  output.result(
    rows,
    rows.map((row) => `${row.timestamp} ${row.level} ${row.message}`),
  );
  return EXIT.saved;
}

async function follow(context: Context, lines: number): Promise<void> {
  const { output } = context;
  const owner = await context.owner();
  let lastSeq = 0;
  const show = (row: ActivityRow) => {
    if (row.seq > lastSeq) {
      lastSeq = row.seq;
      output.result(row, [rowText(row)]);
    }
  };
  const early: ActivityRow[] = [];
  let isCaughtUp = false;
  owner.subscribe('activity', (row) => (isCaughtUp ? show(row) : early.push(row)));
  for (const row of await owner.run('activity.list', { limit: lines })) {
    show(row);
  }
  isCaughtUp = true;
  early.forEach(show);
  const ended = new Promise<void>((resolve) => owner.onEnd(() => resolve()));
  await Promise.race([ended, context.interrupts.stopped()]);
}

const rowText = (row: ActivityRow) => `${new Date(row.atMs).toISOString()} ${row.level} ${row.message}`;
