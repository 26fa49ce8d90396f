import { ACCOUNT_ROUTES } from './account-endpoints.ts';
import { notLoggedIn } from './api-error.ts';
import { COLLECTION_ROUTES } from './collection-endpoints.ts';
import { discoveryDocument } from './discovery.ts';
import type { EndpointInput } from './endpoint-types.ts';
import { GROUP_ROUTES } from './group-endpoints.ts';
import type { JsonObject } from './json.ts';
import { OPEN_ROUTES } from './open-endpoints.ts';

/** Throws ApiError; 401 where a token is needed and missing or wrong. */
type Answer = (input: EndpointInput) => JsonObject | Promise<JsonObject>;

interface Route {
  readonly verb: string;
  readonly pattern: readonly string[];
  readonly answer: Answer;
}

const BELOW_API = ['arvados', 'v1'];

/** The first that matches counts, so a fixed path stands before one with `:uuid` in its place. */
const ROUTES: readonly Route[] = [
  route('GET discovery/v1/apis/arvados/v1/rest', [], ({ context, request }) =>
    discoveryDocument(context, { host: request.host }),
  ),
  ...Object.entries(OPEN_ROUTES).map(([text, answer]) => route(text, BELOW_API, answer)),
  ...Object.entries({ ...ACCOUNT_ROUTES, ...COLLECTION_ROUTES, ...GROUP_ROUTES }).map(([text, handler]) =>
    route(text, BELOW_API, (input) => {
      const { caller } = input;
      if (!caller) {
        throw notLoggedIn();
      }
      return handler({ ...input, caller });
    }),
  ),
];

export interface FoundEndpoint {
  readonly uuid: string;
  readonly answer: Answer;
}

/** The endpoint for a path and method, or which methods the path would take; undefined where there is no such path. */
export function findEndpoint(
  method: string,
  path: readonly string[],
): FoundEndpoint | readonly string[] | undefined {
  const allowed: string[] = [];
  for (const { verb, pattern, answer } of ROUTES) {
    const uuid = matchPath(pattern, path);
    if (uuid === undefined) {
      continue;
    }
    if (verb === method || (verb === 'GET' && method === 'HEAD')) {
      return { uuid, answer };
    }
    allowed.push(verb);
  }
  return allowed.length > 0 ? allowed : undefined;
}

function route(text: string, below: readonly string[], answer: Answer): Route {
  const [verb = '', path = ''] = text.split(' ');
  return { verb, pattern: [...below, ...path.split('/')], answer };
}

/** The part that `:uuid` stands for, '' where the pattern has none, undefined where it does not match. */
function matchPath(pattern: readonly string[], path: readonly string[]): string | undefined {
  if (pattern.length !== path.length) {
    return undefined;
  }
  let uuid = '';
  for (const [index, part] of pattern.entries()) {
    if (part === ':uuid') {
      uuid = path[index] ?? '';
    } else if (part !== path[index]) {
      return undefined;
    }
  }
  return uuid;
}
