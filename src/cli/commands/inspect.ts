import { type Command, InvalidArgumentError } from 'commander';
import { BLOCK_STATES, type BlockRow, type BlockStateName } from '../../contract/status.ts';
import { plural, sizeText, stageWords, words } from '../../contract/words.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { wholeNumber } from '../option-values.ts';
import { table, withRequestId } from '../output.ts';
import type { RunWork } from './command.ts';

/** Paths named under each problem. */
const PATHS_SHOWN = 10;
const ROWS_DEFAULT = 200;

function blockState(value: string, before: readonly BlockStateName[] | undefined): BlockStateName[] {
  const state = BLOCK_STATES.find((one) => one === value.toUpperCase());
  if (state === undefined) {
    throw new InvalidArgumentError(`There are the states ${BLOCK_STATES.join(', ')}.`);
  }
  return [...(before ?? []), state];
}

export function addBlocks(program: Command, run: RunWork): void {
  program
    .command('blocks')
    .summary('list blocks with their states')
    .description('Lists the blocks of all folders, or of one, those under way first.')
    .argument('[id]', 'folder id')
    .option(
      '--state <state>',
      `only blocks in this state (${BLOCK_STATES.join(', ')}); may be given several times`,
      blockState,
    )
    .option('--offset <n>', 'leave out so many', wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option('--limit <n>', 'show so many at most', wholeNumber(1, 20_000), ROWS_DEFAULT)
    .action((id: string | undefined, flags: { state?: BlockStateName[]; offset: number; limit: number }) =>
      run((context) => blocks(context, id, flags)),
    );
}

async function blocks(
  context: Context,
  id: string | undefined,
  flags: { state?: BlockStateName[]; offset: number; limit: number },
) {
  const owner = await context.owner();
  const page = await owner.run('blocks.list', {
    folderId: id ?? null,
    states: flags.state ?? [],
    offset: flags.offset,
    limit: flags.limit,
  });
  context.output.result(page, [
    ...table([
      ['BLOCK', 'STATE', 'SIZE', 'LOCATOR', 'FILES', 'TRIES', 'EXAMPLE'],
      ...page.rows.map(blockColumns),
    ]),
    ...(page.total > page.rows.length
      ? [`${page.rows.length} of ${plural(page.total, 'block')}; see --offset`]
      : []),
  ]);
  return EXIT.saved;
}

function blockColumns(row: BlockRow): string[] {
  return [
    row.id,
    `${stageWords[row.stage]} (${row.state})`,
    sizeText(row.sizeBytes),
    row.locator ?? '',
    String(row.files),
    String(row.attempts),
    `${row.examplePaths[0] ?? ''}${row.error === null ? '' : ` ! ${row.error}`}`,
  ];
}

export function addErrors(program: Command, run: RunWork): void {
  program
    .command('errors')
    .summary('list problems, with what to do')
    .description(
      'Lists what is wrong, grouped by cause. Exit code 1 where something needs you, 2 where something only waits.',
    )
    .action(() => run(errors));
}

async function errors(context: Context) {
  const owner = await context.owner();
  const groups = await owner.run('problems.list', {});
  const problems = [];
  const lines: string[] = [];
  for (const group of groups) {
    const files = await owner.run('problems.files', { problemId: group.id, limit: PATHS_SHOWN });
    problems.push({ ...group, files: files.rows });
    // the message may name it; twice would be two requests
    const id = group.message.includes(group.requestId ?? '') ? null : group.requestId;
    lines.push(withRequestId(`${group.title}. ${group.advice}`, id));
    if (group.message !== '' && !group.title.includes(group.message)) {
      lines.push(`  ${group.message}`);
    }
    if (group.folderId !== null && group.actions.includes('confirm-deletes')) {
      lines.push(`  To confirm: keepsync resume ${group.folderId} --confirm-deletes`);
    }
    if (group.nextTryAtMs !== null) {
      lines.push(`  ${words.nextTry(group.nextTryAtMs, context.clock.nowMs())}`);
    }
    lines.push(...files.rows.map((row) => `  ${row.path}${row.reason === null ? '' : `: ${row.reason}`}`));
    if (files.total > files.rows.length) {
      lines.push(`  and ${files.total - files.rows.length} more`);
    }
  }
  if (lines.length === 0) {
    lines.push(words.noProblems(null, context.clock.nowMs()));
  }
  context.output.result({ problems }, lines);
  if (groups.some((group) => group.kind === 'needs-you')) {
    return EXIT.failed;
  }
  return groups.length > 0 ? EXIT.pending : EXIT.saved;
}
