import { protocol, type Session } from 'electron';
import { windowContentSecurityPolicy } from '../contract/window-page.ts';
import { readWindowFile, WINDOW_HEADERS } from '../shell/window-files.ts';
import { APP_HOST, APP_SCHEME, APP_URL } from './channels.ts';

/** Must be called before the app is ready: makes `keepsync://app/` an origin of its own, as secure as https. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Serves the window's files to the default session, the only one there is, and lets nothing else through: no other scheme, no network. */
export function serveApp(session: Session, rendererDir: string): void {
  protocol.handle(APP_SCHEME, async (request) => answer(rendererDir, request));
  session.webRequest.onBeforeRequest((details, callback) => {
    callback({ cancel: !isAllowed(details.url) });
  });
  session.setPermissionRequestHandler((_contents, _permission, callback) => callback(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
}

/** The developer tools load their own pages; they are there only where the app is not packaged. */
function isAllowed(url: string): boolean {
  return url.startsWith(APP_URL) || url.startsWith('devtools://');
}

async function answer(rendererDir: string, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const headers = {
    ...WINDOW_HEADERS,
    'content-security-policy': windowContentSecurityPolicy(),
  };
  if (url.host !== APP_HOST || request.method !== 'GET') {
    return new Response('', { status: 403, headers });
  }
  const file = await readWindowFile(rendererDir, url.pathname);
  if (file === undefined) {
    return new Response('', { status: 404, headers });
  }
  return new Response(Buffer.from(file.bytes), { headers: { ...headers, 'content-type': file.mimeType } });
}

/** Whether a page's address is ours. */
export function isAppUrl(address: string): boolean {
  return address === APP_URL || address.startsWith(APP_URL);
}
