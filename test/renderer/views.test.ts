import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Scenario } from './fake-bridge.ts';
import { complaintsOfAxe } from './support/accessibility.ts';
import { WindowLab } from './support/open-window.ts';

interface View {
  readonly name: string;
  readonly scenario: Scenario;
  readonly place?: string;
  /** Something that only this view shows. */
  readonly shows: string | RegExp;
  readonly act?: (page: Page) => Promise<void>;
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });

const chooseFolder = async (page: Page) => {
  await button(page, 'Choose a folder').click();
  await page.getByText('are left out').waitFor();
};

const VIEWS: readonly View[] = [
  { name: 'overview, uploading', scenario: 'uploading', shows: /^Uploading 2 folders/ },
  { name: 'overview, all saved', scenario: 'saved', shows: /^Everything saved/ },
  { name: 'overview, offline', scenario: 'offline', shows: /^Offline since/ },
  { name: 'overview, empty', scenario: 'empty', shows: 'Drop a folder here' },
  {
    name: 'files',
    scenario: 'uploading',
    place: '#/folder/run421/files',
    shows: 'keep2 was busy (503), goes again in 18 s',
  },
  {
    name: 'block map',
    scenario: 'uploading',
    place: '#/folder/run421/blocks',
    shows: 'Closed and on its way to Keep. Not safe yet.',
  },
  {
    name: 'block map in bins',
    scenario: 'big',
    place: '#/folder/big/blocks',
    shows: /One cell stands for 17 blocks/,
  },
  {
    name: 'block table',
    scenario: 'uploading',
    place: '#/folder/run421/blocks',
    shows: 'COMMITTED',
    act: async (page) => {
      await button(page, 'Table').click();
      await page.getByRole('button', { name: /^Not safe yet/ }).click();
    },
  },
  { name: 'history', scenario: 'uploading', place: '#/folder/run421/history', shows: 'Portable data hash' },
  { name: 'rules', scenario: 'uploading', place: '#/folder/run421/rules', shows: /are left out\.$/ },
  { name: 'problems', scenario: 'problems', place: '#/problems', shows: '3 problems need you' },
  { name: 'problems, only waiting', scenario: 'uploading', place: '#/problems', shows: 'Nothing needs you' },
  { name: 'no problems', scenario: 'saved', place: '#/problems', shows: /^No problems\. Last check/ },
  {
    name: 'leaving files out',
    scenario: 'problems',
    place: '#/problems',
    shows: 'Leave these out',
    act: async (page) => button(page, 'Exclude').first().click(),
  },
  { name: 'activity', scenario: 'uploading', place: '#/activity', shows: 'What happened' },
  {
    name: 'settings',
    scenario: 'uploading',
    place: '#/settings',
    shows: 'Token valid until 14 February 2027',
  },
  { name: 'first run, where', scenario: 'first-run', shows: 'Where should your files go?' },
  {
    name: 'adding a folder, what',
    scenario: 'uploading',
    place: '#/add-folder',
    shows: 'are kept',
    act: chooseFolder,
  },
  {
    name: 'adding a folder, whither',
    scenario: 'uploading',
    place: '#/add-folder',
    shows: 'How to read what comes next',
    act: async (page) => {
      await chooseFolder(page);
      await button(page, 'Continue').click();
      await page.getByText('Sequencing').waitFor();
    },
  },
];

describe('every view', () => {
  let lab: WindowLab;
  beforeAll(async () => {
    lab = await WindowLab.start();
  });
  afterAll(() => lab.stop());
  afterEach(() => lab.closePages());

  test.each(VIEWS)(
    'is accessible in both themes and fits small windows and large text: $name',
    async (view) => {
      const { page, complaints } = await lab.open(view);
      await view.act?.(page);
      await page.getByText(view.shows).first().waitFor();
      expect(await complaintsOfAxe(page)).toEqual([]);
      await page.setViewportSize({ width: 960, height: 640 });
      await expect.poll(() => sidewaysPx(page), { message: '960 × 640' }).toBe(0);
      // browsers and Electron scale the text by zooming: at 200 % the same window has half as many px
      await page.setViewportSize({ width: 590, height: 380 });
      await expect.poll(() => sidewaysPx(page), { message: 'text twice as large' }).toBe(0);
      expect(complaints).toEqual([]);
    },
  );

  test('keeps the glyphs in high contrast', async () => {
    const { page } = await lab.open({ scenario: 'saved', forcedColors: true });
    const glyph = page.locator('.step-saved .glyph').first();
    await glyph.waitFor();
    const [adjust, color, ink] = await glyph.evaluate((element) => [
      getComputedStyle(element).forcedColorAdjust,
      getComputedStyle(element).color,
      getComputedStyle(document.body).color,
    ]);
    expect(adjust).toBe('none');
    expect(color).not.toBe(ink);
  });
});

/** How far the window, or its view, could be scrolled sideways. */
function sidewaysPx(page: Page): Promise<number> {
  return page.evaluate(() =>
    Math.max(
      ...[document.documentElement, ...document.querySelectorAll('main')].map(
        (element) => element.scrollWidth - element.clientWidth,
      ),
    ),
  );
}
