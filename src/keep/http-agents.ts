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
  const plain = new http.Agent(kept);
  const freshPlain = new http.Agent({ keepAlive: false, ...through });
  let secureAgents: { readonly kept: https.Agent; readonly fresh: https.Agent } | undefined;
  const secure = () => {
    if (secureAgents === undefined) {
      const trust = trustOf(settings);
      secureAgents = {
        kept: new https.Agent({ ...kept, ...trust }),
        fresh: new https.Agent({ keepAlive: false, ...through, ...trust }),
      };
    }
    return secureAgents;
  };
  return {
    for: (url) => (url.protocol === 'https:' ? secure().kept : plain),
    fresh: (url) => (url.protocol === 'https:' ? secure().fresh : freshPlain),
    destroy: () => {
      for (const agent of [plain, freshPlain, secureAgents?.kept, secureAgents?.fresh]) {
        agent?.destroy();
      }
    },
  };
}

/**
 * The authorities are parsed once and not for each connection, and only where there is one: that costs tens of
 * milliseconds.
 */
function trustOf({ ca, rejectUnauthorized }: TlsSettings): https.AgentOptions {
  return ca === undefined
    ? { rejectUnauthorized }
    : {
        rejectUnauthorized,
        secureContext: tls.createSecureContext({ ca: [...usualAuthorities(), ca] }),
      };
}
