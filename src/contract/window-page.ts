/** What the servers of the window's page (Electron's protocol handler, the daemon's web server) and the page agree on. */

/** Where the page finds its WebSocket, on its own origin; it speaks `protocol.ts`. */
export const WEB_SOCKET_PATH = '/socket';

/** The close code after a wrong or missing key: the page says so and does not try again. */
export const CLOSE_WRONG_KEY = 4401;

/**
 * The Content-Security-Policy of the page. Nothing inline and nothing remote: styles are files, constructable sheets, or
 * set one by one through the CSSOM, so neither scripts nor styles need 'unsafe-inline'. `connect` is what the page may
 * open: nothing in Electron; in a browser 'self' and, for browsers that don't count a WebSocket as such, its full origin.
 */
export function windowContentSecurityPolicy(connect: string = "'none'"): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}
