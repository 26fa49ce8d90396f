import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Only its user: settings name hosts and folders, the token file is a secret. */
export const PRIVATE_FILE_MODE = 0o600;
export const PRIVATE_DIR_MODE = 0o700;

export async function makePrivateDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: PRIVATE_DIR_MODE });
}

/**
 * Writes a small file so that after a crash it holds the old text or the new, never half: written beside it, synced,
 * renamed over it, and the folder synced. Mode 0600.
 */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  await makePrivateDir(dirname(path));
  const besides = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(besides, 'wx', PRIVATE_FILE_MODE);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(besides, path);
  } catch (thrown) {
    await rm(besides, { force: true });
    throw thrown;
  }
  await syncDir(dirname(path));
}

/** A rename is on disk only once its folder is; Windows has no way to ask for that, and needs none. */
async function syncDir(dir: string): Promise<void> {
  if (process.platform === 'win32') {
    return;
  }
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The text, or undefined where there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') {
      return undefined;
    }
    throw thrown;
  }
}

/** Moves a file that cannot be read aside, so that nothing of it is lost; returns its new path. */
export async function moveAside(path: string, nowMs: number): Promise<string> {
  const aside = asidePath(path, nowMs);
  await rename(path, aside);
  return aside;
}

/** Where a file goes that was found damaged now. */
export function asidePath(path: string, nowMs: number): string {
  return `${path}.damaged-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;
}

/** Takes a secret away from group and others, should an older version or a person have given it to them. */
export async function makePrivate(path: string): Promise<void> {
  if (process.platform !== 'win32') {
    await chmod(path, PRIVATE_FILE_MODE);
  }
}

export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}

/** What the text means, or undefined where it is not JSON: a SyntaxError would repeat part of it. */
export function parseJsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) {
      return undefined;
    }
    throw thrown;
  }
}
