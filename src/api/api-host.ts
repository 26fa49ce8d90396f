import { KeepsyncError } from '../base/errors.ts';

/** Where an Arvados API is: a name or address, and a port. It is always spoken to over https. */
export interface ApiHost {
  /** Without brackets, also for IPv6. */
  readonly hostName: string;
  readonly port: number;
  /** `host` or `host:port` as people write it; IPv6 in brackets. For messages and the Host header. */
  readonly text: string;
}

const HTTPS_PORT = 443;

const HOST_ACTION =
  'Enter the address of the Arvados API, such as zzzzz.example.org or zzzzz.example.org:8443.';

/**
 * Reads `h`, `h:port`, `[v6]:port` or an `https://` address without a path. Throws USAGE for everything else; the
 * message never repeats what was entered where that could be a token put into the wrong field.
 */
export function parseApiHost(entered: string): ApiHost {
  const text = entered.trim();
  if (text === '') {
    throw new KeepsyncError('USAGE', 'The address of the Arvados API is empty', { action: HOST_ACTION });
  }
  if (/^(v2\/|http:\/\/)/i.test(text)) {
    throw new KeepsyncError(
      'USAGE',
      text.startsWith('v2/')
        ? 'There is a token where the address of the Arvados API should be'
        : 'The Arvados API is reached over https only, not over http',
      { action: HOST_ACTION },
    );
  }
  const url = parseUrl(text.replace(/^https:\/\//i, ''));
  if (
    url === undefined ||
    url.hostname === '' ||
    url.username !== '' ||
    url.password !== '' ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw new KeepsyncError('USAGE', 'The address of the Arvados API is not a host name, or host:port', {
      action: HOST_ACTION,
    });
  }
  const port = url.port === '' ? HTTPS_PORT : Number(url.port);
  return {
    hostName: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    text: port === HTTPS_PORT ? url.hostname : `${url.hostname}:${port}`,
  };
}

function parseUrl(hostAndPort: string): URL | undefined {
  // Spaces and the like: the URL parser would quietly drop or encode some of them.
  if (!/^[^\s@\\]+$/.test(hostAndPort)) {
    return undefined;
  }
  return URL.canParse(`https://${hostAndPort}`) ? new URL(`https://${hostAndPort}`) : undefined;
}

const TOKEN_ACTION = 'Copy the whole token from Workbench (Get API token), without spaces or line breaks.';

/**
 * The token as it goes into the Authorization header. Throws USAGE, without the token in the message, when it is empty,
 * holds anything but visible ASCII, or starts as a v2 token and then does not go on as one.
 */
export function checkToken(entered: string): string {
  if (entered === '') {
    throw new KeepsyncError('USAGE', 'The token is empty', { action: TOKEN_ACTION });
  }
  if (!/^[\x21-\x7e]+$/.test(entered)) {
    throw new KeepsyncError('USAGE', 'The token holds spaces, line breaks or characters that no token has', {
      action: TOKEN_ACTION,
    });
  }
  if (entered.startsWith('v2/') && !/^v2\/[a-z0-9]{5}-gj3su-[a-z0-9]{15}\/[^/]+$/.test(entered)) {
    throw new KeepsyncError('USAGE', 'The token is incomplete: it does not read v2/…-gj3su-…/…', {
      action: TOKEN_ACTION,
    });
  }
  return entered;
}

/** What must never be shown: the token, and the secret alone where it is a v2 token. */
export function tokenSecrets(token: string): readonly string[] {
  const secret = token.split('/')[2];
  return token.startsWith('v2/') && secret !== undefined ? [token, secret] : [token];
}
