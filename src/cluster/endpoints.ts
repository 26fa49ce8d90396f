import { forbidden, notFound, notLoggedIn, unprocessable } from './api-error.ts';
import { type ApiRequest, attributesOf, type Caller } from './api-request.ts';
import type { ClusterContext, KeepServiceRecord } from './cluster-context.ts';
import { nowText } from './cluster-context.ts';
import { parseCollectionAttributes } from './collection-attributes.ts';
import {
  createCollection,
  getCollection,
  showCollection,
  trashCollection,
  updateCollection,
} from './collections.ts';
import { configDocument, discoveryDocument } from './discovery.ts';
import type { Condition } from './filters.ts';
import {
  createGroup,
  getGroup,
  groupContents,
  requireAdmin,
  requireText,
  trashGroup,
  updateGroup,
} from './groups.ts';
import type { Json, JsonObject } from './json.ts';
import { listRecords, parseSelect } from './list-query.ts';
import { notDeleted, notTrashed, ownedBy } from './permissions.ts';
import { finishRecord } from './record-access.ts';
import {
  COLLECTIONS,
  GROUPS,
  LOGS,
  type ResourceTable,
  rowToRecord,
  selectList,
  USERS,
} from './resource-tables.ts';
import { insertUser } from './users.ts';

export interface EndpointInput {
  readonly context: ClusterContext;
  readonly request: ApiRequest;
  /** The `:uuid` of the route. */
  readonly uuid: string;
  readonly caller: Caller | undefined;
}

type Handler = (input: SignedIn) => JsonObject | Promise<JsonObject>;
type SignedIn = EndpointInput & { readonly caller: Caller };

