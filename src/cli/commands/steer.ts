import type { Command } from 'commander';
import { plural, timeText } from '../../contract/words.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { usage } from '../folder-options.ts';
import { parseDurationMs } from '../option-values.ts';
import type { RunWork } from './command.ts';

/** retry, pause, resume, rescan: all speak to the running owner, for one folder or for all. */
export function addSteering(program: Command, run: RunWork): void {
  program
    .command('retry')
    .summary('try again what failed')
    .description('Tries now what failed or waits for its next try, in all folders or in one.')
    .argument('[id]', 'folder id')
    .option('--all', 'all folders (as without an id)')
    .action((id: string | undefined, flags: { all?: boolean }) =>
      run((context) => retry(context, id, flags.all)),
    );
  program
    .command('pause')
    .summary('pause one or all folders')
    .description('Pauses all folders or one, until resumed or for a while.')
    .argument('[id]', 'folder id')
    .option('--for <time>', 'resume by itself after 30m, 1h, 2d', parseDurationMs)
    .action((id: string | undefined, flags: { for?: number }) =>
      run((context) => pause(context, id, flags.for)),
    );
  program
    .command('resume')
    .summary('resume one or all folders')
    .argument('[id]', 'folder id')
    .option('--confirm-deletes', 'where much of a folder is gone: yes, delete it in the collection, too')
    .action((id: string | undefined, flags: { confirmDeletes?: boolean }) =>
      run((context) => (flags.confirmDeletes ? confirmDeletes(context, id) : resume(context, id))),
    );
  program
    .command('rescan')
    .summary('look at everything on disk again')
    .argument('[id]', 'folder id')
    .action((id: string | undefined) => run((context) => rescan(context, id)));
}

const where = (id: string | undefined) => (id === undefined ? 'all folders' : `folder ${id}`);

async function retry(context: Context, id: string | undefined, all: boolean | undefined) {
  if (all && id !== undefined) {
    throw usage('Give a folder id or --all, not both');
  }
  const owner = await context.owner();
  const { retried } = await owner.run('folders.retry', { folderId: id ?? null });
  context.output.result({ retried }, [
    retried === 0 ? 'Nothing waited to be tried again' : `Trying ${plural(retried, 'file')} again`,
  ]);
  return EXIT.saved;
}

async function pause(context: Context, id: string | undefined, forMs: number | undefined) {
  const owner = await context.owner();
  const now = context.clock.nowMs();
  const untilMs = forMs === undefined ? null : now + forMs;
  await owner.run('folders.pause', { folderId: id ?? null, untilMs });
  const until = untilMs === null ? 'until you resume' : `until ${timeText(untilMs, now)}`;
  context.output.result({ ok: true, untilMs }, [`Paused ${where(id)} ${until}`]);
  return EXIT.saved;
}

async function resume(context: Context, id: string | undefined) {
  const owner = await context.owner();
  await owner.run('folders.resume', { folderId: id ?? null });
  context.output.result({ ok: true }, [`Resumed ${where(id)}`]);
  return EXIT.saved;
}

async function confirmDeletes(context: Context, id: string | undefined) {
  if (id === undefined) {
    throw usage('Deletes are confirmed for one folder: give its id');
  }
  const owner = await context.owner();
  await owner.run('folders.confirmDeletes', { folderId: id });
  context.output.result({ ok: true }, [`What is gone in ${where(id)} is deleted in its collection`]);
  return EXIT.saved;
}

async function rescan(context: Context, id: string | undefined) {
  const owner = await context.owner();
  await owner.run('folders.rescan', { folderId: id ?? null });
  context.output.result({ ok: true }, [`Looking at ${where(id)} again`]);
  return EXIT.saved;
}
