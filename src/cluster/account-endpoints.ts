import { forbidden, notFound } from './api-error.ts';
import { attributesOf, type Caller } from './api-request.ts';
import { type ClusterContext, nowText } from './cluster-context.ts';
import type { Routes, SignedIn } from './endpoint-types.ts';
import type { Condition } from './filter-conditions.ts';
import type { Json, JsonObject } from './json.ts';
import { list } from './list-endpoint.ts';
import { parseSelect } from './list-query.ts';
import { ownedBy } from './permissions.ts';
import { finishRecord, requireAdmin, requireText } from './record-access.ts';
import { LOGS, type ResourceTable, rowToRecord, selectList, USERS } from './resource-tables.ts';
import { insertUser } from './users.ts';

/** Users, their tokens, and the log of what they did. */
export const ACCOUNT_ROUTES: Routes = {
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
};

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

function visibleLogs(caller: Caller): Condition {
  return ownedBy(caller, 'object_owner_uuid');
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
