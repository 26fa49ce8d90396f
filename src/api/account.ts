import * as z from 'zod';
import { type ApiClient, readAnswer } from './api-client.ts';

/** Whose token it is. */
export interface CurrentUser {
  readonly uuid: string;
  readonly email: string;
  readonly fullName: string;
  readonly username: string;
  /** An inactive user may read next to nothing and write nothing. */
  readonly isActive: boolean;
  readonly isAdmin: boolean;
}

/** What the server says of the token in use; never the token itself. */
export interface TokenInfo {
  readonly uuid: string;
  /** Undefined where the token does not end. */
  readonly expiresAtMs: number | undefined;
  /** `['all']`, or the paths it is good for. */
  readonly scopes: readonly string[];
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

const userSchema = z.object({
  uuid: z.string().regex(/^[a-z0-9]{5}-tpzed-[a-z0-9]{15}$/),
  email: text,
  full_name: text,
  first_name: text,
  last_name: text,
  username: text,
  is_active: z
    .boolean()
    .nullish()
    .transform((value) => value ?? true),
  is_admin: flag,
});

export async function fetchCurrentUser(client: ApiClient, signal?: AbortSignal): Promise<CurrentUser> {
  const user = readAnswer(
    userSchema,
    await client.request('GET', '/arvados/v1/users/current', { signal }),
    'the user',
  );
  return {
    uuid: user.uuid,
    email: user.email,
    fullName: user.full_name || `${user.first_name} ${user.last_name}`.trim(),
    username: user.username,
    isActive: user.is_active,
    isAdmin: user.is_admin,
  };
}

const tokenSchema = z.object({
  uuid: text,
  expires_at: z.string().nullish(),
  scopes: z
    .array(z.string())
    .nullish()
    .transform((scopes) => scopes ?? ['all']),
});

/** The token's own record. A token of limited scope may not be allowed to read it: FORBIDDEN. */
export async function fetchTokenInfo(client: ApiClient, signal?: AbortSignal): Promise<TokenInfo> {
  const token = readAnswer(
    tokenSchema,
    await client.request('GET', '/arvados/v1/api_client_authorizations/current', { signal }),
    'the token',
  );
  const parsedMs = Date.parse(token.expires_at ?? '');
  const expiresAtMs = Number.isNaN(parsedMs) ? undefined : parsedMs;
  client.noteTokenExpiry(expiresAtMs);
  return { uuid: token.uuid, expiresAtMs, scopes: token.scopes };
}
