import { Agent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import { agentProxy } from '../base/proxy.ts';
import type { KeepService } from '../keep/ports.ts';
import { connectionError } from './connection-errors.ts';
import { type TlsSettings, tlsOptions } from './https-transport.ts';
import { cancelled } from './retry.ts';

/** As long as the SDKs wait for a proxy. */
const CONNECT_TIMEOUT_MS = 20_000;

/**
 * Resolves if the Keep service answers HTTP at all, whatever it says: this goes without a token, so it will mostly be a
 * refusal. Throws OFFLINE, TLS, TIMEOUT, CANCELLED.
 */
export function reachKeepService(
  service: KeepService,
  options: {
    readonly tls: TlsSettings;
    readonly clock: Clock;
    readonly requestId: string;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const url = new URL('/', service.baseUrl);
  return new Promise((resolve, reject) => {
    const { signal } = options;
    if (signal?.aborted) {
      reject(cancelled(signal.reason));
      return;
    }
    const settle = (error?: unknown): void => {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
      outgoing.destroy();
      if (error === undefined) {
        resolve();
      } else {
        reject(connectionError(error, url.host, options.requestId));
      }
    };
    const onAbort = (): void => settle(cancelled(signal?.reason));
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(url, {
      agent: options.tls.proxy === undefined ? false : agentThrough(url, options.tls),
      ...(url.protocol === 'https:' ? tlsOptions(options.tls) : {}),
      headers: { 'x-request-id': options.requestId },
    });
    outgoing.on('response', () => settle());
    outgoing.on('error', settle);
    const cancelTimer = options.clock.setTimer(CONNECT_TIMEOUT_MS, () =>
      settle(
        new KeepsyncError('TIMEOUT', `The Keep service ${url.host} does not answer`, {
          action: 'Check the network, and whether you need a VPN to reach the service.',
          requestId: options.requestId,
        }),
      ),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    outgoing.end();
  });
}

function agentThrough(url: URL, tls: TlsSettings): Agent {
  return url.protocol === 'https:'
    ? new HttpsAgent({ ...tlsOptions(tls), ...agentProxy(tls.proxy) })
    : new Agent(agentProxy(tls.proxy));
}
