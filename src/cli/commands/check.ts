import { lstat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemCode } from '../../base/durable-file.ts';
import { KeepsyncError } from '../../base/errors.ts';
import { plural, sizeText } from '../../contract/words.ts';
import { type LocalFile, runCheck } from '../check/check-run.ts';
import { contentBelow, type ManifestFile, parseCollectionPath } from '../collection-path.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { FilesThreads } from '../files/files-threads.ts';
import { addRuleFlags, patternsOf, type RuleFlags } from '../folder-options.ts';
import { ProgressView, progressMode } from '../progress/progress-view.ts';
import type { RunWork } from './command.ts';

interface CheckFlags extends RuleFlags {
  readonly progress?: boolean;
  readonly batchProgress?: boolean;
}

/** One hashes while the other compares; each holds one block. */
const THREADS = 2;

export function addCheck(program: Command, run: RunWork): void {
  addRuleFlags(
    program
      .command('check')
      .summary('compare files with a collection, byte for byte')
      .description(
        'Compares a folder or file with a collection. One line for each file: "= path" the same, "* path" different, "+ path" only on this computer, "- path" only in the collection. Files that ignore rules leave out do not count. Exit code 0 where all are the same, 1 otherwise.',
      )
      .argument('<path>', 'folder or file on this computer')
      .argument('<collection>', 'UUID or portable data hash, with /path for a part'),
  )
    .option('--no-follow-links', 'leave out symbolic links')
    .option('--batch-progress', 'progress as lines for programs, on stderr')
    .option('--no-progress', 'no progress bar')
    .action((path: string, collection: string, flags: CheckFlags) =>
      run((context) => check(context, path, collection, flags)),
    );
}

async function check(context: Context, path: string, source: string, flags: CheckFlags): Promise<ExitCode> {
  const wanted = parseCollectionPath(source);
  const { output, signal } = context;
  const connection = await context.connection();
  const access = context.closing(
    await context.services.openCollections(connection, (await context.settings()).get(), context.log()),
  );
  const { local, held } = await localFiles(context, resolve(context.env.cwd, path), flags);
  const collection = await access.read(wanted.uuidOrPdh, signal);
  const content = contentBelow(collection.manifestText, wanted.path);
  if (content === undefined) {
    throw new KeepsyncError('NOT_FOUND', `There is no ${JSON.stringify(wanted.path)} in ${wanted.uuidOrPdh}`);
  }
  const remote = new Map<string, ManifestFile>();
  for (const file of content.files) {
    const relative = wanted.path === '' ? file.path : file.path.slice(wanted.path.length + 1);
    remote.set(relative === '' ? basename(path) : relative, file);
  }
  const totalBytes = [...remote.values()].reduce((sum, file) => sum + file.sizeBytes, 0);
  const view = new ProgressView(progressMode(output, flags), context.env, output);
  const threads = context.closing(new FilesThreads(THREADS));
  try {
    const result = await runCheck({
      local,
      remote,
      keep: access.keep,
      threads,
      onBytes: (bytes) =>
        view.showBytes(bytes, totalBytes, 'read', () => [
          `Compared ${sizeText(bytes)} of ${sizeText(totalBytes)}`,
        ]),
      signal,
    });
    view.close();
    const counts = { same: 0, different: 0, onlyHere: 0, onlyInCollection: 0 };
    const countOf = { '=': 'same', '*': 'different', '+': 'onlyHere', '-': 'onlyInCollection' } as const;
    for (const row of result.rows) {
      counts[countOf[row.sign]] += 1;
      output.line(`${row.sign} ${row.path}`);
    }
    for (const failure of [...held, ...result.failures]) {
      output.warn(`keepsync: ${failure.path}: ${failure.error.message}`);
    }
    output.payload({
      ...counts,
      checkedBytes: result.checkedBytes,
      downloadedBytes: result.downloadedBytes,
      files: result.rows,
    });
    const isSame = counts.same === result.rows.length && held.length === 0;
    output.note(
      `${plural(counts.same, 'file')} the same, ${counts.different} different, ${counts.onlyHere} only here, ${counts.onlyInCollection} only in the collection; ${sizeText(result.downloadedBytes)} downloaded`,
    );
    // As `put FOLDER` leaves it: the folder itself is in the collection.
    const below = `${basename(resolve(context.env.cwd, path))}/`;
    if (counts.same + counts.different === 0 && [...remote.keys()].some((name) => name.startsWith(below))) {
      const inside = `${source.replace(/\/$/, '')}/${below.slice(0, -1)}`;
      output.note(
        `The collection has a folder of that name. To compare with it: keepsync check ${path} ${inside}`,
      );
    }
    return isSame ? EXIT.saved : EXIT.failed;
  } finally {
    view.close();
  }
}

interface Held {
  readonly path: string;
  readonly error: { readonly message: string };
}

async function localFiles(
  context: Context,
  diskPath: string,
  flags: CheckFlags,
): Promise<{ local: Map<string, LocalFile>; held: Held[] }> {
  const local = new Map<string, LocalFile>();
  const held: Held[] = [];
  const stat = await lstat(diskPath).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') {
      throw new KeepsyncError('FILE_GONE', `${diskPath} does not exist`, { cause: thrown });
    }
    throw thrown;
  });
  const prefix = stat.isDirectory() ? '' : basename(diskPath);
  await context.services.walk(
    {
      roots: [{ diskPath, prefix }],
      rules: {
        patterns: await patternsOf(flags, context.env.cwd),
        followLinks: flags.followLinks ?? true,
        allowUnreadableNames: true,
      },
    },
    async (changes) => {
      for (const change of changes) {
        if (change.type === 'file') {
          local.set(change.path, { diskPath: change.diskPath, sizeBytes: change.stat.sizeBytes });
        } else if (change.type === 'held') {
          held.push({ path: change.path, error: change.error });
        }
      }
    },
    context.signal,
  );
  return { local, held };
}
