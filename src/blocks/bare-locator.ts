import { KeepsyncError } from '../base/errors.ts';

/** The block of no bytes: it exists by definition, and is never sent and never asked for. */
export const EMPTY_BLOCK = 'd41d8cd98f00b204e9800998ecf8427e+0';

const BARE = /^[0-9a-f]{32}\+[0-9]+(?=\+|$)/;

/** `md5+size` of a locator with any hints; undefined where the text is no locator. */
export function bareLocator(text: string): string | undefined {
  return BARE.exec(text)?.[0];
}

/** As `bareLocator`; NOT_FOUND where the text is no locator, so it names neither a buffer nor a block. */
export function requireBareLocator(text: string): string {
  const bare = bareLocator(text);
  if (bare === undefined) {
    throw new KeepsyncError('NOT_FOUND', `No block is called ${text.slice(0, 120)}`);
  }
  return bare;
}
