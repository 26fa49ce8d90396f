/**
 * Names in manifests, on the server's side: octal escapes are bytes, and what they make is UTF-8. Kept apart from the
 * client's own so that neither hides a mistake of the other.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the format escapes
const NEEDS_ESCAPE = /[\x00-\x20:\\]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const ESCAPED = /[\x00-\x20:\\]/g;

/** Each of 0x00-0x20, `:` and backslash as three octal digits. */
export function escapeName(name: string): string {
  if (!NEEDS_ESCAPE.test(name)) {
    return name;
  }
  return name.replace(ESCAPED, (found) => `\\${found.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

export function unescapeName(name: string): string {
  if (!name.includes('\\')) {
    return name;
  }
  const parts: Buffer[] = [];
  let from = 0;
  for (const match of name.matchAll(/\\([0-3][0-7][0-7])/g)) {
    parts.push(
      Buffer.from(name.slice(from, match.index)),
      Buffer.from([Number.parseInt(match[1] ?? '0', 8)]),
    );
    from = match.index + 4;
  }
  parts.push(Buffer.from(name.slice(from)));
  return Buffer.concat(parts).toString('utf8');
}

/** By code point, which is the order of the UTF-8 bytes; JavaScript's own order differs above U+FFFF. */
export function compareNames(left: string, right: string): number {
  const shorter = Math.min(left.length, right.length);
  for (let index = 0; index < shorter; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) {
      const isSurrogateA = a >= 0xd800 && a <= 0xdfff;
      const isSurrogateB = b >= 0xd800 && b <= 0xdfff;
      if (isSurrogateA !== isSurrogateB) {
        return isSurrogateA ? 1 : -1;
      }
      return a - b;
    }
  }
  return left.length - right.length;
}
