import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import type { CommandInput, CommandName, ContractEvents } from '../../src/contract/commands.ts';
import { requestSchema } from '../../src/contract/protocol.ts';
import { CLOSE_WRONG_KEY, WEB_SOCKET_PATH } from '../../src/contract/window-page.ts';
import { FakeBridge } from './fake-bridge.ts';
import { launchChromium, PATIENCE_MS } from './support/chromium.ts';
import { type Site, serveWindow } from './support/site.ts';

const KEY = 'k3y-of_this-page';

const scripted = () =>
  new FakeBridge({ scenario: 'uploading', seed: 7, still: true, changesPerSecond: 0, hasTray: true });

/** A shell call of the scripted bridge by its name. */
function shellCall(fake: FakeBridge, name: string, input: unknown): Promise<unknown> {
  const calls: Record<string, ((input: unknown) => Promise<unknown>) | undefined> = {
    ...fake.shell,
  } as never;
  return calls[name]?.(input) ?? Promise.reject(new Error(`no ${name}`));
}

/** The daemon's end of the page's WebSocket, over the scripted bridge. */
class PageOwner {
  readonly fake = scripted();
  readonly #server: WebSocketServer;
  #isAway = false;

  constructor(site: Site) {
    this.#server = new WebSocketServer({
      server: site.server,
      path: WEB_SOCKET_PATH,
      verifyClient: () => !this.#isAway,
    });
    this.#server.on('connection', (socket) => {
      socket.on('message', (data) => void this.#answer(socket, String(data)));
    });
  }

  /** Breaks every connection, and takes no other one until it is back. */
  goAway(): void {
    this.#isAway = true;
    for (const socket of this.#server.clients) {
      socket.terminate();
    }
  }

  comeBack(): void {
    this.#isAway = false;
  }

  close(): void {
    this.goAway();
    this.#server.close();
  }

  async #answer(socket: ServerSocket, text: string): Promise<void> {
    const request = requestSchema.parse(JSON.parse(text));
    const send = (value: unknown) => socket.send(JSON.stringify(value));
    const result = (value: unknown) => send({ type: 'result', id: request.id, result: value });
    if (request.type === 'hello') {
      if (request.key !== KEY) {
        socket.close(CLOSE_WRONG_KEY);
        return;
      }
      result({ protocol: 1, version: '0.1.0', owner: 'daemon', pid: 1, offers: ['about', 'previewFolder'] });
    } else if (request.type === 'subscribe') {
      const stop = this.fake.subscribe(request.event, (payload) =>
        send({ type: 'event', event: request.event, payload }),
      );
      socket.once('close', stop);
      result(null);
    } else if (request.type === 'run') {
      const shellName = /^shell\.(\w+)$/.exec(request.command)?.[1];
      result(
        shellName === undefined
          ? await this.fake.run(request.command as CommandName, request.input as CommandInput<CommandName>)
          : await shellCall(this.fake, shellName, request.input),
      );
    } else {
      result(null);
    }
  }
}

let site: Site;
let browser: Browser;
beforeAll(async () => {
  [site, browser] = await Promise.all([serveWindow('production'), launchChromium()]);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

const verdict = (page: Page) => page.getByRole('heading', { name: /^Uploading 2 folders/ });

describe('the page of the daemon', () => {
  let owner: PageOwner;
  let page: Page;
  const complaints: string[] = [];
  beforeEach(() => {
    owner = new PageOwner(site);
  });
  afterEach(async () => {
    await page.close();
    owner.close();
  });

  const open = async (hash: string) => {
    page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    complaints.length = 0;
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(`${site.url}${hash}`);
  };

  test('opens with the key of its address, hides the key, and survives a reload', async () => {
    await open(`#key=${KEY}`);
    await verdict(page).waitFor();
    await expect.poll(() => page.url()).toMatch(/#\/overview$/);
    await page.reload();
    await verdict(page).waitFor();
    expect(complaints).toEqual([]);
  });

  test('says what to do when the key is wrong', async () => {
    await open('#key=wrong');
    await page.getByText('This page’s address is no longer valid.').waitFor();
    await page.getByText(/keepsync daemon --web/).waitFor();
  });

  test('says that the connection is lost, and goes on when it is back', async () => {
    await open(`#key=${KEY}`);
    await verdict(page).waitFor();
    owner.goAway();
    await page.getByText('The connection to Keepsync was lost. Trying again.').waitFor();
    owner.comeBack();
    await page.getByText('The connection to Keepsync was lost.').waitFor({ state: 'detached' });
    owner.fake.setVerdict('Everything saved just now');
    await page.getByRole('heading', { name: 'Everything saved just now' }).waitFor();
  });

  test('offers only what a browser can do: no folder dialog, a path is typed instead', async () => {
    await open(`#key=${KEY}`);
    await verdict(page).waitFor();
    await page.getByRole('link', { name: 'Add folder' }).first().click();
    await page.getByLabel('Folder on this computer').fill('/data/runs');
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.getByText('are left out').waitFor();
    expect(owner.fake.calls.filter((call) => call.name === 'shell.previewFolder').length).toBeGreaterThan(0);
  });
});

describe('the window of the desktop app', () => {
  test('takes the preload’s bridge: commands, events, shell calls and errors', async () => {
    const fake = scripted();
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.exposeFunction('nodeRun', (name: CommandName, input: never) => fake.run(name, input));
    await page.exposeFunction('nodeShell', (name: string, input: unknown) => shellCall(fake, name, input));
    await page.addInitScript(() => {
      const node = window as unknown as Record<
        'nodeRun' | 'nodeShell',
        (name: string, input: unknown) => Promise<unknown>
      > & {
        push: (event: string, payload: unknown) => void;
      };
      const listeners: { event: string; listener: (payload: unknown) => void }[] = [];
      node.push = (event, payload) => {
        for (const each of listeners.filter((entry) => entry.event === event)) {
          each.listener(payload);
        }
      };
      Object.defineProperty(window, 'keepsync', {
        value: {
          offers: ['about'],
          run: async (name: string, input: unknown) =>
            name === 'folders.rescan'
              ? {
                  ok: false,
                  error: {
                    code: 'OFFLINE',
                    name: 'KeepsyncError',
                    message: 'The cluster cannot be reached.',
                  },
                }
              : { ok: true, value: await node.nodeRun(name, input) },
          callShell: async (name: string, input: unknown) => ({
            ok: true,
            value: await node.nodeShell(name, input),
          }),
          subscribe: (event: string, listener: (payload: unknown) => void) => {
            listeners.push({ event, listener });
            return () => undefined;
          },
          acceptDrop: async () => null,
          onNavigate: () => () => undefined,
        },
      });
    });
    await page.goto(site.url);
    await verdict(page).waitFor();
    fake.setVerdict('Everything saved just now');
    await page.evaluate(
      ([event, payload]) =>
        (window as unknown as { push(event: string, payload: unknown): void }).push(event, payload),
      ['status', fake.snapshot()] as const satisfies readonly [keyof ContractEvents, unknown],
    );
    await page.getByRole('heading', { name: 'Everything saved just now' }).waitFor();
    await page
      .getByRole('link', { name: /trio-2026-11/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Look again now' }).click();
    await page.getByRole('alert').getByText('The cluster cannot be reached.').waitFor();
    expect(fake.calls.map((call) => call.name)).toContain('shell.about');
    await page.close();
  });
});
