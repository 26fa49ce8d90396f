import { createHash, randomBytes } from 'node:crypto';
import { randomBase36, systemRandom } from '../base/random.ts';
import type { Caller } from './api-request.ts';
import type { ClusterContext } from './cluster-context.ts';
import { newUuid, nowText } from './cluster-context.ts';

/** Tokens are kept as digests only: the database opens nothing. */
function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** The caller behind a token, given as `v2/uuid/secret` or as the bare secret; undefined where it opens nothing. */
export function findCaller(context: ClusterContext, token: string): Caller | undefined {
  const parts = token.split('/');
  const isV2 = parts[0] === 'v2' && parts.length >= 3;
  const secret = isV2 ? (parts[2] ?? '') : token;
  const row = context.records.get(
    `SELECT a.uuid, a.owner_uuid, a.expires_at, u.is_admin, u.is_active FROM api_client_authorizations a
     JOIN users u ON u.uuid = a.owner_uuid WHERE a.secret_sha256 = ?`,
    digestOf(secret),
  );
  if (!row || (isV2 && row.uuid !== parts[1])) {
    return undefined;
  }
  if (
    (typeof row.expires_at === 'string' && row.expires_at <= nowText(context)) ||
    Number(row.is_active) === 0
  ) {
    return undefined;
  }
  return {
    userUuid: String(row.owner_uuid),
    isAdmin: Number(row.is_admin) !== 0,
    token,
    tokenUuid: String(row.uuid),
  };
}

/** Inserts a user; the uuid is made up unless it is given. */
export function insertUser(
  context: ClusterContext,
  wanted: { uuid?: string; isAdmin: boolean; name: string; email?: string; username?: string },
): string {
  const uuid = wanted.uuid ?? newUuid(context, 'tpzed');
  const at = nowText(context);
  context.records.insert('users', {
    uuid,
    owner_uuid: `${context.identity.clusterId}-tpzed-000000000000000`,
    created_at: at,
    modified_at: at,
    modified_by_user_uuid: context.identity.adminUserUuid,
    email: wanted.email ?? `${wanted.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '.')}@localhost`,
    username: wanted.username ?? wanted.name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''),
    first_name: wanted.name,
    last_name: '',
    is_admin: wanted.isAdmin ? 1 : 0,
    is_active: 1,
  });
  return uuid;
}

/** A new v2 token for a user; this is the only time it is seen. */
export function insertToken(context: ClusterContext, userUuid: string): string {
  const uuid = newUuid(context, 'gj3su');
  const secret = `${randomBase36(systemRandom, 30)}${randomBytes(10).toString('hex')}`;
  context.records.insert('api_client_authorizations', {
    uuid,
    owner_uuid: userUuid,
    secret_sha256: digestOf(secret),
    created_at: nowText(context),
  });
  return `v2/${uuid}/${secret}`;
}

/** Makes sure that a known token works, for a data folder whose token file outlived its records. */
export function adoptToken(context: ClusterContext, token: string, userUuid: string): void {
  const [, uuid = '', secret = ''] = token.split('/');
  context.records.run('DELETE FROM api_client_authorizations WHERE uuid = ?', uuid);
  context.records.insert('api_client_authorizations', {
    uuid,
    owner_uuid: userUuid,
    secret_sha256: digestOf(secret),
    created_at: nowText(context),
  });
}
