import { z } from 'zod';
import { errorViewSchema } from './shell.ts';

/**
 * The window over a WebSocket (`keepsync daemon --web`): what both ends send, one JSON text per message. The path is
 * `/socket` on the page's own origin. The first message must be `hello` with the key of the page's address (its
 * fragment, which browsers never send); the server answers `welcome`, or closes with 4401.
 */
export const WEB_SOCKET_PATH = '/socket';

/** The close code after a wrong or missing key: no reconnect follows. */
export const CLOSE_WRONG_KEY = 4401;

export const fromWindowSchema = z.union([
  z.object({ hello: z.object({ key: z.string() }) }),
  z.object({ id: z.number(), run: z.string(), input: z.unknown() }),
  z.object({ id: z.number(), shell: z.string(), input: z.unknown() }),
  z.object({ subscribe: z.string() }),
  z.object({ unsubscribe: z.string() }),
]);
export type FromWindow = z.infer<typeof fromWindowSchema>;

export const toWindowSchema = z.union([
  z.object({ welcome: z.object({ version: z.string(), offers: z.array(z.string()) }) }),
  z.object({ id: z.number(), ok: z.literal(true), value: z.unknown() }),
  z.object({ id: z.number(), ok: z.literal(false), error: errorViewSchema }),
  z.object({ event: z.string(), payload: z.unknown() }),
]);
export type ToWindow = z.infer<typeof toWindowSchema>;

/**
 * The Content-Security-Policy of the window, for Electron's protocol handler and for the web server. Nothing inline,
 * nothing remote: styles are files, constructable sheets, or set one by one through the CSSOM, which needs no
 * 'unsafe-inline'. `connect` names what the page may open: nothing in Electron, its own socket in a browser.
 */
export function windowContentSecurityPolicy(connect: "'none'" | "'self'" | string): string {
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
    "object-src 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}
