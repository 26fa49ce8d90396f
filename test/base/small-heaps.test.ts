import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const CHILD = join(import.meta.dirname, '../support/small-heaps-child.ts');

it('collects once more after threads have loaded, as heaps were free to grow meanwhile', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD], { timeout: 50_000 });
  expect(stdout).toBe('collected');
}, 60_000);
