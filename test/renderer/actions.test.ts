import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FakeBridge } from './fake-bridge.ts';
import { WindowLab } from './support/open-window.ts';

type WithFake = { fake: FakeBridge };

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const cause = (page: Page, title: string) =>
  page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: title }) });

let lab: WindowLab;
beforeAll(async () => {
  lab = await WindowLab.start();
});
afterAll(() => lab.stop());
afterEach(() => lab.closePages());

describe('problems', () => {
  const open = () => lab.open({ scenario: 'problems', place: '#/problems' });

  test('what needs you stands apart from what waits, and only that is counted', async () => {
    const { page } = await open();
    await page.getByRole('heading', { name: '3 problems need you' }).waitFor();
    await expect
      .poll(() => page.getByRole('link', { name: /^Problems/ }).textContent())
      .toBe('Problems3 Needs you');
    await expect
      .poll(() => page.getByRole('heading', { level: 2 }).allTextContents())
      .toEqual(['Needs you', 'Waiting']);
  });

  test('Retry tries one cause again, Retry all everything', async () => {
    const { page, calls } = await open();
    await cause(page, 'You may not write there').getByRole('button', { name: 'Retry' }).click();
    await button(page, 'Retry all').click();
    await expect
      .poll(() => calls('folders.retry'))
      .toEqual([
        { folderId: 'trio', problemId: 'FORBIDDEN:trio' },
        { folderId: null, problemId: null },
      ]);
  });

  test('Show file asks the shell for the example', async () => {
    const { page, calls } = await open();
    await cause(page, 'You may not write there').getByRole('button', { name: 'Show file' }).click();
    await expect
      .poll(() => calls('shell.showFile'))
      .toEqual([{ folderId: 'trio', path: 'joint/cohort.g.vcf.gz' }]);
  });

  test('Exclude adds the patterns that a person agreed to, after those that are there', async () => {
    const { page, calls } = await open();
    await cause(page, 'You may not write there').getByRole('button', { name: 'Exclude' }).click();
    const patterns = page.getByRole('textbox', { name: 'Patterns' });
    await expect.poll(() => patterns.inputValue()).toMatch(/^\/joint\/cohort\.g\.vcf\.gz\n/);
    await patterns.fill('/joint/*.g.vcf.gz');
    await button(page, 'Leave out').click();
    await expect.poll(() => calls('folders.set')).toHaveLength(1);
    const [input] = (await calls('folders.set')) as {
      folderId: string;
      change: { rules: { patterns: string[] } };
    }[];
    expect(input?.folderId).toBe('trio');
    expect(input?.change.rules.patterns.at(0)).toBe('*.tmp');
    expect(input?.change.rules.patterns.at(-1)).toBe('/joint/*.g.vcf.gz');
  });

  test('deletes are confirmed only after a second question', async () => {
    const { page, calls } = await open();
    await button(page, 'Remove there too').click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    expect(await calls('folders.confirmDeletes')).toEqual([]);
    await dialog.getByRole('button', { name: 'Remove there too' }).click();
    await expect.poll(() => calls('folders.confirmDeletes')).toEqual([{ folderId: 'fastq420' }]);
  });

  test('Keep the collection stops mirroring deletes and goes on', async () => {
    const { page, calls } = await open();
    await button(page, 'Keep the collection').click();
    await expect
      .poll(() => calls('folders.retry'))
      .toEqual([{ folderId: 'fastq420', problemId: 'MASS_DELETE:fastq420' }]);
    expect(await calls('folders.set')).toEqual([{ folderId: 'fastq420', change: { deletes: 'keep' } }]);
  });

  test('Allow lets names through that the SDK cannot read, after saying what that means', async () => {
    const { page, calls } = await open();
    await button(page, 'Allow').click();
    await page.getByText('cannot open a collection that holds one').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Allow' }).click();
    await expect
      .poll(() => calls('folders.set'))
      .toMatchObject([{ folderId: 'trio', change: { rules: { allowUnreadableNames: true } } }]);
  });

  test('Copy details copies the request id and what the server said', async () => {
    const { page, calls } = await open();
    await cause(page, 'You may not write there').getByRole('button', { name: 'Copy details' }).click();
    await expect.poll(() => calls('shell.copyText')).toHaveLength(1);
    const [input] = (await calls('shell.copyText')) as { text: string }[];
    expect(input?.text).toContain('req-7h2m0v4kq91xw3t8d5za');
    expect(input?.text).toContain('403 Forbidden');
    expect(input?.text).toContain('FORBIDDEN');
  });

  test('every file of a cause can be looked through', async () => {
    const { page } = await open();
    await button(page, 'and 213 more').click();
    const grid = page.getByRole('dialog').getByRole('grid');
    await grid.getByText('part-1.g.vcf.gz').waitFor();
    await expect.poll(() => grid.getAttribute('aria-rowcount')).toBe('215');
  });

  test('an action that fails says why, what to do, and the request id', async () => {
    const { page } = await open();
    await page.evaluate(() =>
      (window as unknown as WithFake).fake.fail('folders.retry', {
        code: 'FORBIDDEN',
        name: 'KeepsyncError',
        message: 'You may not write to “Trio 2026”.',
        action: 'Choose another project.',
        requestId: 'req-abc',
      }),
    );
    await button(page, 'Retry all').click();
    const alert = page.getByRole('alert');
    await alert.waitFor();
    await expect
      .poll(() => alert.locator('b, p').allTextContents())
      .toEqual(['You may not write to “Trio 2026”.', 'Choose another project.', 'req-abc']);
    await alert.getByRole('button', { name: 'Dismiss' }).click();
    await alert.waitFor({ state: 'detached' });
  });
});

