import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PreloadApi } from '../../src/contract/shell.ts';
import type { StatusSnapshot } from '../../src/contract/status.ts';
import { contentOfCollection, contentOfFolder } from '../support/desktop/collection-content.ts';
import {
  DesktopStage,
  hurry,
  keep,
  noElectron,
  picture,
  SOON,
  signIn,
  suiteName,
  untilSaved,
  untilTray,
  writeFiles,
} from '../support/desktop/desktop-stage.ts';
import type { RunningDesktop } from '../support/desktop/desktop-under-test.ts';
import { TroubledCluster } from '../support/desktop/troubled-cluster.ts';

const MIB = 1 << 20;

/** What the page was told and showed since `watchForGreen`. */
interface Watched {
  readonly trays: string[];
  readonly claims: string[];
}

/** As much of a page as these tests touch. */
interface PageGlobals {
  readonly keepsync: PreloadApi;
  readonly document: { readonly title: string; querySelector(selector: string): object | null };
  readonly MutationObserver: new (look: () => void) => { observe(target: object, what: object): void };
  watched: Watched;
}

/** Notes in the page every status that it is told, and everything on it that says that all is saved. */
async function watchForGreen(app: RunningDesktop): Promise<void> {
  await (await app.page()).evaluate(() => {
    const page = globalThis as unknown as PageGlobals;
    const { document, keepsync, MutationObserver } = page;
    const watched: Watched = { trays: [], claims: [] };
    page.watched = watched;
    keepsync.subscribe('status', (payload) => {
      const { tray, folders, verdict } = payload as StatusSnapshot;
      watched.trays.push(tray);
      if (folders.length > 0 && (tray === 'ready' || folders.some((folder) => folder.percentSaved === 100))) {
        watched.claims.push(verdict.sentence);
      }
    });
    const look = () => {
      const green = document.querySelector('.verdict-mark.of-ready, .percent.all');
      if (green !== null || document.title.startsWith('Everything saved')) {
        watched.claims.push(document.title);
      }
    };
    new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
  });
}

const watched = async (app: RunningDesktop): Promise<Watched> =>
  (await app.page()).evaluate(() => (globalThis as unknown as PageGlobals).watched);

describe.skipIf(noElectron !== '')(suiteName('trouble with the cluster, in a real Electron'), () => {
  let stage: DesktopStage;
  let cluster: TroubledCluster;
  beforeAll(async () => {
    stage = await DesktopStage.open();
    cluster = await TroubledCluster.start();
  }, 600_000);
  afterEach(() => stage.endTest());
  afterAll(async () => {
    await stage?.close();
    await cluster?.close();
  });

  test('every third block refused: told of block, file, folder and tray in one line, never green, healed by Retry', async () => {
    const folder = stage.folder('run-0421');
    // each of the six large ones is a block of its own, the small ones share one
    writeFiles(folder, {
      ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((i) => [`Data/L00${i}.cbcl`, 33 * MIB + i])),
      ...Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`InterOp/C${i}.bin`, 1_000 + i])),
    });
    cluster.troubleBlocks((index) =>
      index % 3 === 2 ? { kind: 'status', status: 422, message: 'This block is not wanted' } : undefined,
    );
    const app = await stage.start(cluster.env);
    await hurry(app);
    await signIn(app);
    const before = (await app.tray()).images.length;
    await watchForGreen(app);
    const folderId = await keep(app, folder, 'run-0421');
    const page = await app.page();

    // every other file is saved, and the two that were refused are the worst of all that is shown
    const snapshot = await untilTray(app, 'attention', ({ bar, problems }) => {
      expect(problems).toHaveLength(1);
      expect(bar.failed.files).toBe(2);
      expect(bar.saved.files).toBe(34);
    });
    const [group] = snapshot.problems;
    expect(group).toMatchObject({
      code: 'REFUSED',
      kind: 'needs-you',
      count: 2,
      folderId,
      title: '2 files: the server refuses it',
      requestId: expect.stringMatching(/^req-/),
      nextTryAtMs: null,
    });
    expect(group?.message).toContain('This block is not wanted');
    expect(snapshot.folders).toMatchObject([
      { tray: 'attention', sentence: '2 files: the server refuses it', percentSaved: expect.any(Number) },
    ]);
    const failed = await app.run('blocks.list', { folderId, states: ['ERROR'] });
    expect(failed.rows.map((row) => [row.stage, row.files, row.error?.includes('not wanted')])).toEqual([
      ['failed', 1, true],
      ['failed', 1, true],
    ]);
    const files = await app.run('files.list', { folderId, stages: ['failed'] });
    expect(files.rows.map((row) => row.path).sort()).toEqual(
      failed.rows.flatMap((row) => row.examplePaths).sort(),
    );

    // the same in the window
    await page.getByRole('heading', { level: 1, name: '1 problem needs you' }).waitFor();
    await page.getByText('2 blocks failed').waitFor();
    await picture(page, 'refused-overview');
    await page.getByRole('link', { name: 'run-0421' }).first().click();
    await page.getByRole('button', { name: /^Failed 2$/ }).click();
    await expect.poll(() => page.getByRole('row').count(), SOON).toBe(3);
    await picture(page, 'refused-files');
    await page.getByRole('tab', { name: /^Blocks/ }).click();
    await page.getByText('2 Failed').waitFor();
    await picture(page, 'refused-blocks');
    await page.getByRole('link', { name: /^Problems/ }).click();
    await page.getByRole('heading', { level: 3 }).waitFor();
    expect(await page.getByRole('heading', { level: 3 }).allTextContents()).toEqual([
      'The server refuses it',
    ]);
    await page.getByText('2 files', { exact: true }).waitFor();
    await picture(page, 'refused-problems');
    expect((await watched(app)).claims).toEqual([]);
    expect((await watched(app)).trays).toContain('attention');
    expect((await app.tray()).images.slice(before).filter((image) => image.startsWith('ready'))).toEqual([]);

    // Retry while the server still refuses changes nothing; once it does not, it heals
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    await vi.waitFor(() => expect(cluster.sent.length).toBeGreaterThan(8), SOON);
    await untilTray(app, 'attention', ({ bar }) => expect(bar.failed.files).toBe(2));
    expect((await watched(app)).claims).toEqual([]);
    cluster.heal();
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    await page.getByText(/^No problems/).waitFor(SOON);
    const { folders } = await untilSaved(app, 36);
    await picture(page, 'refused-healed');
    await vi.waitFor(async () => expect((await app.tray()).images.at(-1)).toMatch(/^ready/), SOON);
    expect(await contentOfCollection(cluster.client, folders[0]?.collectionUuid ?? '')).toEqual(
      contentOfFolder(folder),
    );
  }, 600_000);
});
