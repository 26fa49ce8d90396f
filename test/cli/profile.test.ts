import { fork } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { defaultSettings } from '../../src/contract/settings.ts';
import { openLogFiles } from '../../src/profile/log-files.ts';
import { OwnerLock, readOwner } from '../../src/profile/owner-lock.ts';
import { newPair, openPairStore } from '../../src/profile/pair-store.ts';
import { profilePaths } from '../../src/profile/profile-paths.ts';
import { openSettings } from '../../src/profile/settings-store.ts';
import { socketPath } from '../../src/profile/socket-path.ts';
import { TokenFile } from '../../src/profile/token-file.ts';
import { someConfig } from '../status/make.ts';

let dir: string;
let told: string[];
const tell = (message: string) => told.push(message);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keepsync-profile-'));
  told = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const path = (...parts: string[]) => join(dir, ...parts);

describe('where a profile lies', () => {
  const place = { platform: 'linux' as const, env: {}, home: '/home/ann', explicit: undefined, cwd: '/work' };

  test.each([
    ['linux', {}, '/home/ann/.config/keepsync', '/home/ann/.local/state/keepsync'],
    ['linux', { XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s' }, '/c/keepsync', '/s/keepsync'],
    [
      'linux',
      { XDG_CONFIG_HOME: 'relative' },
      '/home/ann/.config/keepsync',
      '/home/ann/.local/state/keepsync',
    ],
    [
      'darwin',
      {},
      '/home/ann/Library/Application Support/Keepsync',
      '/home/ann/Library/Application Support/Keepsync',
    ],
    ['linux', { KEEPSYNC_PROFILE: 'p' }, '/work/p', '/work/p'],
  ] as const)('on %s with %j', (platform, env, configDir, stateDir) => {
    expect(profilePaths({ ...place, platform, env })).toMatchObject({ configDir, stateDir });
  });

  test('on Windows, below the local application data', () => {
    const paths = profilePaths({
      ...place,
      platform: 'win32',
      home: 'C:\\Users\\ann',
      env: { LOCALAPPDATA: 'D:\\Local' },
    });
    expect(paths.settingsFile).toBe('D:\\Local\\Keepsync\\settings.json');
  });

  test('--profile comes before everything', () => {
    const paths = profilePaths({ ...place, env: { KEEPSYNC_PROFILE: '/q' }, explicit: '/p' });
    expect(paths.journalFile).toBe('/p/journal.sqlite');
    expect(() => profilePaths({ ...place, explicit: '' })).toThrow('empty name');
  });

  test('its socket lies in it, or where the path is short enough, or is a pipe', () => {
    const at = { platform: 'linux' as const, env: {}, tmpDir: '/tmp', uid: 7 };
    expect(socketPath('/p', 'control', at)).toBe('/p/control.sock');
    const long = `/${'x'.repeat(120)}`;
    expect(socketPath(long, 'control', at)).toMatch(/^\/tmp\/keepsync-7\/[0-9a-f]{24}\.sock$/);
    expect(socketPath(long, 'control', { ...at, env: { XDG_RUNTIME_DIR: '/run/user/7' } })).toMatch(
      /^\/run\/user\/7\/keepsync\//,
    );
    expect(socketPath('C:\\p', 'control', { ...at, platform: 'win32' })).toMatch(
      /^\\\\\.\\pipe\\keepsync-[0-9a-f]{24}$/,
    );
    expect(socketPath(long, 'a', at)).not.toBe(socketPath(`${long}y`, 'a', at));
  });
});

describe('settings', () => {
  const open = () => openSettings(path('settings.json'), systemClock, tell);

  test('are the defaults at first, and what was set after that', async () => {
    const settings = await open();
    expect(settings.get()).toEqual(defaultSettings);
    settings.set({ notifications: { needsYou: false, folderSaved: true } });
    expect((await open()).get().notifications).toEqual({ needsYou: false, folderSaved: true });
    expect(statSync(path('settings.json')).mode & 0o077).toBe(0);
    expect(told).toEqual([]);
  });

  test('that make no sense are refused as a whole', async () => {
    const settings = await open();
    const { uploads } = settings.get();
    expect(() => settings.set({ uploads: { ...uploads, threads: 99 } })).toThrow(
      'uploads.threads makes no sense',
    );
    expect(settings.get()).toEqual(defaultSettings);
  });

  test('a value that makes no sense in the file gets its default, the others stay', async () => {
    writeFileSync(
      path('settings.json'),
      JSON.stringify({ uploads: { threads: 'many', queue: 3 }, startAtLogin: true }),
    );
    const { uploads, startAtLogin } = (await open()).get();
    expect({ threads: uploads.threads, queue: uploads.queue, startAtLogin }).toEqual({
      threads: 2,
      queue: 3,
      startAtLogin: true,
    });
    expect(told).toEqual(['The setting uploads.threads makes no sense and was set back to its default']);
  });

  test.each(['{"uploads":', '', '[]', 'null', '\0\0\0\0'])(
    'a damaged file %j is never a crash',
    async (text) => {
      writeFileSync(path('settings.json'), text);
      expect((await open()).get()).toEqual(defaultSettings);
      expect(told).toHaveLength(1);
      (await open()).set({ startAtLogin: true });
      expect((await open()).get().startAtLogin).toBe(true);
    },
  );
});

describe('folder pairs', () => {
  const store = () => openPairStore({ foldersFile: path('folders.json'), clock: systemClock, tell });

  test('are there again after a restart', async () => {
    const pair = newPair(someConfig(), systemRandom);
    await store().save([pair]);
    expect(await store().load()).toEqual([pair]);
    expect(readdirSync(dir).sort()).toEqual(['folders.good.json', 'folders.json']);
  });

  test('many saves at once leave one whole list', async () => {
    const open = store();
    const pairs = Array.from({ length: 20 }, () => newPair(someConfig(), systemRandom));
    await Promise.all(pairs.map((_, count) => open.save(pairs.slice(0, count + 1))));
    expect(await open.load()).toEqual(pairs);
  });

  test('a damaged list is moved aside, and said', async () => {
    writeFileSync(path('folders.json'), '{"version":1,"folders":[{"publicId":""}]}');
    expect(await store().load()).toEqual([]);
    expect(told[0]).toContain('folders.json.damaged-');
    expect(readdirSync(dir).some((name) => name.startsWith('folders.json.damaged-'))).toBe(true);
  });
});

describe('the token file', () => {
  test('is for one host only, and private even where it was not', async () => {
    const file = new TokenFile(path('token.json'));
    await file.write('a.example', 'v2/secret');
    expect(await file.read('a.example')).toBe('v2/secret');
    expect(await file.read('b.example')).toBeUndefined();
    writeFileSync(file.path, readFileSync(file.path), { mode: 0o644 });
    await file.read('a.example');
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
  });

  test('that is damaged says so without what is in it', async () => {
    writeFileSync(path('token.json'), '{"host":"a.example","token":"v2/sec');
    const error: unknown = await new TokenFile(path('token.json'))
      .read('a.example')
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'NOT_SIGNED_IN' });
    expect(inspect(error)).not.toContain('v2/sec');
  });
});

