import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = /^keepsync-run-(\d+)-/;
/** In another container a process of the same number may run: what is younger may be its. */
const LEFT_BEHIND_MS = 24 * 3_600_000;

/**
 * A new folder that is the folder for temporary files from here on, for this process and all that it starts: browsers
 * and other people's programs leave things there. What runs left behind that were killed is removed.
 */
export function openRunFolder(): string {
  const outer = tmpdir();
  for (const name of readdirSync(outer)) {
    const pid = Number(NAME.exec(name)?.[1] ?? 0);
    const path = join(outer, name);
    const stat = pid > 0 && !isRunning(pid) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    const isOurs = stat !== undefined && stat.uid === (process.getuid?.() ?? stat.uid);
    if (isOurs && Date.now() - stat.mtimeMs > LEFT_BEHIND_MS) {
      removeRunFolder(path);
    }
  }
  // short: the paths of sockets in it may have about a hundred characters
  const folder = mkdtempSync(join(outer, `keepsync-run-${process.pid}-`));
  process.env[process.platform === 'win32' ? 'TEMP' : 'TMPDIR'] = folder;
  return folder;
}

/** Programs that were just ended may still write there: that is tried again for some seconds. */
export function removeRunFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // EPERM: it runs, and is somebody else's
    return thrown instanceof Error && 'code' in thrown && thrown.code !== 'ESRCH';
  }
}