describe('the first run', () => {
  test('checks one thing after another, goes on when all passed, and adds the folder', async () => {
    const { page, calls } = await lab.open({ scenario: 'first-run' });
    const next = button(page, 'Continue');
    expect(await next.isDisabled()).toBe(true);
    await page.getByLabel('Cluster host').fill('https://sgcl1.arvadosapi.example/');
    await page.getByRole('textbox', { name: 'Token' }).fill('v2/sgcl1-gj3su-000000000000001/secret');
    await page.getByText('6 of 6 checks passed').waitFor();
    const checked = (await calls('shell.check')) as { check: string; signIn: { host: string } }[];
    expect(checked.map((input) => input.check)).toEqual([
      'host',
      'arvados',
      'certificate',
      'clock',
      'token',
      'keep',
    ]);
    expect(checked[0]?.signIn.host).toBe('sgcl1.arvadosapi.example');
    await next.click();
    await button(page, 'Choose a folder').click();
    await page.getByText('are left out').waitFor();
    await next.click();
    const project = page.getByRole('radio', { name: /2026-11/ });
    // by key: a forced click goes to where the button was, and above it the list may still grow
    await project.press('Space');
    await expect.poll(() => project.isChecked()).toBe(true);
    await button(page, 'Delete it there too').click();
    await page.getByText(/at least [\d,]+ blocks$/).waitFor();
    await button(page, 'Start').click();
    await page.getByRole('link', { name: /Runs/ }).first().waitFor();
    await expect
      .poll(() => calls('folders.add'))
      .toMatchObject([
        {
          roots: [{ diskPath: 'D:\\Runs', prefix: '' }],
          name: 'Runs',
          target: { collectionUuid: null, projectUuid: 'p2', collectionName: 'Runs', storageClasses: [] },
          deletes: 'mirror',
          rules: { patterns: ['*.tmp', '*.partial', '~*', '.DS_Store', 'Thumbs.db', 'desktop.ini'] },
        },
      ]);
  });

  test('a wrong token stops the list where it fails, and says what to do', async () => {
    const { page, calls } = await lab.open({ scenario: 'first-run' });
    await page.getByLabel('Cluster host').fill('sgcl1.arvadosapi.example');
    await page.getByRole('textbox', { name: 'Token' }).fill('wrong');
    await page.getByText('Copy it again from Workbench.').waitFor();
    await page.getByText('req-7h2m0v4kq91xw3t8d5za').waitFor();
    expect(await button(page, 'Continue').isDisabled()).toBe(true);
    expect(((await calls('shell.check')) as { check: string }[]).map((input) => input.check)).not.toContain(
      'keep',
    );
  });

  test('trying it on this computer needs no check', async () => {
    const { page, calls } = await lab.open({ scenario: 'first-run' });
    await page.getByRole('radio', { name: /Try it on this computer/ }).check();
    await button(page, 'Continue').click();
    await page.getByRole('heading', { name: 'What should be kept?' }).waitFor();
    await expect.poll(() => calls('shell.signIn')).toEqual([{ how: 'local' }]);
  });

  test('makes way where somebody is signed in, which was only not known yet', async () => {
    const { page } = await lab.open({ scenario: 'first-run' });
    await page.getByRole('heading', { name: 'Where should your files go?' }).waitFor();
    await page.evaluate(() => {
      const { fake } = window;
      fake.settings = {
        ...fake.settings,
        account: { ...fake.settings.account, host: 'sgcl1.arvadosapi.example' },
      };
      fake.changed();
    });
    await page.getByRole('heading', { name: 'Drop a folder here' }).waitFor();
  });
});

