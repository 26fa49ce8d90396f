import { lstat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { KeepsyncError } from '../base/errors.ts';
import { systemCodeOf } from './sync-disk.ts';

/**
 * Spaces above U+0020 at which Python's `str.split()` and `\s` split. A manifest does not escape them, so the SDK saves
 * such a name and can never load the collection again. (U+001C–U+001F split too, but are always escaped.)
 */
const SDK_SPACES = /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** A folder name that starts with a `.` or `..` line: the server's check works line by line and takes it for a path. */
const DOT_LINE = /^\.{1,2}\n/;

/** Nothing is wrong with such a name, and most are such: one question instead of several. */
const PLAIN_NAME = /^[0-9A-Za-z_][ -.0-~]*$/;

export interface NameProblem {
  readonly message: string;
  readonly action: string;
  /** Whether `allowUnreadableNames` lets it through. */
  readonly overridable: boolean;
}

/** What keeps a file or folder of this name out of a collection; undefined: nothing. `name` is one path component. */
export function nameProblem(name: string, isDir: boolean): NameProblem | undefined {
  if (PLAIN_NAME.test(name)) {
    return undefined;
  }
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    return { message: 'Arvados cannot hold this name', action: 'Rename it.', overridable: false };
  }
  if (!name.isWellFormed()) {
    return {
      message: 'The name is not valid Unicode, and Arvados holds only Unicode names',
      action: 'Rename it.',
      overridable: false,
    };
  }
  if (isDir && DOT_LINE.test(name)) {
    return {
      message: 'Arvados refuses a folder whose name starts with a dot and a line break',
      action: 'Rename the folder.',
      overridable: false,
    };
  }
  if (SDK_SPACES.test(name)) {
    return {
      message:
        'The name holds a special space that would make the whole collection unreadable for Arvados tools',
      action: 'Rename it with an ordinary space, or allow such names.',
      overridable: true,
    };
  }
  return undefined;
}

/** Not allowed anywhere in a Windows file name; nor is anything below U+0020. */
const WINDOWS_ILLEGAL = '<>:"|?*\\';
/** Device names, with or without an ending, whatever the case. */
const WINDOWS_RESERVED = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(?:\.|$)/i;
const HEX_PAIR = /^[0-9A-Fa-f]{2}/;

export function isWindowsName(name: string): boolean {
  return (
    name !== '' && ![...name].some(isWindowsIllegal) && !/[. ]$/.test(name) && !WINDOWS_RESERVED.test(name)
  );
}

/**
 * A name as Windows can hold it: what it cannot becomes `%HH`, a trailing dot or space and the first letter of a reserved
 * name too, and a `%` that would read as such an escape becomes `%25`. `fromWindowsName` is the exact way back.
 */
export function toWindowsName(name: string): string {
  let result = '';
  for (let index = 0; index < name.length; index++) {
    const char = name.charAt(index);
    const isLast = index === name.length - 1;
    const mustEscape =
      isWindowsIllegal(char) ||
      (isLast && (char === '.' || char === ' ')) ||
      (index === 0 && WINDOWS_RESERVED.test(name)) ||
      (char === '%' && HEX_PAIR.test(name.slice(index + 1)));
    result += mustEscape ? percent(char) : char;
  }
  return result;
}

export function fromWindowsName(name: string): string {
  return name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function isWindowsIllegal(char: string): boolean {
  return char < ' ' || WINDOWS_ILLEGAL.includes(char);
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Two names with the same key are one file on a disk that folds case or Unicode forms (Windows, macOS). */
export function foldedName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/**
 * The disk path for a collection path below `targetDir`. Throws BAD_NAME for whatever could lead out of it: absolute
 * paths, `.` and `..`, empty parts, NUL. On Windows each part goes through `toWindowsName`, so that backslashes, drive
 * letters and device names lose their meaning; elsewhere they are ordinary names and stay.
 */
export function safeJoin(
  targetDir: string,
  collectionPath: string,
  platform: NodeJS.Platform = process.platform,
): string {
  const parts = collectionPath.split('/');
  if (!parts.every(isSafePart)) {
    throw new KeepsyncError('BAD_NAME', `The path ${JSON.stringify(collectionPath)} is not a safe one`, {
      action: 'This file is left out; everything else is fetched.',
    });
  }
  return join(targetDir, ...parts.map((part) => diskName(part, platform)));
}

/** Whether one part of a collection path stays where it is joined to: what `safeJoin` asks of every part. */
export function isSafePart(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && !part.includes('/') && !part.includes('\0');
}

/** The name on disk for one part of a collection path that `isSafePart` lets through. */
export function diskName(part: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? toWindowsName(part) : part;
}

/** Whether `path` is a link, or something else that is no folder; undefined where there is nothing. */
export type LookAt = (path: string) => Promise<'dir' | 'other' | undefined>;

const lookAtDisk: LookAt = async (path) => {
  try {
    return (await lstat(path)).isDirectory() ? 'dir' : 'other';
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') {
      return undefined;
    }
    throw thrown;
  }
};

/**
 * Throws BAD_NAME when a folder between `targetDir` and `diskPath` (as `safeJoin` made it) is a link or not a folder:
 * writing there would land somewhere else. The last part itself is not looked at: replace it by renaming, never write
 * through it. `targetDir` may be reached by links, the person chose it.
 */
export async function ensureInside(
  targetDir: string,
  diskPath: string,
  lookAt: LookAt = lookAtDisk,
): Promise<void> {
  const top = resolve(targetDir);
  const base = top.endsWith(sep) ? top : top + sep;
  const path = resolve(diskPath);
  if (!path.startsWith(base)) {
    throw new KeepsyncError('BAD_NAME', `${diskPath} is not inside ${targetDir}`);
  }
  const parts = path.slice(base.length).split(sep);
  let parent = top;
  for (const part of parts.slice(0, -1)) {
    parent = join(parent, part);
    const kind = await lookAt(parent);
    if (kind === undefined) {
      return;
    }
    if (kind === 'other') {
      throw new KeepsyncError('BAD_NAME', `${parent} is a link or not a folder`, {
        action: 'Move it away, or fetch into another folder.',
      });
    }
  }
}
