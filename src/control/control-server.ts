import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { makePrivateDir, PRIVATE_FILE_MODE } from '../base/durable-file.ts';
import { ControlConnection } from './control-connection.ts';
import type { ControlHost } from './protocol-session.ts';

/** Windows, web pages and commands of one person: far more than ever needed, and a bound. */
const CONNECTIONS_MAX = 64;

/** The owner's end of the control socket (see contract/protocol.ts). Only its user can open it. */
export class ControlServer {
  readonly #server: Server;
  readonly #connections: Set<ControlConnection>;

  private constructor(server: Server, connections: Set<ControlConnection>) {
    this.#server = server;
    this.#connections = connections;
  }

  /** Listens at `socketPath`. Whoever calls this holds the profile's lock, so what lies there is a leftover. */
  static async listen(socketPath: string, options: ControlHost): Promise<ControlServer> {
    const isPipe = socketPath.startsWith('\\\\');
    if (!isPipe) {
      await makePrivateDir(dirname(socketPath));
      await rm(socketPath, { force: true });
    }
    const connections = new Set<ControlConnection>();
    const server = createServer((socket) => {
      const connection = new ControlConnection(socket, options);
      connections.add(connection);
      socket.once('close', () => connections.delete(connection));
    });
    server.maxConnections = CONNECTIONS_MAX;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // the socket is bound within this call: nobody else can open it, not even until the chmod below
      const before = process.umask(0o177);
      try {
        server.listen(socketPath, () => resolve());
      } finally {
        process.umask(before);
      }
    });
    if (!isPipe) {
      await chmod(socketPath, PRIVATE_FILE_MODE);
    }
    return new ControlServer(server, connections);
  }

  /** Ends all connections; the socket's file goes with it. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) {
      connection.destroy();
    }
    await closed;
  }
}
