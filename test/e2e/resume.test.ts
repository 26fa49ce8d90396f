import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { contentOfCollection, contentOfFolder } from '../support/desktop/collection-content.ts';
import {
  DesktopStage,
  hurry,
  keep,
  noElectron,
  picture,
  SOON,
  signIn,
  signInAgain,
  suiteName,
  untilSaved,
  writeFiles,
} from '../support/desktop/desktop-stage.ts';
import type { RunningDesktop } from '../support/desktop/desktop-under-test.ts';
import { TroubledCluster } from '../support/desktop/troubled-cluster.ts';

const MIB = 1 << 20;
/** 64 MiB: a block. */
const BLOCK = 64 * MIB;

describe.skipIf(noElectron !== '')(suiteName('an upload that is interrupted, in a real Electron'), () => {
  let stage: DesktopStage;
  let cluster: TroubledCluster;
  beforeAll(async () => {
    stage = await DesktopStage.open();
  }, 600_000);
  beforeEach(async () => {
    cluster = await TroubledCluster.start();
  });
  afterEach(async () => {
    await stage.endTest();
    await cluster.close();
  });
  afterAll(() => stage?.close());

  /** Starts an upload of which the cluster takes `blocks` blocks and lets the others wait. */
  const startHeldUpload = async (app: RunningDesktop, folder: string, blocks: number) => {
    await hurry(app);
    await signIn(app);
    cluster.holdBlocksAfter(blocks);
    await keep(app, folder, 'run-0421');
    await vi.waitFor(async () => {
      expect(cluster.accepted.size).toBe(blocks);
      // the journal knows of them, and others are on their way
      const { rows } = await app.run('blocks.list', { states: ['COMMITTED', 'SAVED'] });
      expect(rows.map((row) => row.locator?.slice(0, 32)).sort()).toEqual([...cluster.accepted].sort());
      expect((await app.run('status.get', {})).pipeline.uploading.blocks).toBeGreaterThan(0);
    }, SOON);
  };

  const collectionOf = async (app: RunningDesktop) => {
    const [folder] = (await app.run('status.get', {})).folders;
    return await contentOfCollection(cluster.client, folder?.collectionUuid ?? '');
  };

  test('goes on behind a closed window, and after the process was killed sends no block twice', async () => {
    const folder = stage.folder('run-0421');
    writeFiles(folder, {
      'Data/L001.cbcl': 5 * BLOCK + 12_345,
      ...Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`InterOp/C${i}.bin`, 5_000 + i])),
    });
    const app = await stage.start(cluster.env);
    const page = await app.page();
    await startHeldUpload(app, folder, 3);

    // the window closed: the work goes on, and a second start brings it back as it is now
    await app.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
    await vi.waitFor(async () => expect((await app.windows())[0]?.isVisible).toBe(false), SOON);
    await expect.poll(async () => (await app.tray()).images.at(-1), SOON).toMatch(/^syncing/);
    const second = spawn(stage.desktop.executablePath, [stage.desktop.folder, '--profile', stage.profile], {
      env: stage.desktop.env(stage.profile, cluster.env),
      stdio: 'ignore',
    });
    expect((await once(second, 'exit'))[0]).toBe(0);
    await vi.waitFor(
      async () => expect(await app.windows()).toMatchObject([{ isVisible: true, isFocused: true }]),
      SOON,
    );
    await page.getByRole('heading', { level: 1, name: /^Uploading 1 folder/ }).waitFor();
    await picture(page, 'held-upload');
    const acknowledged = [...cluster.accepted];
    await app.kill();

    // everything that was acknowledged is still known
    cluster.forget();
    cluster.heal();
    const again = await stage.start(cluster.env);
    await signInAgain(again);
    await untilSaved(again, 101);
    expect(cluster.sent.filter((md5) => acknowledged.includes(md5))).toEqual([]);
    // 6 blocks of the large file, one of all small ones
    expect(cluster.sent).toHaveLength(7 - acknowledged.length);
    expect(await collectionOf(again)).toEqual(contentOfFolder(folder));
    await picture(await again.page(), 'resumed');
  }, 600_000);

  test('asks before quitting, and "Finish" ends only when every byte is saved', async () => {
    const folder = stage.folder('run-0422');
    writeFiles(folder, { 'Data/L001.cbcl': 2 * BLOCK, 'Data/L002.cbcl': 40 * MIB, 'RunInfo.xml': 500 });
    const app = await stage.start(cluster.env);
    await startHeldUpload(app, folder, 1);
    const [status] = (await app.run('status.get', {})).folders;
    await app.answerDialogs({ button: 0 });
    await app.quit();
    await vi.waitFor(async () => expect(await app.boxesShown()).toHaveLength(1), SOON);
    const [box] = await app.boxesShown();
    expect(box?.message).toBe('Some of it is not saved yet');
    // the small one may be saved by now
    expect(box?.detail).toMatch(/^[23] files, 168 MiB are not saved\./);
    // quitting again asks whether to wait; the first answer goes on
    await app.quit();
    await vi.waitFor(async () => expect(await app.boxesShown()).toHaveLength(2), SOON);
    expect((await app.boxesShown())[1]?.buttons).toEqual(['Go on', 'Quit and resume later']);
    cluster.heal();
    expect(await app.ended).toBe(0);
    const collections = await cluster.client.list('collections', {
      filters: [['name', '=', status?.collectionName]],
    });
    expect(collections).toHaveLength(1);
    expect(await contentOfCollection(cluster.client, String(collections[0]?.uuid))).toEqual(
      contentOfFolder(folder),
    );
  }, 600_000);

  test('"Quit and resume later" ends at once, and resumes', async () => {
    const folder = stage.folder('run-0423');
    writeFiles(folder, { 'Data/L001.cbcl': 2 * BLOCK + 1 });
    const app = await stage.start(cluster.env);
    await startHeldUpload(app, folder, 1);
    await app.answerDialogs({ button: 1 });
    await app.quit();
    expect(await app.ended).toBe(0);
    const acknowledged = [...cluster.accepted];
    cluster.forget();
    cluster.heal();
    const again = await stage.start(cluster.env);
    await signInAgain(again);
    await untilSaved(again, 1);
    expect(cluster.sent).toHaveLength(2);
    expect(cluster.sent.filter((md5) => acknowledged.includes(md5))).toEqual([]);
    expect(await collectionOf(again)).toEqual(contentOfFolder(folder));
  }, 600_000);
});
