import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { ArvadosApi } from '../api/arvados-api.ts';
import { parseJsonOrUndefined, readIfThere, writeDurably } from '../base/durable-file.ts';
import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import type { Settings } from '../contract/settings.ts';
import type { Connection, WhoAmI } from './connection.ts';
import type { ClusterAccount } from './ports.ts';

/** Arvados' own default. */
const SIGNATURE_TTL_MS = 14 * 24 * 3_600_000;

const factsSchema = z.object({
  host: z.string(),
  clusterId: z.string(),
  user: z.string(),
  tokenId: z.string(),
  tokenExpiresAtMs: z.number().nullable(),
  defaultCopies: z.number().int().min(1),
  defaultStorageClasses: z.array(z.string()),
  signatureTtlMs: z.number().positive(),
});
type Facts = z.infer<typeof factsSchema>;

/** Names a token without giving it away: its uuid; for a bare secret a hash that cannot be turned back. */
function tokenIdOf(token: string): string {
  const uuid = token.startsWith('v2/') ? token.split('/')[1] : undefined;
  return uuid ?? createHash('sha256').update(token).digest('hex').slice(0, 32);
}

/** The token's end, where it may look at itself; a token of limited scope may be good for all else. */
async function tokenExpiry(api: ArvadosApi, signal?: AbortSignal): Promise<number | null> {
  try {
    return (await api.tokenInfo(signal)).expiresAtMs ?? null;
  } catch (thrown) {
    const { code } = asKeepsyncError(thrown);
    if (code === 'FORBIDDEN' || code === 'NOT_FOUND') {
      return null;
    }
    throw thrown;
  }
}

export async function askWhoAmI(api: ArvadosApi, signal: AbortSignal): Promise<WhoAmI> {
  const user = await api.currentUser(signal);
  return {
    uuid: user.uuid,
    email: user.email,
    name: user.fullName || user.username,
    isActive: user.isActive,
    tokenExpiresAtMs: await tokenExpiry(api, signal),
  };
}

function fulfilled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') {
    throw result.reason;
  }
  return result.value;
}

async function askFacts(api: ArvadosApi, connection: Connection): Promise<Facts> {
  const [asked, others] = await Promise.allSettled([
    api.currentUser(),
    Promise.all([api.discovery(), api.config(), tokenExpiry(api)]),
  ]);
  // what the cluster says to the token says more than what else failed
  const user = fulfilled(asked);
  if (!user.isActive) {
    throw new KeepsyncError('FORBIDDEN', `The account ${user.email || user.uuid} is not active`, {
      action: 'Sign in to Workbench once, or ask the administrators to activate it.',
    });
  }
  const [discovery, config, expiry] = fulfilled(others);
  return {
    host: connection.host,
    clusterId: discovery.uuidPrefix,
    user: user.email || user.username || user.uuid,
    tokenId: tokenIdOf(connection.token),
    tokenExpiresAtMs: expiry,
    defaultCopies: discovery.defaultCollectionReplication,
    defaultStorageClasses: [...config.defaultStorageClasses],
    signatureTtlMs: discovery.blobSignatureTtlMs,
  };
}

async function readFacts(factsFile: string): Promise<Facts | undefined> {
  const parsed = factsSchema.safeParse(parseJsonOrUndefined((await readIfThere(factsFile)) ?? ''));
  return parsed.success ? parsed.data : undefined;
}

/** The account as it was when it last worked, for people to see while it does not; nothing is asked. */
export async function knownAccount(
  { host, local }: Settings['account'],
  factsFile: string,
): Promise<ClusterAccount> {
  const known = await readFacts(factsFile);
  return {
    host,
    user: host !== null && known?.host === host ? known.user : null,
    local,
    clusterId: null,
    tokenExpiresAtMs: null,
    tokenId: '',
    defaultCopies: known?.defaultCopies ?? 1,
    defaultStorageClasses: known?.defaultStorageClasses ?? [],
    signatureTtlMs: known?.signatureTtlMs ?? SIGNATURE_TTL_MS,
  };
}

/**
 * Who is signed in, and what the cluster says of itself. Kept beside the journal, so that a daemon starts while the
 * cluster is away; and so that it is noticed when the token is another one than last time: `isNewToken`.
 */
export async function accountFacts(
  api: ArvadosApi,
  connection: Connection,
  factsFile: string,
): Promise<{ readonly account: ClusterAccount; readonly isNewToken: boolean; remember(): Promise<void> }> {
  const known = await readFacts(factsFile);
  const isSameToken =
    known !== undefined && known.host === connection.host && known.tokenId === tokenIdOf(connection.token);
  let facts: Facts;
  try {
    facts = await askFacts(api, connection);
  } catch (thrown) {
    const { code } = asKeepsyncError(thrown);
    if (!isSameToken || !['OFFLINE', 'TIMEOUT', 'BUSY', 'SERVER'].includes(code)) {
      throw thrown;
    }
    facts = known;
  }
  return {
    account: { ...facts, local: connection.local },
    isNewToken: known !== undefined && !isSameToken,
    remember: async () => {
      const text = JSON.stringify(facts);
      if (text !== JSON.stringify(known)) {
        await writeDurably(factsFile, `${text}\n`);
      }
    },
  };
}
