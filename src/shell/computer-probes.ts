import { randomBytes } from 'node:crypto';
import { constants, statfsSync } from 'node:fs';
import { access, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PRIVATE_FILE_MODE, readIfThere, systemCode } from '../base/durable-file.ts';
import { fileErrorCode, KeepsyncError } from '../base/errors.ts';
import { inspectThreadedJournal } from '../sync/threaded-journal.ts';
import type { ComputerProbes } from './diagnosis.ts';

/** Where Linux says how much of the file system one user may watch. */
const WATCH_LIMIT_FILE = '/proc/sys/fs/inotify/max_user_watches';

/** This computer, really asked. */
export const computerProbes: ComputerProbes = {
  checkWritable: async (dir) => {
    const present = await nearestDir(dir);
    try {
      if (present !== dir) {
        await access(present, constants.W_OK | constants.X_OK);
        return;
      }
      const probe = join(dir, `.keepsync-probe-${randomBytes(6).toString('hex')}`);
      const file = await open(probe, 'wx', PRIVATE_FILE_MODE);
      try {
        await file.writeFile('probe');
        await file.sync();
      } finally {
        await file.close();
        await rm(probe, { force: true });
      }
    } catch (cause) {
      throw new KeepsyncError(
        fileErrorCode(systemCode(cause)),
        `${present} cannot be written (${systemCode(cause) ?? 'unknown'})`,
        { action: 'Give this user the right to write there, or use another profile folder.', cause },
      );
    }
  },
  freeBytes: async (dir) => {
    const { bavail, bsize } = statfsSync(await nearestDir(dir));
    return bavail * bsize;
  },
  watchLimit: async () => {
    const text = await readIfThere(WATCH_LIMIT_FILE);
    const limit = Number(text?.trim());
    return text !== undefined && Number.isSafeInteger(limit) ? limit : undefined;
  },
  inspectJournal: inspectThreadedJournal,
};

/** The folder itself, or the nearest above it that is there. */
async function nearestDir(dir: string): Promise<string> {
  for (let path = dir; ; path = dirname(path)) {
    try {
      if ((await stat(path)).isDirectory() || path === dirname(path)) {
        return path;
      }
    } catch (thrown) {
      if (!['ENOENT', 'ENOTDIR'].includes(systemCode(thrown) ?? '') || path === dirname(path)) {
        throw thrown;
      }
    }
  }
}
