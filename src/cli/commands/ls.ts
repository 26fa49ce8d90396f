import type { Command } from 'commander';
import { KeepsyncError } from '../../base/errors.ts';
import { contentBelow, parseCollectionPath } from '../collection-path.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { RunWork } from './command.ts';

const KIB = 1024;
/** As arv-ls writes it: ten columns, KiB rounded up. */
const SIZE_COLUMNS = 10;

export function addLs(program: Command, run: RunWork): void {
  program
    .command('ls')
    .summary('list the files of a collection')
    .description('Lists the files of a collection, or of a folder of it, one a line, as arv-ls does.')
    .argument('<collection>', 'UUID or portable data hash, with /path for a part')
    .option('-s', 'sizes in KiB in front')
    .action((source: string, flags: { s?: boolean }) =>
      run((context) => ls(context, source, flags.s ?? false)),
    );
}

async function ls(context: Context, source: string, withSizes: boolean) {
  const wanted = parseCollectionPath(source);
  const connection = await context.connection();
  const access = context.closing(
    await context.services.openCollections(connection, (await context.settings()).get(), context.log()),
  );
  const collection = await access.read(wanted.uuidOrPdh, context.signal);
  const content = contentBelow(collection.manifestText, wanted.path);
  if (content === undefined) {
    throw new KeepsyncError('NOT_FOUND', `There is no ${JSON.stringify(wanted.path)} in ${wanted.uuidOrPdh}`);
  }
  context.output.payload({
    uuid: collection.uuid,
    portableDataHash: collection.portableDataHash,
    files: content.files.map((file) => ({ path: file.path, bytes: file.sizeBytes })),
    emptyDirs: content.emptyDirs,
  });
  for (const file of content.files) {
    const size = withSizes ? `${String(Math.ceil(file.sizeBytes / KIB)).padStart(SIZE_COLUMNS)} ` : '';
    context.output.line(`${size}./${file.path}`);
  }
  return EXIT.saved;
}
