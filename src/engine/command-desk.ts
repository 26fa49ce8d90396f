import { KeepsyncError } from '../base/errors.ts';
import { type CommandInput, type CommandName, type CommandOutput, commands } from '../contract/commands.ts';
import type { BlockRow, FileRow, Stage } from '../contract/status.ts';
import type { EntryState, Journal, JournalBlockRow, JournalFileRow } from '../sync/journal-port.ts';

type Handlers = {
  [N in CommandName]: (input: ParsedInput<N>) => Promise<CommandOutput<N>> | CommandOutput<N>;
};
type ParsedInput<N extends CommandName> = (typeof commands)[N]['input']['_output'];

/** Checks what comes in against the contract, and runs the handler. USAGE says what is wrong with the input. */
export async function runCommand<N extends CommandName>(
  handlers: Handlers,
  name: N,
  input: CommandInput<N>,
): Promise<CommandOutput<N>> {
  if (!Object.hasOwn(commands, name)) {
    throw new KeepsyncError('USAGE', `There is no command ${String(name)}`);
  }
  const parsed = commands[name].input.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') ?? '';
    throw new KeepsyncError(
      'USAGE',
      `${name}: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'malformed'}`,
    );
  }
  return await handlers[name](parsed.data as ParsedInput<N>);
}

export type CommandHandlers = Handlers;

/** Which rows of the journal a stage of the window stands for. */
const STATES_OF: Readonly<Record<Stage, readonly EntryState[]>> = {
  saved: ['saved'],
  stored: ['stored'],
  uploading: ['pending'],
  filling: ['pending'],
  waiting: ['pending'],
  failed: ['failed', 'held'],
};

const STAGE_OF: Readonly<Record<EntryState, Stage>> = {
  saved: 'saved',
  stored: 'stored',
  pending: 'waiting',
  failed: 'failed',
  held: 'failed',
  gone: 'waiting',
  deleted: 'waiting',
};

export function statesOf(stages: readonly Stage[]): EntryState[] {
  const wanted: readonly Stage[] =
    stages.length > 0 ? stages : ['saved', 'stored', 'uploading', 'filling', 'waiting', 'failed'];
  return [...new Set(wanted.flatMap((stage) => STATES_OF[stage]))];
}

export function fileRow(row: JournalFileRow): FileRow {
  return {
    path: row.path,
    stage: STAGE_OF[row.state],
    sizeBytes: row.sizeBytes,
    reason: row.error?.message ?? null,
    code: row.error?.code ?? null,
  };
}

export function storedBlockRow(folderId: string, row: JournalBlockRow): BlockRow {
  return {
    id: `${folderId}/${row.blockId}`,
    folderId,
    state: row.saved ? 'SAVED' : 'COMMITTED',
    stage: row.saved ? 'saved' : 'stored',
    sizeBytes: row.sizeBytes,
    capacityBytes: row.sizeBytes,
    locator: row.locator,
    files: row.files,
    examplePaths: row.examplePaths.slice(0, 5),
    attempts: 1,
    server: null,
    error: null,
    sinceMs: row.storedAtMs,
  };
}

/** A page over the live blocks first, then what the journal has of each folder; reads no more rows than the page needs. */
export async function pageOfBlocks(
  live: readonly BlockRow[],
  folders: ReadonlyArray<{ publicId: string; journalFolderId: number }>,
  journal: Journal,
  query: { states: readonly BlockRow['state'][]; offset: number; limit: number },
): Promise<{ total: number; rows: BlockRow[] }> {
  const wants = (state: BlockRow['state']) => query.states.length === 0 || query.states.includes(state);
  const shown = live.filter((row) => wants(row.state));
  const rows = shown.slice(query.offset, query.offset + query.limit);
  let total = shown.length;
  const kinds = [...(wants('COMMITTED') ? [false] : []), ...(wants('SAVED') ? [true] : [])];
  for (const folder of folders) {
    for (const saved of kinds) {
      const offset = Math.max(0, query.offset - total);
      const page = await journal.listBlocks(folder.journalFolderId, {
        saved,
        offset,
        limit: Math.max(query.limit - rows.length, 0),
      });
      total += page.total;
      rows.push(...page.rows.map((row) => storedBlockRow(folder.publicId, row)));
    }
  }
  return { total, rows };
}
