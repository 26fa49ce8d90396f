import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { sleep } from '../base/clock.ts';
import type { Fault } from './cluster-options.ts';

/**
 * Does to a request what the fault says. Resolves to true when the request is to be handled as usual after it (a delay,
 * an answer that will be lost), to false when this was its end.
 */
export async function applyFault(
  fault: Fault | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  clock: Clock,
): Promise<boolean> {
  switch (fault?.kind) {
    case undefined:
      return true;
    case 'status':
      request.resume();
      response.writeHead(fault.status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ errors: [fault.message ?? `Injected ${fault.status}`] }));
      return false;
    case 'reset':
      request.socket.destroy();
      return false;
    case 'hang':
      request.resume();
      return false;
    case 'delay':
      await sleep(clock, fault.delayMs);
      return true;
    case 'hold':
      await Promise.allSettled([fault.until]);
      return true;
    case 'loseAnswer':
      loseAnswer(request, response);
      return true;
  }
}

/** From now on the handler speaks into nothing, and the connection ends where the answer would. */
function loseAnswer(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead = () => response;
  response.write = () => true;
  response.end = () => {
    request.socket.destroy();
    return response;
  };
}
