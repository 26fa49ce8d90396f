import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const CHILD = fileURLToPath(new URL('../support/small-heaps-child.ts', import.meta.url));

it('collects once more after threads have loaded, as heaps were free to grow meanwhile', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD], { timeout: 50_000 });
  expect(stdout).toBe('collected');
}, 60_000);
