import type { ArvadosApi } from './arvados-api.ts';
import { listenToEvents } from './event-socket.ts';
import type { RemoteEventPorts } from './events.ts';
import { changesSince, newestLogId } from './log-poller.ts';

/** Events of one account. `token` is the one that `api` has: the web socket needs it by itself. */
export function remoteEventPorts(api: ArvadosApi, token: string): RemoteEventPorts {
  const { client } = api;
  return {
    socketUrl: async (signal) => (await api.discovery(signal)).websocketUrl || undefined,
    listen: (options) => listenToEvents({ ...options, token, tls: client.tls, clock: client.clock }),
    newestLogId: (signal) => newestLogId(client, signal),
    changesSince: (afterId, signal) => changesSince(client, afterId, signal),
  };
}
