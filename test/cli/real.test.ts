import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { sharedBuild } from '../support/desktop/app-build.ts';
import { until } from './support/cli-world.ts';

let main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const MIB = 1024 * 1024;
const dir = mkdtempSync(join(tmpdir(), 'keepsync-real-'));
const path = (...parts: string[]) => join(dir, ...parts);
const children = new Set<ChildProcess>();
let env: Record<string, string>;

interface Started {
  readonly child: ChildProcess;
  out: string;
  err: string;
  readonly done: Promise<number | null>;
}

function start(...args: string[]): Started {
  const child = spawn(process.execPath, [main, '--profile', path('profile'), ...args], {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: path('home'), LANG: 'C.UTF-8', TMPDIR: tmpdir(), ...env },
  });
  children.add(child);
  const started: Started = {
    child,
    out: '',
    err: '',
    done: new Promise((resolve) => child.once('close', (code) => resolve(code))),
  };
  child.stdout.on('data', (chunk) => {
    started.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    started.err += chunk;
  });
  child.once('close', () => children.delete(child));
  return started;
}

async function run(...args: string[]) {
  const started = start(...args);
  started.child.stdin?.end();
  const exitCode = await started.done;
  return { exitCode, stdout: started.out, stderr: started.err };
}

/** All that the disk says of the folder that is kept, but for when it was last read. */
function stateOfData(): string[] {
  return ['', ...readdirSync(path('data'), { recursive: true, encoding: 'utf8' })].sort().map((name) => {
    const { mode, ino, nlink, uid, gid, size, mtimeNs, ctimeNs } = lstatSync(path('data', name), {
      bigint: true,
    });
    return [name, mode, ino, nlink, uid, gid, size, mtimeNs, ctimeNs].join(' ');
  });
}

let before: string[];
let cluster: Started;
beforeAll(async () => {
  env = {};
  cluster = start('cluster', '--data', 'cluster', '--env', '--json');
  await until('the cluster runs', () => cluster.out.includes('\n'));
  env = JSON.parse(cluster.out).env;
  mkdirSync(path('data/deep'), { recursive: true });
  for (let file = 0; file < 50; file += 1) {
    writeFileSync(path('data/deep', `small ${file}`), `${file}`.repeat(file * 10));
  }
  writeFileSync(path('data/large'), randomBytes(70 * MIB));
  writeFileSync(path('data/empty'), '');
  before = stateOfData();
});
afterAll(async () => {
  for (const child of children) {
    child.kill('SIGKILL');
  }
  rmSync(dir, { recursive: true, force: true });
});

