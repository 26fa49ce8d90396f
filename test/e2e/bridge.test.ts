import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { commands, eventSchemas } from '../../src/contract/commands.ts';
import type { PreloadApi } from '../../src/contract/shell.ts';
import { clusterIn } from '../support/desktop/collection-content.ts';
import {
  DesktopStage,
  keep,
  noElectron,
  suiteName,
  untilSaved,
  writeFiles,
} from '../support/desktop/desktop-stage.ts';
import type { RunningDesktop } from '../support/desktop/desktop-under-test.ts';

/** As much of a page as these tests touch. */
interface PageGlobals {
  readonly keepsync: PreloadApi;
  readonly document: {
    readonly body: { append(element: object): void };
    createElement(name: string): { readonly contentWindow: object; remove(): void };
  };
  readonly File: new (parts: readonly string[], name: string) => object;
}

/** What the page can reach beyond any other page, and what each of it is. */
const BRIDGE = {
  run: 'function',
  callShell: 'function',
  subscribe: 'function',
  acceptDrop: 'function',
  onNavigate: 'function',
  offers: 'object',
};

const COMMANDS = [
  'status.get',
  'folders.list',
  'folders.get',
  'folders.add',
  'folders.set',
  'folders.remove',
  'folders.pause',
  'folders.resume',
  'folders.rescan',
  'folders.retry',
  'folders.confirmDeletes',
  'blocks.list',
  'files.list',
  'saves.list',
  'problems.list',
  'problems.files',
  'activity.list',
  'settings.get',
  'settings.set',
  'owner.stop',
];

const SHELL_CALLS = [
  'about',
  'chooseFolder',
  'chooseCaFile',
  'showFile',
  'copyText',
  'openExternalWorkbench',
  'saveText',
  'signIn',
  'signOut',
  'check',
  'listProjects',
  'storage',
  'previewFolder',
  'testPath',
  'diagnostics',
  'readDiagnostics',
  'saveDiagnostics',
];

/** What the page gets for a call, however it ends: an answer of the owner's, or what the bridge itself threw. */
async function answersTo(
  app: RunningDesktop,
  calls: ReadonlyArray<readonly ['run' | 'callShell', string, unknown]>,
): Promise<
  ReadonlyArray<{ readonly ok: boolean; readonly value?: unknown; readonly error?: { code: string } }>
> {
  return await (await app.page()).evaluate(async (wanted) => {
    const { keepsync } = globalThis as unknown as PageGlobals;
    const answers = [];
    for (const [how, name, input] of wanted) {
      answers.push(await keepsync[how](name, input));
    }
    return answers as never;
  }, calls);
}

