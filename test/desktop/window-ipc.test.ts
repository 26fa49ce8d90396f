import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { LogPort } from '../../src/base/log.ts';
import type { Answer } from '../../src/contract/shell.ts';
import { APP_URL, CHANNELS } from '../../src/desktop/channels.ts';
import type { WindowIpcOptions } from '../../src/desktop/window-ipc.ts';
import { ChosenPaths } from '../../src/shell/chosen-paths.ts';
import { ScriptedEngine } from '../cli/support/scripted-engine.ts';

type Handler = (event: unknown, ...args: unknown[]) => unknown;

/** Electron's end of the channels, for who is to be heard and who is not. */
const electron = vi.hoisted(() => ({
  handlers: new Map<string, (event: unknown, ...args: unknown[]) => unknown>(),
}));
vi.mock('electron', () => ({
  ipcMain: {
    handle: (channel: string, handler: Handler) => electron.handlers.set(channel, handler),
    on: (channel: string, handler: Handler) => electron.handlers.set(channel, handler),
    removeHandler: (channel: string) => electron.handlers.delete(channel),
    removeAllListeners: (channel: string) => electron.handlers.delete(channel),
  },
  protocol: {},
}));

const { WindowIpc } = await import('../../src/desktop/window-ipc.ts');

const frame = (change: object = {}) => ({ routingId: 1, processId: 7, url: APP_URL, ...change });
const contents = {
  mainFrame: frame(),
  isDestroyed: () => false,
  send: (...sent: unknown[]) => world.sent.push(sent),
};

let world: {
  engine: ScriptedEngine;
  sent: unknown[][];
  warnings: string[];
  present: typeof contents | undefined;
  calls: string[];
  ipc: InstanceType<typeof WindowIpc>;
};

beforeEach(() => {
  const engine = new ScriptedEngine();
  const warnings: string[] = [];
  const calls: string[] = [];
  const log: LogPort = { log: (_level, message) => warnings.push(message) };
  const options = {
    host: engine,
    shell: {
      copyText: ({ text }: { text: string }) => {
        calls.push(text);
        return { ok: true as const };
      },
    },
    paths: new ChosenPaths(async () => []),
    contents: () => world.present,
    log,
  } as unknown as WindowIpcOptions;
  world = {
    engine,
    sent: [],
    warnings,
    calls,
    present: contents,
    ipc: new WindowIpc(options),
  };
});

const send = (channel: string, event: unknown, ...args: unknown[]) => {
  const handler = electron.handlers.get(channel);
  if (handler === undefined) {
    throw new Error(`nobody listens on ${channel}`);
  }
  return handler(event, ...args);
};
const ours = { sender: contents, senderFrame: contents.mainFrame };

const STRANGERS: ReadonlyArray<readonly [string, unknown]> = [
  ['another window', { sender: { ...contents }, senderFrame: frame() }],
  ['a frame inside our page', { sender: contents, senderFrame: frame({ routingId: 2 }) }],
  ['a frame of another process', { sender: contents, senderFrame: frame({ processId: 8 }) }],
  [
    'our window after it was led elsewhere',
    { sender: contents, senderFrame: frame({ url: 'https://evil.example.org/' }) },
  ],
  [
    'a page that only looks like ours',
    { sender: contents, senderFrame: frame({ url: 'keepsync://app.evil/' }) },
  ],
  ['a file on disk', { sender: contents, senderFrame: frame({ url: 'file:///keepsync://app/' }) }],
  ['a frame that is gone', { sender: contents, senderFrame: null }],
];

describe('messages of the window', () => {
  test('are answered to its own page', async () => {
    expect(await send(CHANNELS.run, ours, 'status.get', {})).toMatchObject({ ok: true });
    expect(await send(CHANNELS.shell, ours, 'copyText', { text: 'hi' })).toEqual({
      ok: true,
      value: { ok: true },
    });
    expect(world.calls).toEqual(['hi']);
    send(CHANNELS.subscribe, ours, 'activity');
    expect(world.engine.events.listenerCount('activity')).toBe(1);
    send(CHANNELS.unsubscribe, ours, 'activity');
    expect(world.engine.events.listenerCount('activity')).toBe(0);
  });

  test.each(STRANGERS)('of %s are refused on every channel, and logged', async (_who, event) => {
    for (const [channel, args] of [
      [CHANNELS.run, ['status.get', {}]],
      [CHANNELS.shell, ['copyText', { text: 'hi' }]],
    ] as const) {
      const answer = (await send(channel, event, ...args)) as Answer;
      expect(answer).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
    }
    expect(await send(CHANNELS.acceptDrop, event, '/')).toBeNull();
    send(CHANNELS.subscribe, event, 'activity');
    expect(world.engine.events.listenerCount('activity')).toBe(0);
    send(CHANNELS.subscribe, ours, 'activity');
    send(CHANNELS.unsubscribe, event, 'activity');
    expect(world.engine.events.listenerCount('activity')).toBe(1);
    expect(world.engine.calls).toEqual([]);
    expect(world.calls).toEqual([]);
    expect(world.warnings).toHaveLength(5);
  });

  test('are refused while there is no window', async () => {
    world.present = undefined;
    expect(await send(CHANNELS.run, ours, 'status.get', {})).toMatchObject({ ok: false });
  });

  test.each([
    ['no.such', {}],
    ['constructor', {}],
    ['__proto__', {}],
    ['settings.set', { network: { retries: 'many' } }],
    ['files.list', null],
    [['status.get'], 7],
    [undefined, undefined],
  ])('that make no sense (%j) are USAGE, and nothing is run', async (name, input) => {
    expect(await send(CHANNELS.run, ours, name, input)).toMatchObject({
      ok: false,
      error: { code: 'USAGE' },
    });
    expect(await send(CHANNELS.shell, ours, name, input)).toMatchObject({
      ok: false,
      error: { code: 'USAGE' },
    });
    expect(world.engine.calls).toEqual([]);
  });

  test('an error goes without stack and details', async () => {
    world.engine.answers['status.get'] = () => {
      throw Object.assign(new Error('inside'), { secret: 'x' });
    };
    const answer = (await send(CHANNELS.run, ours, 'status.get', {})) as Answer;
    expect(answer).toEqual({
      ok: false,
      error: { code: 'INTERNAL', name: 'KeepsyncError', message: 'inside' },
    });
  });

  test('only a folder counts as dropped', async () => {
    expect(await send(CHANNELS.acceptDrop, ours, 'relative')).toBeNull();
    expect(await send(CHANNELS.acceptDrop, ours, ['/'])).toBeNull();
    expect(await send(CHANNELS.acceptDrop, ours, '/no/such/folder')).toBeNull();
    expect(await send(CHANNELS.acceptDrop, ours, import.meta.filename)).toBeNull();
    expect(await send(CHANNELS.acceptDrop, ours, import.meta.dirname)).toBe(import.meta.dirname);
  });
});
