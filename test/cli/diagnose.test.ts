import { readFileSync, statSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { diagnose } from '../../src/shell/diagnosis.ts';
import { CliWorld, TOKEN } from './support/cli-world.ts';

let world: CliWorld;
beforeEach(() => {
  world = new CliWorld();
  world.diagnose = ({ connection, paths }) =>
    diagnose(
      {
        connection,
        checkAccount: async ({ token }) => ({
          ok: false,
          checks: [
            { id: 'host', ok: true, message: 'It answers' },
            {
              id: 'certificate',
              ok: false,
              message: `The certificate for Bearer ${token} is not good`,
              action: 'Ask for a better one.',
              requestId: 'req-1',
            },
          ],
        }),
        computer: {
          checkWritable: async () => undefined,
          freeBytes: async () => 2 ** 40,
          watchLimit: async () => 100,
          inspectJournal: async () => ({ state: 'none' }),
        },
        stateDir: paths.stateDir,
        journalFile: paths.journalFile,
        watchEntriesMax: 10_000,
      },
      AbortSignal.timeout(60_000),
    );
});
afterEach(() => world.close());

describe('keepsync diagnose, without a running Keepsync', () => {
  test('says in one line each what is good, what is not, and what to do; the exit code says so, too', async () => {
    const { exitCode, stdout, stderr } = await world.run('diagnose');
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ['ok', 'account'],
      ['ok', 'host'],
      ['FAILED', 'certificate'],
      ['-', 'arvados'],
      ['-', 'clock'],
      ['-', 'token'],
      ['-', 'keep'],
      ['ok', 'profile'],
      ['ok', 'disk'],
      ['warn', 'watches'],
      ['ok', 'journal'],
    ]);
    expect(lines[2]).toContain('is not good (req-1). Ask for a better one.');
    expect(lines[9]).toContain('sysctl fs.inotify.max_user_watches');
    expect(stdout).not.toContain('s3cret');
  });

  test('is healthy with warnings alone', async () => {
    world.diagnose = async () => [
      { id: 'watches', finding: 'warning', message: 'few', action: null, requestId: null },
    ];
    const { exitCode, stdout } = await world.run('diagnose', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, checks: [{ id: 'watches', finding: 'warning' }] });
  });

  test('where nobody is signed in, that is what failed; the computer is asked all the same', async () => {
    delete world.env.ARVADOS_API_HOST;
    delete world.env.ARVADOS_API_TOKEN;
    const { exitCode, stdout } = await world.run('diagnose', '--json');
    expect(exitCode).toBe(1);
    const { checks } = JSON.parse(stdout) as {
      checks: Array<{ id: string; finding: string; action: string }>;
    };
    expect(checks[0]).toMatchObject({
      id: 'account',
      finding: 'failed',
      action: expect.stringContaining('keepsync login'),
    });
    expect(checks.filter(({ finding }) => finding === 'good').map(({ id }) => id)).toEqual([
      'profile',
      'disk',
      'journal',
    ]);
  });

  test('a token file that is damaged is an answer, not a crash', async () => {
    delete world.env.ARVADOS_API_TOKEN;
    world.file('profile/settings.json', JSON.stringify({ account: { host: 'zzzzz.example.org' } }));
    world.file('profile/token.json', '{"token":');
    const { exitCode, stdout } = await world.run('diagnose', '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).checks[0]).toMatchObject({ id: 'account', finding: 'failed' });
  });

  test('writes a bundle that says what is in it, and holds neither token nor names', async () => {
    world.file('data/patient-jane.bam');
    await world.run('folder', 'add', 'data', '--name', 'Trio-study');
    world.file(
      'profile/logs/keepsync.log',
      `${JSON.stringify({ level: 'error', message: `Trio-study failed with ${TOKEN}`, path: 'patient-jane.bam' })}\n`,
    );
    const { exitCode, stdout } = await world.run('diagnose', '--bundle', 'out/all.zip');
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`Wrote ${world.path('out/all.zip')}`);
    expect(statSync(world.path('out/all.zip')).mode & 0o077).toBe(0);
    const files = unzipSync(readFileSync(world.path('out/all.zip')));
    expect(Object.keys(files)).toContain('README.txt');
    const list = new TextDecoder().decode(files['README.txt']);
    for (const [name, bytes] of Object.entries(files)) {
      expect(stdout).toContain(`  ${name}, `);
      if (name !== 'README.txt') {
        expect(list).toContain(`${name}: `);
      }
      const text = new TextDecoder().decode(bytes);
      for (const secret of ['s3cret', 'jane', 'Trio', world.path('data')]) {
        expect(text, `${secret} in ${name}`).not.toContain(secret);
      }
    }
  });
});

test('a computer that cannot be asked is told as failed, with what to do', async () => {
  const no = async () => {
    throw new KeepsyncError('JOURNAL', 'It is damaged', { action: 'Start again.' });
  };
  const rows = await diagnose(
    {
      connection: no,
      checkAccount: no,
      computer: {
        checkWritable: no,
        freeBytes: async () => 1024,
        watchLimit: async () => undefined,
        inspectJournal: no,
      },
      stateDir: '/x',
      journalFile: '/x/j',
      watchEntriesMax: 1,
    },
    AbortSignal.timeout(60_000),
  );
  const failed = rows.filter(({ finding }) => finding === 'failed');
  expect(failed.map(({ id }) => id)).toEqual(['account', 'profile', 'disk', 'journal']);
  expect(failed.every(({ action }) => action !== null)).toBe(true);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
});
