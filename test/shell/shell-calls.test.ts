import { describe, expect, test } from 'vitest';
import type { AccountChecks } from '../../src/api/checks.ts';
import type { ProjectRecord } from '../../src/api/projects.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { defaultSettings } from '../../src/contract/settings.ts';
import type { Connection } from '../../src/engine/connection.ts';
import { ChosenPaths } from '../../src/shell/chosen-paths.ts';
import { GuardedHost } from '../../src/shell/guarded-host.ts';
import { PROJECTS_MAX, projectList } from '../../src/shell/project-list.ts';
import { workbenchUrl } from '../../src/shell/shared-calls.ts';
import { offersOf, runShellCall } from '../../src/shell/shell-calls.ts';
import { SignInChecks } from '../../src/shell/sign-in-checks.ts';
import { ScriptedEngine } from '../cli/support/scripted-engine.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe('the calls of a shell', () => {
  const handlers = {
    copyText: () => ({ ok: true as const }),
    chooseFolder: () => null,
    saveText: () => ({ saved: 'perhaps' }) as unknown as { saved: boolean },
  };

  test('are offered in the order of the contract', () => {
    expect(offersOf(handlers)).toEqual(['chooseFolder', 'copyText', 'saveText']);
  });

  test.each([
    ['one that there is not', 'steal', {}],
    ['one that an object has by nature', 'constructor', {}],
    ['one that is not offered', 'signOut', {}],
    ['input that makes no sense', 'copyText', { text: 5 }],
    ['no input at all', 'copyText', undefined],
  ])('refuses %s', async (_what, name, input) => {
    await expect(runShellCall(handlers, name, input)).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('a refused input is not repeated: it may hold a token', async () => {
    const call = runShellCall({ signIn: () => ({ ok: true }) }, 'signIn', {
      how: 'token',
      token: 'v2/secret',
    });
    await expect(call).rejects.toMatchObject({ message: expect.not.stringContaining('secret') });
  });
});

