import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { BlockFolder } from './block-folder.ts';
import { closeServer, listen, prepareServer } from './http-listening.ts';
import { KeepRequests } from './keep-requests.ts';
import type { KeepServerPorts, KeepServerSettings } from './keep-settings.ts';

export interface KeepServer {
  readonly port: number;
  /** Brings what was stored to the platter, where the policy is `onSave`. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a Keep server. Throws USAGE where the port is taken. */
export async function startKeepServer(
  settings: KeepServerSettings,
  ports: KeepServerPorts,
): Promise<KeepServer> {
  const folder = new BlockFolder(settings.folder, { quotaBytes: settings.quotaBytes, fsync: settings.fsync });
  const handler = new KeepRequests(settings, ports, folder);
  const listener = (request: IncomingMessage, response: ServerResponse) => handler.handle(request, response);
  const server = settings.tls
    ? createHttpsServer({ key: settings.tls.keyPem, cert: settings.tls.certificatePem }, listener)
    : createHttpServer({ noDelay: true }, listener);
  prepareServer(server);
  await listen(server, settings.port, settings.host);
  return {
    port: (server.address() as AddressInfo).port,
    sync: () => folder.sync(),
    close: () => closeServer(server),
  };
}
