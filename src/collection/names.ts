import { KeepsyncError } from '../base/errors.ts';

const BAD_NAME_ACTION = 'Rename it, or exclude it from this folder.';

/**
 * What Python's str.split() takes for a space, beyond the ASCII that a manifest escapes. Measured on the real SDK: a
 * name with one of these saves, but no collection that holds it can be loaded again.
 */
const UNICODE_SPACE = /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Whether the Arvados SDK can load a collection with this name (or path) in it. */
export function readableBySdk(name: string): boolean {
  return !UNICODE_SPACE.test(name);
}

/** Throws BAD_NAME unless a manifest may hold a file or folder of this name. Only '/' separates names. */
export function assertName(name: string): void {
  const problem = nameProblem(name);
  if (problem !== undefined) {
    throw new KeepsyncError('BAD_NAME', `Arvados cannot hold the name ${JSON.stringify(name)}: ${problem}`, {
      action: BAD_NAME_ACTION,
    });
  }
}

function nameProblem(name: string): string | undefined {
  if (name === '') {
    return 'it is empty';
  }
  if (name === '.' || name === '..') {
    return 'it means a folder itself, or the one above';
  }
  if (name.includes('/')) {
    return "it contains a '/'";
  }
  if (name.includes('\0')) {
    return 'it contains a NUL, which no file system takes';
  }
  if (!name.isWellFormed()) {
    return 'it is not Unicode text';
  }
  return undefined;
}

/** The server looks at each line of a folder's name (measured: `.` and a line break are refused with 422). */
export function assertFolderName(name: string): void {
  assertName(name);
  if (/(^|\n)\.\.?(\n|$)/.test(name)) {
    throw new KeepsyncError('BAD_NAME', `Arvados cannot hold a folder named ${JSON.stringify(name)}`, {
      action: BAD_NAME_ACTION,
    });
  }
}

/**
 * The parts of a path in a collection: `a/b`, `./a/b` and `/a/b` are the same; '', '.' and '/' are the top. Nothing is
 * checked: a path that cannot be is found nowhere.
 */
export function pathParts(path: string): string[] {
  const rest = path === '.' ? '' : path.replace(/^\.?\//, '');
  return rest === '' ? [] : rest.split('/');
}

/** Code points in surrogate pairs (U+10000 and up) sort after U+E000-U+FFFF, where UTF-16 has them before. */
const NEEDS_CODE_POINTS = /[\ud800-\uffff]/;

/** Orders names by code point, which is the order of their UTF-8 bytes: Arvados' order, not that of `sort()`. */
export function compareNames(left: string, right: string): number {
  if (left === right) {
    return 0;
  }
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i += 1) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) {
      return codePointRank(a) - codePointRank(b);
    }
  }
  return left.length - right.length;
}

/** Moves the surrogates above all other code units. */
function codePointRank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;
}

/** Orders paths as a tree is walked depth first: like `compareNames` part by part, so 'a/b' comes before 'a.b'. */
export function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i += 1) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) {
      return a === SLASH ? -1 : b === SLASH ? 1 : codePointRank(a) - codePointRank(b);
    }
  }
  return left.length - right.length;
}

const SLASH = 0x2f;

/** Sorts names in place by code point; fast where no name needs care. Returns the same array. */
export function sortNames(names: string[]): string[] {
  return names.some((name) => NEEDS_CODE_POINTS.test(name)) ? names.sort(compareNames) : names.sort();
}

/** Places of `names` in their order; places of equal names stay in the order in which they came. */
export function sortedPlaces(names: readonly string[]): Uint32Array {
  const places = new Uint32Array(names.length);
  let sorted = true;
  let special = false;
  let last = '';
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] ?? '';
    places[i] = i;
    special ||= NEEDS_CODE_POINTS.test(name);
    sorted &&= special ? compareNames(last, name) <= 0 : last <= name;
    last = name;
  }
  if (sorted) {
    return places;
  }
  const compare = special ? compareNames : (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return places.sort((a, b) => compare(names[a] ?? '', names[b] ?? '') || a - b);
}
