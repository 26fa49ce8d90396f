import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { agentProxy, type ProxySettings } from '../base/proxy.ts';

/** How servers are reached, and their certificates checked. */
export interface TlsSettings {
  /** False only where the user said so for this cluster. */
  readonly rejectUnauthorized: boolean;
  /** A private authority's certificates (PEM), trusted beside the usual ones. */
  readonly ca?: string;
  readonly proxy?: ProxySettings | undefined;
}

/** Idle connections end after this; short of the 5 s after which a Node server hangs up, and of every proxy's limit. */
const IDLE_CONNECTION_MS = 4000;

/** Keep-alive connections to the Keep servers, for http and https. */
export interface HttpAgents {
  for(url: URL): http.Agent;
  /** One that never hands out a used connection. */
  fresh(url: URL): http.Agent;
  /** Ends every connection, used or not. */
  destroy(): void;
}

function usualAuthorities(): readonly string[] {
  // Electron's older Node has no getCACertificates.
  return tls.getCACertificates?.('default') ?? tls.rootCertificates;
}

export function createAgents(settings: TlsSettings): HttpAgents {
  const through = agentProxy(settings.proxy);
  const kept = { keepAlive: true, timeout: IDLE_CONNECTION_MS, scheduling: 'lifo' as const, ...through };
  // Made once: parsing the authorities for each connection costs tens of milliseconds.
  const secureContext =
    settings.ca === undefined
      ? undefined
      : tls.createSecureContext({ ca: [...usualAuthorities(), settings.ca] });
  const trust = {
    rejectUnauthorized: settings.rejectUnauthorized,
    ...(secureContext ? { secureContext } : {}),
  };
  const plain = new http.Agent(kept);
  const secure = new https.Agent({ ...kept, ...trust });
  const freshPlain = new http.Agent({ keepAlive: false, ...through });
  const freshSecure = new https.Agent({ keepAlive: false, ...through, ...trust });
  return {
    for: (url) => (url.protocol === 'https:' ? secure : plain),
    fresh: (url) => (url.protocol === 'https:' ? freshSecure : freshPlain),
    destroy: () => {
      for (const agent of [plain, secure, freshPlain, freshSecure]) {
        agent.destroy();
      }
    },
  };
}
