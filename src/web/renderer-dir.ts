import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KeepsyncError } from '../base/errors.ts';

declare const __KEEPSYNC_BUNDLE__: boolean | undefined;

/** The folder of the window's files: beside the bundle, or what the last build left. Throws USAGE where it is missing. */
export function findRendererDir(): string {
  const place = typeof __KEEPSYNC_BUNDLE__ === 'undefined' ? '../../dist/renderer' : './renderer';
  const dir = fileURLToPath(new URL(place, import.meta.url));
  if (!existsSync(join(dir, 'index.html'))) {
    throw new KeepsyncError('USAGE', 'The window has not been built', {
      action: 'Run "npm run build" first.',
    });
  }
  return dir;
}
