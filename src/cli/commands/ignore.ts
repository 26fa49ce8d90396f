import { readFileSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import { systemCode } from '../../base/durable-file.ts';
import { explainIgnored, IGNORE_FILE_NAME } from '../../local/ignore-rules.ts';
import { collectionPathsOf } from '../../local/tree-roots.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { patternsOf, type RuleFlags, usage } from '../folder-options.ts';
import { collect } from '../option-values.ts';
import type { RunWork } from './command.ts';

interface IgnoreFlags extends RuleFlags {
  readonly root?: string;
}

export function addIgnore(program: Command, run: RunWork): void {
  program
    .command('ignore')
    .summary('find out what is left out, and why')
    .command('test')
    .description('Says whether a path is left out of its folder, and by which rule.')
    .argument('<path>', 'file or folder')
    .option('--root <dir>', 'as if this were the kept folder (default: the kept folder that holds the path)')
    .option('--exclude <glob>', 'with this pattern, too', collect)
    .action((path: string, flags: IgnoreFlags) => run((context) => test(context, path, flags)));
}

async function test(context: Context, path: string, flags: IgnoreFlags) {
  const diskPath = resolve(context.env.cwd, path);
  const { root, patterns } = await rulesFor(context, diskPath, flags);
  const [inCollection] = collectionPathsOf([{ diskPath: root, prefix: '' }], diskPath, sep);
  if (inCollection === undefined || inCollection === '') {
    throw usage(`${diskPath} is not inside ${root}`);
  }
  const isDir = await lstat(diskPath).then(
    (stat) => stat.isDirectory(),
    () => path.endsWith('/'),
  );
  const readIgnoreFile = (dir: string) => {
    try {
      return readFileSync(join(root, ...(dir === '' ? [] : dir.split('/')), IGNORE_FILE_NAME), 'utf8');
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') {
        return undefined;
      }
      throw thrown;
    }
  };
  const verdict = explainIgnored(patterns, readIgnoreFile, inCollection, isDir);
  const { rule } = verdict;
  const by =
    rule === undefined
      ? ''
      : rule.source === 'default' || rule.source === 'settings'
        ? `, by ${JSON.stringify(rule.pattern)} of the ${rule.source === 'default' ? 'defaults' : "folder's settings"}`
        : `, by ${JSON.stringify(rule.pattern)} in line ${rule.line} of ${rule.source}`;
  context.output.result({ path: inCollection, root, ...verdict }, [
    verdict.ignored ? `${inCollection} is left out${by}` : `${inCollection} is uploaded`,
  ]);
  return EXIT.saved;
}

async function rulesFor(context: Context, diskPath: string, flags: IgnoreFlags) {
  const extra = await patternsOf(flags, context.env.cwd);
  if (flags.root !== undefined) {
    return { root: resolve(context.env.cwd, flags.root), patterns: extra };
  }
  for (const pair of await context.pairs().load()) {
    for (const root of pair.config.roots) {
      if (diskPath.startsWith(root.diskPath.endsWith(sep) ? root.diskPath : root.diskPath + sep)) {
        return { root: root.diskPath, patterns: [...pair.config.rules.patterns, ...extra] };
      }
    }
  }
  throw usage(`${diskPath} is in none of the kept folders; name one with --root`);
}
