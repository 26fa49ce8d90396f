import { createHash } from 'node:crypto';
import { badRequest, forbidden, notFound, unprocessable } from './api-error.ts';
import type { Caller } from './api-request.ts';
import { type ClusterContext, nowText } from './cluster-context.ts';
import type { Condition } from './filter-conditions.ts';
import type { Json, JsonObject } from './json.ts';
import { notDeleted, notTrashed, ownedBy } from './permissions.ts';
import type { Row } from './records.ts';
import { type ResourceTable, selectList } from './resource-tables.ts';

/** The row that a caller may see, as SQL columns. Throws ApiError 404, whatever the reason. */
export function readableRow(
  context: ClusterContext,
  caller: Caller,
  resource: ResourceTable,
  uuid: string,
  columns: string,
  withTrash: boolean,
): Row {
  const now = nowText(context);
  const conditions: Condition[] = [ownedBy(caller, 'owner_uuid'), notDeleted(now)];
  if (!withTrash) {
    conditions.push(notTrashed(now));
  }
  const where = conditions.map((condition) => `(${condition.sql})`).join(' AND ');
  const row = context.records.get(
    `SELECT ${columns} FROM ${resource.table} WHERE uuid = ? AND ${where}`,
    uuid,
    ...conditions.flatMap((condition) => condition.values),
  );
  if (!row) {
    throw notFound();
  }
  return row;
}

/** Throws 422 unless `ownerUuid` is a user or a project that is not in the trash, 403 unless the caller may write there. */
export function checkOwner(context: ClusterContext, caller: Caller, ownerUuid: string): void {
  const { records } = context;
  const isUser = records.get('SELECT 1 FROM users WHERE uuid = ?', ownerUuid) !== undefined;
  const now = nowText(context);
  const project = records.get(
    `SELECT 1 FROM groups WHERE uuid = ? AND group_class = 'project' AND ${notTrashed(now).sql}`,
    ownerUuid,
  );
  if (!isUser && !project) {
    throw unprocessable('Owner uuid is not a user or project that can own things');
  }
  const allowed = ownedBy(caller, '?');
  if (
    !records.get(`SELECT 1 WHERE ${allowed.sql}`, ...(caller.isAdmin ? [] : [ownerUuid]), ...allowed.values)
  ) {
    throw forbidden('You do not have permission to write there');
  }
}

/** Names are unique among what is not in the trash; a record without a name clashes with nothing. */
function isNameTaken(
  context: ClusterContext,
  resource: ResourceTable,
  ownerUuid: string,
  name: string | null,
  exceptUuid: string,
): boolean {
  if (name === null) {
    return false;
  }
  const current = resource.table === 'collections' ? 'AND uuid = current_version_uuid' : '';
  const found = context.records.get(
    `SELECT 1 FROM ${resource.table} WHERE owner_uuid = ? AND name = ? AND uuid != ? ${current}
     AND (trash_at IS NULL OR trash_at > ?)`,
    ownerUuid,
    name,
    exceptUuid,
    nowText(context),
  );
  return found !== undefined;
}

/** Longest name that leaves room for the suffix, and longest of all: the API's own numbers. */
const NAME_LIMIT = 255;
const STEM_LIMIT = 237;

/** The name to use, with a suffix where it is taken and that is allowed. Throws 422 (UniqueViolation) where not. */
export function claimName(
  context: ClusterContext,
  resource: ResourceTable,
  wanted: { ownerUuid: string; name: string | null; uuid: string; ensureUnique: boolean },
): string | null {
  if (!isNameTaken(context, resource, wanted.ownerUuid, wanted.name, wanted.uuid)) {
    return wanted.name;
  }
  if (!wanted.ensureUnique) {
    throw unprocessable(
      `#<ActiveRecord::RecordNotUnique: PG::UniqueViolation: ERROR:  duplicate key value violates unique constraint "index_${resource.table}_on_owner_uuid_and_name">`,
    );
  }
  return `${[...(wanted.name ?? '')].slice(0, STEM_LIMIT).join('')} (${wanted.uuid.slice(-15)})`;
}

/** A name as it is stored: "" is none. Throws 422 for what cannot be one. */
export function checkName(value: Json): string | null {
  if (value === null || value === '') {
    return null;
  }
  if (typeof value !== 'string') {
    throw unprocessable('Name must be a string');
  }
  if (value === '.' || value === '..' || value.includes('/')) {
    throw unprocessable(`Name cannot be "." or ".." and cannot contain "/": ${JSON.stringify(value)}`);
  }
  if ([...value].length > NAME_LIMIT) {
    throw unprocessable(`Name is too long (maximum is ${NAME_LIMIT} characters)`);
  }
  return value;
}

/** `kind`, `etag` and nothing that was not selected. */
export function finishRecord(
  resource: ResourceTable,
  record: JsonObject,
  select: readonly string[] | undefined,
): JsonObject {
  const shown = select
    ? Object.fromEntries(Object.entries(record).filter(([name]) => select.includes(name)))
    : record;
  const { manifest_text: _, unsigned_manifest_text: __, ...identity } = record;
  const etag = createHash('md5').update(JSON.stringify(identity)).digest('base64url');
  return { ...shown, kind: resource.kind, etag };
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

/** Throws 404 where the caller cannot read it, 422 where it is not in the trash. */
export function requireTrashed(
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
