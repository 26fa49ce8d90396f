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
