/** What writers escape: the bytes 0x00 to 0x20, ':' and '\'. DEL and non-ASCII stay raw. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the control characters are the point
const TO_ESCAPE = /[\u0000-\u0020:\\]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above; lone surrogates stand for bytes, see unescapeName
const EACH_TO_ESCAPE = /[\u0000-\u0020:\\]|[\ud800-\udbff][\udc00-\udfff]|[\udc80-\udcff]/g;
const LONE_BYTE = /[\udc80-\udcff]/;

/** A name, or a path, as a manifest writes it. */
export function escapeName(name: string): string {
  if (!TO_ESCAPE.test(name) && !LONE_BYTE.test(name)) {
    return name;
  }
  return name.replace(EACH_TO_ESCAPE, (char) =>
    char.length > 1 ? char : `\\${(char.charCodeAt(0) & 0xff).toString(8).padStart(3, '0')}`,
  );
}

/**
 * The name that an escaped token stands for. `\ooo` is a byte, so `\303\251` is one letter. Bytes that are no UTF-8 are
 * kept as U+DC80 to U+DCFF, one each, which `escapeName` turns back: no two legal tokens become the same name.
 * Expects `\` to be followed by three octal digits up to 377; the scan of a manifest has checked that.
 */
export function unescapeName(token: string): string {
  if (!token.includes('\\')) {
    return token;
  }
  let name = '';
  let position = 0;
  let pending: number[] = [];
  while (position < token.length) {
    if (token.charCodeAt(position) !== 0x5c) {
      const next = token.indexOf('\\', position);
      const end = next < 0 ? token.length : next;
      name += decoded(pending) + token.slice(position, end);
      pending = [];
      position = end;
      continue;
    }
    pending.push(Number.parseInt(token.slice(position + 1, position + 4), 8));
    position += 4;
  }
  return name + decoded(pending);
}

/** UTF-8 to text, a byte that is not part of any character as U+DC00 plus the byte. */
function decoded(bytes: readonly number[]): string {
  let text = '';
  let position = 0;
  while (position < bytes.length) {
    const first = bytes[position] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    const character =
      length === 0 ? undefined : oneCharacter(bytes.slice(position, position + length), length);
    if (character === undefined) {
      text += String.fromCharCode(0xdc00 + first);
      position += 1;
    } else {
      text += character;
      position += length;
    }
  }
  return text;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One character from exactly `length` bytes; undefined where they are not one. */
function oneCharacter(bytes: readonly number[], length: number): string | undefined {
  if (bytes.length < length) {
    return undefined;
  }
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch (thrown) {
    if (thrown instanceof TypeError) {
      return undefined;
    }
    throw thrown;
  }
}