describe.skipIf(noElectron !== '')(suiteName('the bridge of the page in a real Electron'), () => {
  let stage: DesktopStage;
  beforeAll(async () => {
    stage = await DesktopStage.open();
  }, 600_000);
  afterEach(() => stage.endTest());
  afterAll(() => stage?.close());

  test('is this and nothing else', async () => {
    const app = await stage.start();
    const page = await app.page();
    await page.getByText('Where should your files go?').waitFor();
    const reachable = await page.evaluate(() => {
      const mine = globalThis as unknown as PageGlobals & Record<string, unknown>;
      const frame = mine.document.createElement('iframe');
      mine.document.body.append(frame);
      const usual = new Set(Object.getOwnPropertyNames(frame.contentWindow));
      frame.remove();
      const { keepsync } = mine;
      return {
        // frames of the page have their number as a name; zod leaves its own two things there
        names: Object.getOwnPropertyNames(mine).filter(
          (name) => !usual.has(name) && !/^\d+$|^__zod_/.test(name),
        ),
        bridge: Object.fromEntries(Object.entries(keepsync).map(([name, part]) => [name, typeof part])),
        offers: keepsync.offers,
        frozen: Object.isFrozen(keepsync),
      };
    });
    expect(reachable).toEqual({ names: ['keepsync'], bridge: BRIDGE, offers: SHELL_CALLS, frozen: true });
    expect(Object.keys(commands)).toEqual(COMMANDS);
    expect(Object.keys(eventSchemas)).toEqual(['status', 'activity', 'blocks']);
  }, 600_000);

  test('gives a hostile page no file, no token and no program', async () => {
    const secrets = stage.folder('secrets');
    writeFileSync(join(secrets, 'id_rsa'), 'a private key');
    const folder = stage.folder('kept');
    writeFiles(folder, { 'a.txt': 10 });
    const app = await stage.start();
    await app.answerDialogs({});
    await (await app.page()).getByText('Where should your files go?').waitFor();
    // everything by which the main process starts or shows something
    await app.app.evaluate(({ app: electronApp, shell }) => {
      const opened: string[] = [];
      (electronApp as unknown as { opened: string[] }).opened = opened;
      shell.showItemInFolder = (path) => void opened.push(`shown ${path}`);
      shell.openPath = async (path) => String(opened.push(`opened ${path}`));
      shell.openExternal = async (url) => void opened.push(`went to ${url}`);
    });
    await app.shell('signIn', { how: 'local' });
    const folderId = await keep(app, folder, 'kept');
    await untilSaved(app, 1);
    await app.answerDialogs({});
    const { folders } = await app.run('status.get', {});
    const config = (await app.run('folders.get', { folderId })).config;
    const elsewhere = { ...config, roots: [{ diskPath: secrets, prefix: '' }] };
    const upwards = '../'.repeat(20);

    const refused = await answersTo(app, [
      ['run', 'folders.add', elsewhere],
      ['run', 'folders.set', { folderId, change: { roots: elsewhere.roots } }],
      ['run', 'folders.add', { ...config, roots: [...config.roots, ...elsewhere.roots] }],
      ['run', 'settings.set', { account: { host: 'evil.example.org' } }],
      ['run', 'settings.set', { account: { host: null, insecure: true } }],
      ['run', '__proto__', {}],
      ['run', 'constructor', {}],
      ['callShell', 'previewFolder', { diskPath: secrets, rules: [] }],
      ['callShell', 'previewFolder', { diskPath: join(folder, '..'), rules: [] }],
      ['callShell', 'previewFolder', { diskPath: `${folder}/../../..`, rules: [] }],
      ['callShell', 'showFile', { folderId, path: `${upwards}etc/passwd` }],
      ['callShell', 'showFile', { folderId: '../secrets', path: null }],
      ['callShell', 'readDiagnostics', { name: `${upwards}etc/passwd` }],
      ['callShell', 'readDiagnostics', { name: 'token.encrypted.json' }],
      ['callShell', 'openExternalWorkbench', { folderId: 'file:///bin/sh' }],
      ['callShell', 'openPath', { path: '/bin/sh' }],
      ['callShell', 'constructor', {}],
    ]);
    expect(refused.map((answer) => answer.ok)).toEqual(refused.map(() => false));
    // dialogs belong to the person: where they say no, the page gets nothing
    const asked = await answersTo(app, [
      ['callShell', 'chooseFolder', {}],
      ['callShell', 'chooseCaFile', {}],
    ]);
    expect(asked.map((answer) => answer.value)).toEqual([null, null]);
    // a file that the page made up is no drop
    const dropped = await (await app.page()).evaluate(
      async ([path]) => {
        const { keepsync, File } = globalThis as unknown as PageGlobals;
        const tries = [{ path }, new File(['x'], path), path as unknown as object];
        return await Promise.all(
          tries.map(async (file) => {
            try {
              return await keepsync.acceptDrop(file);
            } catch (thrown) {
              return `threw ${thrown instanceof Error}`;
            }
          }),
        );
      },
      [secrets] as const,
    );
    expect(dropped).not.toContain(secrets);
    expect(
      await app.app.evaluate(
        ({ app: electronApp }) => (electronApp as unknown as { opened: string[] }).opened,
      ),
    ).toEqual([]);

    // everything that can be asked for, and the token is in none of it
    const { token } = await clusterIn(join(stage.profile, 'local-cluster'));
    const secret = token.split('/').at(-1) ?? '';
    expect(secret.length).toBeGreaterThan(20);
    const told = await answersTo(app, [
      ...['status.get', 'folders.list', 'problems.list', 'settings.get', 'activity.list', 'blocks.list'].map(
        (name) => ['run', name, {}] as const,
      ),
      ...['folders.get', 'files.list', 'saves.list'].map((name) => ['run', name, { folderId }] as const),
      ...['about', 'listProjects', 'storage', 'diagnostics'].map((name) => ['callShell', name, {}] as const),
      ...['report.json', 'status.json', 'keepsync.log', 'settings.json'].map(
        (name) => ['callShell', 'readDiagnostics', { name }] as const,
      ),
      ...(['host', 'token', 'keep'] as const).map(
        (check) => ['callShell', 'check', { signIn: { how: 'local' }, check }] as const,
      ),
    ]);
    expect(told.filter((answer) => answer.ok).length).toBeGreaterThan(12);
    const text = JSON.stringify([...told, ...refused]);
    expect(text).not.toContain(secret);
    expect(text).not.toContain('a private key');
    expect(text).toContain(folders[0]?.collectionUuid ?? 'no collection');

    // the file manager is shown files of kept folders, and no others
    await app.shell('showFile', { folderId, path: 'a.txt' });
    expect(
      await app.app.evaluate(
        ({ app: electronApp }) => (electronApp as unknown as { opened: string[] }).opened,
      ),
    ).toEqual([`shown ${join(folder, 'a.txt')}`]);
  }, 600_000);
});
