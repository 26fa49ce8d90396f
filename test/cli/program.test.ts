import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import { CliWorld } from './support/cli-world.ts';

let world: CliWorld;
beforeEach(() => {
  world = new CliWorld();
});
afterEach(() => world.close());

describe('the keepsync command', () => {
  test('says its version, the one of the package', async () => {
    const manifest: unknown = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(manifest).toMatchObject({ version: VERSION });
    expect(await world.run('--version')).toEqual({ exitCode: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  test('lists every command with a line about it, and the exit codes', async () => {
    const { exitCode, stdout } = await world.run('--help');
    expect(exitCode).toBe(0);
    const named =
      'start put get ls check status folder blocks errors retry pause resume rescan daemon log ignore login logout whoami cluster completion';
    for (const name of named.split(' ')) {
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b.* {2,}\\S`, 'm'));
    }
    expect(stdout).toContain('Exit codes: 0 all saved, 1 failed, 2 work still pending, 64 wrong usage.');
  });

  test.each([
    [['sttatus'], 'Did you mean status?'],
    [['put'], "missing required argument 'path'"],
    [['put', '.', '--replication', 'two'], 'Give a whole number from 1 to 100.'],
    [['put', '.', '--nmae', 'x'], 'Did you mean --name?'],
    [['put', '.', '--update-collection', 'x'], '"x" is no collection UUID'],
    [
      ['put', '.', '--update-collection', 'zzzzz-4zz18-000000000000001', '--name', 'x'],
      '--name cannot be used with',
    ],
    [['get', 'nonsense', '.'], 'neither a collection UUID nor a portable data hash'],
    [['ls', 'zzzzz-4zz18-000000000000001/a/../../b'], 'leads out of it'],
    [['folder', 'ad'], 'Did you mean add?'],
    [['pause', '--for', '1 fortnight'], '90s, 30m, 1h or 2d'],
    [['blocks', '--state', 'GREEN'], 'WRITABLE, PENDING, COMMITTED, SAVED, ERROR'],
    [['daemon', '--port', '8080'], 'use it with --web'],
    [['start', '--port', '8080'], 'use it with --web'],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish'],
    [['folder', 'add', 'x', '--deletes', 'perhaps'], 'Allowed choices are mirror, keep'],
  ])('wrong usage %j ends with 64 and says what is wrong', async (args, message) => {
    const { exitCode, stdout, stderr } = await world.run(...args);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(exitCode).toBe(64);
  });

  test('with --json an error is one line of JSON with a kind, wherever the flag stands', async () => {
    for (const args of [
      ['--json', 'sttatus'],
      ['get', 'nonsense', '.', '--json'],
    ]) {
      const { exitCode, stdout, stderr } = await world.run(...args);
      expect(exitCode).toBe(64);
      expect(stdout).toBe('');
      expect(JSON.parse(stderr)).toMatchObject({ error: { kind: 'USAGE', message: expect.any(String) } });
    }
  });

  test('without a command it shows its help and ends with 64', async () => {
    const { exitCode, stderr } = await world.run();
    expect(exitCode).toBe(64);
    expect(stderr).toContain('Usage: keepsync');
  });

  test('without a cluster it says how to name one', async () => {
    delete world.env.ARVADOS_API_HOST;
    delete world.env.ARVADOS_API_TOKEN;
    const { exitCode, stderr } = await world.run('--json', 'whoami');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        kind: 'NOT_SIGNED_IN',
        message: 'Not signed in to any cluster',
        action: 'Use "keepsync login", or set ARVADOS_API_HOST and ARVADOS_API_TOKEN.',
      },
    });
  });

  test.each(['bash', 'zsh', 'fish'])('completion for %s knows commands and flags', async (shell) => {
    const { exitCode, stdout } = await world.run('completion', shell);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('folder');
    expect(stdout).toContain('update-collection');
    expect(stdout).not.toMatch(/undefined|\[object/);
  });
});
