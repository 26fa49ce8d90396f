import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
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
import type { RunningDesktop, TrayLabel } from '../support/desktop/desktop-under-test.ts';
import { TroubledCluster } from '../support/desktop/troubled-cluster.ts';

/** The picture that the tray shows now, without its size and shade. */
const shown = async (app: RunningDesktop) =>
  (await app.tray()).images.at(-1)?.replace(/-\d+-(dark|light)$/, '');

/** Labels of the first level. */
const labels = async (app: RunningDesktop) =>
  (await app.tray()).menu.flatMap((item: TrayLabel) =>
    typeof item === 'string' ? [item] : Object.keys(item),
  );

describe.skipIf(noElectron !== '')(suiteName('the tray in a real Electron'), () => {
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

  test('tells all six states apart, and its menu leads out of each', async () => {
    const folder = stage.folder('readings');
    writeFiles(
      folder,
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`reading-${i}.txt`, 500 + i])),
    );
    const app = await stage.start(cluster.env);
    const page = await app.page();
    await page.getByText('Where should your files go?').waitFor();
    const files = (count: number) => vi.waitFor(() => untilSaved(app, count), SOON);
    /** As a person would who finds it in the menu; where the app was quicker it is not there any more. */
    const retryNow = async () => {
      try {
        await app.chooseFromTray('Retry now');
      } catch {
        expect(await labels(app)).not.toContain('Retry now');
      }
    };
    const picturesOf = async (...states: string[]) => {
      for (const state of states) {
        await vi.waitFor(async () => expect(await shown(app)).toBe(state), SOON);
      }
    };

    // nobody signed in: that needs a person
    await picturesOf('attention');
    await expect
      .poll(() => labels(app), SOON)
      .toEqual(['Not signed in', '-', 'Open Keepsync', '-', 'Settings', 'Quit Keepsync']);
    await hurry(app);
    await signIn(app);
    await keep(app, folder, 'readings');
    await files(20);
    await picturesOf('ready');
    expect((await app.tray()).images.join()).toContain('syncing');
    await vi.waitFor(
      async () => expect((await app.tray()).tooltip).toMatch(/^Everything saved .* – Keepsync$/),
      SOON,
    );
    await expect.poll(() => labels(app), SOON).not.toContain('Problems');

    // paused by the tray: nothing moves, and nothing claims that it is saved
    await app.chooseFromTray('Pause', 'For 1 hour');
    await untilTray(app, 'paused', ({ folders }) =>
      expect((folders[0]?.pausedUntilMs ?? 0) - Date.now()).toBeGreaterThan(45 * 60_000),
    );
    await picturesOf('paused');
    await expect.poll(() => labels(app), SOON).toContain('Resume');
    await expect.poll(() => labels(app), SOON).not.toContain('Pause');
    cluster.forget();
    writeFiles(folder, { 'while-paused.txt': 900 });
    await app.run('folders.rescan', {});
    await picture(page, 'paused');
    expect(cluster.sent).toEqual([]);
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await files(21);
    expect(cluster.sent).toHaveLength(1);

    // the way to the cluster is cut
    cluster.trouble(() => ({ kind: 'reset' }));
    writeFiles(folder, { 'while-offline.txt': 901 });
    await untilTray(app, 'offline');
    await picturesOf('offline');
    await picture(page, 'offline');
    await expect.poll(async () => (await app.tray()).menu[0], SOON).toMatch(/^Offline/);
    expect(await labels(app)).toContain('Retry now');
    cluster.heal();
    await retryNow();
    await files(22);
    await picturesOf('ready');

    // a name that Arvados' tools cannot read: one file waits for a person, the others do not
    writeFiles(folder, { 'final\u00a0report.txt': 902, 'beside.txt': 903 });
    await untilTray(app, 'attention', ({ bar }) => expect(bar.saved.files).toBe(23));
    await picturesOf('attention');
    await expect.poll(() => labels(app), SOON).toContain('Problems (1)');
    await app.chooseFromTray('Problems (1)');
    await vi.waitFor(() => expect(page.url()).toContain('#/problems'), SOON);
    await page.getByText('A name that Arvados or its tools cannot hold').waitFor();
    await picture(page, 'attention');
    rmSync(join(folder, 'final\u00a0report.txt'));
    await files(23);
    await page.getByText(/^No problems/).waitFor();

    // the cluster is full: worse than anything else
    cluster.troubleBlocks(() => ({ kind: 'status', status: 507 }));
    writeFiles(folder, { 'while-full.txt': 904, 'final\u00a0words.txt': 905 });
    const { verdict, problems } = await untilTray(app, 'error', (snapshot) =>
      expect(snapshot.problems).toHaveLength(2),
    );
    expect(verdict.sentence).toBe('2 problems need you');
    expect(problems.map((problem) => problem.code).sort()).toEqual(['BAD_NAME', 'FULL']);
    await picturesOf('error');
    await picture(page, 'error');
    cluster.heal();
    rmSync(join(folder, 'final\u00a0words.txt'));
    await retryNow();
    const { folders: healed } = await files(24);
    await picturesOf('ready');

    const { images } = await app.tray();
    expect(images.filter((image) => image.startsWith('no picture'))).toEqual([]);
    expect(new Set(images).size).toBe(6);
    expect(await contentOfCollection(cluster.client, healed[0]?.collectionUuid ?? '')).toEqual(
      contentOfFolder(folder),
    );
  }, 600_000);
});
