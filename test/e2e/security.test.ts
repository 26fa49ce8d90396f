import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Answer, PreloadApi } from '../../src/contract/shell.ts';
import { ControlClient } from '../../src/control/control-client.ts';
import { readOwner } from '../../src/profile/owner-lock.ts';
import { Canary, commandLines } from '../support/canary.ts';
import {
  DesktopStage,
  hurry,
  keep,
  noElectron,
  SOON,
  suiteName,
  writeFiles,
} from '../support/desktop/desktop-stage.ts';
import { listeningPorts, processTree } from '../support/desktop/listening-ports.ts';
import { TroubledCluster } from '../support/desktop/troubled-cluster.ts';

/** What a page has that is not in Node's types. */
interface PageGlobals {
  readonly keepsync: PreloadApi;
  readonly document: {
    body: { innerHTML: string; textContent: string | null; append(node: unknown): void };
    createElement(name: string): Record<string, unknown> & { remove(): void };
    addEventListener(
      name: string,
      listener: (event: { effectiveDirective: string; originalPolicy: string }) => void,
    ): void;
  };
  readonly location: { href: string };
  readonly navigator: {
    readonly permissions: { query(of: { name: string }): Promise<{ state: string }> };
    readonly mediaDevices: { getUserMedia(of: object): Promise<unknown> };
  };
  readonly Notification: { requestPermission(): Promise<string> };
  open(url: string): unknown;
}

