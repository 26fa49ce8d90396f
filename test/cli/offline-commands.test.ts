import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { NOW_MS, someFolder, someTallies } from '../status/make.ts';
import { CliWorld, HOST, TOKEN, until } from './support/cli-world.ts';

let world: CliWorld;
beforeEach(() => {
  world = new CliWorld();
});
afterEach(() => world.close());

describe('folders while nothing runs', () => {
  test('are added, shown, changed and removed in the profile', async () => {
    world.file('data/a');
    const added = await world.run('folder', 'add', 'data', '--name', 'Trio', '--exclude', '*.tmp');
    expect(added.exitCode).toBe(0);
    expect(added.stdout).toMatch(/^[a-z0-9]{6}\n$/);
    expect(added.stderr).toContain('none runs now');
    const id = added.stdout.trim();
    expect((await world.run('folder', 'list')).stdout).toBe(
      `${id}  ${world.path('data')}  Trio (not made yet)\n`,
    );
    expect((await world.run('folder', 'set', id, '--deletes', 'mirror', '--follow-links')).exitCode).toBe(0);
    const shown = JSON.parse((await world.run('folder', 'show', id, '--json')).stdout);
    expect(shown).toMatchObject({
      status: null,
      config: { deletes: 'mirror', rules: { patterns: ['*.tmp'], followLinks: true } },
    });
    expect((await world.run('folder', 'set', id)).exitCode).toBe(64);
    expect((await world.run('folder', 'add', 'data')).stderr).toContain(`kept already, as folder ${id}`);
    expect((await world.run('folder', 'remove', id)).exitCode).toBe(0);
    expect((await world.run('folder', 'list')).stdout).toContain('No folders yet');
    expect(existsSync(world.path('data/a'))).toBe(true);
  });

  test('an id that is none is refused, and so is a file', async () => {
    world.file('file');
    expect((await world.run('folder', 'remove', 'nope')).exitCode).toBe(64);
    expect((await world.run('folder', 'add', 'file')).exitCode).toBe(64);
    expect((await world.run('folder', 'add', 'nowhere')).exitCode).toBe(1);
  });

  test('a damaged list is moved aside and said, never a crash', async () => {
    world.file('profile/folders.json', '{"version":1,"folders":[{');
    const { exitCode, stdout, stderr } = await world.run('folder', 'list');
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stderr).toMatch(/list of folders could not be read and was moved to .*folders\.json\.damaged-/);
  });
});

describe('what needs a running Keepsync', () => {
  test.each([
    ['status'],
    ['blocks'],
    ['errors'],
    ['retry'],
    ['pause'],
    ['resume'],
    ['rescan'],
    ['log', '-f'],
  ])('%s says that none runs, and how to start one', async (...args) => {
    const { exitCode, stderr } = await world.run(...args, '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        kind: 'OFFLINE',
        message: 'No Keepsync is running on this profile',
        action: 'Start the Keepsync app, or "keepsync daemon".',
      },
    });
  });
});

describe('signing in', () => {
  beforeEach(() => {
    delete world.env.ARVADOS_API_HOST;
    delete world.env.ARVADOS_API_TOKEN;
  });

  test('keeps the token in a file of mode 0600, says so, and later commands use it', async () => {
    world.stdinText = `${TOKEN}\n`;
    const { exitCode, stdout, stderr } = await world.run('login', '--host', HOST, '--token-stdin');
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `Signed in to ${HOST} as Ann <ann@example.org>\n`,
    });
    expect(stderr).toContain('a file that only you can read (mode 0600)');
    const file = world.path('profile/token.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(world.path('profile/settings.json'), 'utf8')).not.toContain('s3cret');
    expect((await world.run('whoami')).stdout).toBe(
      `Ann <ann@example.org>\n${HOST} (from "keepsync login")\n`,
    );
    expect((await world.run('logout')).stdout).toBe(`Signed out of ${HOST}\n`);
    expect(existsSync(file)).toBe(false);
    expect((await world.run('whoami')).exitCode).toBe(1);
  });

  test('the environment comes before the profile, as for other Arvados commands', async () => {
    world.stdinText = TOKEN;
    await world.run('login', '--host', HOST, '--token-stdin');
    world.env.ARVADOS_API_HOST = 'other.example.org';
    world.env.ARVADOS_API_TOKEN = TOKEN;
    expect(JSON.parse((await world.run('whoami', '--json')).stdout)).toMatchObject({
      host: 'other.example.org',
      origin: 'environment',
    });
  });

  test('asks on the terminal without showing what is typed', async () => {
    world.stdinTty = true;
    world.stdinText = `x\u007f${TOKEN}\r`;
    const { exitCode, stdout, stderr } = await world.run('login', '--host', HOST);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`Token for ${HOST}: `);
    expect(stdout + stderr).not.toContain('s3cret');
  });

  test('a token that the cluster refuses is not kept', async () => {
    world.stdinText = TOKEN;
    world.whoAmI = () =>
      Promise.reject(new KeepsyncError('NOT_SIGNED_IN', 'The cluster does not know this token'));
    expect((await world.run('login', '--host', HOST, '--token-stdin')).exitCode).toBe(1);
    expect(existsSync(world.path('profile/token.json'))).toBe(false);
  });

  test('needs a terminal or --token-stdin, a host, and something that can be a token', async () => {
    expect((await world.run('login', '--host', HOST)).stderr).toContain('use --token-stdin');
    expect((await world.run('login', '--token-stdin')).stderr).toContain('--host');
    world.stdinText = 'two words';
    expect((await world.run('login', '--host', HOST, '--token-stdin')).exitCode).toBe(64);
    world.stdinText = TOKEN;
    const { exitCode, stderr } = await world.run('login', TOKEN, '--host', HOST, '--token-stdin');
    expect(exitCode).toBe(64);
    expect(stderr).toContain('too many arguments');
  });
});

