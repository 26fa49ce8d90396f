import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { FakeBridge, Scenario } from '../fake-bridge.ts';
import { launchChromium, PATIENCE_MS } from './chromium.ts';
import { type Site, serveWindow } from './site.ts';

export interface OpenOptions {
  readonly scenario: Scenario;
  /** Place in the window: `#/problems`. */
  readonly place?: string;
  /** Whether the shell has a tray; it has, unless said otherwise. */
  readonly tray?: boolean;
  readonly forcedColors?: boolean;
  /** Whether the page gets a clock that the test can move, see `page.clock`. */
  readonly ownClock?: boolean;
}

export interface OpenWindow {
  readonly page: Page;
  /** Everything that went wrong in the page: errors, and what its content security policy refused. */
  readonly complaints: readonly string[];
  /** Calls of one command or `shell.` call so far: their inputs. */
  calls(name: string): Promise<unknown[]>;
}

type WithFake = { fake: FakeBridge };

/** How many times slower the window's script runs; more than 1 shows what a test forgets to wait for. */
const SLOWER = Number(process.env.KEEPSYNC_TEST_SLOWER ?? 1);

async function newContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({ reducedMotion: 'reduce', locale: 'en-GB' });
  context.setDefaultTimeout(PATIENCE_MS);
  return context;
}

/** A Chromium and the built window over the scripted bridge, for one test file. */
export class WindowLab {
  readonly #site: Site;
  readonly #browser: Browser;
  /** One for all pages: they share its cache, and with it the compiled script. */
  readonly #context: BrowserContext;
  /** Stays open and does nothing, so that the process and its script are there for the next page. */
  readonly #keeper: Page;

  private constructor(site: Site, browser: Browser, keeper: Page) {
    this.#site = site;
    this.#browser = browser;
    this.#context = keeper.context();
    this.#keeper = keeper;
  }

  static async start(): Promise<WindowLab> {
    const [site, browser] = await Promise.all([serveWindow(), launchChromium()]);
    const keeper = await (await newContext(browser)).newPage();
    await keeper.goto(`${site.url}?scenario=empty&still=1`);
    return new WindowLab(site, browser, keeper);
  }

  /** Opens the window and waits for its first drawing. The world stands still until a test moves it. */
  async open(options: OpenOptions): Promise<OpenWindow> {
    // a clock is one for all pages of a context, and would stay for those of later tests
    const context = options.ownClock === true ? await newContext(this.#browser) : this.#context;
    const page = await context.newPage();
    if (options.ownClock === true) {
      await page.clock.install();
    }
    if (SLOWER > 1) {
      const session = await context.newCDPSession(page);
      await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
    }
    await page.setViewportSize({ width: 1180, height: 760 });
    await page.emulateMedia({
      colorScheme: 'light',
      forcedColors: options.forcedColors === true ? 'active' : 'none',
    });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') {
        complaints.push(message.text());
      }
    });
    await page.goto(
      `${this.#site.url}?scenario=${options.scenario}&still=1${options.tray === false ? '&tray=0' : ''}${options.place ?? ''}`,
    );
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
    const others = this.#browser.contexts().filter((context) => context !== this.#context);
    await Promise.all([
      ...this.#context
        .pages()
        .filter((page) => page !== this.#keeper)
        .map((page) => page.close()),
      ...others.map((context) => context.close()),
    ]);
  }

  async stop(): Promise<void> {
    await this.closePages();
    await this.#browser.close();
    await this.#site.close();
  }
}