describe('real processes against the local cluster', { timeout: 300_000 }, () => {
  test('what put saves, get brings back and check finds the same', async () => {
    const put = await run('put', 'data/', '--silent');
    expect(put).toMatchObject({ exitCode: 0, stderr: '' });
    const uuid = put.stdout.trim();
    expect(uuid).toMatch(/^[a-z0-9]{5}-4zz18-[a-z0-9]{15}$/);
    expect((await run('ls', uuid)).stdout.trim().split('\n')).toHaveLength(52);
    expect((await run('get', uuid, 'back')).exitCode).toBe(0);
    execFileSync('diff', ['-r', path('data'), path('back')]);
    const check = await run('check', 'data', uuid, '--json');
    expect(JSON.parse(check.stdout)).toMatchObject({ same: 52, different: 0, downloadedBytes: 0 });
    expect(check.exitCode).toBe(0);
  });

  test('a put that is killed goes on when the same command is given again', async () => {
    // so slow that the large file is on its way whenever the kill comes
    const slowly = { version: 1, network: { uploadLimitBytesPerSecond: MIB / 4 } };
    writeFileSync(path('profile', 'settings.json'), JSON.stringify(slowly));
    const first = start('put', 'data', '--batch-progress');
    await until(
      'bytes are on their way',
      () => / [1-9]\d* written/.test(first.err) || first.child.exitCode !== null,
    );
    first.child.kill('SIGKILL');
    expect(await first.done, first.err).toBeNull();
    rmSync(path('profile', 'settings.json'));
    const second = await run('put', 'data', '--portable-data-hash');
    expect(second.exitCode).toBe(0);
    expect(second.stderr).toContain('Going on with an interrupted upload');
    expect(second.stdout).toMatch(/^[0-9a-f]{32}\+\d+\n$/);
    expect((await run('check', 'data', `${second.stdout.trim()}/data`)).exitCode).toBe(0);
  });

  test('a cluster that runs already is found by --env', async () => {
    const found = await run('cluster', '--data', 'cluster', '--env', '--json');
    expect(found.exitCode).toBe(0);
    expect(JSON.parse(found.stdout).env).toEqual(env);
    expect(await run('cluster', '--data', 'cluster')).toMatchObject({ exitCode: 1, stdout: '' });
  });

  test('diagnose finds everything good without a daemon, and the cluster gone when it is', async () => {
    const good = await run('diagnose', '--bundle', 'bundle.zip', '--json');
    const { ok, checks, bundle } = JSON.parse(good.stdout) as {
      ok: boolean;
      checks: Array<{ id: string; finding: string }>;
      bundle: { entries: unknown[] };
    };
    expect(checks.filter(({ finding }) => finding !== 'good')).toEqual([]);
    expect({ ok, exitCode: good.exitCode, stderr: good.stderr }).toEqual({
      ok: true,
      exitCode: 0,
      stderr: '',
    });
    expect(bundle.entries).toHaveLength(7);
    const cut = await run('--profile', path('nowhere'), 'diagnose');
    expect(cut.stdout).toContain('There is no journal yet');
    const { ARVADOS_API_HOST: host } = env;
    env.ARVADOS_API_HOST = 'localhost:1';
    try {
      const gone = await run('diagnose');
      expect(gone.exitCode).toBe(1);
      expect(gone.stdout).toMatch(/^FAILED +host /m);
    } finally {
      env.ARVADOS_API_HOST = host ?? '';
    }
  });

  test('a reader that goes away is no error', async () => {
    const uuid = (await run('put', 'data', '--silent')).stdout.trim();
    // true reads nothing at all: the news of it may come when the command has ended already
    for (const [command, reader, expected] of [
      [`ls ${uuid}`, 'head -n 1', /^\.\/data\/.*\nend\n$/],
      [`ls ${uuid}`, 'true', /^end\n$/],
      ['--help', 'true', /^end\n$/],
    ] as const) {
      const script = `{ "${process.execPath}" "${main}" --profile "${path('profile')}" ${command} | ${reader}; } 2>&1; echo end`;
      const piped = execFileSync('sh', ['-c', script], {
        cwd: dir,
        env: { PATH: process.env.PATH, HOME: path('home'), TMPDIR: tmpdir(), ...env },
        encoding: 'utf8',
      });
      expect(piped).toMatch(expected);
    }
  });

  test('the daemon keeps a folder saved, answers, and one that was killed is followed by another', async () => {
    expect((await run('folder', 'add', 'data')).exitCode).toBe(0);
    const first = start('daemon');
    await until('it listens', () => first.err.includes('until Ctrl-C'));
    expect((await run('daemon')).exitCode).toBe(1);
    expect((await run('status')).stdout).toContain(path('data'));
    first.child.kill('SIGKILL');
    await first.done;
    expect((await run('status')).stderr).toContain('No Keepsync is running');
    const second = start('daemon');
    await until('it listens', () => second.err.includes('until Ctrl-C'));
    second.child.kill('SIGINT');
    expect([0, 2]).toContain(await second.done);
    expect(second.err).toContain('Stopping');
  });

  test('a daemon that ended leaves nothing to the next but the journal itself', async () => {
    const daemon = start('daemon');
    await until('it listens', () => daemon.err.includes('until Ctrl-C'));
    const phase = async () => JSON.parse((await run('status', '--json')).stdout).folders[0]?.phase;
    while ((await phase()) !== 'watching') {
      expect(daemon.child.exitCode).toBeNull();
    }
    daemon.child.kill('SIGINT');
    await daemon.done;
    const journal = readdirSync(path('profile')).filter((name) => name.startsWith('journal.sqlite'));
    expect(journal.sort()).toEqual(['journal.sqlite', 'journal.sqlite.account']);
  });

  test('nothing in the folder was written, renamed, removed or touched by any of this', () => {
    expect(before.length).toBe(54);
    expect(stateOfData()).toEqual(before);
  });

  test('start --web runs a cluster of its own, keeps the folder, and shows it again after a restart', async () => {
    // the window comes with the built command only
    main = join(await sharedBuild(inject('appFolder')), 'dist', 'keepsync.cjs');
    mkdirSync(path('tried'));
    writeFileSync(path('tried/a'), 'try me');
    const own = ['--profile', path('tried profile')];
    const tray = async () => JSON.parse((await run(...own, 'status', '--json')).stdout || '{}').tray;
    const first = start(...own, 'start', '--web', 'tried');
    await until('it says where', () => /http:\/\/127\.0\.0\.1:\d+\/#key=/.test(first.err));
    while ((await tray()) !== 'ready') {
      expect(first.child.exitCode).toBeNull();
    }
    first.child.kill('SIGINT');
    expect(await first.done).toBe(0);
    // without ARVADOS_*, which come before the profile's own account
    const before = env;
    env = {};
    try {
      const second = start(...own, 'daemon');
      await until('it listens', () => second.err.includes('until Ctrl-C'));
      const { stdout } = await run(...own, 'status', '--json');
      expect(JSON.parse(stdout)).toMatchObject({
        account: { local: true, connected: true },
        folders: [{ path: path('tried') }],
      });
      expect((await run(...own, 'whoami')).exitCode).toBe(0);
      second.child.kill('SIGINT');
      expect([0, 2]).toContain(await second.done);
      const gone = await run(...own, 'whoami');
      expect(gone.exitCode).toBe(1);
      expect(gone.stderr).toContain('local cluster of this profile is not running');
      expect(gone.stderr).toContain('keepsync cluster');
    } finally {
      env = before;
    }
  });

  test('the token is in no file of the profile, but in those of the cluster itself', () => {
    const secret = env.ARVADOS_API_TOKEN?.split('/')[2] ?? '';
    expect(secret.length).toBeGreaterThan(20);
    const found = execFileSync('sh', ['-c', `grep -rl -- "${secret}" "${path('profile')}" || true`], {
      encoding: 'utf8',
    });
    expect(found).toBe('');
    expect(readFileSync(path('profile/logs/keepsync.log'), 'utf8')).not.toBe('');
  });
});
