import type { Caller } from './api-request.ts';
import { type ClusterContext, nowText } from './cluster-context.ts';
import { showCollection } from './collection-reading.ts';
import type { SignedIn } from './endpoint-types.ts';
import type { Condition } from './filter-conditions.ts';
import type { JsonObject } from './json.ts';
import { listRecords, parseSelect } from './list-query.ts';
import { notDeleted, notTrashed, ownedBy } from './permissions.ts';
import { finishRecord } from './record-access.ts';
import { COLLECTIONS, type ResourceTable } from './resource-tables.ts';

/** The answer to a list query within `scope`. Throws ApiError 422. */
export function list(input: SignedIn, resource: ResourceTable, scope: readonly Condition[]): JsonObject {
  const { context, caller, request } = input;
  const select = parseSelect(request.options.select, resource);
  // signing needs to know of the trash, selected or not; `distinct` leaves no room for it
  const needsTrash = select?.includes('manifest_text') && request.options.distinct !== true;
  const hidden = needsTrash ? ['trash_at', 'is_trashed'].filter((name) => !select?.includes(name)) : [];
  const parameters =
    hidden.length > 0 ? { ...request.options, select: [...(select ?? []), ...hidden] } : request.options;
  const found = listRecords(context.records, resource, parameters, scope, nowText(context));
  const items = found.items.map((item) => {
    if (resource !== COLLECTIONS || typeof item.manifest_text !== 'string') {
      return finishRecord(resource, item, select);
    }
    return showCollection(context, caller, toRow(item), select);
  });
  return {
    kind: `${resource.kind}List`,
    etag: '',
    offset: found.offset,
    limit: found.limit,
    items,
    ...(found.itemsAvailable === undefined ? {} : { items_available: found.itemsAvailable }),
  };
}

/** `showCollection` takes rows; an item of a list is one, but for its JSON columns, which must be text again. */
function toRow(item: JsonObject): Record<string, string | number | null> {
  const row: Record<string, string | number | null> = {};
  for (const [name, value = null] of Object.entries(item)) {
    if (COLLECTIONS.columns[name]?.kind === 'json') {
      row[name] = JSON.stringify(value);
    } else if (typeof value === 'boolean') {
      row[name] = value ? 1 : 0;
    } else if (typeof value === 'string' || typeof value === 'number' || value === null) {
      row[name] = value;
    }
  }
  return row;
}

/** What a caller may list of collections and projects. */
export function listScope(context: ClusterContext, caller: Caller, options: JsonObject): Condition[] {
  const now = nowText(context);
  const scope = [ownedBy(caller, 'owner_uuid'), notDeleted(now)];
  if (options.include_trash !== true) {
    scope.push(notTrashed(now));
  }
  return scope;
}
