import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { REQUEST_MAX_BYTES } from '../../src/contract/protocol.ts';
import { ControlClient } from '../../src/control/control-client.ts';
import { ControlServer } from '../../src/control/control-server.ts';
import { LineSplitter } from '../../src/control/lines.ts';
import { NOW_MS } from '../status/make.ts';
import { until } from './support/cli-world.ts';
import { ScriptedEngine } from './support/scripted-engine.ts';

const KEY = 'the-key-of-this-profile';
let dir: string;
let path: string;
let engine: ScriptedEngine;
let server: ControlServer;
const clients: ControlClient[] = [];
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'keepsync-control-'));
  path = join(dir, 'control.sock');
  engine = new ScriptedEngine();
  server = await ControlServer.listen(path, {
    host: engine,
    key: KEY,
    hello: { version: '0.1.0', owner: 'daemon', pid: 42 },
    clock: systemClock,
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) {
    client.close();
  }
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function client(key = KEY): Promise<ControlClient> {
  const connected = await ControlClient.connect(path, key, systemClock);
  clients.push(connected);
  return connected;
}

/** Sends raw text and resolves with everything that came back until the end. */
function raw(...chunks: Array<string | Uint8Array>): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', (thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ECONNRESET' && thrown.code !== 'EPIPE') {
        reject(thrown);
      }
    });
    for (const chunk of chunks) {
      socket.write(chunk);
    }
  });
}
const hello = JSON.stringify({ type: 'hello', id: 1, protocol: 1, key: KEY });