describe('a window', () => {
  const folder = {
    roots: [{ diskPath: '/home/ann/data', prefix: '' }],
    name: 'data',
    target: { collectionName: 'data' },
  };

  function world() {
    const engine = new ScriptedEngine();
    const stops: string[] = [];
    engine.answers = {
      'folders.add': () => ({}) as never,
      'folders.set': () => ({}) as never,
      'settings.get': () => ({
        ...defaultSettings,
        account: { ...defaultSettings.account, host: 'a.example.org' },
      }),
      'settings.set': (change) => change as never,
    };
    const paths = new ChosenPaths(async () => [{ path: '/kept' }]);
    return {
      engine,
      paths,
      stops,
      host: new GuardedHost({ host: engine, paths, onStop: (how) => stops.push(how) }),
    };
  }

  test('adds only folders that a person pointed at', async () => {
    const { host, paths, engine } = world();
    await expect(host.run('folders.add', folder)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(engine.calls).toEqual([]);
    paths.add('/home/ann/data');
    await host.run('folders.add', folder);
    await expect(
      host.run('folders.set', { folderId: 'f', change: { roots: [{ diskPath: '/home/ann', prefix: '' }] } }),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await host.run('folders.set', { folderId: 'f', change: { roots: [{ diskPath: '/kept', prefix: '' }] } });
    await host.run('folders.set', { folderId: 'f', change: { name: 'other' } });
  });

  test('never says which cluster gets the token', async () => {
    const { host } = world();
    for (const account of [{ host: 'evil.example.org' }, { local: true }, { insecure: true }]) {
      await expect(host.run('settings.set', { account })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    expect(await host.run('settings.set', { account: { caFile: '/ca.pem' } })).toMatchObject({
      account: { host: 'a.example.org', caFile: '/ca.pem' },
    });
    expect(await host.run('settings.set', { startAtLogin: true })).toEqual({ startAtLogin: true });
  });

  test('asks its shell to quit, not the engine', async () => {
    const { host, stops, engine } = world();
    await host.run('owner.stop', { how: 'now' });
    expect(stops).toEqual(['now']);
    expect(engine.calls).toEqual([]);
  });
});

describe('the list of projects', () => {
  const project = (uuid: string, ownerUuid: string, part: Partial<ProjectRecord> = {}): ProjectRecord => ({
    uuid,
    ownerUuid,
    name: uuid,
    description: '',
    canWrite: undefined,
    isTrashed: false,
    ...part,
  });

  test('has home first and parents before children, by name', () => {
    const list = projectList([
      project('child', 'b'),
      project('b', 'user', { canWrite: false }),
      project('a', 'user'),
      project('gone', 'user', { isTrashed: true }),
      project('orphan', 'hidden', { name: '' }),
    ]);
    expect(list.map(({ name, parentUuid, writable }) => [name, parentUuid, writable])).toEqual([
      ['Home', null, true],
      ['orphan', null, true],
      ['a', null, true],
      ['b', null, false],
      ['child', 'b', true],
    ]);
  });

  test('survives rings and very long chains', () => {
    expect(projectList([project('a', 'b'), project('b', 'a')])).toHaveLength(1);
    const chain = Array.from({ length: 5_000 }, (_, index) => project(`p${index}`, `p${index - 1}`));
    expect(projectList(chain).length).toBeLessThanOrEqual(PROJECTS_MAX + 1);
  });
});

describe('the checklist of a sign-in', () => {
  const signIn = { how: 'token', host: 'zzzzz.example.org', token: 'x' } as const;
  const connection = { host: 'zzzzz.example.org' } as Connection;

  function world(answers: () => Promise<AccountChecks>) {
    const clock = new ManualClock();
    let rounds = 0;
    const checks = new SignInChecks({
      clock,
      connectionOf: async () => connection,
      check: () => {
        rounds += 1;
        return answers();
      },
    });
    return { checks, clock, rounds: () => rounds };
  }

  const two: AccountChecks = {
    ok: false,
    checks: [
      { id: 'host', ok: true, message: 'answers' },
      { id: 'certificate', ok: false, message: 'expired', action: 'Renew it.', requestId: 'req-1' },
    ],
  };

  test('asks the cluster once for all of its lines, and anew when it begins again', async () => {
    const { checks, rounds } = world(async () => two);
    expect(await checks.check(signIn, 'host')).toMatchObject({ passed: true, detail: 'answers' });
    expect(await checks.check(signIn, 'certificate')).toMatchObject({
      passed: false,
      action: 'Renew it.',
      requestId: 'req-1',
    });
    expect(rounds()).toBe(1);
    await checks.check(signIn, 'host');
    expect(rounds()).toBe(2);
    await checks.check({ ...signIn, token: 'y' }, 'certificate');
    expect(rounds()).toBe(3);
  });

  test('does not call passed what was not asked', async () => {
    const { checks } = world(async () => two);
    await expect(checks.check(signIn, 'token')).rejects.toMatchObject({ message: 'expired' });
  });

  test('tells an error as a line that failed', async () => {
    const { checks } = world(async () => {
      throw new KeepsyncError('CLOSED', 'stopped');
    });
    expect(await checks.check(signIn, 'host')).toMatchObject({ passed: false, code: 'CLOSED' });
  });

  test('has nothing to ask of a cluster that is still to be made', async () => {
    const { checks, rounds } = world(async () => two);
    expect(await checks.check({ how: 'local' }, 'keep')).toMatchObject({ passed: true });
    expect(rounds()).toBe(0);
  });
});

describe('the address in Workbench', () => {
  const config = (url: string | undefined) => async () => ({ workbenchUrl: url }) as never;
  const engine = (uuid: string | null) => {
    const scripted = new ScriptedEngine();
    scripted.answers = { 'folders.get': () => ({ status: { collectionUuid: uuid } }) as never };
    return scripted;
  };

  test.each([
    ['https://wb.example.org', 'https://wb.example.org/collections/zzzzz-4zz18-000000000000001'],
    ['https://wb.example.org/', 'https://wb.example.org/collections/zzzzz-4zz18-000000000000001'],
    ['javascript:alert(1)', null],
    [undefined, null],
  ])('%s', async (base, expected) => {
    expect(await workbenchUrl(engine('zzzzz-4zz18-000000000000001'), 'f', config(base))).toBe(expected);
  });

  test('is none before the first save', async () => {
    expect(await workbenchUrl(engine(null), 'f', config('https://wb.example.org'))).toBeNull();
  });
});
