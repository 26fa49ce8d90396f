import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { ControlClient } from '../../src/control/control-client.ts';
import { OwnerLock, readOwner } from '../../src/profile/owner-lock.ts';
import { launchChromium } from '../renderer/support/chromium.ts';
import { BuiltDesktop, type RunningDesktop } from '../support/desktop/desktop-under-test.ts';
import { findElectron } from '../support/desktop/electron-runtime.ts';

const execute = promisify(execFile);
const runtime = findElectron(process.env);
const reason = 'reason' in runtime ? runtime.reason : '';

const FILES = 60;
const SOON = { timeout: 180_000, interval: 100 };

describe.skipIf(reason !== '')(`the desktop app in a real Electron${reason && ` (${reason})`}`, () => {
  let desktop: BuiltDesktop;
  let folder: string;
  let profile: string;
  const running: RunningDesktop[] = [];

  const start = async (env: Record<string, string> = {}, on = profile): Promise<RunningDesktop> => {
    const started = await desktop.start(on, env);
    running.push(started);
    return started;
  };

  /** Signs in to the local cluster and keeps a folder with some files; resolves when everything is saved. */
  const keepFolder = async (app: RunningDesktop): Promise<string> => {
    mkdirSync(folder, { recursive: true });
    for (let index = 0; index < FILES; index += 1) {
      writeFileSync(join(folder, `reading-${index}.txt`), `reading ${index}\n`.repeat(40));
    }
    await app.answerDialogs({ folder });
    await app.shell('signIn', { how: 'local' });
    expect(await app.shell('chooseFolder', {})).toBe(folder);
    const status = await app.run('folders.add', {
      roots: [{ diskPath: folder, prefix: '' }],
      name: 'readings',
      target: { collectionName: 'readings' },
    });
    await saved(app);
    return status.id;
  };

  const saved = (app: RunningDesktop) =>
    vi.waitFor(async () => {
      const status = await app.run('status.get', {});
      expect(status.folders[0]?.bar.saved.files).toBe(FILES);
      expect(status.tray).toBe('ready');
    }, SOON);

  beforeAll(async () => {
    if (!('executablePath' in runtime)) {
      return;
    }
    desktop = await BuiltDesktop.shared(runtime.executablePath, inject('appFolder'));
  }, 600_000);

  afterEach(async () => {
    for (const app of running.splice(0)) {
      await app.kill();
    }
    rmSync(profile, { recursive: true, force: true });
  });

  afterAll(async () => {
    await desktop?.close();
  });

  const freshProfile = () => {
    profile = mkdtempSync(join(tmpdir(), 'keepsync-e2e-'));
    folder = join(profile, 'readings');
  };

  test('saves a folder, hides, comes back, asks before quitting, and goes on where it stopped', async () => {
    freshProfile();
    const app = await start();
    const page = await app.page();
    const versions = await app.app.evaluate(() => process.versions);
    console.log(`Ran on Electron ${versions.electron}, Chromium ${versions.chrome}, Node ${versions.node}`);
    await page.getByText('Where should your files go?').waitFor();
    await expect
      .poll(async () => (await app.windows()).map((window) => window.title), SOON)
      .toEqual(['Not signed in – Keepsync']);

    await keepFolder(app);
    // it looks again now and then, and says so: what counts is what it says when it is done
    await vi.waitFor(async () => {
      expect((await app.windows())[0]?.title).toMatch(/^Everything saved .* – Keepsync$/);
      expect((await app.tray()).menu).toEqual([
        expect.stringMatching(/^Everything saved/),
        '-',
        'Open Keepsync',
        { Pause: ['For 1 hour', 'Until tomorrow', 'Until I resume'] },
        { Folders: [expect.stringMatching(/^readings: Everything saved/)] },
        '-',
        'Settings',
        'Quit Keepsync',
      ]);
    }, SOON);

    // closing hides; a second start brings it back; the tray leads to a place
    await app.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
    await vi.waitFor(async () => expect((await app.windows())[0]?.isVisible).toBe(false), SOON);
    const second = spawn(desktop.executablePath, [desktop.folder, '--profile', profile], {
      env: desktop.env(profile),
      stdio: 'ignore',
    });
    expect((await once(second, 'exit'))[0]).toBe(0);
    await vi.waitFor(async () => expect((await app.windows())[0]?.isVisible).toBe(true), SOON);
    await app.chooseFromTray('Settings');
    await vi.waitFor(() => expect(page.url()).toContain('#/settings'), SOON);

    // the command speaks to the app
    const command = await execute(process.execPath, [
      join(desktop.folder, 'dist', 'keepsync.cjs'),
      ...['--profile', profile, '--json', 'status'],
    ]);
    expect(JSON.parse(command.stdout)).toMatchObject({
      owner: 'desktop',
      bar: { saved: { files: FILES } },
    });

    // with something unsaved, quitting asks; "cancel" stays
    await app.answerDialogs({ button: 2 });
    // it waits for a change to be over, here for as long as the question takes
    const { uploads } = await app.run('settings.get', {});
    await app.run('settings.set', { uploads: { ...uploads, calmBaseMs: 600_000, calmMaxMs: 600_000 } });
    writeFileSync(join(folder, 'reading-0.txt'), 'changed\n');
    await vi.waitFor(async () => {
      const { waiting, filling, uploading, stored } = (await app.run('status.get', {})).bar;
      expect([waiting, filling, uploading, stored].some((part) => part.files > 0)).toBe(true);
    }, SOON);
    await app.quit();
    await vi.waitFor(async () => expect(await app.boxesShown()).toHaveLength(1), SOON);
    expect((await app.boxesShown())[0]?.buttons).toEqual([
      'Finish, then quit',
      'Quit and resume later',
      'Cancel',
    ]);
    await app.run('settings.set', { uploads });
    writeFileSync(join(folder, 'reading-0.txt'), 'changed again\n');
    await saved(app);
    await app.quit();
    expect(await app.ended).toBe(0);

    // the next start knows everything: nothing is sent again
    const again = await start();
    await saved(again);
    const status = await again.run('status.get', {});
    expect(status.throughput.sentBytes).toBe(0);
    expect(status.folders[0]?.name).toBe('readings');
  }, 600_000);

  test('keeps its page to itself, and brings it back when it dies', async () => {
    freshProfile();
    const app = await start();
    const page = await app.page();
    await page.getByText('Where should your files go?').waitFor();

    const fromPage = await page.evaluate(async () => {
      const page = globalThis as unknown as {
        open(url: string): unknown;
        keepsync: object;
        navigator: { permissions: { query(of: { name: string }): Promise<{ state: string }> } };
      };
      const opened = page.open('https://example.org/');
      const fetched = await fetch('https://example.org/').then(
        () => 'fetched',
        () => 'refused',
      );
      const permission = await page.navigator.permissions.query({ name: 'geolocation' });
      return {
        opened: opened === null,
        fetched,
        permission: permission.state,
        node: typeof (page as { process?: unknown }).process,
        bridge: Object.keys(page.keepsync).sort(),
      };
    });
    expect(fromPage).toEqual({
      opened: true,
      fetched: 'refused',
      permission: 'denied',
      node: 'undefined',
      bridge: ['acceptDrop', 'callShell', 'offers', 'onNavigate', 'run', 'subscribe'],
    });
    await page.evaluate(() => {
      (globalThis as unknown as { location: { href: string } }).location.href = 'https://example.org/';
    });
    expect(page.url()).toMatch(/^keepsync:\/\/app\//);
    await expect(app.run('status.get', { extra: 1 } as never)).resolves.toMatchObject({ owner: 'desktop' });
    await expect(app.run('no.such' as never, {} as never)).rejects.toMatchObject({ code: 'USAGE' });
    await expect(app.shell('previewFolder', { diskPath: '/', rules: [] })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(app.run('settings.set', { account: { host: 'evil.example.org' } })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });

    const next = app.app.waitForEvent('window', { timeout: 90_000 });
    await app.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer(),
    );
    await (await next).getByText('Where should your files go?').waitFor();
    await app.quit();
    expect(await app.ended).toBe(0);
  }, 600_000);

  test('owns its profile: others are told who has it, and it tells who has it', async () => {
    freshProfile();
    const lockFile = join(profile, 'owner.lock');
    const lock = await OwnerLock.acquire({
      lockFile,
      socketPath: join(profile, 'control.sock'),
      role: 'daemon',
      version: 'test',
      clock: systemClock,
    });
    const refused = spawn(desktop.executablePath, [desktop.folder, '--profile', profile], {
      env: desktop.env(profile),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    refused.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    // it waits for somebody to close its dialog
    await vi.waitFor(() => expect(said).toContain('in use by keepsync daemon'), SOON);
    const refusedEnd = once(refused, 'exit');
    refused.kill('SIGKILL');
    await refusedEnd;
    await lock.release();

    const app = await start();
    await (await app.page()).getByText('Where should your files go?').waitFor();
    const owner = await readOwner(lockFile);
    const client = await ControlClient.connect(owner?.socketPath ?? '', owner?.key ?? '', systemClock);
    expect(client.hello).toMatchObject({ owner: 'desktop', pid: owner?.pid });
    await client.run('owner.stop', { how: 'now' });
    client.close();
    expect(await app.ended).toBe(0);
    expect(await readOwner(lockFile)).toBeUndefined();
    expect(readFileSync(join(profile, 'logs', 'keepsync.log'), 'utf8')).toContain('Stopped');
  }, 600_000);

  test('starts with damaged settings, keeps them aside, says so, and ends when told to', async () => {
    freshProfile();
    const settingsFile = join(profile, 'settings.json');
    writeFileSync(settingsFile, '{"startAtLogin": true, "up');
    const app = await start();
    await (await app.page()).getByText('Where should your files go?').waitFor();
    const said = readFileSync(join(profile, 'logs', 'keepsync.log'), 'utf8');
    const aside = /The settings could not be read and were moved to ([^;"]+);/.exec(said)?.[1] ?? '';
    expect(readFileSync(aside, 'utf8')).toBe('{"startAtLogin": true, "up');
    expect((await app.run('settings.get', {})).startAtLogin).toBe(false);
    // the message waits for somebody to close it, and keeps nobody from leaving
    await app.quit();
    expect(await app.ended).toBe(0);
  }, 600_000);

  test('without a tray, closing the window means quitting', async () => {
    freshProfile();
    const app = await start({ KEEPSYNC_TRAY: 'no' });
    await (await app.page()).getByText('Where should your files go?').waitFor();
    expect((await app.shell('about', {})).hasTray).toBe(false);
    await app.app.evaluate(({ BrowserWindow }) => {
      setTimeout(() => BrowserWindow.getAllWindows()[0]?.close(), 0);
    });
    expect(await app.ended).toBe(0);
  }, 600_000);

  test('shows the same window in a browser, to whoever has the key', async () => {
    freshProfile();
    const daemon = spawn(
      process.execPath,
      [join(desktop.folder, 'dist', 'keepsync.cjs'), '--profile', profile, '--json', 'daemon', '--web'],
      { env: desktop.env(profile), stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = once(daemon, 'exit');
    const browser = await launchChromium();
    try {
      const [line] = await once(daemon.stdout, 'data');
      const { url } = JSON.parse(String(line)) as { url: string };
      const context = await browser.newContext();
      context.setDefaultTimeout(SOON.timeout);
      const page = await context.newPage();
      await page.goto(url);
      await page.getByText('Where should your files go?').waitFor();
      expect(page.url()).not.toContain('key');
      await page.getByText('Try it on this computer').click();
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText('What should be kept?').waitFor();

      const stranger = await context.newPage();
      await stranger.goto(url.replace(/key=.*/, 'key=wrong'));
      await stranger.getByText('is no longer valid').waitFor();
      expect(await stranger.getByText('Where should your files go?').count()).toBe(0);
    } finally {
      await browser.close();
      daemon.kill('SIGINT');
    }
    expect((await ended)[0]).toBe(0);
  }, 600_000);
});
