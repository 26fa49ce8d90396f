import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { NOW_MS, someBlock, someFolder, someProblem, someTallies } from '../status/make.ts';
import { CliWorld, type LiveRun, until } from './support/cli-world.ts';

let world: CliWorld;
let daemon: LiveRun;
beforeEach(async () => {
  world = new CliWorld();
  const tallies = someTallies({ saved: { files: 784, bytes: 2 ** 30 } });
  world.engine.fold.apply(
    { type: 'folder', facts: someFolder({ tallies, lastSaveAtMs: NOW_MS - 120_000 }) },
    NOW_MS,
  );
  daemon = world.start('daemon');
  await until('the daemon listens', () => daemon.stderr().includes('until Ctrl-C'));
});
afterEach(async () => {
  daemon.interrupt();
  await daemon.done;
  world.close();
});

const asked = (name: string) => world.engine.calls.filter((call) => call.startsWith(name)).at(-1);

describe('commands that speak to the running owner', () => {
  test('status answers whether the data is safe, in words, JSON and exit code', async () => {
    const { exitCode, stdout } = await world.run('status');
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').slice(0, 2)).toEqual(['Everything saved 2 minutes ago', '  784 files, 1 GiB']);
    expect(stdout).toMatch(/f1 {2}\/data\/Trio {2}100% {2}1 GiB {2}█+ {2}Everything saved/);
    expect(JSON.parse((await world.run('status', '--json')).stdout)).toMatchObject({ tray: 'ready' });
  });

  test('status ends with 2 while work is pending and with 1 where it needs a person', async () => {
    const tallies = someTallies({ pending: { files: 1, bytes: 1 } });
    world.engine.fold.apply({ type: 'folder', facts: someFolder({ phase: 'uploading', tallies }) }, NOW_MS);
    expect((await world.run('status')).exitCode).toBe(2);
    world.engine.fold.apply({ type: 'problems', folderId: 'f1', problems: [someProblem()] }, NOW_MS);
    const { exitCode, stdout } = await world.run('status');
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      '! 3 files: no permission to read. Give yourself the right to read it, or exclude it.',
    );
  });

  test('status --watch shows each change until Ctrl-C', async () => {
    const live = world.start('status', '--watch');
    await until('it shows the first', () => live.stdout().includes('Everything saved'));
    const paused = someFolder({ phase: 'paused', tallies: someTallies() });
    world.engine.fold.apply({ type: 'folder', facts: paused }, NOW_MS);
    await until('it is subscribed', () => world.engine.events.listenerCount('status') > 0);
    world.engine.events.emit('status', world.engine.fold.snapshot(NOW_MS));
    await until('it shows the change', () => live.stdout().includes('Paused until you resume'));
    live.interrupt();
    expect((await live.done).exitCode).toBe(2);
  });

  test('blocks lists them with states, SDK names and what is inside', async () => {
    world.engine.fold.apply(
      { type: 'block', block: someBlock({ error: 'keep2 is busy', attempts: 5 }) },
      NOW_MS,
    );
    world.engine.answers['blocks.list'] = () => ({ total: 7, rows: world.engine.fold.liveBlocks(null) });
    const { exitCode, stdout } = await world.run('blocks', 'f1', '--state', 'pending', '--state', 'ERROR');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/bufferblock0 {2}Uploading \(PENDING\) {2}100 B .* 5 {6}a ! keep2 is busy/);
    expect(stdout).toContain('1 of 7 blocks; see --offset');
    expect(asked('blocks.list')).toBe(
      'blocks.list {"folderId":"f1","states":["PENDING","ERROR"],"offset":0,"limit":200}',
    );
  });

  test('errors names causes, what to do, and paths', async () => {
    world.engine.fold.apply(
      { type: 'problems', folderId: 'f1', problems: [someProblem({ requestId: 'req-1' })] },
      NOW_MS,
    );
    world.engine.answers['problems.list'] = () => world.engine.fold.snapshot(NOW_MS).problems;
    world.engine.answers['problems.files'] = () => ({
      total: 3,
      rows: [{ path: 'a/b', stage: 'failed', sizeBytes: 1, reason: 'denied', code: 'FILE_DENIED' }],
    });
    const { exitCode, stdout } = await world.run('errors');
    expect(exitCode).toBe(1);
    expect(stdout).toBe(
      '3 files: no permission to read. Give yourself the right to read it, or exclude it. (req-1)\n  permission denied\n  a/b: denied\n  and 2 more\n',
    );
    world.engine.answers['problems.list'] = () => [];
    expect(await world.run('errors')).toMatchObject({ exitCode: 0, stdout: 'No problems.\n' });
  });

  test('retry, pause, resume and rescan go to all folders or to one', async () => {
    world.engine.answers['folders.retry'] = () => ({ retried: 2 });
    for (const name of ['folders.pause', 'folders.resume', 'folders.rescan'] as const) {
      world.engine.answers[name] = () => ({ ok: true });
    }
    expect((await world.run('retry', '--all')).stdout).toBe('Trying 2 files again\n');
    expect(asked('folders.retry')).toBe('folders.retry {"folderId":null,"problemId":null}');
    const before = Date.now();
    expect((await world.run('pause', 'f1', '--for', '1h')).stdout).toMatch(
      /^Paused folder f1 until .*\d\d:\d\d\n$/,
    );
    const untilMs = JSON.parse(asked('folders.pause')?.replace('folders.pause ', '') ?? '').untilMs;
    expect(untilMs).toBeGreaterThanOrEqual(before + 3_600_000);
    await world.run('resume');
    expect(asked('folders.resume')).toBe('folders.resume {"folderId":null}');
    world.engine.answers['folders.confirmDeletes'] = () => ({ ok: true });
    expect((await world.run('resume', 'f1', '--confirm-deletes')).exitCode).toBe(0);
    expect(asked('folders.confirmDeletes')).toBe('folders.confirmDeletes {"folderId":"f1"}');
    expect((await world.run('resume', '--confirm-deletes')).exitCode).toBe(64);
    await world.run('rescan', 'f1');
    expect(asked('folders.rescan')).toBe('folders.rescan {"folderId":"f1"}');
    expect((await world.run('retry', 'f1', '--all')).exitCode).toBe(64);
  });

  test('folder commands change the running one', async () => {
    const status = () =>
      world.engine.fold.snapshot(NOW_MS).folders[0] ??
      (() => {
        throw new Error('none');
      })();
    const { config } = someFolder();
    world.engine.answers['folders.add'] = () => status();
    world.engine.answers['folders.list'] = () => [status()];
    world.engine.answers['folders.get'] = () => ({ status: status(), config });
    world.engine.answers['folders.set'] = () => status();
    world.engine.answers['folders.remove'] = () => ({ ok: true });
    world.file('new/a');
    expect((await world.run('folder', 'add', 'new', '--deletes', 'mirror')).stdout).toBe('f1\n');
    expect(asked('folders.add')).toContain('"deletes":"mirror"');
    expect((await world.run('folder', 'list')).stdout).toContain('Everything saved 2 minutes ago');
    expect((await world.run('folder', 'show', 'f1')).stdout).toMatch(/saved +100%/);
    await world.run('folder', 'set', 'f1', '--exclude', '*.tmp');
    expect(asked('folders.set')).toContain('"patterns":["*.tmp"]');
    await world.run('folder', 'remove', 'f1');
    expect(asked('folders.remove')).toBe('folders.remove {"folderId":"f1"}');
  });

  test('log shows what happened, and with -f what happens', async () => {
    const row = (seq: number) => ({
      seq,
      atMs: NOW_MS,
      level: 'info' as const,
      folderId: null,
      message: `Saved ${seq}`,
    });
    world.engine.answers['activity.list'] = () => [row(1)];
    expect((await world.run('log')).stdout).toBe('2026-11-22T12:00:00.000Z info Saved 1\n');
    const live = world.start('log', '-f');
    await until('it shows the first', () => live.stdout().includes('Saved 1'));
    world.engine.events.emit('activity', row(2));
    await until('it shows the next', () => live.stdout().includes('Saved 2'));
    live.interrupt();
    expect((await live.done).exitCode).toBe(0);
  });

  test('an error of the owner arrives with its code, and never with what it does not mean to say', async () => {
    world.engine.answers['folders.rescan'] = () => {
      throw new KeepsyncError('USAGE', 'There is no folder x', {
        action: 'See the list.',
        info: { inner: 'thing' },
      });
    };
    const { exitCode, stderr } = await world.run('rescan', 'x', '--json');
    expect(exitCode).toBe(64);
    expect(JSON.parse(stderr)).toEqual({
      error: { kind: 'USAGE', message: 'There is no folder x', action: 'See the list.' },
    });
  });

  test('a second owner is refused and told who has the profile', async () => {
    const { exitCode, stderr } = await world.run('daemon', '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({
      error: {
        kind: 'LOCKED',
        message: `This profile is in use by keepsync daemon (process ${process.pid})`,
      },
    });
  });

  test('the daemon starts the engine, and closes it in order when it is interrupted', async () => {
    expect(world.engine.calls).toContain('start');
    expect(world.requests[0]).toMatchObject({ owner: 'daemon', watch: true, conflicts: 'keep-beside' });
    daemon.interrupt();
    expect((await daemon.done).exitCode).toBe(0);
    expect(world.engine.calls.at(-1)).toBe('close now');
    expect(await world.run('status', '--json')).toMatchObject({ exitCode: 1 });
  });

  test('owner.stop ends the daemon the way it was asked for', async () => {
    world.requests[0]?.onStop('finish');
    expect((await daemon.done).exitCode).toBe(0);
    expect(world.engine.calls.at(-1)).toBe('close finish');
  });
});
