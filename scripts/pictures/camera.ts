import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { withPalette } from './small-png.ts';

const THEMES = ['light', 'dark'] as const;
/** The window of the design, drawn at twice its size. */
const WINDOW = { width: 1180, height: 760 } as const;
const SCALE = 2;
/** After a change of theme: long enough for every picture to be drawn anew (milliseconds). */
const SETTLE_MS = 400;

/** Takes pictures of a page, of everything twice: light and dark. */
export class Camera {
  readonly #page: Page;
  readonly #session: CDPSession;
  readonly #folder: string;

  private constructor(page: Page, session: CDPSession, folder: string) {
    this.#page = page;
    this.#session = session;
    this.#folder = folder;
  }

  /** Sizes the page, and lets nothing in it move by itself. */
  static async on(
    page: Page,
    folder: string,
    size: { readonly width: number; readonly height: number } = WINDOW,
  ): Promise<Camera> {
    mkdirSync(folder, { recursive: true });
    const session = await page.context().newCDPSession(page);
    await session.send('Emulation.setDeviceMetricsOverride', {
      ...size,
      deviceScaleFactor: SCALE,
      mobile: false,
    });
    return new Camera(page, session, folder);
  }

  /** Writes `NAME-light.png` and `NAME-dark.png`. */
  async take(name: string): Promise<void> {
    // nothing is under the pointer there
    await this.#page.mouse.move(0, 0);
    for (const theme of THEMES) {
      await this.#session.send('Emulation.setEmulatedMedia', {
        features: [
          { name: 'prefers-color-scheme', value: theme },
          { name: 'prefers-reduced-motion', value: 'reduce' },
        ],
      });
      await this.#page.waitForTimeout(SETTLE_MS);
      const { data } = await this.#session.send('Page.captureScreenshot', { format: 'png' });
      const file = join(this.#folder, `${name}-${theme}.png`);
      const picture = withPalette(Buffer.from(data, 'base64'));
      writeFileSync(file, picture);
      console.log(`${basename(file)}, ${Math.round(picture.length / 1024)} KiB`);
    }
  }
}
