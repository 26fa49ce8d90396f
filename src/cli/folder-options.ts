import { readFile } from 'node:fs/promises';
import { posix, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import { systemCode } from '../base/durable-file.ts';
import { KeepsyncError } from '../base/errors.ts';
import type { FolderConfig } from '../contract/settings.ts';
import { collect, wholeNumber } from './option-values.ts';

/** Rules: which files, and what becomes of links and names. */
export interface RuleFlags {
  readonly exclude?: readonly string[];
  readonly excludeFrom?: string;
  readonly followLinks?: boolean;
  readonly allowUnreadableNames?: boolean;
}

/** Target: which collection, and how it is kept. */
export interface TargetFlags {
  readonly projectUuid?: string;
  readonly name?: string;
  readonly updateCollection?: string;
  readonly replication?: number;
  readonly storageClasses?: string;
}

const COLLECTION_UUID = /^[a-z0-9]{5}-4zz18-[a-z0-9]{15}$/;
/** A project, or a user's home project. */
const PROJECT_UUID = /^[a-z0-9]{5}-(j7d0g|tpzed)-[a-z0-9]{15}$/;

export function addTargetFlags(command: Command): Command {
  return command
    .option('--project-uuid <uuid>', 'make the collection in this project instead of the home project')
    .option('--name <name>', 'name of the new collection')
    .option('--update-collection <uuid>', 'save into this existing collection')
    .option('--replication <n>', 'copies of each block', wholeNumber(1, 100))
    .option('--storage-classes <list>', 'comma-separated storage classes');
}

export function addRuleFlags(command: Command): Command {
  return command
    .option(
      '--exclude <glob>',
      'leave out what matches, gitignore style; may be given several times',
      collect,
    )
    .option('--exclude-from <file>', 'leave out what the patterns in this file match')
    .option(
      '--allow-unreadable-names',
      'also take names that other Arvados tools cannot load (Unicode spaces)',
    );
}

export function checkTarget(flags: TargetFlags): void {
  if (flags.updateCollection !== undefined) {
    if (!COLLECTION_UUID.test(flags.updateCollection)) {
      throw usage(`${JSON.stringify(flags.updateCollection)} is no collection UUID`);
    }
    for (const [flag, value] of [
      ['--name', flags.name],
      ['--project-uuid', flags.projectUuid],
    ] as const) {
      if (value !== undefined) {
        throw usage(`${flag} cannot be used with --update-collection`);
      }
    }
  }
  if (flags.projectUuid !== undefined && !PROJECT_UUID.test(flags.projectUuid)) {
    throw usage(`${JSON.stringify(flags.projectUuid)} is no project UUID`);
  }
  if (flags.name !== undefined && (flags.name === '' || flags.name.length > 255)) {
    throw usage('A collection name has 1 to 255 characters');
  }
}

export function storageClassesOf(flags: TargetFlags): string[] {
  if (flags.storageClasses === undefined) {
    return [];
  }
  const classes = [...new Set(flags.storageClasses.split(',').map((one) => one.trim()))];
  if (classes.includes('')) {
    throw usage('--storage-classes takes names parted by commas');
  }
  return classes;
}

export async function patternsOf(flags: RuleFlags, cwd: string): Promise<string[]> {
  const patterns = [...(flags.exclude ?? [])];
  if (flags.excludeFrom !== undefined) {
    const path = resolve(cwd, flags.excludeFrom);
    try {
      patterns.push(...(await readFile(path, 'utf8')).split(/\r?\n/).filter((line) => line.trim() !== ''));
    } catch (thrown) {
      throw usage(`The file of patterns ${path} cannot be read (${systemCode(thrown) ?? 'unknown'})`, thrown);
    }
  }
  return patterns;
}

/**
 * Where each PATH goes, by arv-put's habit: a folder with a trailing slash gives its contents, one without goes in under
 * its own name. Throws USAGE where two would land on the same name.
 */
export function rootsOf(paths: readonly string[], cwd: string): FolderConfig['roots'] {
  const roots = paths.map((path) => {
    const diskPath = resolve(cwd, path);
    const isContents = path.endsWith('/') || path.endsWith(sep) || /(^|[\\/])\.{1,2}$/.test(path);
    return { diskPath, prefix: isContents ? '' : posix.basename(diskPath.split(sep).join('/')) };
  });
  const seen = new Map<string, string>();
  for (const root of roots) {
    const other = root.prefix === '' ? undefined : seen.get(root.prefix);
    if (other !== undefined && other !== root.diskPath) {
      throw usage(
        `${other} and ${root.diskPath} would both become ${JSON.stringify(root.prefix)} in the collection`,
      );
    }
    seen.set(root.prefix, root.diskPath);
  }
  return roots;
}

export function usage(message: string, cause?: unknown): KeepsyncError {
  return new KeepsyncError('USAGE', message, {
    action: 'See "keepsync --help", or --help after the command.',
    ...(cause === undefined ? {} : { cause }),
  });
}
