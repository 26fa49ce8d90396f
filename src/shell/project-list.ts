import type { ProjectRecord } from '../api/projects.ts';
import type { Project } from '../contract/shell.ts';

/** A person may see tens of thousands of projects of a large cluster; the list stays usable. */
export const PROJECTS_MAX = 2_000;

const HOME: Project = { uuid: null, name: 'Home', parentUuid: null, writable: true, collections: null };

/**
 * Home first, then every project below its parent, by name. A project whose parent is not to be seen stands at the top,
 * as those of one's own home do.
 */
export function projectList(records: readonly ProjectRecord[]): Project[] {
  const alive = records.filter((record) => !record.isTrashed);
  const known = new Set(alive.map((record) => record.uuid));
  const children = new Map<string | null, ProjectRecord[]>();
  for (const record of alive) {
    const parent = known.has(record.ownerUuid) ? record.ownerUuid : null;
    children.set(parent, [...(children.get(parent) ?? []), record]);
  }
  const list: Project[] = [HOME];
  // its own stack: a chain of projects can be longer than the one of calls
  const stack = sorted(children.get(null)).reverse();
  while (stack.length > 0 && list.length <= PROJECTS_MAX) {
    const record = stack.pop();
    if (record === undefined) {
      break;
    }
    list.push({
      uuid: record.uuid,
      name: record.name === '' ? record.uuid : record.name,
      parentUuid: known.has(record.ownerUuid) ? record.ownerUuid : null,
      writable: record.canWrite ?? true,
      collections: null,
    });
    stack.push(...sorted(children.get(record.uuid)).reverse());
  }
  return list;
}

function sorted(records: readonly ProjectRecord[] | undefined): ProjectRecord[] {
  return [...(records ?? [])].sort((a, b) => a.name.localeCompare(b.name, 'en'));
}