describe('a local cluster', () => {
  test('runs until Ctrl-C and prints shell exports where asked', async () => {
    const live = world.start('cluster', '--data', 'cluster data', '--env');
    await until('it runs', () => live.stderr().includes('until Ctrl-C'));
    live.interrupt();
    const { exitCode, stdout } = await live.done;
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      `export ARVADOS_API_HOST='localhost:4444'\nexport ARVADOS_API_TOKEN='${TOKEN}'\nexport SSL_CERT_FILE='it'\\''s'\n`,
    );
    expect(world.clusters).toEqual([world.path('cluster data'), 'closed']);
  });

  test('start makes ~/Keepsync with a first file, keeps it, and tells how to look at the result', async () => {
    delete world.env.ARVADOS_API_HOST;
    delete world.env.ARVADOS_API_TOKEN;
    const { engine } = world;
    const tallies = someTallies({ saved: { files: 1, bytes: 10 } });
    engine.answers['folders.list'] = () => engine.fold.snapshot(NOW_MS).folders;
    engine.answers['folders.add'] = () => {
      const facts = someFolder({ tallies, collectionUuid: 'zzzzz-4zz18-000000000000001' });
      engine.fold.apply({ type: 'folder', facts }, NOW_MS);
      const [status] = engine.fold.snapshot(NOW_MS).folders;
      if (status === undefined) {
        throw new Error('no folder');
      }
      return status;
    };
    const live = world.start('start');
    await until('it keeps the folder', () => live.stderr().includes('Ctrl-C ends it'));
    await until('it watches', () => engine.events.listenerCount('status') > 0);
    engine.events.emit('status', engine.fold.snapshot(NOW_MS));
    expect(live.stderr()).toContain(`keepsync --profile '${world.profile}' ls zzzzz-4zz18-000000000000001`);
    expect(live.stderr()).toContain("export ARVADOS_API_HOST='localhost:4444'");
    expect(live.stderr()).not.toContain('s3cret');
    const readToken = live.stderr().match(/export ARVADOS_API_TOKEN="\$\((.*)\)"/)?.[1] ?? 'false';
    expect(execFileSync('sh', ['-c', readToken], { encoding: 'utf8' })).toBe(`${TOKEN}\n`);
    live.interrupt();
    expect((await live.done).exitCode).toBe(0);
    expect(readFileSync(world.path('home/Keepsync/Welcome.txt'), 'utf8')).toContain('Keepsync');
    expect(
      engine.calls.some((call) =>
        call.startsWith(`folders.add {"roots":[{"diskPath":"${world.path('home/Keepsync')}"`),
      ),
    ).toBe(true);
    expect(world.clusters).toEqual([world.path('profile/local-cluster'), 'closed']);
  });

  test('that does not answer is not running, and one is told how to start it', async () => {
    delete world.env.ARVADOS_API_HOST;
    delete world.env.ARVADOS_API_TOKEN;
    world.file('profile/settings.json', JSON.stringify({ account: { host: 'localhost:1', local: true } }));
    world.file('profile/local-cluster/api-host', 'localhost:4444\n');
    world.file('profile/local-cluster/token', `${TOKEN}\n`);
    world.whoAmI = async (connection) => {
      expect(connection).toMatchObject({ host: 'localhost:4444', token: TOKEN, local: true });
      throw new KeepsyncError('OFFLINE', 'localhost:4444 refuses the connection');
    };
    const { exitCode, stderr } = await world.run('whoami');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('The local cluster of this profile is not running');
    expect(stderr).toContain('"keepsync start"');
  });

  test('start leaves a profile alone that is signed in to a real cluster', async () => {
    world.stdinText = TOKEN;
    await world.run('login', '--host', HOST, '--token-stdin');
    const { exitCode, stderr } = await world.run('start', 'somewhere');
    expect(exitCode).toBe(64);
    expect(stderr).toContain(`signed in to ${HOST}`);
    expect(world.clusters).toEqual([]);
  });
});

describe('ignore test', () => {
  test('says by which rule a path is left out', async () => {
    world.file('data/.keepsyncignore', '# scratch\n*.tmp\n');
    world.file('data/deep/x.tmp');
    await world.run('folder', 'add', 'data', '--exclude', 'secret/');
    const explain = async (path: string) => (await world.run('ignore', 'test', path)).stdout;
    expect(await explain('data/deep/x.tmp')).toBe(
      'deep/x.tmp is left out, by "*.tmp" in line 2 of .keepsyncignore\n',
    );
    expect(await explain('data/secret/y')).toBe(
      'secret/y is left out, by "secret/" of the folder\'s settings\n',
    );
    expect(await explain('data/.DS_Store')).toContain('of the defaults');
    expect(await explain('data/deep/x.txt')).toBe('deep/x.txt is uploaded\n');
    expect((await world.run('ignore', 'test', 'elsewhere')).exitCode).toBe(64);
    expect(
      JSON.parse((await world.run('ignore', 'test', 'data/a', '--root', 'data', '--json')).stdout),
    ).toMatchObject({
      ignored: false,
    });
  });
});

describe('log without a running Keepsync', () => {
  test('shows the end of the log file', async () => {
    world.file(
      'profile/logs/keepsync.log',
      `{"level":"info","message":"old","timestamp":"T0"}\n{"level":"warn","message":"new","timestamp":"T1"}\nhalf a li`,
    );
    expect((await world.run('log', '-n', '2')).stdout).toBe('T1 warn new\n');
    writeFileSync(world.path('profile/logs/keepsync.log'), '');
    expect((await world.run('log')).stdout).toBe('');
  });
});
