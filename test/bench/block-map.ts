import { launchChromium } from '../renderer/support/chromium.ts';
import { serveWindow } from '../renderer/support/site.ts';

/**
 * Frames a second of the block map with 16,384 blocks while `changes` of them change each second.
 * Run: node test/bench/block-map.ts [seconds] [changes]. Prints a line of JSON for each view.
 */
const seconds = Number(process.argv[2] ?? 10);
const changes = Number(process.argv[3] ?? 200);

interface Frames {
  readonly frames: number;
  readonly elapsedMs: number;
  readonly gapsMs: readonly number[];
  readonly longTasks: number;
}

function measure(durationMs: number): Promise<Frames> {
  return new Promise((resolve) => {
    const gapsMs: number[] = [];
    let longTasks = 0;
    const observer = new PerformanceObserver((list) => {
      longTasks += list.getEntries().length;
    });
    observer.observe({ type: 'longtask' });
    const startMs = performance.now();
    let lastMs = startMs;
    const frame = (nowMs: number) => {
      gapsMs.push(nowMs - lastMs);
      lastMs = nowMs;
      if (nowMs - startMs < durationMs) {
        requestAnimationFrame(frame);
      } else {
        observer.disconnect();
        resolve({ frames: gapsMs.length, elapsedMs: nowMs - startMs, gapsMs, longTasks });
      }
    };
    requestAnimationFrame(frame);
  });
}

const site = await serveWindow();
const browser = await launchChromium();
try {
  const page = await browser.newPage({ viewport: { width: 1180, height: 760 } });
  await page.goto(`${site.url}?scenario=big&still=1&changes=${changes}#/folder/big/blocks`);
  for (const view of ['bins', 'one bin opened'] as const) {
    await page
      .getByText(/^Blocks? [\d,]+/)
      .first()
      .waitFor();
    const { frames, elapsedMs, gapsMs, longTasks } = await page.evaluate(measure, seconds * 1000);
    const sorted = [...gapsMs].sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0;
    console.log(
      JSON.stringify({
        view,
        framesPerSecond: (frames * 1000) / elapsedMs,
        gapP50Ms: at(0.5),
        gapP99Ms: at(0.99),
        gapWorstMs: at(0.9999),
        longTasks,
      }),
    );
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Enter');
  }
} finally {
  await browser.close();
  await site.close();
}
