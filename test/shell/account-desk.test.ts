import { afterEach, describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import type { LocalCluster } from '../../src/cluster/cluster-options.ts';
import { defaultSettings, settingsSchema } from '../../src/contract/settings.ts';
import type { StatusSnapshot } from '../../src/contract/status.ts';
import type { Connection } from '../../src/engine/connection.ts';
import type { Pair } from '../../src/engine/ports.ts';
import { AccountDesk, type AccountDeskPorts } from '../../src/shell/account-desk.ts';
import { memoryTokenStore } from '../../src/shell/token-store.ts';
import { ScriptedEngine } from '../cli/support/scripted-engine.ts';
import { someConfig } from '../status/make.ts';
import { ManualClock } from '../support/manual-clock.ts';

const HOST = 'zzzzz.example.org';
const TOKEN = `v2/zzzzz-gj3su-000000000000001/${'s3cret'.repeat(8)}`;

const desks: AccountDesk[] = [];

afterEach(async () => {
  for (const desk of desks.splice(0)) {
    await desk.close({ finish: false });
  }
});

function world(part: Partial<AccountDeskPorts> = {}) {
  const clock = new ManualClock();
  const tokens = memoryTokenStore();
  let stored = defaultSettings;
  const opened: Connection[] = [];
  const engines: ScriptedEngine[] = [];
  const hidden: string[] = [];
  const held: string[] = [];
  const pairs: Pair[] = [];
  const events: string[] = [];
  const settings = {
    get: () => stored,
    set: (change: object) => {
      stored = settingsSchema.parse({ ...stored, ...change });
      return stored;
    },
  };
  let openFails: KeepsyncError | undefined;
  const desk = new AccountDesk({
    owner: 'desktop',
    version: '0.1.0',
    clock,
    log: silentLog,
    settings,
    tokens,
    pairs: { load: async () => pairs },
    openHeld: async (hold) => {
      held.push(hold.code);
      const engine = new ScriptedEngine();
      engines.push(engine);
      return { engine, close: (how) => engine.close(how) };
    },
    hide: (token) => hidden.push(token),
    openEngine: async (connection) => {
      if (openFails !== undefined) {
        throw openFails;
      }
      opened.push(connection);
      const engine = new ScriptedEngine();
      engines.push(engine);
      return { engine, close: (how) => engine.close(how) };
    },
    startCluster: async () => {
      events.push('cluster started');
      return {
        apiHost: 'localhost:4000',
        token: TOKEN,
        caFile: '/ca.pem',
        close: async () => {
          events.push('cluster closed');
        },
      } as unknown as LocalCluster;
    },
    ambient: async () => ({ host: 'env.example.org', token: TOKEN, insecure: true, origin: 'environment' }),
    ambientCaFile: null,
    whoAmI: async () => undefined,
    onStop: (how) => events.push(`stop ${how}`),
    ...part,
  });
  desks.push(desk);
  const seen: StatusSnapshot[] = [];
  desk.subscribe('status', (snapshot) => seen.push(snapshot));
  return {
    desk,
    clock,
    tokens,
    settings,
    opened,
    engines,
    hidden,
    held,
    pairs,
    events,
    seen,
    failOpening: (error: KeepsyncError | undefined) => {
      openFails = error;
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const withToken = { how: 'token', host: HOST, token: TOKEN } as const;

describe('an owner without an account', () => {
  test('says so, answers what it can, and refuses the rest', async () => {
    const { desk, seen } = world();
    await desk.start();
    expect(seen.at(-1)?.verdict.sentence).toBe('Not signed in');
    expect(await desk.run('folders.list', {})).toEqual([]);
    expect((await desk.run('settings.get', {})).startAtLogin).toBe(false);
    await expect(desk.run('folders.pause', {})).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    expect(() => desk.connection()).toThrow(expect.objectContaining({ code: 'NOT_SIGNED_IN' }));
  });

  test('tells whoever asks it to stop', async () => {
    const { desk, events } = world();
    await desk.run('owner.stop', { how: 'finish' });
    expect(events).toEqual(['stop finish']);
  });
});

describe('signing in', () => {
  test('asks the cluster, keeps the token for its host, and opens the engine', async () => {
    const { desk, opened, tokens, settings, hidden, engines, seen } = world();
    await desk.start();
    await desk.signIn(withToken);
    expect(seen.at(-1)?.account.host).not.toBeNull();
    expect(opened).toMatchObject([{ host: HOST, token: TOKEN, insecure: false, local: false }]);
    expect(engines[0]?.calls).toContain('start');
    expect(await tokens.read(HOST)).toBe(TOKEN);
    expect(await tokens.read('other.example.org')).toBeUndefined();
    expect(settings.get().account.host).toBe(HOST);
    expect(JSON.stringify(settings.get())).not.toContain(TOKEN);
    expect(hidden).toContain(TOKEN);
    expect(desk.connection().host).toBe(HOST);
  });

  test('changes nothing where the cluster refuses the token', async () => {
    const { desk, opened, tokens, settings } = world({
      whoAmI: async () => {
        throw new KeepsyncError('NOT_SIGNED_IN', 'no such token');
      },
    });
    await desk.start();
    await expect(desk.signIn(withToken)).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    expect(opened).toEqual([]);
    expect(await tokens.read(HOST)).toBeUndefined();
    expect(settings.get().account.host).toBeNull();
  });

  test('as somebody else closes the engine first, and revisions go on growing', async () => {
    const { desk, engines, seen } = world();
    await desk.start();
    await desk.signIn(withToken);
    const first = engines[0];
    first?.events.emit('status', await desk.run('status.get', {}));
    await desk.signIn({ how: 'environment' });
    expect(first?.calls.at(-1)).toBe('close now');
    expect(desk.connection()).toMatchObject({ host: 'env.example.org', insecure: true });
    engines[1]?.events.emit('status', { ...engines[1].fold.snapshot(0), revision: 2 });
    const revisions = seen.map((snapshot) => snapshot.revision);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    // whoever is gone is not heard any more
    const before = seen.length;
    first?.events.emit('status', first.fold.snapshot(0));
    expect(seen).toHaveLength(before);
  });

  test('on this computer starts the cluster, and ends it with the account', async () => {
    const { desk, opened, events } = world();
    await desk.start();
    await desk.signIn({ how: 'local' });
    expect(opened).toMatchObject([{ host: 'localhost:4000', caFile: '/ca.pem', local: true }]);
    await desk.signOut();
    expect(events).toEqual(['cluster started', 'cluster closed']);
  });

  test('takes no token where a host belongs, and repeats none', async () => {
    const { desk } = world();
    const wrong = desk.signIn({ how: 'token', host: TOKEN, token: 'x' });
    await expect(wrong).rejects.toMatchObject({ code: 'USAGE', message: expect.not.stringContaining(TOKEN) });
  });
});

describe('signing out', () => {
  test('forgets the token and closes the engine', async () => {
    const { desk, tokens, engines, seen } = world();
    await desk.start();
    await desk.signIn(withToken);
    await desk.signOut();
    expect(await tokens.read(HOST)).toBeUndefined();
    expect(engines[0]?.calls.at(-1)).toBe('close now');
    expect(seen.at(-1)?.account.host).toBeNull();
  });
});

test('signing out forgets the token even where the cluster does not end, and shows that nobody is signed in', async () => {
  const { desk, tokens, settings, seen } = world({
    startCluster: async () => ({
      apiHost: 'localhost:4000',
      token: TOKEN,
      caFile: '/ca.pem',
      env: () => ({}),
      close: async () => {
        throw new KeepsyncError('INTERNAL', 'does not end');
      },
    }),
  });
  await desk.signIn({ how: 'local' });
  await expect(desk.signOut()).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(await tokens.read('localhost:4000')).toBeUndefined();
  expect(settings.get().account).toMatchObject({ host: null, local: false });
  expect(seen.at(-1)?.account.host).toBeNull();
});

describe('a start on a profile', () => {
  const before = { account: { ...defaultSettings.account, host: HOST } };

  test('opens the engine with the token that is kept', async () => {
    const { desk, opened, tokens, settings } = world();
    settings.set(before);
    await tokens.write(HOST, TOKEN);
    await desk.start();
    expect(opened).toMatchObject([{ host: HOST, token: TOKEN }]);
  });

  test('asks to sign in where the token is gone', async () => {
    const { desk, seen, settings } = world();
    settings.set(before);
    await desk.start();
    expect(seen.at(-1)?.problems).toMatchObject([{ code: 'NOT_SIGNED_IN' }]);
    expect(seen.at(-1)?.tray).toBe('error');
  });

  test('tries again by itself while the cluster is away, and at once when asked', async () => {
    const { desk, seen, settings, tokens, clock, opened, failOpening } = world();
    settings.set(before);
    await tokens.write(HOST, TOKEN);
    failOpening(new KeepsyncError('OFFLINE', 'no answer'));
    await desk.start();
    expect(seen.at(-1)).toMatchObject({ tray: 'offline', account: { host: HOST, connected: false } });
    clock.advance(30_000);
    await settled();
    expect(opened).toEqual([]);
    failOpening(undefined);
    clock.advance(30_000);
    await settled();
    expect(opened).toHaveLength(1);
    expect(clock.timerCount).toBe(0);
  });

  test('the network coming back does not wait for the next try', async () => {
    const { desk, settings, tokens, opened, failOpening } = world();
    settings.set(before);
    await tokens.write(HOST, TOKEN);
    failOpening(new KeepsyncError('OFFLINE', 'no answer'));
    await desk.start();
    failOpening(undefined);
    await desk.refresh();
    await settled();
    expect(opened).toHaveLength(1);
  });
});

const somePair = (): Pair => ({
  publicId: 'pair01',
  createId: 'create01',
  clusterId: 'zzzzz',
  config: someConfig('run7'),
});

describe('a profile with folders, and nobody to sign in', () => {
  const before = { account: { ...defaultSettings.account, host: HOST } };

  test('shows the folders as they were left, and why they rest', async () => {
    const { desk, held, pairs, settings } = world();
    pairs.push(somePair());
    settings.set(before);
    await desk.start();
    expect(held).toEqual(['NOT_SIGNED_IN']);
    expect(() => desk.connection()).toThrow(expect.objectContaining({ code: 'NOT_SIGNED_IN' }));
  });

  test('after signing out, too', async () => {
    const { desk, held, pairs } = world();
    pairs.push(somePair());
    await desk.start();
    expect(held).toEqual(['NOT_SIGNED_IN']);
    await desk.signIn(withToken);
    await desk.signOut();
    expect(held).toEqual(['NOT_SIGNED_IN', 'NOT_SIGNED_IN']);
  });

  test('what only shows them makes place for what keeps them when somebody signs in', async () => {
    const { desk, engines, pairs, opened } = world();
    pairs.push(somePair());
    await desk.start();
    await desk.signIn(withToken);
    expect(engines[0]?.calls.at(-1)).toBe('close now');
    expect(opened).toMatchObject([{ host: HOST }]);
    expect(engines[1]?.calls).toContain('start');
  });

  test('a retry asks the cluster before it takes the folders out of sight', async () => {
    let isThere = false;
    const { desk, engines, pairs, settings, tokens, opened, held, failOpening } = world({
      whoAmI: async () => {
        if (!isThere) {
          throw new KeepsyncError('OFFLINE', 'no answer');
        }
      },
    });
    pairs.push(somePair());
    settings.set(before);
    await tokens.write(HOST, TOKEN);
    failOpening(new KeepsyncError('OFFLINE', 'no answer'));
    await desk.start();
    await desk.run('folders.retry', {});
    await settled();
    expect(engines.map((engine) => engine.calls.filter((call) => call.startsWith('close')))).toEqual([[]]);
    isThere = true;
    failOpening(undefined);
    await desk.run('folders.retry', {});
    await settled();
    expect(held).toEqual(['OFFLINE']);
    expect(opened).toHaveLength(1);
  });

  test('are told by name even where the journal cannot be read', async () => {
    const { desk, pairs, seen } = world({
      openHeld: async () => {
        throw new KeepsyncError('JOURNAL', 'no');
      },
    });
    pairs.push(somePair());
    await desk.start();
    expect(seen.at(-1)?.folders).toMatchObject([{ id: 'pair01', name: 'run7', phase: 'blocked' }]);
    expect(await desk.run('folders.list', {})).toMatchObject([{ id: 'pair01', percentSaved: null }]);
  });
});

describe('the cluster of this computer', () => {
  test('is started again with the profile that is signed in to it, wherever it listens now', async () => {
    const { desk, settings, opened, events } = world();
    settings.set({ account: { ...defaultSettings.account, host: 'localhost:3999', local: true } });
    await desk.start();
    expect(events).toEqual(['cluster started']);
    expect(opened).toMatchObject([{ host: 'localhost:4000', local: true }]);
    expect(settings.get().account).toMatchObject({ host: 'localhost:4000', caFile: '/ca.pem' });
  });

  test('can be chosen before the start; meanwhile it starts, and nobody is asked to sign in', async () => {
    const { desk, opened, seen } = world({ preferred: async () => undefined });
    desk.chooseLocal();
    await desk.start();
    expect(seen[0]).toMatchObject({
      account: { local: true },
      verdict: { sentence: 'Starting' },
      problems: [],
    });
    expect(opened).toMatchObject([{ host: 'localhost:4000', local: true }]);
  });

  test('is never chosen over an account', async () => {
    const { desk, settings } = world();
    settings.set({ account: { ...defaultSettings.account, host: HOST } });
    expect(() => desk.chooseLocal()).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(settings.get().account.local).toBe(false);
  });
});

describe('closing', () => {
  test('saves first where that was asked, and leaves no timer', async () => {
    const { desk, engines, clock } = world();
    await desk.start();
    await desk.signIn(withToken);
    await desk.close({ finish: true });
    await desk.close({ finish: false });
    expect(engines[0]?.calls.filter((call) => call.startsWith('close'))).toEqual(['close finish']);
    expect(clock.timerCount).toBe(0);
  });
});
