import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { agentProxy, type ProxySettings } from '../base/proxy.ts';
import { IDLE_CONNECTION_MS } from './read-connections.ts';

/** How servers are reached, and their certificates checked. */
export interface TlsSettings {
  /** False only where the user said so for this cluster. */
  readonly rejectUnauthorized: boolean;
  /** A private authority's certificates (PEM), trusted beside the usual ones. */
  readonly ca?: string;
  readonly proxy?: ProxySettings | undefined;
}

/** Keep-alive connections to the Keep servers, for http and https. */
export interface HttpAgents {
  for(url: URL): http.Agent;
  /** One that never hands out a used connection. */
  fresh(url: URL): http.Agent;
  /** A connection of one's own, which an agent has no part in; undefined where only an agent knows the way. */
  connect(url: URL, onread: net.OnReadOpts): net.Socket | undefined;
  /** Ends every connection of an agent, used or not. */
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
  let known: https.AgentOptions | undefined;
  const trust = () => {
    known ??= trustOf(settings);
    return known;
  };
  let secureAgents: { readonly kept: https.Agent; readonly fresh: https.Agent } | undefined;
  const secure = () => {
    secureAgents ??= {
      kept: new https.Agent({ ...kept, ...trust() }),
      fresh: new https.Agent({ keepAlive: false, ...through, ...trust() }),
    };
    return secureAgents;
  };
  return {
    for: (url) => (url.protocol === 'https:' ? secure().kept : plain),
    fresh: (url) => (url.protocol === 'https:' ? secure().fresh : freshPlain),
    connect: (url, onread) => {
      if (settings.proxy !== undefined) {
        return undefined;
      }
      const { host, port } = placeOf(url);
      return url.protocol === 'https:'
        ? tls.connect({
            ...trust(),
            ...(net.isIP(host) === 0 ? { servername: host } : {}),
            ...{ host, port, onread, ALPNProtocols: ['http/1.1'] },
          })
        : net.connect({ host, port, onread, noDelay: true });
    },
    destroy: () => {
      for (const agent of [plain, freshPlain, secureAgents?.kept, secureAgents?.fresh]) {
        agent?.destroy();
      }
    },
  };
}

function placeOf({ protocol, hostname, port }: URL) {
  const usual = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? usual : Number(port) };
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
