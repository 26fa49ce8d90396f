import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { systemCode } from '../../base/durable-file.ts';
import { KeepsyncError } from '../../base/errors.ts';
import type { CommandHost } from '../../contract/commands.ts';
import { type FolderConfig, folderConfigSchema } from '../../contract/settings.ts';
import type { FolderStatus } from '../../contract/status.ts';
import { percentText } from '../../contract/words.ts';
import type { Pair } from '../../engine/ports.ts';
import { newPair, pairById } from '../../profile/pair-store.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import {
  addRuleFlags,
  addTargetFlags,
  checkTarget,
  patternsOf,
  type RuleFlags,
  storageClassesOf,
  type TargetFlags,
  usage,
} from '../folder-options.ts';
import { wholeNumber } from '../option-values.ts';
import { table } from '../output.ts';
import type { RunWork } from './command.ts';

interface AddFlags extends RuleFlags, TargetFlags {
  readonly deletes?: 'mirror' | 'keep';
}

const deletesOption = () =>
  new Option('--deletes <what>', 'what becomes of files in the collection that are deleted here').choices([
    'mirror',
    'keep',
  ]);

/**
 * The pairs of this profile. Where a Keepsync runs on it, the running one is asked; else the profile's list is changed
 * while its lock is held, so that none starts meanwhile.
 */
export function addFolder(program: Command, run: RunWork): void {
  const folder = program
    .command('folder')
    .summary('the folders that are kept')
    .description('Adds, shows, changes and removes the folders that are kept saved.');
  addRuleFlags(
    addTargetFlags(folder.command('add').summary('keep a folder saved').argument('<path>', 'folder')),
  )
    .option('--follow-links', 'follow symbolic links (default: leave them out)')
    .addOption(deletesOption())
    .action((path: string, flags: AddFlags) => run((context) => add(context, path, flags)));
  folder
    .command('list')
    .summary('list folders with their ids')
    .action(() => run(list));
  folder
    .command('show')
    .summary('show all about one folder')
    .argument('<id>', 'folder id')
    .action((id: string) => run((context) => show(context, id)));
  addRuleFlags(folder.command('set').summary('change how a folder is kept').argument('<id>', 'folder id'))
    .option('--name <name>', 'name it is shown under; the collection keeps its own')
    .option('--replication <n>', 'copies of blocks from now on', wholeNumber(1, 100))
    .option('--storage-classes <list>', 'comma-separated storage classes from now on')
    .option('--follow-links', 'follow symbolic links')
    .option('--no-follow-links', 'leave out symbolic links')
    .option('--no-allow-unreadable-names', 'hold back names that other Arvados tools cannot load')
    .addOption(deletesOption())
    .action((id: string, flags: AddFlags) => run((context) => set(context, id, flags)));
  folder
    .command('remove')
    .summary('forget a folder; neither side is touched')
    .argument('<id>', 'folder id')
    .action((id: string) => run((context) => remove(context, id)));
}

async function add(context: Context, path: string, flags: AddFlags) {
  checkTarget(flags);
  const diskPath = resolve(context.env.cwd, path);
  await mustBeFolder(diskPath);
  const name = basename(diskPath) || diskPath;
  const config = folderConfigSchema.parse({
    roots: [{ diskPath, prefix: '' }],
    name: flags.name ?? name,
    target: {
      collectionUuid: flags.updateCollection ?? null,
      projectUuid: flags.projectUuid ?? null,
      collectionName: flags.name ?? name,
      replication: flags.replication ?? null,
      storageClasses: storageClassesOf(flags),
    },
    deletes: flags.deletes ?? 'keep',
    rules: {
      patterns: await patternsOf(flags, context.env.cwd),
      followLinks: flags.followLinks ?? false,
      allowUnreadableNames: flags.allowUnreadableNames ?? false,
    },
  });
  const owner = await context.ownerIfRunning();
  const id =
    owner === undefined ? await addOffline(context, config) : (await owner.run('folders.add', config)).id;
  context.output.result({ id, config }, [id]);
  context.output.note(
    owner === undefined
      ? `Added ${diskPath}; it is uploaded by the Keepsync app or "keepsync daemon", none runs now.`
      : `Added ${diskPath}; see "keepsync status".`,
  );
  return EXIT.saved;
}

async function mustBeFolder(diskPath: string): Promise<void> {
  const found = await stat(diskPath).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') {
      throw new KeepsyncError('FILE_GONE', `${diskPath} does not exist`, { cause: thrown });
    }
    throw thrown;
  });
  if (!found.isDirectory()) {
    throw usage(`${diskPath} is no folder; "keepsync put" uploads single files`);
  }
}

async function addOffline(context: Context, config: FolderConfig): Promise<string> {
  return await editOffline(context, (pairs) => {
    const taken = pairs.find((pair) =>
      pair.config.roots.some((root) => config.roots.some((wanted) => wanted.diskPath === root.diskPath)),
    );
    if (taken !== undefined) {
      throw usage(`${config.roots[0]?.diskPath ?? ''} is kept already, as folder ${taken.publicId}`);
    }
    const pair = newPair(config, context.env.random);
    return { pairs: [...pairs, pair], result: pair.publicId };
  });
}

