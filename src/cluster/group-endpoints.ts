import { attributesOf } from './api-request.ts';
import type { Routes, SignedIn } from './endpoint-types.ts';
import { groupContents } from './group-contents.ts';
import { createGroup, getGroup, trashGroup, updateGroup } from './groups.ts';
import type { JsonObject } from './json.ts';
import { list, listScope } from './list-endpoint.ts';
import { parseSelect } from './list-query.ts';
import { requireTrashed } from './record-access.ts';
import { GROUPS } from './resource-tables.ts';

export const GROUP_ROUTES: Routes = {
  'GET groups': (input) => list(input, GROUPS, listScope(input.context, input.caller, input.request.options)),
  'POST groups': ({ context, caller, request }) => {
    const { attributes, options } = attributesOf(request, 'group');
    const select = parseSelect(options.select, GROUPS);
    const uuid = context.records.transaction(() => createGroup(context, caller, attributes, options));
    return getGroup(context, caller, uuid, select, { include_trash: true });
  },
  'GET groups/contents': contents,
  'GET groups/:uuid/contents': contents,
  'GET groups/:uuid': ({ context, caller, request, uuid }) =>
    getGroup(context, caller, uuid, parseSelect(request.options.select, GROUPS), request.options),
  'PUT groups/:uuid': putGroup,
  'PATCH groups/:uuid': putGroup,
  'DELETE groups/:uuid': trashGroupEndpoint,
  'POST groups/:uuid/trash': trashGroupEndpoint,
  'POST groups/:uuid/untrash': ({ context, caller, request, uuid }) => {
    requireTrashed(context, caller, GROUPS, uuid);
    const options = { ensure_unique_name: request.options.ensure_unique_name ?? false, include_trash: true };
    const attributes = { trash_at: null, delete_at: null };
    context.records.transaction(() => updateGroup(context, caller, uuid, attributes, options));
    return getGroup(context, caller, uuid, undefined, {});
  },
};

function putGroup({ context, caller, request, uuid }: SignedIn): JsonObject {
  const { attributes, options } = attributesOf(request, 'group');
  const select = parseSelect(options.select, GROUPS);
  context.records.transaction(() => updateGroup(context, caller, uuid, attributes, options));
  return getGroup(context, caller, uuid, select, { include_trash: true });
}

function trashGroupEndpoint({ context, caller, uuid }: SignedIn): JsonObject {
  context.records.transaction(() => trashGroup(context, caller, uuid));
  return getGroup(context, caller, uuid, undefined, { include_trash: true });
}

function contents(input: SignedIn): JsonObject {
  const { context, caller, request } = input;
  const uuid = input.uuid !== '' ? input.uuid : request.options.uuid;
  const found = groupContents(
    context,
    caller,
    typeof uuid === 'string' ? uuid : undefined,
    request.options,
    request.options,
  );
  return {
    kind: 'arvados#objectList',
    etag: '',
    self_link: '',
    offset: found.offset,
    limit: found.limit,
    items: found.items,
    ...(found.itemsAvailable === undefined ? {} : { items_available: found.itemsAvailable }),
    ...(request.options.include === undefined ? {} : { included: [] }),
  };
}
