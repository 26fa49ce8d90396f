import { EMPTY_BLOCK_LOCATOR } from '../keep/locator.ts';
import { signLocator } from '../keep/signature.ts';

export interface SigningKey {
  readonly key: string;
  readonly ttlSeconds: number;
}

/**
 * A stored manifest with every block signed for `token`. Only the head of each line is looked at, up to its first file
 * token, and each block is signed once, so that the cost follows the blocks and not the files.
 */
export function signManifest(
  text: string,
  signing: SigningKey,
  token: string,
  expirySeconds: number,
): string {
  const signed = new Map<string, string>();
  const pieces: string[] = [];
  let copiedTo = 0;
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    let from = text.indexOf(' ', start) + 1;
    pieces.push(text.slice(copiedTo, from));
    for (;;) {
      const to = text.indexOf(' ', from);
      // a locator has its first `+` behind 32 digits; a file token has none there, or a colon before it
      if (
        to < 0 ||
        to > end ||
        text.charCodeAt(from + 32) !== 0x2b ||
        text.slice(from, from + 32).includes(':')
      ) {
        break;
      }
      const locator = text.slice(from, to);
      let replaced = signed.get(locator);
      if (replaced === undefined) {
        replaced = locator.startsWith(EMPTY_BLOCK_LOCATOR)
          ? locator
          : signLocator(signing.key, token, locator, expirySeconds, signing.ttlSeconds);
        signed.set(locator, replaced);
      }
      pieces.push(replaced, ' ');
      from = to + 1;
    }
    pieces.push(text.slice(from, end + 1));
    copiedTo = end + 1;
    start = end + 1;
  }
  return pieces.join('');
}
