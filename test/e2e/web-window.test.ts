import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { complaintsOfAxe } from '../renderer/support/accessibility.ts';
import { launchChromium } from '../renderer/support/chromium.ts';
import { sharedBuild } from '../support/desktop/app-build.ts';
import { contentOfCollection, contentOfFolder } from '../support/desktop/collection-content.ts';
import { picture, SOON, TestFolders, writeFiles } from '../support/desktop/desktop-stage.ts';
import { TroubledCluster } from '../support/desktop/troubled-cluster.ts';

const MIB = 1 << 20;
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

describe('the window in a real Chromium', () => {
  const folders = new TestFolders();
  let app: string;
  let browser: Browser;
  let cluster: TroubledCluster;
  const daemons: ChildProcess[] = [];

  beforeAll(async () => {
    app = await sharedBuild(inject('appFolder'));
    browser = await launchChromium();
    console.log(`Ran in Chromium ${browser.version()}`);
    cluster = await TroubledCluster.start();
  }, 600_000);
  afterEach(async () => {
    for (const daemon of daemons.splice(0)) {
      const ended = once(daemon, 'exit');
      if (daemon.kill('SIGKILL')) {
        await ended;
      }
    }
    folders.remove();
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.close();
  });

  const startDaemon = async (profile: string) => {
    const home = join(profile, 'home');
    mkdirSync(home);
    const daemon = spawn(
      process.execPath,
      [join(app, 'dist', 'keepsync.cjs'), '--profile', profile, '--json', 'daemon', '--web'],
      {
        env: { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', TMPDIR: tmpdir(), ...cluster.env },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    daemons.push(daemon);
    const [line] = await once(daemon.stdout, 'data');
    return { daemon, url: (JSON.parse(String(line)) as { url: string }).url };
  };

  test('keeps a real folder, and every view of it is accessible in both themes', async () => {
    const folder = folders.make('run-0421');
    writeFiles(folder, {
      'Data/L001.cbcl': 70 * MIB,
      'Data/L002.cbcl': 2 * MIB,
      'Data/part.tmp': 20,
      'final\u00a0report.txt': 500,
      ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`InterOp/C${i}.bin`, 100 + i])),
    });
    const { daemon, url } = await startDaemon(folders.make('profile'));
    const ended = once(daemon, 'exit');
    const context = await browser.newContext({ reducedMotion: 'reduce' });
    context.setDefaultTimeout(SOON.timeout);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    const check = async (view: string) => {
      expect(await complaintsOfAxe(page), view).toEqual([]);
      await picture(page, `web-${view}-dark`);
      await page.emulateMedia({ colorScheme: 'light' });
      await picture(page, `web-${view}-light`);
    };

    await page.goto(url);
    await page.getByText('Choose a folder').first().waitFor(SOON);
    await check('empty');
    await page.getByRole('link', { name: 'Add folder' }).first().click();
    await page.getByLabel('Folder on this computer').fill(folder);
    await button(page, 'Use it').click();
    await page.getByText('303 files').waitFor(SOON);
    await check('what');
    await button(page, 'Continue').click();
    await page.getByText('How to read what comes next').waitFor();
    await page.getByText(/at least 2 blocks/).waitFor(SOON);
    await check('whither');
    await button(page, 'Start').click();

    await page.getByRole('heading', { level: 1, name: 'run-0421' }).waitFor(SOON);
    await page.getByRole('button', { name: /^Saved 302$/ }).waitFor(SOON);
    await page.getByRole('row').nth(5).waitFor();
    await check('files');
    for (const [tab, shows] of [
      ['Blocks', 'In the collection. Safe.'],
      ['History', 'Portable data hash'],
      ['Rules', 'Is a path left out?'],
    ] as const) {
      await page.getByRole('tab', { name: new RegExp(`^${tab}`) }).click();
      await page.getByText(shows).first().waitFor(SOON);
      await check(tab.toLowerCase());
    }
    for (const [link, shows] of [
      ['Overview', '1 problem needs you'],
      ['Problems', 'A name that Arvados or its tools cannot hold'],
      ['Activity', 'What happened'],
      ['Settings', 'Upload threads'],
    ] as const) {
      await page
        .getByRole('link', { name: new RegExp(`^${link}`) })
        .first()
        .click();
      await page.getByText(shows).first().waitFor(SOON);
      await check(link.toLowerCase());
    }
    await page.evaluate(() => {
      (globalThis as unknown as { location: { hash: string } }).location.hash = '#/sign-in';
    });
    await page.getByText('Where should your files go?').waitFor();
    await check('sign-in');
    expect(complaints).toEqual([]);

    // what a browser showed as saved is there, byte for byte; the name that nobody allowed is not
    const [collection] = await cluster.client.list('collections', { filters: [['name', '=', 'run-0421']] });
    const { 'Data/part.tmp': _left, 'final\u00a0report.txt': _held, ...kept } = contentOfFolder(folder);
    expect(await contentOfCollection(cluster.client, String(collection?.uuid))).toEqual(kept);
    await context.close();
    // one file could not be saved: its exit code says so
    daemon.kill('SIGINT');
    expect((await ended)[0]).toBe(1);
  }, 600_000);
});
