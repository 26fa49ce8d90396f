import type { Server } from 'node:http';
import { KeepsyncError } from '../base/errors.ts';

/** A block may take minutes on a slow line, and an idle connection stays longer than a client's own keep-alive. */
export function prepareServer(server: Server): void {
  server.requestTimeout = 0;
  server.keepAliveTimeout = 65_000;
}

export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'EADDRINUSE'
          ? new KeepsyncError('USAGE', `Port ${port} on ${host} is taken by another program`, {
              action: 'Close that program, or choose another port for the local cluster',
              info: { port, host },
              cause,
            })
          : cause,
      );
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
