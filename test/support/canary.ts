import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Every form in which a secret may turn up in bytes: as it is, in hex, percent-encoded, and inside of base64. */
export function formsOf(secret: string): readonly string[] {
  // where in a base64 text it begins decides between three spellings; the ends depend on what stands beside it
  const inBase64 = [0, 1, 2].map((before) => {
    const text = Buffer.from('x'.repeat(before) + secret).toString('base64');
    return text.slice(before === 0 ? 0 : 4, -4);
  });
  const percentEncoded = [...Buffer.from(secret)]
    .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
    .join('');
  return [
    ...[secret, encodeURIComponent(secret), percentEncoded, Buffer.from(secret).toString('hex')],
    ...inBase64,
    ...inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    [...secret].reverse().join(''),
  ];
}

/** A token to be looked for: whole, and its secret part alone. */
export class Canary {
  readonly #needles: readonly Buffer[];

  constructor(token: string) {
    const secret = token.split('/')[2] ?? token;
    this.#needles = [...new Set([token, secret].flatMap(formsOf))].map((form) => Buffer.from(form));
  }

  isIn(bytes: Uint8Array | string): boolean {
    const hay = Buffer.from(bytes);
    return this.#needles.some((needle) => hay.includes(needle));
  }

  /** Files below a folder that hold it, sockets and the like apart. */
  filesIn(dir: string): string[] {
    return readdirSync(dir, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => this.isIn(readFileSync(path)))
      .map((path) => relative(dir, path))
      .sort();
  }
}

/** The command lines of all processes, as `ps` shows them; where the system has no /proc, of none. */
export function commandLines(): string[] {
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') {
      return [];
    }
    throw thrown;
  }
  return pids.flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
    } catch (thrown) {
      // it ended meanwhile
      if (thrown instanceof Error && 'code' in thrown) {
        return [];
      }
      throw thrown;
    }
  });
}
