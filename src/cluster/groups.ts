import { notFound, unprocessable } from './api-error.ts';
import type { Caller } from './api-request.ts';
import { type ClusterContext, newUuid, nowText } from './cluster-context.ts';
import { parseProperties, textOrNull, timeOrNull } from './collection-attributes.ts';
import type { JsonObject } from './json.ts';
import { PROJECTS_BELOW } from './permissions.ts';
import { checkName, checkOwner, claimName, finishRecord, readableRow } from './record-access.ts';
import type { SqlValue } from './records.ts';
import { defaultColumns, GROUPS, rowToRecord, selectList } from './resource-tables.ts';
import { formatTime } from './times.ts';

export function getGroup(
  context: ClusterContext,
  caller: Caller,
  uuid: string,
  select: readonly string[] | undefined,
  options: JsonObject,
): JsonObject {
  const columns = selectList(GROUPS, select ?? defaultColumns(GROUPS), nowText(context));
  const row = readableRow(context, caller, GROUPS, uuid, columns, options.include_trash === true);
  return finishRecord(GROUPS, rowToRecord(GROUPS, row), select);
}

/** Makes a project (or a filter group, which stays empty here). Within a transaction; gives its uuid. */
export function createGroup(
  context: ClusterContext,
  caller: Caller,
  attributes: JsonObject,
  options: JsonObject,
): string {
  const columns = parseGroupAttributes(attributes);
  if (!['project', 'filter', 'role'].includes(String(columns.group_class ?? ''))) {
    throw unprocessable("Group class value must be one of 'project', 'role' or 'filter'");
  }
  const ownerUuid = String(columns.owner_uuid ?? caller.userUuid);
  checkOwner(context, caller, ownerUuid);
  const uuid = newUuid(context, 'j7d0g');
  const name = claimName(context, GROUPS, {
    ownerUuid,
    name: columns.name === undefined || columns.name === null ? null : String(columns.name),
    uuid,
    ensureUnique: options.ensure_unique_name === true,
  });
  const at = nowText(context);
  context.records.insert('groups', {
    created_at: at,
    modified_at: at,
    modified_by_user_uuid: caller.userUuid,
    ...columns,
    uuid,
    owner_uuid: ownerUuid,
    name,
  });
  context.events.append('create', caller.userUuid, undefined, recordOf(context, uuid));
  return uuid;
}

/** Within a transaction. */
export function updateGroup(
  context: ClusterContext,
  caller: Caller,
  uuid: string,
  attributes: JsonObject,
  options: JsonObject,
): void {
  const row = readableRow(context, caller, GROUPS, uuid, '*', options.include_trash === true);
  const before = recordOf(context, uuid);
  const columns = parseGroupAttributes(attributes);
  if (columns.owner_uuid !== undefined && columns.owner_uuid !== row.owner_uuid) {
    checkOwner(context, caller, String(columns.owner_uuid));
    refuseCycle(context, uuid, String(columns.owner_uuid));
  }
  const name = columns.name === undefined ? row.name : columns.name;
  const changes: Record<string, SqlValue> = {
    ...columns,
    name: claimName(context, GROUPS, {
      ownerUuid: String(columns.owner_uuid ?? row.owner_uuid),
      name: typeof name === 'string' ? name : null,
      uuid,
      ensureUnique: options.ensure_unique_name === true,
    }),
    modified_at: nowText(context),
    modified_by_user_uuid: caller.userUuid,
  };
  context.records.update('groups', uuid, changes);
  context.events.append('update', caller.userUuid, before, recordOf(context, uuid));
}

/** Everything in a project goes into the trash with it. Within a transaction. */
export function trashGroup(context: ClusterContext, caller: Caller, uuid: string): void {
  readableRow(context, caller, GROUPS, uuid, 'uuid', true);
  const before = recordOf(context, uuid);
  const nowMs = context.clock.nowMs();
  context.records.update('groups', uuid, {
    trash_at: formatTime(nowMs),
    delete_at: formatTime(nowMs + context.limits.trashLifetimeSeconds * 1000),
    modified_at: formatTime(nowMs),
  });
  context.events.append('update', caller.userUuid, before, recordOf(context, uuid));
}

/** Deletes a project for good. Within a transaction. */
export function deleteGroup(context: ClusterContext, actorUuid: string, uuid: string): void {
  const before = recordOf(context, uuid);
  context.records.run('DELETE FROM groups WHERE uuid = ?', uuid);
  context.events.append('delete', actorUuid, before, undefined);
}

function parseGroupAttributes(attributes: JsonObject): Record<string, SqlValue> {
  const columns: Record<string, SqlValue> = {};
  for (const [name, value = null] of Object.entries(attributes)) {
    switch (name) {
      case 'name':
        columns.name = checkName(value);
        break;
      case 'description':
      case 'group_class':
        columns[name] = textOrNull(name, value);
        break;
      case 'owner_uuid':
        if (value !== null) {
          columns.owner_uuid = textOrNull(name, value);
        }
        break;
      case 'properties':
        columns.properties = JSON.stringify(parseProperties(value));
        break;
      case 'trash_at':
      case 'delete_at':
        columns[name] = timeOrNull(name, value);
        break;
      default:
        if (GROUPS.columns[name] === undefined && !['href', 'kind', 'etag', 'writable_by'].includes(name)) {
          throw unprocessable(`unknown attribute '${name}' for Group.`);
        }
    }
  }
  return columns;
}

function refuseCycle(context: ClusterContext, uuid: string, ownerUuid: string): void {
  if (context.records.get(`SELECT 1 WHERE ? IN (${PROJECTS_BELOW})`, ownerUuid, uuid)) {
    throw unprocessable('Owner uuid would make the project its own ancestor');
  }
}

function recordOf(context: ClusterContext, uuid: string): JsonObject {
  const columns = selectList(GROUPS, defaultColumns(GROUPS), nowText(context));
  const row = context.records.get(`SELECT ${columns} FROM groups WHERE uuid = ?`, uuid);
  if (!row) {
    throw notFound();
  }
  return rowToRecord(GROUPS, row);
}
