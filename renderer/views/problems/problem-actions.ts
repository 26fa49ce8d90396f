import type { FolderStatus, ProblemGroup } from '../../../src/contract/status.ts';
import { momentText } from '../../format.ts';
import { texts } from '../../words.ts';

/** The folder of a group, and a name for it. */
export function folderOf(group: ProblemGroup, folders: readonly FolderStatus[]): FolderStatus | null {
  return folders.find((folder) => folder.id === group.folderId) ?? null;
}

/** A group as text for an administrator: everything that is known of it, one fact a line. */
export function detailsText(group: ProblemGroup, folders: readonly FolderStatus[], nowMs: number): string {
  const facts: readonly (readonly [string, string | null])[] = [
    [texts.problems.title, `${group.title} (${group.code})`],
    [texts.problems.serverSaid, group.message],
    [texts.problems.request, group.requestId],
    [texts.problems.folder, folderOf(group, folders)?.name ?? null],
    [texts.files.file, group.examplePath],
    [texts.problems.sinceLabel, momentText(group.sinceMs, nowMs)],
  ];
  return facts
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

/** A path as an ignore pattern for exactly this file. */
export function patternForPath(path: string): string {
  return `/${path.replace(/[\\*?[\]!#]/g, '\\$&').replace(/ +$/, (spaces) => spaces.replaceAll(' ', '\\ '))}`;
}
