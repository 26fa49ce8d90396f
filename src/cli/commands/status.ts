import type { Command } from 'commander';
import type { FolderStatus, StatusSnapshot } from '../../contract/status.ts';
import { percentText, sizeText, words } from '../../contract/words.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode, exitCodeOfStatus } from '../exit-codes.ts';
import { table } from '../output.ts';
import { barText, legendText, type TerminalStyle } from '../progress/bar-text.ts';
import { LiveLines, terminalStyle } from '../progress/progress-view.ts';
import type { RunWork } from './command.ts';

const BAR_CELLS = 24;

export function addStatus(program: Command, run: RunWork): void {
  program
    .command('status')
    .summary('is my data safe?')
    .description(
      'Shows what the running Keepsync has saved and what not. Exit code 0 where everything is saved, 1 where something needs you, 2 where work is pending.',
    )
    .option('--watch', 'go on showing it, until Ctrl-C')
    .action((flags: { watch?: boolean }) => run((context) => (flags.watch ? watch(context) : once(context))));
}

function statusLines(snapshot: StatusSnapshot, style: TerminalStyle): string[] {
  const { verdict } = snapshot;
  const lines = [verdict.sentence, ...(verdict.detail === '' ? [] : [`  ${verdict.detail}`])];
  if (snapshot.folders.length > 0) {
    lines.push('', ...table(snapshot.folders.map((folder) => folderRow(folder, style))));
    const legend = legendText(snapshot.bar, style);
    if (legend !== '') {
      lines.push('', legend);
    }
  }
  const { stored } = snapshot.pipeline;
  if (stored.bytes > 0) {
    lines.push(words.storedNotSaved(stored.bytes, stored.oldestAtMs, snapshot.atMs));
  }
  for (const problem of snapshot.problems) {
    lines.push(`${problem.kind === 'needs-you' ? '!' : '-'} ${problem.title}. ${problem.advice}`);
  }
  return lines;
}

function folderRow(folder: FolderStatus, style: TerminalStyle): string[] {
  const total = Object.values(folder.bar).reduce((sum, part) => sum + part.bytes, 0);
  return [
    folder.id,
    folder.path,
    percentText(folder.percentSaved).padStart(4),
    sizeText(total),
    // a bar with colours has a length that a table cannot see: it stands last but for the sentence
    `${barText(folder.bar, BAR_CELLS, style)}  ${folder.sentence}`,
  ];
}

async function once(context: Context): Promise<ExitCode> {
  const owner = await context.owner();
  const snapshot = await owner.run('status.get', {});
  context.output.result(snapshot, statusLines(snapshot, terminalStyle(context.env.env, context.env.stdout)));
  return exitCodeOfStatus(snapshot);
}

async function watch(context: Context): Promise<ExitCode> {
  const { output, env } = context;
  const owner = await context.owner();
  let last = await owner.run('status.get', {});
  const style = terminalStyle(env.env, env.stdout);
  const lines = new LiveLines(env.stdout);
  const show = (snapshot: StatusSnapshot) => {
    last = snapshot;
    if (output.readerGone) {
      return;
    }
    if (output.json) {
      output.payload(snapshot);
    } else if (env.stdout.isTTY === true) {
      lines.draw(statusLines(snapshot, style));
    } else {
      output.line(`${new Date(snapshot.atMs).toISOString()} ${snapshot.verdict.sentence}`);
    }
  };
  show(last);
  const unsubscribe = owner.subscribe('status', show);
  const ended = new Promise<void>((resolve) => owner.onEnd(() => resolve()));
  await Promise.race([ended, context.interrupts.stopped()]);
  unsubscribe();
  if (!context.signal.aborted) {
    output.note('The running Keepsync ended');
    return EXIT.pending;
  }
  return exitCodeOfStatus(last);
}
