import http from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface TestProxy {
  /** `http://user:password@127.0.0.1:port`, if it asks for them. */
  readonly url: string;
  /** `CONNECT host:port` and `METHOD http://host/path`, with the credentials that came. */
  readonly seen: Array<{ readonly line: string; readonly credentials: string | undefined }>;
  close(): Promise<void>;
}

/** A small but real proxy: whatever host is asked for, it leads to a port of this computer. */
export async function startProxy(leadsTo: number, credentials = ''): Promise<TestProxy> {
  const seen: Array<{ line: string; credentials: string | undefined }> = [];
  const sockets = new Set<Socket>();
  const server = http.createServer((request, answer) => {
    seen.push({
      line: `${request.method} ${request.url}`,
      credentials: request.headers['proxy-authorization'],
    });
    const { pathname, search, host } = new URL(request.url ?? '');
    const onward = http.request(
      {
        port: leadsTo,
        host: '127.0.0.1',
        agent: false,
        method: request.method ?? 'GET',
        path: pathname + search,
        headers: { ...request.headers, host },
      },
      (given) => {
        answer.writeHead(given.statusCode ?? 502, given.headers);
        given.pipe(answer);
      },
    );
    onward.on('error', () => answer.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request, socket: Socket, head) => {
    seen.push({ line: `CONNECT ${request.url}`, credentials: request.headers['proxy-authorization'] });
    const onward = connect(leadsTo, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward);
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${credentials === '' ? '' : `${credentials}@`}127.0.0.1:${port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) {
          socket.destroy();
        }
      }),
  };
}
