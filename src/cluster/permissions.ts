import type { Caller } from './api-request.ts';
import type { Condition } from './filter-conditions.ts';

/**
 * What a caller may see and change: everything for an admin, else what belongs to the caller or to a project somewhere
 * below the caller's home. Sharing by permission links is not part of the local cluster.
 */
export function ownedBy(caller: Caller, column: string): Condition {
  if (caller.isAdmin) {
    return { sql: '1', values: [] };
  }
  return { sql: `${column} IN (${PROJECTS_BELOW})`, values: [caller.userUuid] };
}

/** A user or project, the one parameter, and every project below it. */
export const PROJECTS_BELOW = `WITH RECURSIVE below(uuid) AS (
  VALUES (?) UNION SELECT groups.uuid FROM groups JOIN below ON groups.owner_uuid = below.uuid
) SELECT uuid FROM below`;

/** Not in the trash, itself or through a project that it is in. `nowText` is a stored time, safe to put into SQL. */
export function notTrashed(nowText: string): Condition {
  return {
    sql: `(trash_at IS NULL OR trash_at > '${nowText}') AND owner_uuid NOT IN (${trashedProjects(nowText)})`,
    values: [],
  };
}

/** Not past its deletion, which the sweep may not have got to yet. */
export function notDeleted(nowText: string): Condition {
  return { sql: `delete_at IS NULL OR delete_at > '${nowText}'`, values: [] };
}

function trashedProjects(nowText: string): string {
  return `WITH RECURSIVE trashed(uuid) AS (
  SELECT uuid FROM groups WHERE trash_at <= '${nowText}'
  UNION SELECT groups.uuid FROM groups JOIN trashed ON groups.owner_uuid = trashed.uuid
) SELECT uuid FROM trashed`;
}
