import { attributesOf } from './api-request.ts';
import { parseCollectionAttributes } from './collection-attributes.ts';
import { getCollection } from './collection-reading.ts';
import { createCollection, trashCollection, updateCollection } from './collections.ts';
import type { Routes, SignedIn } from './endpoint-types.ts';
import type { JsonObject } from './json.ts';
import { list, listScope } from './list-endpoint.ts';
import { parseSelect } from './list-query.ts';
import { requireTrashed } from './record-access.ts';
import { COLLECTIONS } from './resource-tables.ts';

export const COLLECTION_ROUTES: Routes = {
  'GET collections': (input) => {
    const { context, caller, request } = input;
    const scope = listScope(context, caller, request.options);
    if (request.options.include_old_versions !== true) {
      scope.push({ sql: 'uuid = current_version_uuid', values: [] });
    }
    return list(input, COLLECTIONS, scope);
  },
  'POST collections': async ({ context, caller, request }) => {
    const { attributes, options } = attributesOf(request, 'collection');
    const select = parseSelect(options.select, COLLECTIONS);
    const change = parseCollectionAttributes(context, attributes);
    await context.syncBlocks();
    const uuid = context.records.transaction(() => createCollection(context, caller, change, options));
    return getCollection(context, caller, uuid, select, { include_trash: true });
  },
  'GET collections/:uuid': ({ context, caller, request, uuid }) =>
    getCollection(context, caller, uuid, parseSelect(request.options.select, COLLECTIONS), request.options),
  'PUT collections/:uuid': putCollection,
  'PATCH collections/:uuid': putCollection,
  'DELETE collections/:uuid': (input) => trashEndpoint(input, input.context.signing.ttlSeconds),
  'POST collections/:uuid/trash': (input) =>
    trashEndpoint(
      input,
      Math.max(input.context.signing.ttlSeconds, input.context.limits.trashLifetimeSeconds),
    ),
  'POST collections/:uuid/untrash': ({ context, caller, request, uuid }) => {
    requireTrashed(context, caller, COLLECTIONS, uuid);
    const options = { ensure_unique_name: request.options.ensure_unique_name ?? false, include_trash: true };
    const change = { columns: {}, trashAt: null };
    context.records.transaction(() => updateCollection(context, caller, uuid, change, options));
    return getCollection(context, caller, uuid, parseSelect(request.options.select, COLLECTIONS), {});
  },
};

async function putCollection({ context, caller, request, uuid }: SignedIn): Promise<JsonObject> {
  const { attributes, options } = attributesOf(request, 'collection');
  const select = parseSelect(options.select, COLLECTIONS);
  const change = parseCollectionAttributes(context, attributes);
  await context.syncBlocks();
  context.records.transaction(() => updateCollection(context, caller, uuid, change, options));
  return getCollection(context, caller, uuid, select, { include_trash: true });
}

function trashEndpoint({ context, caller, uuid }: SignedIn, lifetimeSeconds: number): JsonObject {
  context.records.transaction(() => trashCollection(context, caller, uuid, lifetimeSeconds));
  return getCollection(context, caller, uuid, undefined, { include_trash: true });
}
