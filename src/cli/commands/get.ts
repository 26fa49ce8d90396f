import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import { KeepsyncError } from '../../base/errors.ts';
import { plural, rateText, sizeText } from '../../contract/words.ts';
import {
  type CollectionPath,
  contentBelow,
  type ManifestContent,
  parseCollectionPath,
} from '../collection-path.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { FilesThreads } from '../files/files-threads.ts';
import { usage } from '../folder-options.ts';
import { planGet } from '../get/get-plan.ts';
import { type GetProgress, type GetResult, runGet } from '../get/get-run.ts';
import { GetState } from '../get/get-state.ts';
import { ProgressView, progressMode } from '../progress/progress-view.ts';
import type { CollectionAccess } from '../services.ts';
import type { RunWork } from './command.ts';

interface GetFlags {
  readonly skipExisting?: boolean;
  readonly force?: boolean;
  readonly batchProgress?: boolean;
  readonly progress?: boolean;
}

export function addGet(program: Command, run: RunWork): void {
  program
    .command('get')
    .summary('download a collection, or a part of it')
    .description(
      'Downloads a collection, a folder or a file of it; every block is verified. A folder gives its contents. With - as its target a single file goes to stdout. What was interrupted goes on when the same command is given again.',
    )
    .argument('<collection>', 'UUID or portable data hash, with /path for a part')
    .argument('<dest>', 'folder, file, or - for stdout')
    .option('--skip-existing', 'leave files that are there as they are')
    .option('-f, --force', 'replace files that are there')
    .option('--batch-progress', 'progress as lines for programs, on stderr')
    .option('--no-progress', 'no progress bar')
    .action((source: string, dest: string, flags: GetFlags) =>
      run((context) => get(context, source, dest, flags)),
    );
}

async function get(context: Context, source: string, dest: string, flags: GetFlags): Promise<ExitCode> {
  if (flags.skipExisting && flags.force) {
    throw usage('--skip-existing and --force cannot be used together');
  }
  const wanted = parseCollectionPath(source);
  const connection = await context.connection();
  const access = context.closing(
    await context.services.openCollections(connection, (await context.settings()).get(), context.log()),
  );
  // Threads start while the cluster is asked.
  access.prepareForBlocks();
  const isStdout = dest === '-' || dest === '/dev/stdout';
  const threads = context.closing(new FilesThreads(isStdout ? 0 : 1));
  const collection = await access.read(wanted.uuidOrPdh, context.signal);
  const content = contentBelow(collection.manifestText, wanted.path);
  if (content === undefined) {
    throw new KeepsyncError(
      'NOT_FOUND',
      `There is no ${JSON.stringify(wanted.path)} in ${wanted.uuidOrPdh}`,
      {
        action: `See "keepsync ls ${wanted.uuidOrPdh}".`,
      },
    );
  }
  if (isStdout) {
    return toStdout(context, access, wanted, content);
  }
  const target = await targetOf(context, wanted, content, dest);
  const key = createHash('sha256')
    .update(JSON.stringify([connection.host, wanted, target]))
    .digest('hex')
    .slice(0, 16);
  const plan = planGet({
    content,
    strip: wanted.path,
    ...target,
    partsName: `.keepsync-get-${key}`,
    platform: context.env.platform,
  });
  const state = await GetState.open({
    path: join(context.paths.getDir, key),
    portableDataHash: collection.portableDataHash,
    partsDir: plan.partsDir,
    clock: context.clock,
  });
  const view = new ProgressView(progressMode(context.output, flags), context.env, context.output);
  const startedMs = context.clock.monotonicMs();
  let isDone = false;
  try {
    const result = await runGet({
      plan,
      keep: access.keep,
      threads,
      state,
      existing: flags.force ? 'overwrite' : flags.skipExisting ? 'skip' : 'refuse',
      onProgress: (progress) =>
        view.showBytes(progress.doneBytes, plan.totalBytes, 'read', () =>
          progressText(progress, plan, context.clock.monotonicMs() - startedMs),
        ),
      signal: context.signal,
    });
    isDone = result.failures.length === 0;
    view.close();
    return report(context, result, collection.portableDataHash);
  } finally {
    view.close();
    await state.close({ forget: isDone });
  }
}

/** A folder's contents go into DEST; a single file becomes DEST, or goes into it where it is a folder. */
async function targetOf(
  context: Context,
  wanted: CollectionPath,
  content: ManifestContent,
  dest: string,
): Promise<{ top: string; singleName?: string }> {
  const path = resolve(context.env.cwd, dest);
  if (!isSingleFile(wanted, content)) {
    return { top: path };
  }
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() || dest.endsWith('/') || dest.endsWith(sep)
    ? { top: path, singleName: basename(wanted.path) }
    : { top: dirname(path), singleName: basename(path) };
}

function isSingleFile(wanted: CollectionPath, content: ManifestContent): boolean {
  return (
    wanted.path !== '' &&
    !wanted.wantsFolder &&
    content.files.length === 1 &&
    content.files[0]?.path === wanted.path
  );
}

async function toStdout(
  context: Context,
  access: CollectionAccess,
  wanted: CollectionPath,
  content: ManifestContent,
): Promise<ExitCode> {
  const file = content.files[0];
  if (!isSingleFile(wanted, content) || file === undefined) {
    throw usage('Only a single file can go to stdout');
  }
  for (const segment of file.segments) {
    const data = await access.keep.get(segment.locator, { signal: context.signal });
    await context.output.bytes(data.subarray(segment.offset, segment.offset + segment.length));
    context.signal.throwIfAborted();
  }
  return EXIT.saved;
}

function progressText(
  progress: GetProgress,
  plan: { readonly files: readonly unknown[]; readonly totalBytes: number },
  elapsedMs: number,
): string[] {
  const percent = plan.totalBytes === 0 ? 0 : Math.floor((100 * progress.doneBytes) / plan.totalBytes);
  const rate = elapsedMs > 0 ? (progress.doneBytes * 1000) / elapsedMs : 0;
  return [
    `${sizeText(progress.doneBytes)} of ${sizeText(plan.totalBytes)} (${percent}%), ${progress.doneFiles} of ${plural(plan.files.length, 'file')}, ${rateText(rate)}`,
  ];
}

function report(context: Context, result: GetResult, portableDataHash: string): ExitCode {
  const { output } = context;
  for (const failure of result.failures) {
    if (!output.json) {
      output.warn(`keepsync: ${failure.path}: ${failure.error.message}`);
    }
  }
  output.payload({
    portableDataHash,
    files: result.writtenFiles,
    bytes: result.writtenBytes,
    skipped: result.skippedFiles,
    resumed: result.resumedFiles,
    failures: result.failures.map(({ path, error }) => ({
      path,
      error: { kind: error.code, message: error.message, action: error.action, requestId: error.requestId },
    })),
  });
  const skipped = result.skippedFiles > 0 ? `, ${plural(result.skippedFiles, 'file')} left as they were` : '';
  const failed = result.failures.length > 0 ? `, ${plural(result.failures.length, 'failure')}` : '';
  output.note(
    `Fetched ${plural(result.writtenFiles, 'file')}, ${sizeText(result.writtenBytes)}${skipped}${failed}`,
  );
  return result.failures.length > 0 ? EXIT.failed : EXIT.saved;
}
