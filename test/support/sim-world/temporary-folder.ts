import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where files live in memory, on Linux: waiting for a real disk is what makes a thousand worlds slow. */
const MEMORY = '/dev/shm';

/** A new folder for files that need not outlive the process. */
export function fastTemporaryFolder(): string {
  return mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'keepsync-world-'));
}
