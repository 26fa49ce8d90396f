import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { NOW_MS, someFolder, someTallies } from '../status/make.ts';
import { CliWorld, HOST, TOKEN, until } from './support/cli-world.ts';
import { savedResult } from './support/scripted-engine.ts';

let world: CliWorld;
beforeEach(() => {
  world = new CliWorld();
  world.file('run/a.txt');
  world.file('run/deep/b.txt');
});
afterEach(() => world.close());

const UUID = 'zzzzz-4zz18-000000000000001';
const config = () => world.engine.pairs[0]?.config;

describe('put', () => {
  test("prints the collection's UUID alone on stdout", async () => {
    const { exitCode, stdout, stderr } = await world.run('put', 'run');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${UUID}\n` });
    expect(stderr).toBe('Saved 3 files, 300 B\n');
  });

  test('or its portable data hash', async () => {
    expect((await world.run('put', 'run', '--portable-data-hash')).stdout).toBe(
      '7d23cb4d18687c8e89d1f72c08348d95+68\n',
    );
  });

  test('a folder goes in under its name, with a trailing slash its contents do', async () => {
    await world.run('put', 'run', 'run/a.txt');
    expect(config()?.roots).toEqual([
      { diskPath: world.path('run'), prefix: 'run' },
      { diskPath: world.path('run/a.txt'), prefix: 'a.txt' },
    ]);
    await world.run('put', 'run/');
    expect(config()?.roots).toEqual([{ diskPath: world.path('run'), prefix: '' }]);
    await world.run('put', '.');
    expect(config()?.roots).toEqual([{ diskPath: world.dir, prefix: '' }]);
  });

  test('two paths that would become one name are refused', async () => {
    world.file('other/run/c.txt');
    const { exitCode, stderr } = await world.run('put', 'run', 'other/run');
    expect(exitCode).toBe(64);
    expect(stderr).toContain('would both become "run"');
    expect(world.requests).toEqual([]);
  });

  test('takes all flags into the pair and the settings', async () => {
    world.file('patterns', '*.bam\n\n# note\n');
    await world.run(
      ...[
        'put',
        'run',
        '--name',
        'Trio',
        '--project-uuid',
        'zzzzz-j7d0g-000000000000001',
        '--replication',
        '3',
      ],
      ...[
        '--storage-classes',
        'hot,cold,hot',
        '--exclude',
        '*.tmp',
        '--exclude',
        'x/',
        '--exclude-from',
        'patterns',
      ],
      ...['--threads', '5', '--retries', '1', '--no-follow-links', '--allow-unreadable-names'],
    );
    expect(config()).toMatchObject({
      name: 'Trio',
      target: {
        collectionName: 'Trio',
        projectUuid: 'zzzzz-j7d0g-000000000000001',
        collectionUuid: null,
        replication: 3,
        storageClasses: ['hot', 'cold'],
      },
      deletes: 'keep',
      rules: { patterns: ['*.tmp', 'x/', '*.bam', '# note'], followLinks: false, allowUnreadableNames: true },
    });
    const request = world.requests[0];
    expect(request?.settings.get()).toMatchObject({ uploads: { threads: 5 }, network: { retries: 1 } });
    expect(request).toMatchObject({ owner: 'command', watch: false, conflicts: 'overwrite' });
    expect(request?.connection).toMatchObject({ host: HOST, token: TOKEN, origin: 'environment' });
  });

  test('follows links and names the collection as arv-put does', async () => {
    await world.run('put', 'run');
    expect(config()?.rules.followLinks).toBe(true);
    expect(config()?.target.collectionName).toMatch(
      /^Saved at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC by ann@lab7$/,
    );
  });

  test('leaves out a link that is named itself, with --no-follow-links', async () => {
    symlinkSync(world.path('run'), world.path('link'));
    await world.run('put', '--no-follow-links', 'run', 'link');
    expect(config()?.roots).toEqual([{ diskPath: world.path('run'), prefix: 'run' }]);
    expect((await world.run('put', '--no-follow-links', 'link')).exitCode).toBe(64);
  });

  test('what failed is said file by file, and the rest is saved all the same', async () => {
    const error = {
      code: 'FILE_DENIED' as const,
      name: 'KeepsyncError',
      message: 'No permission to read it',
      action: 'Give yourself the right.',
    };
    world.engine.once = async () =>
      savedResult({ outcome: 'failed', failures: [{ path: 'run/a.txt', error }] });
    const { exitCode, stdout, stderr } = await world.run('put', 'run');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: `${UUID}\n` });
    expect(stderr).toContain('keepsync: run/a.txt: No permission to read it. Give yourself the right.\n');
    const json = await world.run('put', 'run', '--json');
    expect(JSON.parse(json.stdout)).toEqual({
      outcome: 'failed',
      collectionUuid: UUID,
      portableDataHash: '7d23cb4d18687c8e89d1f72c08348d95+68',
      files: 3,
      bytes: 300,
      failures: [
        {
          path: 'run/a.txt',
          error: {
            kind: 'FILE_DENIED',
            message: 'No permission to read it',
            action: 'Give yourself the right.',
          },
        },
      ],
    });
    expect(json.stderr).toBe('');
  });

  test('work that still waits ends with 2', async () => {
    world.engine.once = async () => savedResult({ outcome: 'pending' });
    expect((await world.run('put', 'run')).exitCode).toBe(2);
  });

  test('an error of the cluster is said with its request id, and as JSON with its kind', async () => {
    world.engine.once = () =>
      Promise.reject(
        new KeepsyncError('FORBIDDEN', 'You may not write to "Trio"', {
          action: 'Choose another project.',
          requestId: 'req-7h2m',
        }),
      );
    const plain = await world.run('put', 'run');
    expect(plain).toMatchObject({ exitCode: 1, stdout: '' });
    expect(plain.stderr).toBe(
      'keepsync: You may not write to "Trio" (req-7h2m)\n  Choose another project.\n',
    );
    expect(JSON.parse((await world.run('--json', 'put', 'run')).stderr)).toEqual({
      error: {
        kind: 'FORBIDDEN',
        message: 'You may not write to "Trio"',
        action: 'Choose another project.',
        requestId: 'req-7h2m',
      },
    });
  });

  test('the same command goes on with the pair it was interrupted with; --no-resume begins a new one', async () => {
    world.engine.once = async () => savedResult({ outcome: 'pending' });
    await world.run('put', 'run');
    const first = world.engine.pairs[0];
    const { stderr } = await world.run('put', 'run');
    expect(stderr).toContain('Going on with an interrupted upload');
    expect(world.engine.pairs[0]).toEqual(first);
    expect(world.requests[1]?.journalFile).toBe(world.requests[0]?.journalFile);
    await world.run('put', 'run', '--exclude', 'x');
    expect(world.engine.pairs[0]?.publicId).not.toBe(first?.publicId);
    await world.run('put', 'run', '--no-resume');
    expect(world.engine.pairs[0]?.publicId).not.toBe(first?.publicId);
  });

  test('what is saved leaves nothing behind in the profile', async () => {
    await world.run('put', 'run');
    expect(readdirSync(world.path('profile/put'))).toEqual([]);
  });

  test('the first Ctrl-C stops in order with 2, a later one at once', async () => {
    world.engine.once = () => new Promise(() => undefined);
    const live = world.start('put', 'run');
    await until('it runs', () => world.engine.calls.includes('runOnce'));
    live.interrupt();
    const { exitCode, stdout, stderr } = await live.done;
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Stopping; once more to stop at once');
    expect(stderr).toContain('Give the same command again to go on.');
    expect(world.engine.calls.at(-1)).toBe('close now');
    expect(live.exited).toEqual([]);
  });

  test('one interrupt that arrives twice is one', async () => {
    world.engine.once = () => new Promise(() => undefined);
    const live = world.start('put', 'run');
    await until('it runs', () => world.engine.calls.includes('runOnce'));
    live.interrupt();
    live.interrupt();
    expect((await live.done).exitCode).toBe(2);
    expect(live.exited).toEqual([]);
  });

  test('two uploads of the same paths at once: the second is refused and says who runs', async () => {
    let finish: (() => void) | undefined;
    world.engine.once = () =>
      new Promise((resolve) => {
        finish = () => resolve(savedResult());
      });
    const first = world.start('put', 'run');
    await until('it runs', () => finish !== undefined);
    const second = await world.run('--json', 'put', 'run');
    expect(second.exitCode).toBe(1);
    expect(JSON.parse(second.stderr)).toMatchObject({
      error: { kind: 'LOCKED', message: expect.stringContaining(`process ${process.pid}`) },
    });
    finish?.();
    expect((await first.done).exitCode).toBe(0);
  });

  test('a path that is not there is named, before anything is opened', async () => {
    const { exitCode, stderr } = await world.run('put', 'run', 'nowhere');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${world.path('nowhere')} does not exist`);
    expect(world.requests).toEqual([]);
  });

  test('a dry run counts what would go up and needs no account', async () => {
    delete world.env.ARVADOS_API_HOST;
    world.file('run/left.tmp');
    const { exitCode, stdout } = await world.run('put', 'run', '--dry-run', '--exclude', '*.tmp');
    expect(exitCode).toBe(2);
    expect(stdout).toBe('2 files, 23 B, at least 1 block\n');
    expect(JSON.parse((await world.run('--json', 'put', 'run', '--dry-run')).stdout)).toMatchObject({
      files: 3,
      leastBlocks: 1,
    });
    expect(world.requests).toEqual([]);
  });

  test('--batch-progress writes lines for programs, as arv-put does', async () => {
    world.engine.once = async () => {
      const tallies = someTallies({ saved: { files: 1, bytes: 10 }, pending: { files: 1, bytes: 20 } });
      world.engine.fold.apply({ type: 'folder', facts: someFolder({ phase: 'uploading', tallies }) }, NOW_MS);
      world.engine.events.emit('status', world.engine.fold.snapshot(NOW_MS));
      return savedResult();
    };
    const { stderr } = await world.run('put', 'run', '--batch-progress');
    expect(stderr).toContain(`keepsync ${process.pid}: 10 written 30 total\n`);
  });

  test('a terminal gets a bar that is taken away again; --silent gets nothing', async () => {
    world.stderrTty = true;
    world.engine.once = async () => {
      world.engine.events.emit('status', world.engine.fold.snapshot(NOW_MS));
      return savedResult();
    };
    const { stderr } = await world.run('put', 'run');
    expect(stderr).toContain('0%\n');
    expect(stderr.split('0%\n')[1]).toContain('\u001b[3A\r\u001b[J');
    expect((await world.run('put', 'run', '--silent')).stderr).toBe('');
  });

  test('the token shows nowhere, whatever an error says', async () => {
    world.engine.once = () => Promise.reject(new KeepsyncError('SERVER', `cannot use ${TOKEN} there`));
    const run = await world.run('put', 'run');
    expect(run.stderr).toContain('cannot use');
    expect(run.stderr + run.stdout).not.toContain('s3cret');
    expect(existsSync(world.path('profile'))).toBe(true);
  });
});
