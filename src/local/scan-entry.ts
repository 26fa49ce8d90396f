import { KeepsyncError } from '../base/errors.ts';
import { fileError } from './file-errors.ts';
import { nameProblem } from './portable-names.ts';
import type { TreeRules } from './ports.ts';
import { kindOf, type RawStat, type ScanDisk } from './sync-disk.ts';

/** What one entry of the disk turns out to be. */
export type Finding =
  | { readonly is: 'absent' }
  /** Left out by a pattern. */
  | { readonly is: 'ignored' }
  /** A link, and links are not followed. */
  | { readonly is: 'link' }
  | { readonly is: 'held'; readonly error: KeepsyncError }
  | { readonly is: 'file'; readonly stat: RawStat }
  | { readonly is: 'dir'; readonly stat: RawStat; readonly isLink: boolean };

const ABSENT: Finding = { is: 'absent' };
const IGNORED: Finding = { is: 'ignored' };
const LINK: Finding = { is: 'link' };

export type ScanRules = Pick<TreeRules, 'followLinks' | 'allowUnreadableNames'>;

/**
 * Looks at one entry. `isIgnored` gets whether it is a folder; it is asked first, so that a pattern can settle whatever
 * is wrong with an entry. Bugs of ours throw; everything that the disk says becomes a finding. `seen`: what a
 * look just now found, null where there is nothing.
 */
export function findEntry(
  disk: ScanDisk,
  rules: ScanRules,
  name: string,
  diskPath: string,
  isIgnored: (isDir: boolean) => boolean,
  seen?: RawStat | null,
): Finding {
  try {
    const own = seen === undefined ? (disk.lstat(diskPath) ?? null) : seen;
    if (own === null) {
      return ABSENT;
    }
    const isLink = kindOf(own) === 'link';
    const stat = isLink && rules.followLinks ? disk.stat(diskPath) : own;
    if (isIgnored(stat !== undefined && kindOf(stat) === 'dir')) {
      return IGNORED;
    }
    if (isLink && !rules.followLinks) {
      return LINK;
    }
    if (stat === undefined) {
      return held(
        'FILE_GONE',
        `A link that leads to nothing: ${diskPath}`,
        'Leave the link out, or mend what it leads to.',
      );
    }
    return judgeEntry(rules, name, diskPath, stat, isLink);
  } catch (thrown) {
    const error = fileError(thrown, diskPath);
    if (error.code === 'INTERNAL') {
      throw error;
    }
    return isIgnored(false) ? IGNORED : { is: 'held', error };
  }
}

/** The part that also goes for roots, which no pattern leaves out. */
export function judgeEntry(
  rules: ScanRules,
  name: string,
  diskPath: string,
  stat: RawStat,
  isLink: boolean,
): Finding {
  const kind = kindOf(stat);
  const nameError = nameErrorOf(rules, name, kind === 'dir', diskPath);
  if (nameError !== undefined) {
    return { is: 'held', error: nameError };
  }
  switch (kind) {
    case 'file':
      return { is: 'file', stat };
    case 'dir':
      return { is: 'dir', stat, isLink };
    case 'link':
    case 'other':
      return held(
        'FILE_KIND',
        `Not a regular file (a FIFO, socket or device): ${diskPath}`,
        'Leave it out, or replace it by a file.',
      );
  }
}

export function nameErrorOf(
  rules: ScanRules,
  name: string,
  isDir: boolean,
  diskPath: string,
): KeepsyncError | undefined {
  const problem = nameProblem(name, isDir);
  if (problem === undefined || (problem.overridable && rules.allowUnreadableNames)) {
    return undefined;
  }
  return new KeepsyncError('BAD_NAME', `${problem.message}: ${diskPath}`, { action: problem.action });
}

function held(code: 'FILE_KIND' | 'FILE_GONE', message: string, action: string): Finding {
  return { is: 'held', error: new KeepsyncError(code, message, { action }) };
}
