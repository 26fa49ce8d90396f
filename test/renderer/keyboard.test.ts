import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WindowLab } from './support/open-window.ts';

/** What has the focus, as its accessible name or text. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
  });

/** What the active cell of the map or grid says. */
const active = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const id = document.activeElement?.getAttribute('aria-activedescendant') ?? '';
    return document.getElementById(id)?.textContent ?? '';
  });

async function tabUntil(page: Page, name: string | RegExp): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    if (typeof name === 'string' ? now === name : name.test(now)) {
      return;
    }
  }
  throw new Error(`Tab never reached ${name}`);
}

describe('by keyboard', () => {
  let lab: WindowLab;
  beforeAll(async () => {
    lab = await WindowLab.start();
  });
  afterAll(() => lab.stop());
  afterEach(() => lab.closePages());

  test('the first stop skips the navigation', async () => {
    const { page } = await lab.open({ scenario: 'uploading' });
    await page.keyboard.press('Tab');
    await expect.poll(() => focused(page)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.locator('#main:focus').waitFor();
    await page.keyboard.press('Tab');
    await expect.poll(() => focused(page)).toBe('Pause');
  });

  test('Tab goes through the navigation in its order, and Enter goes there', async () => {
    const { page } = await lab.open({ scenario: 'uploading' });
    await tabUntil(page, 'Overview');
    await tabUntil(page, 'Problems');
    await tabUntil(page, 'Activity');
    await tabUntil(page, 'Add folder');
    await tabUntil(page, /trio-2026-11/);
    await tabUntil(page, 'Settings');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    await page.locator('#main:focus').waitFor();
  });

  test('back and forward go through the places', async () => {
    const { page } = await lab.open({ scenario: 'uploading' });
    await page.getByRole('link', { name: 'Activity' }).click();
    await page.getByRole('heading', { name: 'Activity' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: /^Uploading 2 folders/ }).waitFor();
  });

  test('the pause menu opens, and pauses everything for an hour', async () => {
    const { page, calls } = await lab.open({ scenario: 'uploading' });
    const before = await page.evaluate(() => Date.now());
    await tabUntil(page, 'Pause');
    await page.keyboard.press('Enter');
    // The menu takes the focus a moment after it is seen, and a key pressed before that goes to the button.
    await page.waitForFunction(() => document.activeElement?.closest('[role="menu"]') !== null);
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'menuitem');
    expect(await focused(page)).toBe('For 1 hour');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    const [input] = await calls('folders.pause');
    expect(input).toEqual({ folderId: null, untilMs: expect.any(Number) });
    expect((input as { untilMs: number }).untilMs - before).toBeGreaterThanOrEqual(3_600_000);
  });

  test('arrows move through the block map, and the inspector follows', async () => {
    const { page } = await lab.open({ scenario: 'uploading', place: '#/folder/run421/blocks' });
    const map = page.getByRole('listbox', { name: 'Block map, in file order' });
    await page.getByRole('heading', { name: 'Block 1,182, Uploading' }).waitFor();
    await map.focus();
    const activeIs = (words: string | RegExp) => expect.poll(() => active(page)).toMatch(words);
    await activeIs('Block 1,182, Uploading');
    await page.keyboard.press('ArrowRight');
    await activeIs('Block 1,183, Filling');
    await page.getByRole('heading', { name: 'Block 1,183, Filling' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await activeIs('Block 1,184, Waiting');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await activeIs('Block 1,182, Uploading');
    await page.keyboard.press('ArrowUp');
    await activeIs(/^Block 1,1[34]\d, Saved$/);
    await page.keyboard.press('ArrowDown');
    await activeIs('Block 1,182, Uploading');
  });

  test('Enter on a block shows its files', async () => {
    const { page } = await lab.open({ scenario: 'uploading', place: '#/folder/run421/blocks' });
    await page.getByRole('heading', { name: 'Block 1,182, Uploading' }).waitFor();
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Enter');
    const search = page.getByRole('searchbox');
    await expect.poll(() => search.inputValue()).toMatch(/\.fastq\.gz$|\.cbcl$|\.bin$/);
    // the map that had it is gone
    await page.locator('#main:focus').waitFor();
  });

  test('Enter opens a cell that stands for several blocks, Escape goes back', async () => {
    const { page } = await lab.open({ scenario: 'big', place: '#/folder/big/blocks' });
    await page.getByText(/One cell stands for 17 blocks/).waitFor();
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /^Block [\d,]+, / }).waitFor();
    await page.locator('[role=option][aria-setsize="17"]').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText(/One cell stands for 17 blocks/).waitFor();
  });

  test('the block table is the twin of the map: what is not safe comes first', async () => {
    const { page } = await lab.open({ scenario: 'uploading', place: '#/folder/run421/blocks' });
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    const table = page.getByRole('grid', { name: 'Blocks' });
    await table.getByText('ERROR').waitFor();
    await expect.poll(() => table.getAttribute('aria-rowcount')).toBe(String(1183 + 1));
    const states = table.locator('[role=row][aria-rowindex]:not(.grid-head) .grid-cell:nth-child(2)');
    await expect
      .poll(async () => (await states.allTextContents()).slice(0, 3))
      .toEqual(['ERROR', 'WRITABLE', 'WRITABLE']);
  });

  test('100,000 files scroll to the end and back, and only the rows in sight exist', async () => {
    const { page, calls } = await lab.open({ scenario: 'big', place: '#/folder/big/files' });
    const grid = page.getByRole('grid', { name: 'Files' });
    await grid.getByText('Failed').first().waitFor();
    await expect.poll(() => grid.getAttribute('aria-rowcount')).toBe('100001');
    await grid.focus();
    // before that the keys have nothing to start from
    await expect.poll(() => active(page)).toMatch(/^Failed/);
    await page.keyboard.press('End');
    await grid.locator('[aria-rowindex="100001"]').getByText('Saved').waitFor();
    await expect.poll(() => active(page)).toMatch(/^Saved/);
    await expect.poll(() => grid.locator('[role=row]').count()).toBeLessThan(60);
    await page.keyboard.press('Home');
    await grid.locator('[aria-rowindex="2"]').getByText('Failed').waitFor();
    const asked = (await calls('files.list')) as { limit: number }[];
    expect(Math.max(...asked.map((input) => input.limit))).toBeLessThanOrEqual(200);
    expect(asked.length).toBeLessThan(10);
  });

  test('another filter shows its rows where one was in the list before', async () => {
    const { page } = await lab.open({ scenario: 'big', place: '#/folder/big/files' });
    const grid = page.getByRole('grid', { name: 'Files' });
    await grid.getByText('Failed').first().waitFor();
    const row = grid.locator('[aria-rowindex="30010"]');
    await grid.evaluate((element) => {
      element.scrollTop = 30_000 * 32;
    });
    await expect.poll(() => row.textContent()).not.toBe('');
    await page.getByRole('button', { name: /^Saved/ }).click();
    await expect.poll(() => grid.getAttribute('aria-rowcount')).not.toBe('100001');
    await row.getByText('Saved').waitFor();
  });

  test('search and filter are answered by the engine', async () => {
    const { page, calls } = await lab.open({ scenario: 'big', place: '#/folder/big/files' });
    await page.getByRole('searchbox', { name: 'Search 100,000 files' }).fill('l002_99');
    await page.getByRole('button', { name: /^Waiting/ }).click();
    const grid = page.getByRole('grid', { name: 'Files' });
    await expect.poll(async () => Number(await grid.getAttribute('aria-rowcount'))).toBeLessThan(1_000);
    await expect
      .poll(async () => (await calls('files.list')).at(-1))
      .toEqual({ folderId: 'big', search: 'l002_99', stages: ['waiting'], offset: 0, limit: 200 });
  });
});
