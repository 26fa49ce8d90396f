import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../base/durable-file.ts';
import type { Context } from './context.ts';

/**
 * Opens the window in a browser where there is one. The address holds a key, and everybody on this computer can read the
 * command lines of everybody's programs: the browser is given a page in a file of mode 0600 that leads there. Closing
 * removes the page.
 */
export async function showInBrowser(context: Context, url: string): Promise<{ close(): Promise<void> }> {
  const file = join(context.paths.stateDir, 'window.html');
  await writeDurably(
    file,
    `<!doctype html><meta charset="utf-8"><title>Keepsync</title><meta http-equiv="refresh" content="0;url=${url}">\n`,
  );
  if (await context.services.openInBrowser(file)) {
    context.output.note('It opens in your browser now; if it does not, open the address yourself.');
  }
  return { close: () => rm(file, { force: true }) };
}
