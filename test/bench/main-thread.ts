import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sizeText } from '../../src/contract/words.ts';
import { BuiltDesktop } from '../support/desktop/desktop-under-test.ts';
import { findElectron } from '../support/desktop/electron-runtime.ts';

/**
 * How long the main thread of the desktop app keeps the tray and the window waiting while it uploads at full speed:
 *
 *     node test/bench/main-thread.ts [GiB of large files] [number of small files]
 *
 * Runs on a real Electron with the local cluster on the same computer, so the disk and the processors are shared with the
 * server; the delays are an upper bound.
 */
const MIB = 1024 * 1024;
const LARGE_GIB = Number(process.argv[2] ?? 2);
const SMALL_FILES = Number(process.argv[3] ?? 20_000);
const SMALL_BYTES = 4096;
/** How finely the delay is sampled (milliseconds). */
const RESOLUTION_MS = 1;

async function writeLarge(path: string): Promise<void> {
  const file = createWriteStream(path);
  for (let index = 0; index < 1024; index += 1) {
    if (!file.write(randomBytes(MIB))) {
      await once(file, 'drain');
    }
  }
  file.end();
  await once(file, 'finish');
}

const runtime = findElectron(process.env);
if (!('executablePath' in runtime)) {
  console.error(`Cannot measure: ${runtime.reason}`);
  process.exit(1);
}
const profile = mkdtempSync(join(tmpdir(), 'keepsync-bench-'));
const desktop = await BuiltDesktop.build(runtime.executablePath);
try {
  const folder = join(profile, 'data');
  mkdirSync(join(folder, 'small'), { recursive: true });
  for (let index = 0; index < LARGE_GIB; index += 1) {
    await writeLarge(join(folder, `large-${index}`));
  }
  for (let index = 0; index < SMALL_FILES; index += 1) {
    writeFileSync(join(folder, 'small', `${index}.bin`), randomBytes(SMALL_BYTES));
  }
  const app = await desktop.start(profile);
  await (await app.page()).getByRole('heading', { level: 1 }).waitFor();
  const versions = await app.app.evaluate(() => process.versions);
  console.log(`Electron ${versions.electron}, Node ${versions.node}`);
  await app.answerDialogs({ folder });
  await app.shell('signIn', { how: 'local' });
  await app.shell('chooseFolder', {});
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
  const startedAt = performance.now();
  await app.run('folders.add', {
    roots: [{ diskPath: folder, prefix: '' }],
    name: 'data',
    target: { collectionName: 'data' },
  });
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { tray, bar } = await app.run('status.get', {});
    if (tray === 'ready' && bar.saved.files === LARGE_GIB + SMALL_FILES) {
      break;
    }
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const ms = await app.app.evaluate(({ app: electronApp }) => {
    const { delay } = electronApp as unknown as {
      delay: { percentile(of: number): number; max: number; mean: number };
    };
    const round = (nanoseconds: number) => Math.round(nanoseconds / 1e4) / 100;
    return {
      p50: round(delay.percentile(50)),
      p99: round(delay.percentile(99)),
      p999: round(delay.percentile(99.9)),
      max: round(delay.max),
    };
  });
  const memory = await app.app.evaluate(({ app: electronApp }) =>
    electronApp
      .getAppMetrics()
      .map(({ type, memory: used }) => `${type} ${Math.round(used.workingSetSize / 1024)} MiB`),
  );
  const bytes = LARGE_GIB * 1024 * MIB + SMALL_FILES * SMALL_BYTES;
  console.log(
    `${sizeText(bytes)} in ${LARGE_GIB + SMALL_FILES} files saved in ${seconds.toFixed(1)} s, ${sizeText(bytes / seconds)}/s`,
  );
  console.log(`Delay of the main thread's event loop, sampled every ${RESOLUTION_MS} ms (which counts in):`);
  console.log(`  p50 ${ms.p50} ms, p99 ${ms.p99} ms, p99.9 ${ms.p999} ms, max ${ms.max} ms`);
  console.log(`Memory: ${memory.join(', ')}`);
  await app.kill();
} finally {
  await desktop.close();
  rmSync(profile, { recursive: true, force: true });
}
