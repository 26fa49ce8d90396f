import { createHash } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import {
  asidePath,
  moveAside,
  parseJsonOrUndefined,
  readIfThere,
  writeDurably,
} from '../base/durable-file.ts';

/** SHA-256 over all that stands beside it, as hexadecimal digits. */
export interface Summed {
  readonly sum: string;
}

/** What a small file of the profile turned out to hold. */
export type Found =
  | { readonly kind: 'absent' }
  | { readonly kind: 'right'; readonly content: object }
  /** It was damaged or changed, and kept at `aside`; `content` is what Keepsync last wrote. */
  | { readonly kind: 'restored'; readonly content: object; readonly aside: string }
  | { readonly kind: 'lost'; readonly aside: string };

/** The same with a checksum, so that no flipped bit makes another value that looks as good. */
export function withSum<T extends object>(content: T): T & Summed {
  return { ...content, sum: sumOf(content) };
}

/**
 * What stands in `text`, without its sum; undefined where it is not JSON, or not what was summed. Without a sum it counts
 * only where it holds nothing but `keys`: written by a person, who has no sum to give, and not a sum whose name is damaged.
 */
export function summedContent(text: string, keys: readonly string[]): object | undefined {
  const parsed = parseJsonOrUndefined(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return undefined;
  }
  if (!('sum' in parsed)) {
    return Object.keys(parsed).every((key) => keys.includes(key)) ? parsed : undefined;
  }
  const { sum, ...content } = parsed;
  return sum === sumOf(content) ? content : undefined;
}

/** A second copy of the file, for the day that the first is damaged. */
export const copyOf = (path: string) => path.replace(/(\.json)?$/, '.good.json');

/**
 * Reads a file that lies there twice. One that is damaged, or was changed without a new sum, is kept aside; the copy takes
 * its place where that is right.
 */
export async function readSummed(
  path: string,
  options: { readonly keys: readonly string[]; readonly nowMs: number },
): Promise<Found> {
  const { keys, nowMs } = options;
  const text = await readIfThere(path);
  if (text === undefined) {
    return { kind: 'absent' };
  }
  const content = summedContent(text, keys);
  if (content !== undefined) {
    return { kind: 'right', content };
  }
  const copyText = await readIfThere(copyOf(path));
  const copy = copyText === undefined ? undefined : summedContent(copyText, keys);
  if (copy === undefined || copyText === undefined) {
    return { kind: 'lost', aside: await moveAside(path, nowMs) };
  }
  const aside = asidePath(path, nowMs);
  await copyFile(path, aside);
  await writeDurably(path, copyText);
  return { kind: 'restored', content: copy, aside };
}

/** What a person is told who may have changed the file: how it is taken as it is. */
export const howToKeepChanges = 'If you changed it yourself, remove its line "sum" and put it back';

function sumOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