const outcomesOf = (page: Page) =>
  page.evaluate(async () => {
    const g = globalThis as unknown as PageGlobals;
    const violated = new Map<string, string>();
    g.document.addEventListener('securitypolicyviolation', ({ effectiveDirective, originalPolicy }) =>
      violated.set(effectiveDirective, originalPolicy),
    );
    const outcome = async (work: () => unknown): Promise<string> => {
      try {
        const value = await work();
        return value === undefined || value === null ? 'nothing' : 'done';
      } catch {
        return 'refused';
      }
    };
    const add = (name: string, properties: Record<string, unknown>) => {
      const element = Object.assign(g.document.createElement(name), properties);
      g.document.body.append(element);
      return element;
    };
    // what the debugger runs at once is exempt from the policy; what comes later is the page's own
    await new Promise((resolve) => setTimeout(resolve, 0));
    const refused = {
      function: await outcome(() => new Function('return 1')()),
      html: await outcome(() => {
        g.document.body.innerHTML = '<b>x</b>';
        return true;
      }),
      script: await outcome(() => {
        add('script', { textContent: 'globalThis.injected = 1' });
        return (g as unknown as { injected?: number }).injected;
      }),
      open: await outcome(() => g.open('https://example.org/')),
      openOurs: await outcome(() => g.open('keepsync://app/')),
      fetch: await outcome(() => fetch('https://example.org/')),
      fetchFile: await outcome(() => fetch('file:///etc/hostname')),
      fetchLoopback: await outcome(() => fetch('http://127.0.0.1:1/')),
      media: await outcome(() => g.navigator.mediaDevices.getUserMedia({ audio: true })),
      notification: await g.Notification.requestPermission(),
    };
    const frame = add('iframe', { src: 'https://example.org/' });
    const style = add('style', { textContent: 'body { color: red }' });
    const image = add('img', { src: 'https://example.org/x.png' });
    const webview = add('webview', { src: 'https://example.org/' });
    // the page is told of what it was refused in tasks of their own
    const untilMs = Date.now() + 60_000;
    while (
      !['connect-src', 'frame-src', 'img-src', 'style-src-elem'].every((name) => violated.has(name)) &&
      Date.now() < untilMs
    ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const isWebview = typeof webview.getURL === 'function';
    for (const element of [frame, style, image, webview]) {
      element.remove();
    }
    const permissions: Record<string, string> = {};
    for (const name of [
      'geolocation',
      'camera',
      'microphone',
      'notifications',
      'clipboard-read',
      'midi',
      'persistent-storage',
    ]) {
      permissions[name] = await g.navigator.permissions.query({ name }).then(
        ({ state }) => state,
        () => 'denied',
      );
    }
    return {
      refused,
      isWebview,
      permissions,
      violated: [...violated.keys()].sort(),
      policy: [...violated.values()][0] ?? '',
      globals: ['require', 'process', 'module', 'Buffer', 'global'].filter((name) => name in globalThis),
      bridge: Object.keys(g.keepsync).sort(),
    };
  });

describe.skipIf(noElectron !== '')(suiteName('the security of the desktop app in a real Electron'), () => {
  let stage: DesktopStage;
  let cluster: TroubledCluster;
  beforeAll(async () => {
    stage = await DesktopStage.open();
    cluster = await TroubledCluster.start();
  }, 600_000);
  afterEach(async () => {
    cluster.heal();
    await stage.endTest();
  });
  afterAll(async () => {
    await stage?.close();
    await cluster?.close();
  });

  const log = () => readFileSync(join(stage.profile, 'logs', 'keepsync.log'), 'utf8');

  test('its window is sandboxed, and can neither reach out nor be led away', async () => {
    const app = await stage.start();
    const page = await app.page();
    await page.getByText('Where should your files go?').waitFor(SOON);
    const windows = await app.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => {
        // not in the types, because it is for tests
        const contents = window.webContents as unknown as {
          getLastWebPreferences(): Record<string, unknown>;
        };
        return contents.getLastWebPreferences();
      }),
    );
    expect(windows).toHaveLength(1);
    expect(windows[0]).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
    });
    for (const name of [
      ...[
        'nodeIntegrationInWorker',
        'nodeIntegrationInSubFrames',
        'allowRunningInsecureContent',
        'webviewTag',
      ],
      ...[
        'experimentalFeatures',
        'navigateOnDragDrop',
        'enableRemoteModule',
        'plugins',
        'enableBlinkFeatures',
      ],
    ]) {
      expect(Boolean(windows[0]?.[name]), name).toBe(false);
    }

    const found = await outcomesOf(page);
    expect(found.refused).toEqual({
      function: 'refused',
      html: 'refused',
      script: 'refused',
      open: 'nothing',
      openOurs: 'nothing',
      fetch: 'refused',
      fetchFile: 'refused',
      fetchLoopback: 'refused',
      media: 'refused',
      notification: 'denied',
    });
    expect(found.isWebview).toBe(false);
    expect(Object.values(found.permissions).filter((state) => state !== 'denied')).toEqual([]);
    expect(found.violated).toEqual(
      expect.arrayContaining(['connect-src', 'frame-src', 'img-src', 'style-src-elem']),
    );
    expect(found.policy).toContain("default-src 'none'");
    expect(found.policy).not.toMatch(/unsafe|https?:|\*|data:|blob:/);
    expect(found.globals).toEqual([]);
    expect(found.bridge).toEqual(['acceptDrop', 'callShell', 'offers', 'onNavigate', 'run', 'subscribe']);

    for (const url of [
      'https://example.org/',
      'file:///etc/hostname',
      'data:text/html,x',
      'keepsync://elsewhere/',
    ]) {
      await page.evaluate((to) => {
        (globalThis as unknown as { location: { href: string } }).location.href = to;
      }, url);
      expect(page.url()).toMatch(/^keepsync:\/\/app\//);
    }
    expect((await app.windows()).length).toBe(1);
  }, 600_000);

  test('its protocol serves the window and nothing beside it', async () => {
    const app = await stage.start();
    const page = await app.page();
    await page.getByText('Where should your files go?').waitFor(SOON);
    const secret = readFileSync(join(stage.desktop.folder, 'package.json'), 'utf8');
    for (const path of [
      ...['../package.json', '..%2fpackage.json', '%2e%2e/%2e%2e/package.json', '..%5cpackage.json'],
      ...[
        '....//package.json',
        '%00index.html',
        '//etc/hostname',
        'file:///etc/hostname',
        '../desktop/main.cjs',
      ],
    ]) {
      const text = await page.goto(`keepsync://app/${path}`).then(
        () => page.evaluate(() => (globalThis as unknown as PageGlobals).document.body.textContent ?? ''),
        () => '',
      );
      expect(text.trim(), path).toBe('');
      expect(secret).not.toContain(text || 'nothing was shown');
    }
  }, 600_000);

  test('it listens to its own window only, not to another one with the same page and preload', async () => {
    const app = await stage.start();
    await (await app.page()).getByText('Where should your files go?').waitFor(SOON);
    const preload = join(stage.desktop.folder, 'dist', 'desktop', 'preload.cjs');
    const answers = await app.app.evaluate(async ({ BrowserWindow }, preloadFile) => {
      const other = new BrowserWindow({
        show: false,
        webPreferences: {
          preload: preloadFile,
          sandbox: true,
          contextIsolation: true,
        },
      });
      try {
        await other.loadURL('keepsync://app/index.html');
        return (await other.webContents.executeJavaScript(
          `Promise.all([
            window.keepsync.run('status.get', {}),
            window.keepsync.callShell('about', {}),
            window.keepsync.run('owner.stop', { how: 'now' }),
          ])`,
        )) as Answer[];
      } finally {
        other.destroy();
      }
    }, preload);
    expect(answers).toHaveLength(3);
    for (const answer of answers) {
      expect(answer).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
    }
    await expect(app.run('status.get', {})).resolves.toMatchObject({ owner: 'desktop' });
    await expect.poll(log, SOON).toContain('not ours was refused');
  }, 600_000);

  test.runIf(process.platform === 'linux')(
    'it opens no port',
    async () => {
      const { desktop, profile } = stage;
      // the search finds one that is open
      const probe = createServer().listen(0, '127.0.0.1');
      await once(probe, 'listening');
      expect(listeningPorts([process.pid])).toContain((probe.address() as { port: number }).port);
      probe.close();

      const child = spawn(desktop.executablePath, [desktop.folder, '--profile', profile], {
        env: desktop.env(profile),
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      try {
        const owner = await vi.waitFor(async () => {
          const present = await readOwner(join(profile, 'owner.lock'));
          if (present === undefined) {
            throw new Error('it has not started yet');
          }
          const client = await ControlClient.connect(present.socketPath, present.key, systemClock);
          client.close();
          return present;
        }, SOON);
        expect(listeningPorts(processTree(owner.pid))).toEqual([]);
        expect(processTree(owner.pid).length).toBeGreaterThan(1);
      } finally {
        child.kill('SIGKILL');
        await ended;
      }
    },
    600_000,
  );

  test('the token is neither told to the window nor left on the disk, after trouble and a crash of the page', async () => {
    const {
      ARVADOS_API_TOKEN: token = '',
      ARVADOS_API_HOST: host = '',
      SSL_CERT_FILE: caFile = '',
    } = cluster.env;
    const canary = new Canary(token);
    const folder = stage.folder('data');
    writeFiles(
      folder,
      Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`file ${index}`, 300 + index])),
    );
    const app = await stage.start({ SSL_CERT_FILE: caFile });
    const page = await app.page();
    await page.getByText('Where should your files go?').waitFor(SOON);
    await page.evaluate(() => {
      const g = globalThis as unknown as PageGlobals & { told: string[] };
      g.told = [];
      for (const event of ['status', 'activity', 'blocks']) {
        g.keepsync.subscribe(event, (payload) => g.told.push(JSON.stringify(payload)));
      }
    });
    const answers: unknown[] = [];
    answers.push(await app.shell('signIn', { how: 'token', host, token, caFile }));
    await hurry(app);
    const words = `Not so, Bearer ${token}, nor ${token.split('/')[2]}`;
    cluster.trouble(({ server }) =>
      server === 'keep' ? { kind: 'status', status: 400, message: words } : undefined,
    );
    await keep(app, folder, 'data');
    await vi.waitFor(async () => {
      const problems = await app.run('problems.list', {});
      answers.push(problems, await app.run('status.get', {}), await app.run('settings.get', {}));
      expect(JSON.stringify(problems)).toContain('Not so');
    }, SOON);
    answers.push(
      await app.run('blocks.list', {}),
      await app.run('activity.list', {}),
      await app.shell('about', {}),
    );
    const { entries } = await app.shell('diagnostics', {});
    for (const { name } of entries) {
      answers.push(await app.shell('readDiagnostics', { name }));
    }
    const allTold = () => page.evaluate(() => (globalThis as unknown as { told: string[] }).told);
    await expect.poll(async () => (await allTold()).join(), SOON).toContain('Not so');
    const told = await allTold();
    expect(told.filter((text) => canary.isIn(text))).toEqual([]);
    expect(canary.isIn(JSON.stringify(answers))).toBe(false);
    expect(commandLines().filter((line) => canary.isIn(line))).toEqual([]);

    const next = app.app.waitForEvent('window', { timeout: SOON.timeout });
    await app.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer(),
    );
    await (await next).getByRole('heading', { level: 1 }).waitFor(SOON);
    await expect.poll(log, SOON).toContain('died');
    await app.kill();
    expect(canary.filesIn(stage.profile)).toEqual([]);
  }, 600_000);
});
