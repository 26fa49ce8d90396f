import type { ExchangeAnswer } from './http-answer.ts';
import {
  type ExchangeEnvironment,
  type ExchangeRequest,
  httpExchange,
  StaleConnection,
} from './http-exchange.ts';
import type { ReadConnections } from './read-connections.ts';
import { NotPlain, type ReadRequest, readExchange } from './read-exchange.ts';

/** How the requests of one thread get to the servers. */
export interface ExchangeWays extends ExchangeEnvironment {
  /** For blocks that come in. */
  readonly connections: ReadConnections;
}

/**
 * One HTTP request and its answer, whatever its status. Redirects are answers like any other. Rejects with OFFLINE, TLS,
 * TIMEOUT, BAD_ANSWER, with what `receive` throws or with the signal's reason; in each case only once the connection has
 * let go of `body`.
 */
export async function exchange(request: ExchangeRequest, ways: ExchangeWays): Promise<ExchangeAnswer> {
  if (isRead(request)) {
    const answer = await onceMoreIfStale((isFresh) => read(request, isFresh, ways));
    if (answer !== undefined) {
      return answer;
    }
  }
  return await onceMoreIfStale((isFresh) => httpExchange(request, ways, isFresh));
}

function isRead(request: ExchangeRequest): request is ReadRequest {
  return request.method === 'GET' && request.receive !== undefined;
}

/** Undefined where Node's HTTP client has to ask. */
async function read(
  request: ReadRequest,
  isFresh: boolean,
  ways: ExchangeWays,
): Promise<ExchangeAnswer | undefined> {
  const { connections } = ways;
  const connection = connections.take(request.url, isFresh);
  if (connection === undefined) {
    return undefined;
  }
  try {
    return await readExchange(request, connection, connections, ways);
  } catch (thrown) {
    if (!(thrown instanceof NotPlain)) {
      throw thrown;
    }
    connections.leave(request.url);
    return undefined;
  }
}

/** A hung-up idle connection says nothing about the server, so it is no failed attempt: once more, on a new one. */
async function onceMoreIfStale<T>(attempt: (isFresh: boolean) => Promise<T>): Promise<T> {
  try {
    return await attempt(false);
  } catch (thrown) {
    if (!(thrown instanceof StaleConnection)) {
      throw thrown;
    }
    return await attempt(true);
  }
}
