import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BuiltDesktop, type RunningDesktop } from '../support/desktop/desktop-under-test.ts';
import { findElectron } from '../support/desktop/electron-runtime.ts';
import { LargeTree, SmallTree } from './lib/trees.ts';

/**
 * How long the main thread of the desktop app keeps the tray and the window waiting while it uploads at full speed, and
 * how many frames a second the window draws meanwhile, with the list of a folder's many files in it:
 *
 *     node test/bench/main-thread.ts [MiB of large files] [number of listed files] [folder for it all]
 *
 * Runs on a real Electron with the local cluster in the same app, so the disk and the processors are shared with the
 * server, and the window is drawn without a graphics card: an upper bound for the delays, a lower one for the frames.
 * Prints its numbers as JSON, or why there are none.
 */
const LARGE_BYTES = Number(process.argv[2] ?? 2048) * 2 ** 20;
const LISTED_FILES = Number(process.argv[3] ?? 100_000);
const DIR = process.argv[4] ?? tmpdir();
/** How finely the delay is sampled (milliseconds). The sampling counts in. */
const RESOLUTION_MS = 1;
const POLL_MS = 250;

async function addFolder(app: RunningDesktop, folder: string): Promise<string> {
  await app.answerDialogs({ folder });
  await app.shell('chooseFolder', {});
  const { id } = await app.run('folders.add', {
    roots: [{ diskPath: folder, prefix: '' }],
    name: folder.split('/').at(-1) ?? 'data',
    target: { collectionName: 'data' },
  });
  return id;
}

async function untilSaved(app: RunningDesktop, files: number): Promise<void> {
  for (;;) {
    const { tray, bar } = await app.run('status.get', {});
    if (tray === 'ready' && bar.saved.files === files) {
      return;
    }
    await wait(POLL_MS);
  }
}

async function startDelays(app: RunningDesktop): Promise<void> {
  await app.app.evaluate(({ app: electronApp }, resolution) => {
    const hooks = process.mainModule?.require('node:perf_hooks') as
      | typeof import('node:perf_hooks')
      | undefined;
    const delay = hooks?.monitorEventLoopDelay({ resolution });
    if (delay === undefined) {
      throw new Error('This Electron cannot measure its event loop');
    }
    delay.enable();
    (electronApp as unknown as { delay: unknown }).delay = delay;
  }, RESOLUTION_MS);
}

function delays(app: RunningDesktop) {
  return app.app.evaluate(({ app: electronApp }) => {
    const { delay } = electronApp as unknown as { delay: { percentile(of: number): number; max: number } };
    return {
      delayP50Ms: delay.percentile(50) / 1e6,
      delayP99Ms: delay.percentile(99) / 1e6,
      delayP999Ms: delay.percentile(99.9) / 1e6,
      delayMaxMs: delay.max / 1e6,
    };
  });
}

async function measure(executablePath: string, dir: string) {
  const listed = await SmallTree.make(join(dir, 'listed'), LISTED_FILES, { sizes: [200, 1000] });
  const large = await LargeTree.make(join(dir, 'large'), LARGE_BYTES);
  const desktop = await BuiltDesktop.build(executablePath);
  const profile = join(dir, 'profile');
  mkdirSync(profile);
  let app: RunningDesktop | undefined;
  try {
    app = await desktop.start(profile);
    const page = await app.page();
    await page.getByRole('heading', { level: 1 }).waitFor();
    const electron = await app.app.evaluate(() => process.versions.electron);
    await app.answerDialogs({ folder: listed.folder });
    await app.shell('signIn', { how: 'local' });
    const id = await addFolder(app, listed.folder);
    await untilSaved(app, LISTED_FILES);
    await page.evaluate(`location.hash = '#/folder/${id}/files'`);
    // the account and the folder came in beside the window, which still shows how to set up
    await page.reload();
    await page.getByRole('gridcell').first().waitFor();
    await wait(1000);

    await startDelays(app);
    // counts in the page, which a call into it every now and then would disturb
    await page.evaluate(
      'window.frames0 = 0; (function next() { window.frames0 += 1; requestAnimationFrame(next); })()',
    );
    const startedMs = performance.now();
    await addFolder(app, large.folder);
    await untilSaved(app, LISTED_FILES + large.files.length);
    const seconds = (performance.now() - startedMs) / 1000;
    const frames = Number(await page.evaluate('window.frames0'));
    return {
      electron,
      ...(await delays(app)),
      framesPerSecond: frames / seconds,
      wallSeconds: seconds,
      mibPerSecond: LARGE_BYTES / 2 ** 20 / seconds,
    };
  } finally {
    await app?.kill();
    await desktop.close();
  }
}

const runtime = findElectron(process.env);
if ('executablePath' in runtime) {
  const dir = mkdtempSync(join(DIR, 'keepsync-bench-'));
  try {
    console.log(JSON.stringify(await measure(runtime.executablePath, dir)));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
} else {
  console.log(JSON.stringify({ reason: runtime.reason }));
}
