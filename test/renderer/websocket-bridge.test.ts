import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import { BridgeError } from '../../renderer/bridge.ts';
import { WebSocketBridge } from '../../renderer/websocket-bridge.ts';
import { type ProtocolReply, type ProtocolRequest, requestSchema } from '../../src/contract/protocol.ts';
import { CLOSE_WRONG_KEY } from '../../src/contract/window-page.ts';

const KEY = 'the-key';

/** The owner's end, as far as these tests need it. */
class Owner {
  readonly requests: ProtocolRequest[] = [];
  readonly sockets = new Set<ServerSocket>();
  readonly #server: WebSocketServer;

  constructor(port = 0) {
    this.#server = new WebSocketServer({ host: '127.0.0.1', port });
    this.#server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('message', (data) => this.#answer(socket, requestSchema.parse(JSON.parse(String(data)))));
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  async listening(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.once('listening', resolve));
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/socket`;
  }

  send(reply: ProtocolReply): void {
    for (const socket of this.sockets) {
      socket.send(JSON.stringify(reply));
    }
  }

  drop(): void {
    for (const socket of this.sockets) {
      socket.terminate();
    }
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(socket: ServerSocket, request: ProtocolRequest): void {
    this.requests.push(request);
    const result = (value: unknown) =>
      socket.send(JSON.stringify({ type: 'result', id: request.id, result: value }));
    if (request.type === 'hello') {
      if (request.key !== KEY) {
        socket.close(CLOSE_WRONG_KEY);
        return;
      }
      result({ protocol: 1, version: '0.1.0', owner: 'daemon', pid: 1, offers: ['copyText'] });
    } else if (request.type === 'run' && request.command === 'folders.retry') {
      const error = { code: 'FORBIDDEN', name: 'KeepsyncError', message: 'No', requestId: 'req-1' };
      socket.send(JSON.stringify({ type: 'error', id: request.id, error }));
    } else if (request.type === 'run' && request.command === 'folders.rescan') {
      // never answered
    } else {
      result(request.type === 'run' ? { command: request.command, input: request.input } : null);
    }
  }
}

const open: { close(): void | Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) {
    await each.close();
  }
});

async function connected(key = KEY): Promise<{ owner: Owner; bridge: WebSocketBridge }> {
  const owner = new Owner();
  const url = await owner.listening();
  const bridge = new WebSocketBridge(url, key);
  open.push(bridge, owner);
  await bridge.ready;
  return { owner, bridge };
}

test('says hello with the key first, and offers what the owner offers', async () => {
  const { owner, bridge } = await connected();
  expect(owner.requests).toEqual([{ type: 'hello', id: 1, protocol: 1, key: KEY }]);
  expect(Object.keys(bridge.shell)).toEqual(['copyText']);
  expect(bridge.connection.state()).toBe('open');
});

test('a command is answered, and a refusal keeps its code and request id', async () => {
  const { bridge } = await connected();
  expect(await bridge.run('settings.get', {})).toEqual({ command: 'settings.get', input: {} });
  const refusal = await bridge.run('folders.retry', {}).catch((thrown: unknown) => thrown);
  expect(refusal).toBeInstanceOf(BridgeError);
  expect(refusal).toMatchObject({ code: 'FORBIDDEN', message: 'No', requestId: 'req-1', action: null });
});

test('a shell call goes as a command of its own name', async () => {
  const { bridge } = await connected();
  expect(await bridge.shell.copyText?.({ text: 'x' })).toEqual({
    command: 'shell.copyText',
    input: { text: 'x' },
  });
});

test('a wrong key is refused for good', async () => {
  const { owner, bridge } = await connected('wrong');
  expect(bridge.connection.state()).toBe('refused');
  expect(owner.requests).toHaveLength(1);
});

test('subscribes once for any number of listeners, and again after a broken connection', async () => {
  const { owner, bridge } = await connected();
  const seen: unknown[] = [];
  const stop = bridge.subscribe('activity', (row) => seen.push(row));
  bridge.subscribe('activity', (row) => seen.push(row));
  await bridge.run('settings.get', {});
  expect(owner.requests.filter((request) => request.type === 'subscribe')).toHaveLength(1);
  const back = new Promise<void>((resolve) => {
    const stopWatching = bridge.connection.subscribe(() => {
      if (bridge.connection.state() === 'open') {
        stopWatching();
        resolve();
      }
    });
  });
  owner.drop();
  await back;
  await bridge.run('settings.get', {});
  expect(owner.requests.filter((request) => request.type === 'subscribe')).toHaveLength(2);
  stop();
  owner.send({ type: 'event', event: 'activity', payload: { seq: 1 } });
  await expect.poll(() => seen).toEqual([{ seq: 1 }]);
});

test('subscribes before anybody who hears that the connection is back can ask', async () => {
  const { owner, bridge } = await connected();
  bridge.subscribe('status', () => undefined);
  bridge.connection.subscribe(() => {
    if (bridge.connection.state() === 'open') {
      bridge.run('status.get', {}).catch(() => undefined);
    }
  });
  await bridge.run('settings.get', {});
  owner.requests.length = 0;
  owner.drop();
  await expect
    .poll(() => owner.requests.map((request) => request.type))
    .toEqual(['hello', 'subscribe', 'run']);
});

test('what is under way when the connection breaks is rejected as offline', async () => {
  const { owner, bridge } = await connected();
  const asked = bridge.run('folders.rescan', {}).catch((thrown: unknown) => thrown);
  await expect.poll(() => owner.requests.length).toBe(2);
  owner.drop();
  expect(await asked).toMatchObject({ code: 'OFFLINE' });
});
