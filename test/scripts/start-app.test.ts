import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

type Env = Readonly<Record<string, string | undefined>>;
interface StartScripts {
  startArgs(
    args: readonly string[],
    cwd: string,
  ): { folder: string | undefined; profile: string | undefined; web: boolean };
  findElectron(where: {
    env: Env;
    platform: string;
    packageDir: string;
    fetchBinary: () => { ok: boolean; output: string };
  }): { path?: string; reason?: string };
  whyNoDisplay(where: { env: Env; platform: string }): Promise<string | undefined>;
  errorLine(output: string): string;
  isUpToDate(root: string, dist: string): boolean;
  stampBuild(root: string, dist: string): void;
}

// Plain JavaScript that has to run before anything is installed: it has no types.
const lib = (name: string): Promise<object> =>
  import(new URL(`../../scripts/lib/${name}.mjs`, import.meta.url).href);
const { startArgs, findElectron, whyNoDisplay, errorLine, isUpToDate, stampBuild } = {
  ...(await lib('start-app')),
  ...(await lib('electron-binary')),
  ...(await lib('build-stamp')),
} as StartScripts;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keepsync-start-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('what npm start is given', () => {
  test('is a folder and a profile, seen from where it was typed', () => {
    expect(startArgs([], '/here')).toEqual({ folder: undefined, profile: undefined, web: false });
    expect(startArgs(['runs', '--profile', 'p'], '/here')).toEqual({
      folder: resolve('/here/runs'),
      profile: resolve('/here/p'),
      web: false,
    });
    expect(startArgs(['--web', '--profile=/p'], '/here')).toMatchObject({
      profile: resolve('/p'),
      web: true,
    });
  });

  test.each([[['--wbe']], [['a', 'b']], [['--profile']]])('%j is refused', (args) => {
    expect(() => startArgs(args, '/here')).toThrow('Usage');
  });
});

describe('the Electron to run', () => {
  const binary = (...parts: string[]) => {
    const folder = join(dir, ...parts);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'electron'), '');
    return join(folder, 'electron');
  };
  const never = () => {
    throw new Error('nothing had to be fetched');
  };
  const find = (env: Env, fetchBinary: () => { ok: boolean; output: string } = never) =>
    findElectron({ env, platform: 'linux', packageDir: join(dir, 'package'), fetchBinary });

  test('is that of the environment, else the one of the package', () => {
    const [own, packaged] = [binary('own'), binary('package', 'dist')];
    expect(find({ ELECTRON_OVERRIDE_DIST_PATH: join(dir, 'own') })).toEqual({ path: own });
    expect(find({})).toEqual({ path: packaged });
  });

  test('is never another one than the environment names', () => {
    binary('package', 'dist');
    expect(find({ ELECTRON_OVERRIDE_DIST_PATH: join(dir, 'gone') }).reason).toContain('holds no electron');
  });

  test('is fetched where the package has none yet', () => {
    mkdirSync(join(dir, 'package'));
    const fetched = find({}, () => {
      binary('package', 'dist');
      return { ok: true, output: '' };
    });
    expect(fetched).toEqual({ path: join(dir, 'package', 'dist', 'electron') });
  });

  test('says why it cannot be had', () => {
    expect(find({}).reason).toContain('not installed');
    mkdirSync(join(dir, 'package'));
    const output = 'TypeError: fetch failed\n    at node:internal/deps\n';
    expect(find({}, () => ({ ok: false, output })).reason).toBe(
      'Electron could not be fetched (fetch failed)',
    );
  });
});

describe('a display', () => {
  test('is there on Windows and macOS, and is asked for elsewhere', async () => {
    expect(await whyNoDisplay({ env: {}, platform: 'win32' })).toBeUndefined();
    expect(await whyNoDisplay({ env: {}, platform: 'linux' })).toBe('there is no display');
  });

  test('that does not answer is none', async () => {
    const env = { WAYLAND_DISPLAY: join(dir, 'gone'), DISPLAY: 'unix:64999' };
    expect(await whyNoDisplay({ env, platform: 'linux' })).toBe('the display unix:64999 does not answer');
  });

  test('that answers is one', async () => {
    const socket = join(dir, 'wayland-0');
    const server = createServer((connection) => connection.destroy());
    await new Promise<void>((done) => server.listen(socket, done));
    try {
      const env = { WAYLAND_DISPLAY: 'wayland-0', XDG_RUNTIME_DIR: dir };
      expect(await whyNoDisplay({ env, platform: 'linux' })).toBeUndefined();
    } finally {
      await new Promise((done) => server.close(done));
    }
  });
});

test('of all that a program said, the line with what went wrong is told', () => {
  const output = 'starting\n[1:1:FATAL:setuid_sandbox_host.cc] The sandbox is not set up\n#0 0x55\n#1 0x56\n';
  expect(errorLine(output)).toBe('[1:1:FATAL:setuid_sandbox_host.cc] The sandbox is not set up');
  expect(errorLine('one\ntwo\n')).toBe('two');
  expect(errorLine('')).toBe('');
  expect(errorLine(`error ${'x'.repeat(1_000)}`)).toHaveLength(200);
});

describe('a build', () => {
  test('is up to date until something that it is made from changes', () => {
    const dist = join(dir, 'dist');
    mkdirSync(join(dir, 'src', 'deep'), { recursive: true });
    mkdirSync(dist);
    writeFileSync(join(dir, 'src', 'deep', 'a.ts'), 'one');
    expect(isUpToDate(dir, dist)).toBe(false);
    stampBuild(dir, dist);
    expect(isUpToDate(dir, dist)).toBe(true);
    writeFileSync(join(dir, 'README.md'), 'not built from');
    expect(isUpToDate(dir, dist)).toBe(true);
    writeFileSync(join(dir, 'src', 'deep', 'a.ts'), 'two');
    expect(isUpToDate(dir, dist)).toBe(false);
    stampBuild(dir, dist);
    writeFileSync(join(dir, 'src', 'b.ts'), '');
    expect(isUpToDate(dir, dist)).toBe(false);
  });
});
