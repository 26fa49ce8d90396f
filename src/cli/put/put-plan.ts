import { createHash } from 'node:crypto';
import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../base/durable-file.ts';
import { KeepsyncError } from '../../base/errors.ts';
import { type FolderConfig, folderConfigSchema, type Settings } from '../../contract/settings.ts';
import {
  checkTarget,
  patternsOf,
  type RuleFlags,
  rootsOf,
  storageClassesOf,
  type TargetFlags,
  usage,
} from '../folder-options.ts';

export interface PutFlags extends RuleFlags, TargetFlags {
  readonly portableDataHash?: boolean;
  readonly dryRun?: boolean;
  readonly threads?: number;
  readonly retries?: number;
  readonly resume?: boolean;
  readonly progress?: boolean;
  readonly batchProgress?: boolean;
}

/** As arv-put names a collection that was given no name. */
function defaultCollectionName(nowMs: number, userName: string, hostName: string): string {
  const when = new Date(nowMs).toISOString().slice(0, 19).replace('T', ' ');
  return `Saved at ${when} UTC by ${userName}@${hostName}`.slice(0, 255);
}

/** Throws USAGE, or FILE_GONE for a path that is not there. */
export async function putConfig(
  paths: readonly string[],
  flags: PutFlags,
  where: {
    readonly cwd: string;
    readonly nowMs: number;
    readonly userName: string;
    readonly hostName: string;
  },
): Promise<FolderConfig> {
  checkTarget(flags);
  const followLinks = flags.followLinks ?? true;
  const roots: FolderConfig['roots'] = [];
  for (const root of rootsOf(paths, where.cwd)) {
    // arv-put leaves out even a link that is named on the command line
    if (followLinks || !(await isLink(root.diskPath))) {
      await realpathOf(root.diskPath);
      roots.push(root);
    }
  }
  if (roots.length === 0) {
    throw usage('All paths are links, and --no-follow-links leaves links out');
  }
  return folderConfigSchema.parse({
    roots,
    name: flags.name ?? 'put',
    target: {
      collectionUuid: flags.updateCollection ?? null,
      projectUuid: flags.projectUuid ?? null,
      collectionName: flags.name ?? defaultCollectionName(where.nowMs, where.userName, where.hostName),
      replication: flags.replication ?? null,
      storageClasses: storageClassesOf(flags),
    },
    deletes: 'keep',
    rules: {
      patterns: await patternsOf(flags, where.cwd),
      followLinks,
      allowUnreadableNames: flags.allowUnreadableNames ?? false,
    },
  });
}

async function isLink(path: string): Promise<boolean> {
  await realpathOf(path);
  return (await lstat(path)).isSymbolicLink();
}

/** Throws FILE_GONE. */
async function realpathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') {
      throw new KeepsyncError('FILE_GONE', `${path} does not exist`, { cause: thrown });
    }
    throw thrown;
  }
}

/** Settings with what the flags say instead. */
export function putSettings(settings: Settings, flags: Pick<PutFlags, 'threads' | 'retries'>): Settings {
  return {
    ...settings,
    uploads: { ...settings.uploads, threads: flags.threads ?? settings.uploads.threads },
    network: { ...settings.network, retries: flags.retries ?? settings.network.retries },
  };
}

export interface PutPlace {
  readonly dir: string;
  readonly lockFile: string;
  /** The pair with its ids and the name its collection got, so that a resumed upload goes on in the same collection. */
  readonly pairFile: string;
  readonly journalFile: string;
}

/**
 * Where an upload keeps what it has done, so that the same command goes on after a kill: the same cluster, paths, target
 * and rules give the same place. `explicitName` is that of --name; the default name tells the time and does not count.
 */
export async function putPlace(
  putDir: string,
  host: string,
  config: FolderConfig,
  explicitName: string | undefined,
): Promise<PutPlace> {
  const roots: Array<readonly [string, string]> = [];
  for (const root of config.roots) {
    roots.push([await realpathOf(root.diskPath), root.prefix]);
  }
  const target = { ...config.target, collectionName: explicitName ?? null };
  const key = createHash('sha256')
    .update(JSON.stringify([host, roots, target, config.rules]))
    .digest('hex')
    .slice(0, 24);
  const dir = join(putDir, key);
  return {
    dir,
    lockFile: join(putDir, `${key}.lock`),
    pairFile: join(dir, 'pair.json'),
    journalFile: join(dir, 'journal.sqlite'),
  };
}
