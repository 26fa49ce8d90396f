import type { Clock } from '../base/clock.ts';
import { asKeepsyncError, type KeepsyncError } from '../base/errors.ts';
import type { KeepService } from '../keep/ports.ts';
import { type CurrentUser, fetchCurrentUser, fetchTokenInfo, type TokenInfo } from './account.ts';
import type { ApiClient } from './api-client.ts';
import { type Discovery, fetchDiscovery } from './discovery.ts';
import { fetchKeepServices } from './keep-services.ts';

/** The questions, in the order in which they are asked. */
export const CHECK_IDS = ['host', 'certificate', 'arvados', 'clock', 'token', 'keep'] as const;

export type CheckId = (typeof CHECK_IDS)[number];

export interface Check {
  readonly id: CheckId;
  readonly ok: boolean;
  /** One plain sentence, good or bad. */
  readonly message: string;
  /** What to do, where it is bad. */
  readonly action?: string;
  readonly requestId?: string;
}

export interface AccountChecks {
  /** As far as it got: nothing is asked that hangs on what failed. */
  readonly checks: readonly Check[];
  readonly ok: boolean;
  readonly discovery?: Discovery;
  readonly user?: CurrentUser;
  readonly token?: TokenInfo;
  readonly keepServices?: readonly KeepService[];
}

export interface CheckAccountOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  /** Services to try instead of those that the cluster names (ARVADOS_KEEP_SERVICES). */
  readonly keepServices?: readonly KeepService[] | undefined;
  /** Resolves if something at the service's address speaks HTTP; see `reachKeepService`. No token is sent. */
  readonly reachKeep: (service: KeepService, signal?: AbortSignal) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Signatures and tokens are judged by the server's clock; beyond this, ours misleads about when they end. */
const LARGEST_CLOCK_SKEW_MS = 5 * 60_000;

/**
 * Goes through everything that has to be right before the first byte can be saved, and says of each what is wrong. Never
 * throws, but for CANCELLED and CLOSED. Used at sign-in, at the first run and to diagnose.
 */
export async function checkAccount(options: CheckAccountOptions): Promise<AccountChecks> {
  const { client, signal } = options;
  const checks: Check[] = [];
  const answer = (found: Omit<AccountChecks, 'checks' | 'ok'>): AccountChecks => ({
    checks,
    ok: checks.length === CHECK_IDS.length && checks.every((check) => check.ok),
    ...found,
  });

  const contact = await attempt(() => fetchDiscovery(client, signal));
  checks.push(...contactChecks(client, contact));
  if ('error' in contact) {
    return answer({});
  }
  const { discovery, serverTimeMs } = contact.value;
  checks.push(clockCheck(options.clock.nowMs(), serverTimeMs));

  const user = await attempt(() => fetchCurrentUser(client, signal));
  if ('error' in user) {
    checks.push(failed('token', user.error));
    return answer({ discovery });
  }
  // A token of limited scope may be good for everything we need and still not show itself.
  const info = await attempt(() => fetchTokenInfo(client, signal));
  const token = 'value' in info ? { token: info.value } : {};
  checks.push(tokenCheck(user.value, token.token, options.clock.nowMs()));

  const services = await attempt(
    async () => options.keepServices ?? (await fetchKeepServices(client, signal)),
  );
  if ('error' in services) {
    checks.push(failed('keep', services.error));
    return answer({ discovery, user: user.value, ...token });
  }
  checks.push(await keepCheck(services.value, options));
  return answer({ discovery, user: user.value, ...token, keepServices: services.value });
}

type Outcome<T> = { readonly value: T } | { readonly error: KeepsyncError };

async function attempt<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (thrown) {
    const error = asKeepsyncError(thrown);
    if (error.code === 'CANCELLED' || error.code === 'CLOSED') {
      throw error;
    }
    return { error };
  }
}

