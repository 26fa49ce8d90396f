import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cellPosition, layoutMap } from '../../renderer/views/blocks/map-layout.ts';
import type { Stage } from '../../src/contract/status.ts';
import type { FakeBridge } from '../renderer/fake-bridge.ts';
import { launchChromium } from '../renderer/support/chromium.ts';
import { type Site, serveWindow } from '../renderer/support/site.ts';
import { picture, SOON } from '../support/desktop/desktop-stage.ts';

const BLOCKS = 16_384;
/** Past 2,000 blocks about a thousand cells stand for them. */
const BLOCKS_PER_CELL = 17;
const WORST_FIRST: readonly Stage[] = ['failed', 'waiting', 'filling', 'uploading', 'stored', 'saved'];

/** As much of a page as these tests touch. */
interface PageGlobals {
  readonly fake: FakeBridge;
  readonly document: { querySelector(selector: string): Canvas };
}
interface Canvas {
  readonly clientWidth: number;
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Iterable<number> };
  };
}

interface Block {
  readonly id: string;
  readonly stage: Stage;
  readonly sinceMs: number;
}

const blocksOf = (page: Page): Promise<readonly Block[]> =>
  page.evaluate(
    () =>
      (globalThis as unknown as PageGlobals).fake.folders[0]?.rows.map(({ id, stage, sinceMs }) => ({
        id,
        stage,
        sinceMs,
      })) ?? [],
  );

/** Their order in a window that was just opened: what is on the cluster first, as it came there. */
function orderOf(blocks: readonly Block[]): readonly string[] {
  const rank = ({ stage }: Block) => (stage === 'stored' || stage === 'saved' ? 0 : 1);
  return blocks.toSorted((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs).map((block) => block.id);
}

/** Stages in that order; what the engine does not have yet waits, and comes last. */
function stagesOf(blocks: readonly Block[], order: readonly string[]): readonly Stage[] {
  const byId = new Map(blocks.map((block) => [block.id, block.stage]));
  return Array.from({ length: BLOCKS }, (_, index) => byId.get(order[index] ?? '') ?? 'waiting');
}

const worst = (of: readonly Stage[]): Stage => WORST_FIRST.find((stage) => of.includes(stage)) ?? 'saved';

/** What each cell of the map looks like: equal texts, equal pixels. */
async function pictures(page: Page, cells: number): Promise<readonly string[]> {
  const widthPx = await page.evaluate(
    () => (globalThis as unknown as PageGlobals).document.querySelector('.block-canvas').clientWidth,
  );
  const layout = layoutMap(cells, true, widthPx, 1);
  const places = Array.from({ length: cells }, (_, cell) => cellPosition(layout, cell));
  return await page.evaluate(
    ([at, sizePx]) => {
      const pen = (globalThis as unknown as PageGlobals).document
        .querySelector('.block-canvas')
        .getContext('2d');
      return at.map(({ x, y }) => Array.from(pen.getImageData(x, y, sizePx, sizePx).data).join());
    },
    [places, layout.cellPx] as const,
  );
}

describe('the block map in a real Chromium', () => {
  let site: Site;
  let browser: Browser;
  beforeAll(async () => {
    [site, browser] = await Promise.all([serveWindow(), launchChromium()]);
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test.each(['reduce', 'no-preference'] as const)(
    'shows 16,384 blocks as they are while 200 of them change each second (motion: %s)',
    async (reducedMotion) => {
      const page = await browser.newPage({ viewport: { width: 1180, height: 760 }, reducedMotion });
      page.setDefaultTimeout(SOON.timeout);
      await page.goto(`${site.url}?scenario=big&still=1#/folder/big/blocks`);
      await page.getByRole('button', { name: 'All 16,384' }).waitFor(SOON);
      const cells = Math.ceil(BLOCKS / BLOCKS_PER_CELL);
      const atFirst = await blocksOf(page);
      const order = orderOf(atFirst);
      const before = stagesOf(atFirst, order);
      for (let tenth = 0; tenth < 20; tenth += 1) {
        await page.evaluate(() => {
          const { fake } = globalThis as unknown as PageGlobals;
          fake.emit('blocks', fake.folders[0]?.shake(20, Date.now()) ?? []);
        });
        await page.waitForTimeout(100);
      }
      const now = stagesOf(await blocksOf(page), order);
      expect(now.filter((stage, index) => stage !== before[index]).length).toBeGreaterThan(200);

      // every cell shows the worst of its blocks: equal states look equal, and no two states look alike
      const expected = Array.from({ length: cells }, (_, cell) =>
        worst(now.slice(cell * BLOCKS_PER_CELL, (cell + 1) * BLOCKS_PER_CELL)),
      );
      await expect
        .poll(async () => {
          const looks = await pictures(page, cells);
          const byStage = new Map<Stage, Set<string>>();
          looks.forEach((look, cell) => {
            const stage = expected[cell] ?? 'saved';
            byStage.set(stage, (byStage.get(stage) ?? new Set()).add(look));
          });
          return {
            looksOfEachStage: [...byStage.values()].map((looksOfOne) => looksOfOne.size),
            different: new Set(looks).size,
          };
        }, SOON)
        .toEqual({
          looksOfEachStage: [...new Set(expected)].map(() => 1),
          different: new Set(expected).size,
        });
      expect(new Set(expected).size).toBeGreaterThan(3);

      // the numbers beside it, and its twin
      const unsafe = now.filter((stage) => stage !== 'saved').length;
      await page.getByRole('button', { name: `Not safe yet ${unsafe.toLocaleString('en')}` }).waitFor(SOON);
      await picture(page, `block-map-${reducedMotion}`);
      await page.getByRole('button', { name: 'Table', exact: true }).click();
      // the table lists blocks that exist; what waits has none yet
      const table = page.getByRole('grid', { name: 'Blocks' });
      await expect
        .poll(() => table.getAttribute('aria-rowcount'), SOON)
        .toBe(String(1 + now.filter((stage) => stage !== 'waiting').length));
      await page.close();
    },
    600_000,
  );
});
