import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { systemCode } from '../base/durable-file.ts';
import { KeepsyncError } from '../base/errors.ts';
import type { CommandHost } from '../contract/commands.ts';
import { type FolderConfig, folderConfigSchema, type Settings } from '../contract/settings.ts';

/**
 * "Try it on this computer": a local cluster and one folder that is kept saved in it, for `start` in a terminal, in a
 * browser and in the desktop app.
 */

const WELCOME = `Welcome to Keepsync.

Whatever you put into this folder is uploaded to Arvados Keep, block by block, and saved as a collection.
A byte is safe once it is saved: the window says so, and "keepsync status".

Try it: copy some files here and watch.
`;

/** Throws USAGE where the profile is signed in to a real cluster: nobody wants to leave that by trying something. */
export function requireNoOtherCluster({ account }: Settings): void {
  if (account.host !== null && !account.local) {
    throw new KeepsyncError('USAGE', `This profile is signed in to ${account.host}`, {
      action: 'For a local cluster use another profile, with --profile DIR.',
    });
  }
}

/** The folder that was named, made where it is not there; or ~/Keepsync with a first file in it. An absolute path. */
export async function folderToKeep(
  place: { readonly cwd: string; readonly home: string },
  folder: string | undefined,
): Promise<string> {
  if (folder !== undefined) {
    const named = resolve(place.cwd, folder);
    await mkdir(named, { recursive: true });
    return named;
  }
  const path = join(place.home, 'Keepsync');
  await mkdir(path, { recursive: true });
  try {
    await writeFile(join(path, 'Welcome.txt'), WELCOME, { flag: 'wx' });
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') {
      throw thrown;
    }
  }
  return path;
}

/** Keeps the folder saved, unless it is kept already. Resolves to its id. */
export async function keepFolder(host: CommandHost, diskPath: string): Promise<string> {
  const known = (await host.run('folders.list', {})).find((one) => one.path === diskPath);
  return known?.id ?? (await host.run('folders.add', configOf(diskPath))).id;
}

function configOf(diskPath: string): FolderConfig {
  const name = basename(diskPath) || 'Keepsync';
  return folderConfigSchema.parse({
    roots: [{ diskPath, prefix: '' }],
    name,
    target: { collectionName: name },
    deletes: 'keep',
  });
}