function failed(id: CheckId, error: KeepsyncError): Check {
  return {
    id,
    ok: false,
    message: error.message,
    ...(error.action === undefined ? {} : { action: error.action }),
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
  };
}

/** One request answers three questions: what it failed with says how far it got. */
function contactChecks(
  client: ApiClient,
  contact: Outcome<{ readonly discovery: Discovery }>,
): readonly Check[] {
  const host: Check = { id: 'host', ok: true, message: `${client.host.text} answers` };
  const certificate: Check = {
    id: 'certificate',
    ok: true,
    message: client.tls.insecure ? 'The certificate is not checked, as you asked' : 'The certificate is good',
  };
  if (!('error' in contact)) {
    const { uuidPrefix } = contact.value.discovery;
    return [host, certificate, { id: 'arvados', ok: true, message: `Arvados, cluster ${uuidPrefix}` }];
  }
  switch (contact.error.code) {
    case 'OFFLINE':
    case 'TIMEOUT':
      return [failed('host', contact.error)];
    case 'TLS':
      return [host, failed('certificate', contact.error)];
    default:
      return [host, certificate, failed('arvados', contact.error)];
  }
}

function clockCheck(nowMs: number, serverTimeMs: number | undefined): Check {
  if (serverTimeMs === undefined) {
    return { id: 'clock', ok: true, message: 'The server does not tell its time' };
  }
  const skewMs = nowMs - serverTimeMs;
  if (Math.abs(skewMs) <= LARGEST_CLOCK_SKEW_MS) {
    return { id: 'clock', ok: true, message: agreement(skewMs) };
  }
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  return {
    id: 'clock',
    ok: false,
    message: `The clock of this computer is ${minutes} minutes ${skewMs > 0 ? 'ahead of' : 'behind'} that of the server`,
    action: 'Set the date and time of this computer, or let it do so by itself.',
  };
}

/** The server tells whole seconds. */
function agreement(skewMs: number): string {
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  return seconds < 2 ? 'Less than 2 seconds apart' : `${seconds} seconds apart`;
}

function tokenCheck(user: CurrentUser, token: TokenInfo | undefined, nowMs: number): Check {
  const who = user.fullName || user.email || user.uuid;
  if (!user.isActive) {
    return {
      id: 'token',
      ok: false,
      message: `The account of ${who} is not active`,
      action: 'Sign in to Workbench once, or ask the administrators to activate the account.',
    };
  }
  if (token?.expiresAtMs === undefined) {
    return { id: 'token', ok: true, message: `Signed in as ${who}` };
  }
  const days = Math.floor((token.expiresAtMs - nowMs) / 86_400_000);
  return { id: 'token', ok: true, message: `Signed in as ${who}; the token is good for ${days} more days` };
}

async function keepCheck(services: readonly KeepService[], options: CheckAccountOptions): Promise<Check> {
  const usable = services.filter((service) => !service.serviceType.startsWith('gateway:'));
  if (usable.length === 0) {
    return {
      id: 'keep',
      ok: false,
      message: 'The cluster names no Keep service',
      action: 'Ask the administrators which Keep service this computer should use.',
    };
  }
  if (usable.every((service) => service.readOnly)) {
    return {
      id: 'keep',
      ok: false,
      message: 'Every Keep service of the cluster is read-only at the moment',
      action: 'Wait until the administrators allow writing again.',
    };
  }
  const outcomes = await Promise.all(
    usable.map((service) => attempt(() => options.reachKeep(service, options.signal))),
  );
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []));
  const [first] = errors;
  if (first === undefined) {
    return {
      id: 'keep',
      ok: true,
      message: usable.length === 1 ? 'The Keep service answers' : `All ${usable.length} Keep services answer`,
    };
  }
  if (errors.length < usable.length) {
    return {
      id: 'keep',
      ok: true,
      message: `${usable.length - errors.length} of ${usable.length} Keep services answer`,
    };
  }
  return failed('keep', first);
}