async function editOffline<T>(
  context: Context,
  edit: (pairs: readonly Pair[]) => { readonly pairs: readonly Pair[]; readonly result: T },
): Promise<T> {
  const lock = await context.lock('command');
  try {
    const store = context.pairs();
    const { pairs, result } = edit(await store.load());
    await store.save(pairs);
    return result;
  } finally {
    await lock.release();
  }
}

async function list(context: Context) {
  const owner = await context.ownerIfRunning();
  if (owner !== undefined) {
    const folders = await owner.run('folders.list', {});
    context.output.result({ running: true, folders }, folderTable(folders));
    return EXIT.saved;
  }
  const pairs = await context.pairs().load();
  context.output.result(
    { running: false, folders: pairs.map(({ publicId, config }) => ({ id: publicId, config })) },
    pairs.length === 0
      ? ['No folders yet; add one with "keepsync folder add PATH"']
      : table(
          pairs.map(({ publicId, config }) => [
            publicId,
            config.roots[0]?.diskPath ?? '',
            targetText(config.target),
          ]),
        ),
  );
  return EXIT.saved;
}

function folderTable(folders: readonly FolderStatus[]): string[] {
  return folders.length === 0
    ? ['No folders yet; add one with "keepsync folder add PATH"']
    : table(
        folders.map((folder) => [
          folder.id,
          folder.path,
          folder.collectionUuid ?? folder.collectionName,
          percentText(folder.percentSaved),
          folder.sentence,
        ]),
      );
}

const targetText = (target: FolderConfig['target']) =>
  target.collectionUuid ?? `${target.collectionName} (not made yet)`;

async function show(context: Context, id: string) {
  const owner = await context.ownerIfRunning();
  const found =
    owner === undefined
      ? { status: null, config: pairById(await context.pairs().load(), id).config }
      : await owner.run('folders.get', { folderId: id });
  const { status, config } = found;
  context.output.result({ id, ...found }, [
    ...table([
      ['folder', config.roots.map((root) => root.diskPath).join(', ')],
      [
        'collection',
        targetText({
          ...config.target,
          collectionUuid: status?.collectionUuid ?? config.target.collectionUuid,
        }),
      ],
      ['project', config.target.projectUuid ?? 'home project'],
      ['deletes', config.deletes],
      ['left out', config.rules.patterns.join(' ') || '-'],
      ['links', config.rules.followLinks ? 'followed' : 'left out'],
      ['paused', config.paused ? 'yes' : 'no'],
      ...(status === null
        ? []
        : [
            ['state', status.sentence],
            ['saved', percentText(status.percentSaved)],
            ['content', status.portableDataHash ?? '-'],
          ]),
    ]),
  ]);
  return EXIT.saved;
}

async function set(context: Context, id: string, flags: AddFlags) {
  const owner = await context.ownerIfRunning();
  const before = await configOf(context, owner, id);
  const change = await changeOf(context, before, flags);
  if (Object.keys(change).length === 0) {
    throw usage('Nothing to change was given');
  }
  if (owner === undefined) {
    await editOffline(context, (pairs) => {
      const pair = pairById(pairs, id);
      const changed = { ...pair, config: folderConfigSchema.parse({ ...pair.config, ...change }) };
      return { pairs: pairs.map((one) => (one.publicId === id ? changed : one)), result: undefined };
    });
  } else {
    await owner.run('folders.set', { folderId: id, change });
  }
  context.output.result({ id, config: await configOf(context, owner, id) }, [`Changed folder ${id}`]);
  return EXIT.saved;
}

async function configOf(context: Context, owner: CommandHost | undefined, id: string): Promise<FolderConfig> {
  return owner === undefined
    ? pairById(await context.pairs().load(), id).config
    : (await owner.run('folders.get', { folderId: id })).config;
}

async function changeOf(
  context: Context,
  before: FolderConfig,
  flags: AddFlags,
): Promise<Partial<FolderConfig>> {
  const { target, rules } = before;
  const hasPatterns = flags.exclude !== undefined || flags.excludeFrom !== undefined;
  const hasRules = hasPatterns || flags.followLinks !== undefined || flags.allowUnreadableNames !== undefined;
  const hasTarget = flags.replication !== undefined || flags.storageClasses !== undefined;
  return {
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.deletes === undefined ? {} : { deletes: flags.deletes }),
    ...(hasTarget
      ? {
          target: {
            ...target,
            replication: flags.replication ?? target.replication,
            storageClasses:
              flags.storageClasses === undefined ? target.storageClasses : storageClassesOf(flags),
          },
        }
      : {}),
    ...(hasRules
      ? {
          rules: {
            patterns: hasPatterns ? await patternsOf(flags, context.env.cwd) : rules.patterns,
            followLinks: flags.followLinks ?? rules.followLinks,
            allowUnreadableNames: flags.allowUnreadableNames ?? rules.allowUnreadableNames,
          },
        }
      : {}),
  };
}

async function remove(context: Context, id: string) {
  const owner = await context.ownerIfRunning();
  if (owner === undefined) {
    await editOffline(context, (pairs) => {
      pairById(pairs, id);
      return { pairs: pairs.filter((pair) => pair.publicId !== id), result: undefined };
    });
  } else {
    await owner.run('folders.remove', { folderId: id });
  }
  context.output.result({ ok: true }, [
    `Forgot folder ${id}; nothing was deleted, neither here nor in the collection`,
  ]);
  return EXIT.saved;
}