describe('one owner at a time', () => {
  const acquire = (socket = path('none.sock')) =>
    OwnerLock.acquire({
      lockFile: path('owner.lock'),
      socketPath: socket,
      role: 'daemon',
      version: '1',
      clock: systemClock,
    });
  const lockOf = (part: Record<string, unknown>) =>
    writeFileSync(
      path('owner.lock'),
      JSON.stringify({
        pid: process.pid,
        computer: hostname(),
        processStart: null,
        startedAtMs: Date.now(),
        role: 'desktop',
        version: '1',
        socketPath: path('none.sock'),
        key: 'k'.repeat(32),
        ...part,
      }),
    );

  test('a second one is refused with who has it, until the first lets go', async () => {
    const first = await acquire();
    await expect(acquire()).rejects.toMatchObject({
      code: 'LOCKED',
      message: `This profile is in use by keepsync daemon (process ${process.pid})`,
      info: { pid: process.pid, role: 'daemon' },
    });
    await first.release();
    await first.release();
    const second = await acquire();
    expect((await readOwner(path('owner.lock')))?.key).toBe(second.owner.key);
    await second.release();
    expect(existsSync(path('owner.lock'))).toBe(false);
  });

  test('the lock is private: it holds the key to the socket', async () => {
    const lock = await acquire();
    expect(statSync(path('owner.lock')).mode & 0o777).toBe(0o600);
    await lock.release();
  });

  test('one that was killed is followed at once', async () => {
    const child = fork('-e', ['0'], { execArgv: ['-e', '0'], silent: true });
    const pid = child.pid ?? 0;
    await new Promise((resolve) => child.once('exit', resolve));
    lockOf({ pid, processStart: '12345' });
    await (await acquire()).release();
  });

  test.runIf(process.platform === 'linux')(
    'a pid that was given to another process is no owner',
    async () => {
      lockOf({ pid: process.pid, processStart: '1' });
      await (await acquire()).release();
    },
  );

  test('somebody who listens is alive, whatever the pid says', async () => {
    const server = createServer().listen(path('alive.sock'));
    await new Promise((resolve) => server.once('listening', resolve));
    lockOf({ pid: 2 ** 30, socketPath: path('alive.sock') });
    await expect(acquire()).rejects.toMatchObject({ code: 'LOCKED' });
    await new Promise((resolve) => server.close(resolve));
    await (await acquire()).release();
  });

  test('a lock of another computer holds as long as it is touched', async () => {
    lockOf({ computer: 'elsewhere', pid: 1 });
    await expect(acquire()).rejects.toMatchObject({ message: expect.stringContaining('on elsewhere') });
    const old = new Date(Date.now() - 3_600_000);
    utimesSync(path('owner.lock'), old, old);
    await (await acquire()).release();
  });

  test('a lock file that nobody can read does not lock the profile for good', async () => {
    writeFileSync(path('owner.lock'), '{"pid":');
    await (await acquire()).release();
  });

  test('of many that begin at once over a stale lock, one gets it', async () => {
    lockOf({ pid: 2 ** 30, processStart: '12345' });
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => acquire()));
    const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(won).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toMatchObject({ code: 'LOCKED' });
      }
    }
    expect((await readOwner(path('owner.lock')))?.key).toBe(won[0]?.owner.key);
    await won[0]?.release();
  });

  test('letting go leaves the lock of whoever took over alone', async () => {
    const first = await acquire();
    rmSync(path('owner.lock'));
    const second = await acquire();
    await first.release();
    expect((await readOwner(path('owner.lock')))?.key).toBe(second.owner.key);
    await second.release();
  });
});

describe('log files', () => {
  test('hold JSON lines without a secret in any form', async () => {
    mkdirSync(path('logs'));
    const log = openLogFiles(path('logs/keepsync.log'), 'info');
    const token = `v2/zzzzz-gj3su-000000000000001/${'x'.repeat(40)}`;
    log.hide(['bare-secret-token']);
    log.log('info', `using ${token}`, { header: `Bearer ${token}`, other: 'bare-secret-token' });
    log.log('debug', 'too detailed');
    await log.close();
    const text = readFileSync(path('logs/keepsync.log'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ level: 'info', message: 'using v2/…' });
    expect(text).not.toMatch(/xxxx|bare-secret/);
  });
});
