import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DesktopStage, noElectron, picture, SOON, suiteName } from '../support/desktop/desktop-stage.ts';
import { type FedWindow, feedWindow } from '../support/desktop/fed-window.ts';

/** Rows that may exist in the page at a time, whatever the length of the list. */
const ROWS_MAX = 80;
/** Rows that are asked for at a time. */
const PAGE_ROWS = 200;

/** How long something took, for people to read: nothing is asserted of it. */
async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const startMs = performance.now();
  await work();
  console.log(`${what}: ${Math.round(performance.now() - startMs)} ms`);
}

const rows = (page: Page) => page.getByRole('row').count();

describe.skipIf(noElectron !== '')(suiteName('a lot to show, in the window of a real Electron'), () => {
  let stage: DesktopStage;
  let fed: FedWindow | undefined;
  beforeAll(async () => {
    stage = await DesktopStage.open();
  }, 600_000);
  afterEach(async () => {
    await stage.endTest();
    await fed?.close();
  });
  afterAll(() => stage?.close());

  const open = async (scenario: 'big' | 'problems'): Promise<Page> => {
    const app = await stage.start();
    const page = await app.page();
    await page.getByText('Where should your files go?').waitFor();
    fed = await feedWindow(app, scenario);
    return page;
  };

  const asked = () =>
    (fed?.fake.calls ?? [])
      .filter((call) => call.name === 'files.list')
      .map((call) => call.input as { limit: number });

  test('100,000 files: only what is in sight exists, the end is one key away, and search finds', async () => {
    const page = await open('big');
    await timed('first rows of 100,000', async () => {
      await page.getByRole('link', { name: 'archive-2026' }).first().click();
      await page.getByText('Fastq/').first().waitFor();
    });
    const grid = page.getByRole('grid', { name: 'Files' });
    await expect.poll(() => grid.getAttribute('aria-rowcount'), SOON).toBe('100001');
    await expect.poll(() => rows(page), SOON).toBeLessThan(ROWS_MAX);
    await picture(page, 'many-files');

    await timed('to the last row', async () => {
      await grid.focus();
      await page.keyboard.press('End');
      const last = page.locator('[aria-rowindex="100001"]');
      await last.getByText(fed?.fake.folders[0]?.paths.at(-1)?.split('/').at(-1) ?? '').waitFor();
    });
    expect(await rows(page)).toBeLessThan(ROWS_MAX);
    // the wheel, through a thousand rows at a time
    for (let turn = 0; turn < 20; turn += 1) {
      await grid.hover();
      await page.mouse.wheel(0, -32_000);
    }
    await expect
      .poll(() => page.locator('.grid-row .is-saved, .grid-row .is-waiting').count(), SOON)
      .toBeGreaterThan(10);
    expect(await rows(page)).toBeLessThan(ROWS_MAX);

    const paths = fed?.fake.folders[0]?.paths ?? [];
    const name = paths[54_321]?.split('/').at(-1) ?? '';
    await timed('a search in 100,000', async () => {
      await page.getByRole('searchbox').fill(name);
      await expect
        .poll(() => grid.getAttribute('aria-rowcount'), SOON)
        .toBe(String(1 + paths.filter((path) => path.includes(name)).length));
    });
    await page.getByText(name).first().waitFor();
    await page.getByRole('searchbox').fill('nothing has this name');
    await page.getByText('No file matches.').waitFor();
    expect(Math.max(...asked().map((input) => input.limit))).toBe(PAGE_ROWS);
    // a list of that length is 500 pages: the window fetched those it showed, more of them where scrolling is smooth
    expect(asked().length).toBeLessThan(250);
  }, 600_000);

  test('500 problems of 3 causes are three lines', async () => {
    const page = await open('problems');
    await page.getByRole('link', { name: /^Problems/ }).click();
    await page.getByRole('heading', { level: 1, name: '3 problems need you' }).waitFor();
    await picture(page, 'many-problems');
    const needs = page.locator('section', {
      has: page.getByRole('heading', { level: 2, name: 'Needs you' }),
    });
    const lines = needs.getByRole('listitem');
    expect(await lines.count()).toBe(3);
    expect(await needs.locator('.problem-count b').allTextContents()).toEqual([
      '214 files',
      '283 files',
      '3 files',
    ]);
    expect(await page.getByRole('link', { name: /^Problems/ }).textContent()).toMatch(/^Problems3/);
    // each says what, why, what to do, and one example; nothing of it is cut off
    for (const line of await lines.all()) {
      expect((await line.getByRole('heading', { level: 3 }).textContent())?.length).toBeGreaterThan(10);
      expect(await line.locator('.problem-example .mono').count()).toBe(1);
      expect(await line.getByRole('button').count()).toBeGreaterThan(1);
      const [needed, given] = await line.evaluate((element) => {
        const { scrollWidth, clientWidth } = element as unknown as {
          scrollWidth: number;
          clientWidth: number;
        };
        return [scrollWidth, clientWidth];
      });
      expect(needed).toBeLessThanOrEqual(given ?? 0);
    }
    await timed('the files of one cause', async () => {
      await lines.first().getByRole('button', { name: 'and 213 more' }).click();
      await page.getByRole('dialog').getByRole('row').nth(3).waitFor();
    });
    await expect
      .poll(() => page.getByRole('dialog').getByRole('grid').getAttribute('aria-rowcount'), SOON)
      .toBe('215');
    await picture(page, 'many-problem-files');
  }, 600_000);
});