describe('the control socket', () => {
  test('can be opened by its user only', () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('answers commands with what the contract says, each to its own request', async () => {
    const one = await client();
    expect(one.hello).toEqual({ protocol: 1, version: '0.1.0', owner: 'daemon', pid: 42 });
    engine.answers['folders.retry'] = async ({ folderId }) => {
      await new Promise((resolve) => setTimeout(resolve, folderId === 'slow' ? 50 : 0));
      return { retried: folderId === 'slow' ? 1 : 2 };
    };
    const [slow, quick, status] = await Promise.all([
      one.run('folders.retry', { folderId: 'slow' }),
      one.run('folders.retry', { folderId: 'quick' }),
      one.run('status.get', {}),
    ]);
    expect([slow.retried, quick.retried, status.tray]).toEqual([1, 2, 'ready']);
    expect(engine.calls).toContain('folders.retry {"folderId":"slow","problemId":null}');
  });

  test('hands errors over with code, action and request id, without stack or inner facts', async () => {
    engine.answers['problems.list'] = () => {
      throw new KeepsyncError('BUSY', 'later', {
        action: 'Wait.',
        requestId: 'req-1',
        httpStatus: 503,
        info: { secret: 1 },
      });
    };
    const error = await (await client()).run('problems.list', {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'BUSY',
      message: 'later',
      action: 'Wait.',
      requestId: 'req-1',
      httpStatus: 503,
    });
    expect(error).toMatchObject({ info: undefined });
  });

  test('sends events to whoever subscribed, until they unsubscribe', async () => {
    const one = await client();
    const heard: number[] = [];
    const stop = one.subscribe('status', (snapshot) => heard.push(snapshot.atMs));
    await until('it is subscribed', () => engine.events.listenerCount('status') === 1);
    engine.events.emit('status', engine.fold.snapshot(NOW_MS));
    await until('it heard', () => heard.length === 1);
    stop();
    await until('it is unsubscribed', () => engine.events.listenerCount('status') === 0);
    expect(heard).toEqual([NOW_MS]);
  });

  test('a client that goes away leaves no listener behind', async () => {
    const one = await client();
    one.subscribe('activity', () => undefined);
    await until('it is subscribed', () => engine.events.listenerCount('activity') === 1);
    one.close();
    await until('it is gone', () => engine.events.listenerCount('activity') === 0);
  });

  test('a wrong key gets nothing', async () => {
    await expect(client('a-wrong-key')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const answer = await raw(`${JSON.stringify({ type: 'run', id: 1, command: 'status.get', input: {} })}\n`);
    expect(JSON.parse(answer)).toMatchObject({ type: 'error', id: null, error: { code: 'FORBIDDEN' } });
    expect(engine.calls).toEqual([]);
  });

  test('another version of the protocol is told so', async () => {
    const answer = await raw(`${JSON.stringify({ type: 'hello', id: 1, protocol: 99, key: KEY })}\n`);
    expect(JSON.parse(answer)).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining('99') },
    });
  });

  test.each([
    ['not JSON', 'hello?\n'],
    ['JSON of another kind', '[1,2,3]\n'],
    ['an HTTP request', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x0a])],
  ])('garbage (%s) ends the connection with an error and harms nobody', async (_what, text) => {
    const other = await client();
    const answer = await raw(text);
    expect(JSON.parse(answer.split('\n')[0] ?? '')).toMatchObject({
      type: 'error',
      error: { code: 'USAGE' },
    });
    expect((await other.run('status.get', {})).tray).toBe('ready');
  });

  test('garbage after hello ends it, too, and so does a line without an end', async () => {
    const afterHello = await raw(`${hello}\nnonsense\n`);
    expect(afterHello.trim().split('\n')).toHaveLength(2);
    const endless = await raw(`${hello}\n`, 'x'.repeat(REQUEST_MAX_BYTES + 1));
    expect(endless).toContain('TOO_LARGE');
  });

  test('a command that is none, or with a wrong input, is refused and the connection stays', async () => {
    const one = await client();
    const ask = one.run as unknown as (name: string, input: unknown) => Promise<unknown>;
    // these are not in the contract: TypeScript would not let them through
    await expect(
      ask.call(one, 'constructor', {}).catch((thrown: unknown) => {
        throw thrown;
      }),
    ).rejects.toBeInstanceOf(Error);
    await expect(ask.call(one, 'folders.rescan', { folderId: 7 })).rejects.toMatchObject({ code: 'USAGE' });
    expect((await one.run('status.get', {})).tray).toBe('ready');
  });

  test('an answer that is not what the contract says is not believed', async () => {
    engine.answers['folders.retry'] = () => ({ retried: 'many' }) as unknown as { retried: number };
    await expect((await client()).run('folders.retry', {})).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  });

  test('when the owner ends, whoever waits hears of it', async () => {
    const one = await client();
    let ended: KeepsyncError | undefined;
    one.onEnd((error) => {
      ended = error;
    });
    engine.answers['problems.list'] = () => new Promise(() => undefined);
    const waiting = one.run('problems.list', {});
    await until('it was asked', () => engine.calls.length === 1);
    await server.close();
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' });
    expect(ended?.code).toBe('CLOSED');
    await expect(one.run('status.get', {})).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('where nobody listens it is OFFLINE', async () => {
    await expect(ControlClient.connect(join(dir, 'none.sock'), KEY, systemClock)).rejects.toMatchObject({
      code: 'OFFLINE',
    });
  });

  test('a reader that lags gets the newest status when it wakes up, not every one', async () => {
    const socket = connect(path);
    let text = '';
    socket.pause();
    socket.write(`${hello}\n${JSON.stringify({ type: 'subscribe', id: 2, event: 'status' })}\n`);
    await until('it is subscribed', () => engine.events.listenerCount('status') === 1);
    const snapshot = engine.fold.snapshot(NOW_MS);
    const large = { ...snapshot, verdict: { sentence: 'x'.repeat(1_000_000), detail: '' } };
    for (let revision = 1; revision <= 50; revision += 1) {
      engine.events.emit('status', { ...large, revision });
    }
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.resume();
    await until('it has the newest', () => text.includes('"revision":50'));
    expect(text.match(/"revision":/g)?.length).toBeLessThan(20);
    socket.destroy();
  });
});

describe('lines', () => {
  test('come out as they went in, however the bytes were cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }).map((line) => line.replaceAll('\n', ' '))),
        fc.array(fc.nat(20)),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const splitter = new LineSplitter(10_000);
          const got: string[] = [];
          let position = 0;
          for (const cut of cuts) {
            got.push(...splitter.push(bytes.subarray(position, position + cut)));
            position = Math.min(bytes.length, position + cut);
          }
          got.push(...splitter.push(bytes.subarray(position)));
          expect(got).toEqual(lines.map((line) => Buffer.from(line).toString('utf8')));
        },
      ),
    );
  });
});
