import type { IncomingMessage } from 'node:http';

/** Bearer, OAuth2, the password of Basic, or `api_token` in the query. */
export function tokenOf(request: IncomingMessage, url: URL): string | undefined {
  const header = request.headers.authorization ?? '';
  const bearer = /^(?:Bearer|OAuth2)\s+(\S+)\s*$/i.exec(header);
  if (bearer) {
    return bearer[1];
  }
  const basic = /^Basic\s+(\S+)\s*$/i.exec(header);
  if (basic) {
    const text = Buffer.from(basic[1] ?? '', 'base64').toString('utf8');
    return text.slice(text.indexOf(':') + 1) || undefined;
  }
  return url.searchParams.get('api_token') ?? undefined;
}
