import type { IncomingMessage } from 'node:http';
import { ApiError, badRequest } from './api-error.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';

/** Who asks. */
export interface Caller {
  readonly userUuid: string;
  readonly isAdmin: boolean;
  /** The string exactly as it was sent: block signatures are made for it. */
  readonly token: string;
  readonly tokenUuid: string;
}

/** A request as the endpoints see it: method override applied, body and query in one. */
export interface ApiRequest {
  readonly method: string;
  /** Below `/`, decoded, without empty parts: `['arvados', 'v1', 'users', 'current']`. */
  readonly path: readonly string[];
  /** Options: from the query, a form, or a JSON body beside the wrapped attributes. */
  readonly options: JsonObject;
  /** The JSON body, or the form, as it came; attributes are taken from it. */
  readonly body: JsonObject | undefined;
  readonly requestId: string;
  /** `host:port` that the client used. */
  readonly host: string;
  readonly isExternalClient: boolean;
}

const BOOLEAN_OPTIONS = new Set([
  'distinct',
  'ensure_unique_name',
  'include_old_versions',
  'include_trash',
  'recursive',
  'exclude_home_project',
  'bypass_federation',
]);

/** Reads a body of at most `limitBytes`. Throws ApiError 413 beyond, after letting the rest run out unread. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    const tooLarge = () => {
      pieces.length = 0;
      reject(new ApiError(413, `Request body is larger than ${limitBytes} bytes`));
    };
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
      request.resume();
      tooLarge();
      return;
    }
    request.on('data', (piece: Buffer) => {
      sizeBytes += piece.length;
      if (sizeBytes > limitBytes) {
        tooLarge();
      } else {
        pieces.push(piece);
      }
    });
    request.on('end', () => resolve(Buffer.concat(pieces)));
    request.on('error', reject);
    request.on('close', () => reject(new ApiError(400, 'Request cut short')));
  });
}

/** Puts a request together. Throws ApiError 400 for a body that cannot be read. */
export function parseRequest(
  request: IncomingMessage,
  url: URL,
  rawBody: Buffer,
  given: { requestId: string; host: string },
): ApiRequest {
  const query = formToJson(url.searchParams);
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  let body: JsonObject | undefined;
  let isForm = false;
  if (rawBody.length > 0) {
    isForm = contentType === 'application/x-www-form-urlencoded';
    body = isForm ? formToJson(new URLSearchParams(rawBody.toString('utf8'))) : parseJsonBody(rawBody);
  }
  const sent = request.method ?? 'GET';
  const named = body?._method ?? query._method ?? request.headers['x-http-method-override'];
  const method = sent === 'POST' && typeof named === 'string' ? named.toUpperCase() : sent;
  const { _method: _, api_token: __, alt: ___, ...fromQuery } = query;
  // the body of a JSON request holds options only beside wrapped attributes: `attributesOf` sorts that out
  const options = isForm || method === 'GET' ? { ...fromQuery, ...body } : fromQuery;
  return {
    method,
    path: url.pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodePart),
    options,
    body,
    requestId: given.requestId,
    host: given.host,
    isExternalClient: request.headers['x-external-client'] === '1',
  };
}

/**
 * The attributes of a record to make or change, and the options: attributes are either wrapped (`{"collection": {…},
 * "select": […]}`) or are the whole JSON body, option names included; those come from the query alone then.
 */
export function attributesOf(
  request: ApiRequest,
  wrapper: string,
): { attributes: JsonObject; options: JsonObject } {
  const { body } = request;
  const wrapped = body?.[wrapper] ?? request.options[wrapper];
  if (wrapped !== undefined && wrapped !== null) {
    const attributes = typeof wrapped === 'string' ? parseNested(wrapped, wrapper) : wrapped;
    if (!isJsonObject(attributes)) {
      throw badRequest(`${wrapper} must be an object`);
    }
    const { [wrapper]: _, ...beside } = { ...request.options, ...body };
    return { attributes, options: beside };
  }
  const { _method: _, api_token: __, alt: ___, ...attributes } = body ?? {};
  return { attributes, options: request.options };
}

function parseJsonBody(raw: Buffer): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(raw.toString('utf8'));
  } catch (thrown) {
    throw badRequest(
      `Invalid JSON in the request body: ${thrown instanceof Error ? thrown.message.slice(0, 100) : ''}`,
    );
  }
  if (!isJsonObject(value)) {
    throw badRequest('Request body is not a JSON object');
  }
  return value;
}

function parseNested(text: string, name: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(`Invalid JSON in ${name}`);
  }
}

/** Form values that look like JSON are JSON; an empty one and `null` are nothing. */
function formToJson(form: URLSearchParams): JsonObject {
  const result: Record<string, Json> = {};
  for (const [name, value] of form) {
    if (value === '' || value === 'null') {
      result[name] = null;
    } else if (BOOLEAN_OPTIONS.has(name)) {
      result[name] = !/^(?:0|f|false|no)$/i.test(value);
    } else if (/^[[{]/.test(value)) {
      result[name] = parseNested(value, name);
    } else {
      result[name] = value;
    }
  }
  return result;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest('Malformed path');
  }
}
