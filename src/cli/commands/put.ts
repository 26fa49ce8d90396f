import { rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { makePrivateDir } from '../../base/durable-file.ts';
import { asKeepsyncError, errorFromRecord, KeepsyncError } from '../../base/errors.ts';
import type { StatusSnapshot } from '../../contract/status.ts';
import { plural, sizeText, words } from '../../contract/words.ts';
import type { RunningEngine } from '../../engine/connection.ts';
import type { OnceResult, Pair, PairStore } from '../../engine/ports.ts';
import { memoryPairStore, newPair, openPairStore } from '../../profile/pair-store.ts';
import { fixedSettings } from '../../profile/settings-store.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { addRuleFlags, addTargetFlags } from '../folder-options.ts';
import { wholeNumber } from '../option-values.ts';
import { withRequestId } from '../output.ts';
import { ProgressView, progressMode } from '../progress/progress-view.ts';
import { type PutFlags, putConfig, putPlace, putSettings } from '../put/put-plan.ts';
import type { RunWork } from './command.ts';

/** Keep's largest block: so many blocks at least, if every one were full. */
const BLOCK_BYTES = 2 ** 26;

/**
 * How long a single upload waits for what heals by itself (a file that is being written, a server that is away) before it
 * says that work is pending.
 */
const WAIT_MS = 10 * 60_000;

/** Lines about single files; the rest is a count. */
const FAILURES_SHOWN = 100;

export function addPut(program: Command, run: RunWork): void {
  const command = program
    .command('put')
    .summary('upload files and folders into a collection')
    .description(
      "Uploads files and folders and prints the collection's UUID alone on stdout. A folder with a trailing slash gives its contents, one without goes in under its own name. What was interrupted goes on when the same command is given again.",
    )
    .argument('<path...>', 'files and folders');
  addRuleFlags(addTargetFlags(command))
    .option('--portable-data-hash', 'print the portable data hash instead of the UUID')
    .option('--dry-run', 'upload nothing; say how much there is (exit code 2 where there is something)')
    .option('--threads <n>', 'upload threads', wholeNumber(1, 16))
    .option('--retries <n>', 'attempts at a block after the first', wholeNumber(0, 100))
    .option('--no-follow-links', 'leave out symbolic links')
    .option('--no-resume', 'do not go on with an interrupted upload of the same paths')
    .option('--batch-progress', 'progress as lines for programs, on stderr')
    .option('--no-progress', 'no progress bar')
    .action((paths: string[], flags: PutFlags) => run((context) => put(context, paths, flags)));
}

async function put(context: Context, paths: readonly string[], flags: PutFlags): Promise<ExitCode> {
  const { env, clock, output } = context;
  const config = await putConfig(paths, flags, {
    cwd: env.cwd,
    nowMs: clock.nowMs(),
    userName: env.userName,
    hostName: env.hostName,
  });
  if (flags.dryRun) {
    return dryRun(context, config);
  }
  const connection = await context.connection();
  const settings = putSettings((await context.settings()).get(), flags);
  const place = await putPlace(context.paths.putDir, connection.host, config, flags.name);
  await context.lockUpload(place.lockFile);
  if (flags.resume === false) {
    await rm(place.dir, { recursive: true, force: true });
  }
  await makePrivateDir(place.dir);
  const stored = openPairStore({
    foldersFile: place.pairFile,
    clock,
    tell: (message) => output.warn(message),
  });
  const pair = await resumedPair(stored, newPair(config, env.random), output.note.bind(output));

  const running = await context.services.openEngine({
    owner: 'command',
    connection,
    settings: fixedSettings(settings),
    pairs: memoryPairStore([pair], (pairs) => stored.save(pairs)),
    journalFile: place.journalFile,
    log: context.log(),
    watch: false,
    conflicts: 'overwrite',
    onStop: () => context.interrupts.stop(),
    tell: (message) => output.warn(message),
  });
  context.closing({ close: () => running.close({ finish: false }) });
  const result = await runWithProgress(context, running, pair.publicId, flags);
  await running.close({ finish: false });
  if (result === undefined) {
    output.error(
      new KeepsyncError('CANCELLED', 'Stopped before everything was saved', {
        action: 'Give the same command again to go on.',
      }),
    );
    return EXIT.pending;
  }
  if (result.outcome === 'saved') {
    await rm(place.dir, { recursive: true, force: true });
  }
  return report(context, result, flags);
}

/** The pair of an interrupted upload of the same paths, or the new one, durably noted. */
async function resumedPair(stored: PairStore, fresh: Pair, note: (text: string) => void): Promise<Pair> {
  const [known] = await stored.load();
  if (known !== undefined) {
    note('Going on with an interrupted upload; --no-resume starts afresh.');
    return known;
  }
  await stored.save([fresh]);
  return fresh;
}

/** Undefined where a person stopped it. */
async function runWithProgress(
  context: Context,
  { engine }: RunningEngine,
  folderId: string,
  flags: PutFlags,
): Promise<OnceResult | undefined> {
  const view = new ProgressView(progressMode(context.output, flags), context.env, context.output);
  let last: StatusSnapshot | undefined;
  const unsubscribe = engine.subscribe('status', (snapshot) => {
    last = snapshot;
    view.show(snapshot);
  });
  try {
    const stopped = context.interrupts.stopped().then(() => undefined);
    const result = await Promise.race([engine.runOnce(folderId, WAIT_MS), stopped]);
    if (last !== undefined) {
      view.show(await engine.run('status.get', {}), true);
    }
    return context.signal.aborted ? undefined : result;
  } catch (thrown) {
    if (context.signal.aborted && ['CANCELLED', 'CLOSED'].includes(asKeepsyncError(thrown).code)) {
      return undefined;
    }
    throw thrown;
  } finally {
    unsubscribe();
    view.close();
  }
}

function report(context: Context, result: OnceResult, flags: PutFlags): ExitCode {
  const { output } = context;
  for (const failure of result.failures.slice(0, FAILURES_SHOWN)) {
    const error = errorFromRecord(failure.error);
    if (output.json) {
      continue;
    }
    // most messages name the file by its path on disk, which ends with the one in the collection
    const path = failure.path === '' || error.message.includes(failure.path) ? '' : `${failure.path}: `;
    const message = withRequestId(error.message, error.requestId);
    const action = error.action === undefined ? '' : ` ${error.action}`;
    output.warn(`keepsync: ${path}${message}.${action}`.replace('..', '.'));
  }
  if (result.failures.length > FAILURES_SHOWN && !output.json) {
    output.warn(`keepsync: and ${result.failures.length - FAILURES_SHOWN} more`);
  }
  output.payload({
    outcome: result.outcome,
    collectionUuid: result.collectionUuid,
    portableDataHash: result.portableDataHash,
    files: result.files,
    bytes: result.bytes,
    failures: result.failures.map(({ path, error }) => ({
      path,
      error: { kind: error.code, message: error.message, action: error.action, requestId: error.requestId },
    })),
  });
  const name = flags.portableDataHash ? result.portableDataHash : result.collectionUuid;
  if (name !== null) {
    output.line(name);
  }
  const saved = `Saved ${plural(result.files, 'file')}, ${sizeText(result.bytes)}`;
  switch (result.outcome) {
    case 'saved':
      output.note(saved);
      return EXIT.saved;
    case 'pending':
      output.note(`${saved}; the rest still waits. Give the same command again to go on.`);
      return EXIT.pending;
    case 'failed':
      output.note(
        `${saved}; ${plural(result.failures.length, 'failure')}. Give the same command again to retry.`,
      );
      return EXIT.failed;
  }
}

async function dryRun(context: Context, config: Pair['config']): Promise<ExitCode> {
  const totals = await context.services.walk(
    { roots: config.roots, rules: config.rules },
    async () => undefined,
    context.signal,
  );
  const leastBlocks = Math.ceil(totals.bytes / BLOCK_BYTES);
  context.output.result(
    {
      files: totals.files,
      bytes: totals.bytes,
      leastBlocks,
      ignored: totals.ignored,
      links: totals.links,
      dirs: totals.dirs,
    },
    [words.dryRun(totals.files, totals.bytes, leastBlocks)],
  );
  return totals.files === 0 ? EXIT.saved : EXIT.pending;
}
