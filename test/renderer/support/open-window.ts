import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { FakeBridge, Scenario } from '../fake-bridge.ts';
import { launchChromium } from './chromium.ts';
import { type Site, serveWindow } from './site.ts';

export interface OpenOptions {
  readonly scenario: Scenario;
  /** Place in the window: `#/problems`. */
  readonly place?: string;
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  readonly forcedColors?: boolean;
  /** Called before the page loads, for clocks and the like. */
  readonly before?: (page: Page) => Promise<void>;
}

export interface OpenWindow {
  readonly page: Page;
  /** Everything that went wrong in the page: errors, and what its content security policy refused. */
  readonly complaints: readonly string[];
  /** Calls of one command or `shell.` call so far: their inputs. */
  calls(name: string): Promise<unknown[]>;
}

type WithFake = { fake: FakeBridge };

/** A Chromium and the built window over the scripted bridge, for one test file. */
export class WindowLab {
  readonly #site: Site;
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];

  private constructor(site: Site, browser: Browser) {
    this.#site = site;
    this.#browser = browser;
  }

  static async start(): Promise<WindowLab> {
    const [site, browser] = await Promise.all([serveWindow(), launchChromium()]);
    return new WindowLab(site, browser);
  }

  /** Opens the window and waits for its first drawing. The world stands still until a test moves it. */
  async open(options: OpenOptions): Promise<OpenWindow> {
    const context = await this.#browser.newContext({
      viewport: { width: options.width ?? 1180, height: options.height ?? 760 },
      colorScheme: options.scheme ?? 'light',
      forcedColors: options.forcedColors === true ? 'active' : 'none',
      reducedMotion: 'reduce',
      locale: 'en-GB',
    });
    this.#contexts.push(context);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') {
        complaints.push(message.text());
      }
    });
    await options.before?.(page);
    await page.goto(`${this.#site.url}?scenario=${options.scenario}&still=1${options.place ?? ''}`);
    await page.getByRole('heading', { level: 1 }).or(page.getByText('Nothing')).first().waitFor();
    return {
      page,
      complaints,
      calls: (name) =>
        page.evaluate(
          (wanted) =>
            (window as unknown as WithFake).fake.calls
              .filter((call) => call.name === wanted)
              .map((call) => call.input),
          name,
        ),
    };
  }

  /** Closes the pages of one test. */
  async closePages(): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
  }

  async stop(): Promise<void> {
    await this.closePages();
    await this.#browser.close();
    await this.#site.close();
  }
}