/** `METHOD path`, below `/arvados/v1`; `:uuid` stands for one part. */
const SIGNED_IN: Readonly<Record<string, Handler>> = {
  'GET users/current': ({ context, caller }) => userRecord(context, caller.userUuid),
  'GET users/system': ({ context, caller }) => {
    requireAdmin(caller);
    return userRecord(context, context.identity.adminUserUuid);
  },
  'GET users/:uuid': ({ context, caller, uuid }) => {
    if (!caller.isAdmin && uuid !== caller.userUuid) {
      throw notFound();
    }
    return userRecord(context, uuid);
  },
  'GET users': (input) =>
    list(input, USERS, input.caller.isAdmin ? [] : [{ sql: 'uuid = ?', values: [input.caller.userUuid] }]),
  'POST users': createUserEndpoint,
  'GET api_client_authorizations/current': currentToken,
  'GET logs': (input) => list(input, LOGS, [visibleLogs(input.caller)]),
  'GET logs/:uuid': (input) => one(input, LOGS, visibleLogs(input.caller)),

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

/** What needs no token. */
const OPEN: Readonly<Record<string, (input: EndpointInput) => JsonObject>> = {
  'GET config': ({ context, request }) => configDocument(context, { host: request.host }),
  'GET vocabulary': () => ({ strict_tags: false, tags: {} }),
  'GET keep_services/accessible': ({ context, request }) =>
    keepServiceList(context, request.isExternalClient),
  'GET keep_services': ({ context }) => keepServiceList(context, false),
  'GET keep_services/:uuid': ({ context, uuid }) => {
    const found = context.keepServices().find((service) => service.uuid === uuid);
    if (!found) {
      throw notFound();
    }
    return keepServiceRecord(context, found);
  },
};

export interface FoundEndpoint {
  /** Throws ApiError; 401 where a token is needed and missing or wrong. */
  handle(input: Omit<EndpointInput, 'uuid'>): Promise<JsonObject>;
}

/** The endpoint for a path and method, or which methods the path would take; undefined where there is no such path. */
export function findEndpoint(
  method: string,
  path: readonly string[],
): FoundEndpoint | readonly string[] | undefined {
  if (path.join('/') === 'discovery/v1/apis/arvados/v1/rest') {
    return method === 'GET'
      ? { handle: async ({ context, request }) => discoveryDocument(context, { host: request.host }) }
      : ['GET'];
  }
  if (path[0] !== 'arvados' || path[1] !== 'v1') {
    return undefined;
  }
  const parts = path.slice(2);
  const allowed: string[] = [];
  for (const [route, handler] of [...Object.entries(OPEN), ...Object.entries(SIGNED_IN)]) {
    const [verb = '', pattern = ''] = route.split(' ');
    const uuid = matchRoute(pattern.split('/'), parts);
    if (uuid === undefined) {
      continue;
    }
    if (verb === method || (verb === 'GET' && method === 'HEAD')) {
      return {
        handle: async (input) => {
          const { caller } = input;
          if (route in OPEN) {
            return OPEN[route]?.({ ...input, uuid }) ?? {};
          }
          if (!caller) {
            throw notLoggedIn();
          }
          return (handler as Handler)({ ...input, caller, uuid });
        },
      };
    }
    allowed.push(verb);
  }
  return allowed.length > 0 ? allowed : undefined;
}

/** The part that `:uuid` stands for, '' where the pattern has none, undefined where it does not match. */
function matchRoute(pattern: readonly string[], parts: readonly string[]): string | undefined {
  if (pattern.length !== parts.length) {
    return undefined;
  }
  let uuid = '';
  for (const [index, part] of pattern.entries()) {
    if (part === ':uuid') {
      uuid = parts[index] ?? '';
    } else if (part !== parts[index]) {
      return undefined;
    }
  }
  return uuid;
}

function list(input: SignedIn, resource: ResourceTable, scope: readonly Condition[]): JsonObject {
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

function one(input: SignedIn, resource: ResourceTable, scope: Condition): JsonObject {
  const { context, request, uuid } = input;
  const select = parseSelect(request.options.select, resource);
  const columns = selectList(resource, select ?? Object.keys(resource.columns), nowText(context));
  const row = context.records.get(
    `SELECT ${columns} FROM ${resource.table} WHERE uuid = ? AND ${scope.sql}`,
    uuid,
    ...scope.values,
  );
  if (!row) {
    throw notFound();
  }
  return finishRecord(resource, rowToRecord(resource, row), select);
}

function listScope(context: ClusterContext, caller: Caller, options: JsonObject): Condition[] {
  const now = nowText(context);
  const scope = [ownedBy(caller, 'owner_uuid'), notDeleted(now)];
  if (options.include_trash !== true) {
    scope.push(notTrashed(now));
  }
  return scope;
}

function visibleLogs(caller: Caller): Condition {
  return ownedBy(caller, 'object_owner_uuid');
}

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

function requireTrashed(
  context: ClusterContext,
  caller: Caller,
  resource: ResourceTable,
  uuid: string,
): void {
  const columns = selectList(resource, ['is_trashed'], nowText(context));
  const scope = ownedBy(caller, 'owner_uuid');
  const row = context.records.get(
    `SELECT ${columns} FROM ${resource.table} WHERE uuid = ? AND (${scope.sql})`,
    uuid,
    ...scope.values,
  );
  if (!row) {
    throw notFound();
  }
  if (Number(row.is_trashed) === 0) {
    throw unprocessable('Item is not trashed, cannot untrash');
  }
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

function userRecord(context: ClusterContext, uuid: string): JsonObject {
  const columns = selectList(USERS, Object.keys(USERS.columns), nowText(context));
  const row = context.records.get(`SELECT ${columns} FROM users WHERE uuid = ?`, uuid);
  if (!row) {
    throw notFound();
  }
  return finishRecord(USERS, rowToRecord(USERS, row), undefined);
}

function createUserEndpoint({ context, caller, request }: SignedIn): JsonObject {
  requireAdmin(caller);
  const { attributes } = attributesOf(request, 'user');
  const email = requireText(attributes.email, 'email');
  const uuid = context.records.transaction(() =>
    insertUser(context, {
      isAdmin: attributes.is_admin === true,
      name: typeof attributes.first_name === 'string' ? attributes.first_name : email,
      email,
    }),
  );
  return userRecord(context, uuid);
}

function currentToken({ context, caller }: SignedIn): JsonObject {
  const row = context.records.get('SELECT * FROM api_client_authorizations WHERE uuid = ?', caller.tokenUuid);
  if (!row) {
    throw forbidden('Token is gone');
  }
  const scopes: Json = JSON.parse(String(row.scopes));
  return {
    kind: 'arvados#apiClientAuthorization',
    etag: '',
    uuid: caller.tokenUuid,
    owner_uuid: caller.userUuid,
    api_token: caller.token.split('/').at(-1) ?? '',
    created_at: String(row.created_at),
    expires_at: row.expires_at === null ? null : String(row.expires_at),
    scopes,
  };
}

function keepServiceList(context: ClusterContext, isExternalClient: boolean): JsonObject {
  // outside clients are shown proxies only, and there are none here
  const services = isExternalClient ? [] : context.keepServices();
  return {
    kind: 'arvados#keepServiceList',
    etag: '',
    offset: 0,
    limit: services.length,
    items_available: services.length,
    items: services.map((service) => keepServiceRecord(context, service)),
  };
}

function keepServiceRecord(context: ClusterContext, service: KeepServiceRecord): JsonObject {
  const at = nowText(context);
  return {
    kind: 'arvados#keepService',
    etag: '',
    uuid: service.uuid,
    owner_uuid: `${context.identity.clusterId}-tpzed-000000000000000`,
    service_host: service.host,
    service_port: service.port,
    service_ssl_flag: service.isTls,
    service_type: 'disk',
    read_only: service.isReadOnly,
    created_at: at,
    modified_at: at,
  };
}