describe('settings, rules and the log', () => {
  test('a setting takes effect at once, with the rest of its section as it was', async () => {
    const { page, calls } = await lab.open({ scenario: 'uploading', place: '#/settings' });
    await page.getByRole('switch', { name: 'Limit uploads' }).press('Space');
    await expect
      .poll(() => calls('settings.set'))
      .toEqual([{ network: { uploadLimitBytesPerSecond: 0, proxy: null, retries: 10 } }]);
  });

  test('a setting that is refused goes back and says so', async () => {
    const { page } = await lab.open({ scenario: 'uploading', place: '#/settings' });
    const start = page.getByRole('switch', { name: 'Start at login' });
    await expect.poll(() => start.isChecked()).toBe(true);
    await page.evaluate(() =>
      (window as unknown as WithFake).fake.fail('settings.set', {
        code: 'USAGE',
        name: 'KeepsyncError',
        message: 'This system has no login items.',
      }),
    );
    await start.press('Space');
    await page.getByText('This system has no login items.').waitFor();
    await expect.poll(() => start.isChecked()).toBe(true);
  });

  test('a rule is added and removed, and a path is tested against them', async () => {
    const { page, calls } = await lab.open({ scenario: 'uploading', place: '#/folder/run421/rules' });
    await page.getByRole('textbox', { name: 'New pattern' }).fill('Logs/');
    await page.keyboard.press('Enter');
    await button(page, 'Remove Logs/').waitFor();
    await button(page, 'Remove *.tmp').click();
    await expect
      .poll(async () =>
        ((await calls('folders.set')) as { change: { rules: { patterns: string[] } } }[]).map((input) =>
          input.change.rules.patterns.filter((pattern) => pattern === 'Logs/' || pattern === '*.tmp'),
        ),
      )
      .toEqual([['*.tmp', 'Logs/'], ['Logs/']]);
    await page.getByLabel('Is a path left out?').fill('a/b.tmp');
    await page.getByText('Left out by *.tmp').waitFor();
  });

  test('the log is searched by the engine, grows by itself, and is exported as it is shown', async () => {
    const { page, calls } = await lab.open({ scenario: 'uploading', place: '#/activity' });
    await page.getByRole('searchbox').fill('trio');
    const grid = page.getByRole('grid', { name: 'Activity log' });
    await expect
      .poll(async () => (await calls('activity.list')).at(-1))
      .toEqual({ search: 'trio', limit: 5_000 });
    await grid.getByText('You may not write to').first().waitFor();
    await page.evaluate(() => (window as unknown as WithFake).fake.log('warn', '=HYPERLINK("trio")'));
    await grid.getByText('=HYPERLINK').waitFor();
    await button(page, 'Export as CSV').click();
    await expect.poll(() => calls('shell.saveText')).toHaveLength(1);
    const [input] = (await calls('shell.saveText')) as { text: string }[];
    const lines = input?.text.split('\r\n') ?? [];
    expect(lines[0]).toBe('Time,Level,Folder,What happened');
    expect(lines[1]).toMatch(/,warn,,"'=HYPERLINK\(""trio""\)"$/);
    // the grid's rows and its head are the lines and their end
    await expect.poll(async () => Number(await grid.getAttribute('aria-rowcount')) + 1).toBe(lines.length);
  });

  test('a folder is forgotten only after a question that says what is not saved yet', async () => {
    const { page, calls } = await lab.open({ scenario: 'uploading', place: '#/folder/run421/files' });
    await button(page, 'More actions').click();
    await page.getByRole('menuitem', { name: 'Stop watching' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/of it are not saved yet/).waitFor();
    expect(await calls('folders.remove')).toEqual([]);
    await dialog.getByRole('button', { name: 'Stop watching' }).click();
    await expect.poll(() => calls('folders.remove')).toEqual([{ folderId: 'run421' }]);
  });
});

describe('where there is no tray', () => {
  test('quitting is offered in the window, and asks while something is not saved', async () => {
    const { page, calls } = await lab.open({ scenario: 'uploading', tray: false });
    await button(page, 'Quit').click();
    await page
      .getByRole('dialog')
      .getByText(/not saved yet/)
      .waitFor();
    expect(await calls('owner.stop')).toEqual([]);
    await button(page, 'Finish, then quit').click();
    await expect.poll(() => calls('owner.stop')).toEqual([{ how: 'finish' }]);
  });

  test('quitting asks nothing when everything is saved', async () => {
    const { page, calls } = await lab.open({ scenario: 'saved', tray: false });
    await button(page, 'Quit').click();
    await expect.poll(() => calls('owner.stop')).toEqual([{ how: 'now' }]);
  });
});

describe('what is told without being asked', () => {
  test('the live region speaks at most every ten seconds, and of news only', async () => {
    const { page } = await lab.open({ scenario: 'uploading', ownClock: true });
    const region = page.getByTestId('live-region');
    const say = (sentence: string) =>
      page.evaluate((text) => (window as unknown as WithFake).fake.setVerdict(text), sentence);
    // what the page's clock shows from here on does not depend on how long a step of this test takes
    await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 3_600_000);
    const hear = (words: string) =>
      expect
        .poll(async () => {
          await page.clock.runFor(100);
          return await region.textContent();
        })
        .toBe(words);
    await say('2 problems need you');
    await hear('2 problems need you');
    await say('3 problems need you');
    await page.clock.runFor(5_000);
    expect(await region.textContent()).toBe('2 problems need you');
    await say('4 problems need you');
    await page.clock.runFor(5_000);
    await hear('4 problems need you');
    await page.clock.runFor(20_000);
    await say('Uploading 2 folders, about 40 minutes');
    await hear('Uploading 2 folders, about 40 minutes');
    await page.clock.runFor(60_000);
    await say('Uploading 2 folders, about 39 minutes');
    await page.clock.runFor(20_000);
    expect(await region.textContent()).toBe('Uploading 2 folders, about 40 minutes');
    expect(await region.getAttribute('aria-live')).toBe('polite');
  });

  test('title and verdict come from the same snapshot', async () => {
    const { page } = await lab.open({ scenario: 'uploading' });
    await page.evaluate(() => (window as unknown as WithFake).fake.setVerdict('Everything saved just now'));
    await page.getByRole('heading', { name: 'Everything saved just now' }).waitFor();
    await expect.poll(() => page.title()).toBe('Everything saved just now – Keepsync');
  });

  test('a lost connection is said, and the newest snapshot is fetched when it is back', async () => {
    const { page, calls } = await lab.open({ scenario: 'uploading' });
    await page.evaluate(() => (window as unknown as WithFake).fake.setConnection('connecting'));
    await page.getByText('The connection to Keepsync was lost. Trying again.').waitFor();
    const before = (await calls('status.get')).length;
    await page.evaluate(() => (window as unknown as WithFake).fake.setConnection('open'));
    await page.getByText('The connection to Keepsync was lost.').waitFor({ state: 'detached' });
    await expect.poll(() => calls('status.get')).toHaveLength(before + 1);
  });

  test('blocks change in the map and in its numbers while one looks', async () => {
    const { page } = await lab.open({ scenario: 'uploading', place: '#/folder/run421/blocks' });
    const flow = page.getByRole('list', { name: 'Blocks by state' });
    await flow.getByText('12 Stored').waitFor();
    await page.evaluate(() => (window as unknown as WithFake).fake.tick());
    await flow.getByText('13 Stored').waitFor();
    await flow.getByText('255 Waiting').waitFor();
  });
});
