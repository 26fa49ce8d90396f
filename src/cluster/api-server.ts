import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { newRequestId } from '../base/random.ts';
import { ApiError, notFound } from './api-error.ts';
import { parseRequest, readBody } from './api-request.ts';
import { tokenOf } from './bearer-token.ts';
import type { ServerCertificate } from './certificate.ts';
import type { ClusterContext } from './cluster-context.ts';
import type { FaultHook } from './cluster-options.ts';
import { findEndpoint } from './endpoints.ts';
import { applyFault } from './faults.ts';
import { prepareServer } from './http-listening.ts';
import type { JsonObject } from './json.ts';
import { findCaller } from './users.ts';

/** The API over https, not listening yet. */
export function createApiServer(
  context: ClusterContext,
  certificate: ServerCertificate,
  onRequest: FaultHook | undefined,
): Server {
  const server = createServer({ key: certificate.keyPem, cert: certificate.certificatePem, noDelay: true });
  prepareServer(server);
  server.on('request', (request, response) => {
    void answer(context, onRequest, request, response);
  });
  // a client that breaks off its handshake (a probe, a wrong certificate) is its own business
  server.on('tlsClientError', (error) => {
    context.log.log('debug', 'A TLS handshake failed', { error: error.message });
  });
  return server;
}

async function answer(
  context: ClusterContext,
  onRequest: FaultHook | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const given = request.headers['x-request-id'];
  const requestId = typeof given === 'string' && given !== '' ? given : newRequestId();
  response.setHeader('X-Request-Id', requestId);
  try {
    const host = reachedHost(request);
    const url = new URL(request.url ?? '/', `https://${host}`);
    const fault = onRequest?.({
      server: 'api',
      serverIndex: 0,
      method: request.method ?? 'GET',
      path: url.pathname,
      requestId,
    });
    if (!(await applyFault(fault, request, response, context.clock))) {
      return;
    }
    const rawBody = await readBody(request, context.limits.maxRequestSize);
    const parsed = parseRequest(request, url, rawBody, { requestId, host });
    const endpoint = findEndpoint(parsed.method, parsed.path);
    if (endpoint === undefined) {
      throw notFound();
    }
    if (!('answer' in endpoint)) {
      response.setHeader('Allow', endpoint.join(', '));
      throw new ApiError(405, 'Method not allowed');
    }
    const inBody = parsed.body?.api_token;
    const token = tokenOf(request, url) ?? (typeof inBody === 'string' ? inBody : undefined);
    const caller = token === undefined ? undefined : findCaller(context, token);
    send(
      response,
      200,
      await endpoint.answer({ context, request: parsed, uuid: endpoint.uuid, caller }),
      request.method === 'HEAD',
    );
  } catch (thrown) {
    sendError(context, response, requestId, thrown);
  }
}

function sendError(
  context: ClusterContext,
  response: ServerResponse,
  requestId: string,
  thrown: unknown,
): void {
  const status = thrown instanceof ApiError ? thrown.status : 500;
  if (!(thrown instanceof ApiError)) {
    const error = thrown instanceof Error ? thrown.message : String(thrown);
    context.log.log('error', 'An API request failed', { requestId, error });
  }
  const text = thrown instanceof ApiError ? thrown.message : 'Internal error';
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const seconds = Math.floor(context.clock.nowMs() / 1000);
  // what a Rails server adds to the errors of records
  const errorToken = [403, 404, 422].includes(status)
    ? { error_token: `${seconds}+${requestId.slice(-8)}` }
    : {};
  if (status === 413) {
    response.setHeader('Connection', 'close');
  }
  send(response, status, { errors: [`${text} (${requestId})`], ...errorToken }, false);
}

function send(response: ServerResponse, status: number, body: JsonObject, isHead: boolean): void {
  const payload = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': payload.length,
  });
  response.end(isHead ? undefined : payload);
}

/** `host:port` as the client wrote it, if it is one of ours; else by the address the connection came in on. */
function reachedHost(request: IncomingMessage): string {
  const named = request.headers.host ?? '';
  const { localPort } = request.socket;
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(named)
    ? named
    : `localhost:${localPort ?? 443}`;
}
