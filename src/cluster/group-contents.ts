import { notFound, unprocessable } from './api-error.ts';
import type { Caller } from './api-request.ts';
import { type ClusterContext, nowText } from './cluster-context.ts';
import type { Condition } from './filter-conditions.ts';
import type { Json, JsonObject } from './json.ts';
import { type ListParameters, type ListResult, listRecords, MAX_ITEMS_PER_RESPONSE } from './list-query.ts';
import { notDeleted, notTrashed, ownedBy, PROJECTS_BELOW } from './permissions.ts';
import { finishRecord, readableRow } from './record-access.ts';
import { COLLECTIONS, GROUPS, type ResourceTable } from './resource-tables.ts';

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
): ListResult {
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
        ? { sql: `owner_uuid IN (${PROJECTS_BELOW})`, values: [uuid] }
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
