import { badRequest, forbidden, notFound, unprocessable } from './api-error.ts';
import type { Caller } from './api-request.ts';
import { type ClusterContext, newUuid, nowText } from './cluster-context.ts';
import { parseProperties, textOrNull, timeOrNull } from './collection-attributes.ts';
import type { Condition } from './filters.ts';
import type { Json, JsonObject } from './json.ts';
import { type ListParameters, type ListResult, listRecords, MAX_ITEMS_PER_RESPONSE } from './list-query.ts';
import { notDeleted, notTrashed, ownedBy } from './permissions.ts';
import { checkName, checkOwner, claimName, finishRecord, readableRow } from './record-access.ts';
import type { SqlValue } from './records.ts';
import {
  COLLECTIONS,
  defaultColumns,
  GROUPS,
  type ResourceTable,
  rowToRecord,
  selectList,
} from './resource-tables.ts';
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

export interface Contents {
  readonly items: readonly JsonObject[];
  readonly offset: number;
  readonly limit: number;
  readonly itemsAvailable?: number;
}

/**
 * What is in a project or a home project (a user's uuid), or in all that the caller may read: projects first, then
 * collections. Filters may name their table: `collections.name`.
 */
export function groupContents(
  context: ClusterContext,
  caller: Caller,
  uuid: string | undefined,
  parameters: ListParameters,
  options: JsonObject,
): Contents {
  const now = nowText(context);
  const scope: Condition[] = [ownedBy(caller, 'owner_uuid'), notDeleted(now)];
  if (options.include_trash !== true) {
    scope.push(notTrashed(now));
  }
  if (uuid !== undefined) {
    if (!isKnownOwner(context, caller, uuid, options)) {
      throw notFound();
    }
    scope.push(
      options.recursive === true
        ? { sql: `owner_uuid IN (${BELOW})`, values: [uuid] }
        : { sql: 'owner_uuid = ?', values: [uuid] },
    );
  } else if (options.exclude_home_project === true) {
    scope.push({ sql: 'owner_uuid != ?', values: [caller.userUuid] });
  }
  const filters = parameters.filters ?? [];
  if (!Array.isArray(filters)) {
    throw unprocessable('filters must be an array');
  }
  const kinds = wantedKinds(filters);
  const limit = Math.min(Number(parameters.limit ?? 100), MAX_ITEMS_PER_RESPONSE);
  const offset = Number(parameters.offset ?? 0);
  if (!Number.isInteger(limit) || !Number.isInteger(offset) || limit < 0 || offset < 0) {
    throw unprocessable('Invalid limit or offset');
  }
  const items: JsonObject[] = [];
  let available = 0;
  for (const resource of [GROUPS, COLLECTIONS]) {
    if (kinds && !kinds.includes(resource.kind)) {
      continue;
    }
    const own = filtersFor(filters, resource);
    if (!own) {
      continue;
    }
    const extra: Condition[] = [
      ...scope,
      resource === GROUPS
        ? { sql: "group_class IN ('project', 'filter')", values: [] }
        : { sql: 'uuid = current_version_uuid', values: [] },
    ];
    // offset and limit run through one kind after the other
    const found: ListResult = listRecords(
      context.records,
      resource,
      {
        ...parameters,
        select: selectFor(parameters.select, resource),
        order: orderFor(parameters.order, resource),
        filters: own,
        count: 'exact',
        limit: limit - items.length,
        offset: Math.max(0, offset - available),
      },
      extra,
      now,
    );
    available += found.itemsAvailable ?? 0;
    items.push(...found.items.map((item) => finishRecord(resource, item, undefined)));
  }
  return parameters.count === 'none'
    ? { items, offset, limit }
    : { items, offset, limit, itemsAvailable: available };
}

const BELOW = `WITH RECURSIVE below(uuid) AS (
  VALUES (?) UNION SELECT groups.uuid FROM groups JOIN below ON groups.owner_uuid = below.uuid
) SELECT uuid FROM below`;

function isKnownOwner(context: ClusterContext, caller: Caller, uuid: string, options: JsonObject): boolean {
  if (uuid.includes('-tpzed-')) {
    const isUser = context.records.get('SELECT 1 FROM users WHERE uuid = ?', uuid) !== undefined;
    return isUser && (caller.isAdmin || caller.userUuid === uuid);
  }
  return readableRow(context, caller, GROUPS, uuid, 'uuid', options.include_trash === true) !== undefined;
}

/** `["uuid", "is_a", "arvados#collection"]` chooses the kinds. */
function wantedKinds(filters: readonly Json[]): string[] | undefined {
  for (const filter of filters) {
    if (Array.isArray(filter) && filter[0] === 'uuid' && filter[1] === 'is_a') {
      const operand: unknown = filter[2];
      return (Array.isArray(operand) ? operand : [operand]).map(String);
    }
  }
  return undefined;
}

/** The filters that speak to one table; undefined where one of them cannot hold for it, so that nothing of it is meant. */
function filtersFor(filters: readonly Json[], resource: ResourceTable): Json[] | undefined {
  const own: Json[] = [];
  for (const filter of filters) {
    const attribute = Array.isArray(filter) ? filter[0] : undefined;
    if (typeof attribute !== 'string') {
      own.push(filter);
      continue;
    }
    const [head = '', ...rest] = attribute.split('.');
    if (head === resource.table) {
      own.push([rest.join('.'), ...(Array.isArray(filter) ? filter.slice(1) : [])]);
    } else if (
      ['collections', 'groups', 'container_requests', 'workflows'].includes(head) &&
      rest.length > 0
    ) {
      // for another table only
    } else if (resource.columns[head] !== undefined || head === 'any') {
      own.push(filter);
    } else if (COLLECTIONS.columns[head] !== undefined || GROUPS.columns[head] !== undefined) {
      return undefined;
    } else {
      throw unprocessable(`Invalid attribute '${attribute}' in filter`);
    }
  }
  return own;
}

function selectFor(select: Json | undefined, resource: ResourceTable): Json | undefined {
  if (!Array.isArray(select)) {
    return select;
  }
  if (select.includes('manifest_text')) {
    throw unprocessable('Invalid attribute(s): manifest_text');
  }
  const own = select.filter((name) => typeof name === 'string' && resource.columns[name] !== undefined);
  return own.length === 0 ? ['uuid'] : own;
}

function orderFor(order: Json | undefined, resource: ResourceTable): Json | undefined {
  const items: readonly Json[] =
    typeof order === 'string' ? order.split(',') : Array.isArray(order) ? order : [];
  return items.filter((item) => {
    const name = String(item).trim().split(/\s+/)[0]?.split('.').at(-1) ?? '';
    return resource.columns[name] !== undefined;
  });
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
  if (context.records.get(`SELECT 1 WHERE ? IN (${BELOW})`, ownerUuid, uuid)) {
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

/** For callers that must be admins. */
export function requireAdmin(caller: Caller): void {
  if (!caller.isAdmin) {
    throw forbidden('Only an administrator may do this');
  }
}

export function requireText(value: Json | undefined, what: string): string {
  if (typeof value !== 'string' || value === '') {
    throw badRequest(`${what} is missing`);
  }
  return value;
}
