import { KeepsyncError } from './errors.ts';

/** How hosts other than this one are reached: plain data, so that it crosses to threads. */
export interface ProxySettings {
  /** `http://host:port` or `https://host:port`, with `user:password@` where the proxy asks for it. */
  readonly url: string;
  /** As the environment's NO_PROXY: hosts and domains, separated by commas, that are reached without it. */
  readonly exceptions: string;
}

/** This computer is never asked for by way of another one. */
const LOOPBACK = 'localhost,127.0.0.1-127.255.255.254,::1,[::1]';

/** Agents of older versions would go past the proxy without a word. */
const NODE_WITH_PROXIES = [24, 5] as const;

/**
 * The proxy that the settings name; where they name none, the environment's (HTTPS_PROXY, else HTTP_PROXY, in either
 * case). NO_PROXY goes for both. Throws USAGE where it is no address of a proxy, and where this Node knows no proxies.
 */
export function proxyFrom(
  setting: string | null,
  env: Readonly<Record<string, string | undefined>>,
): ProxySettings | undefined {
  const wanted = (
    setting ||
    env.https_proxy ||
    env.HTTPS_PROXY ||
    env.http_proxy ||
    env.HTTP_PROXY ||
    ''
  ).trim();
  if (wanted === '') {
    return undefined;
  }
  const url = URL.canParse(wanted) ? new URL(wanted) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    // What was entered may hold a password, so it is not repeated.
    throw new KeepsyncError('USAGE', 'The proxy is not an address such as http://proxy.example.org:3128', {
      action: 'Correct it in the settings, or in HTTPS_PROXY where the settings name none.',
    });
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < NODE_WITH_PROXIES[0] || (major === NODE_WITH_PROXIES[0] && minor < NODE_WITH_PROXIES[1])) {
    throw new KeepsyncError('USAGE', `A proxy takes Node ${NODE_WITH_PROXIES.join('.')} or later`, {
      action: 'Update Node, or take the proxy out of the settings.',
    });
  }
  return { url: url.href, exceptions: env.no_proxy || env.NO_PROXY || '' };
}

/** The option by which Node's own agents go through it: CONNECT for https, the whole URL for http. */
export function agentProxy(proxy: ProxySettings | undefined): { proxyEnv?: Record<string, string> } {
  return proxy === undefined
    ? {}
    : {
        proxyEnv: {
          HTTP_PROXY: proxy.url,
          HTTPS_PROXY: proxy.url,
          NO_PROXY: proxy.exceptions === '' ? LOOPBACK : `${LOOPBACK},${proxy.exceptions}`,
        },
      };
}
