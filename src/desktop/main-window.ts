import { BrowserWindow, nativeImage, nativeTheme, screen } from 'electron';
import type { LogPort } from '../base/log.ts';
import { shellWords } from '../contract/shell-words.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import { isAppUrl } from './app-protocol.ts';
import { APP_URL, OFFERS_ARGUMENT } from './channels.ts';
import { type DesktopState, WINDOW_MIN, windowBounds } from './window-place.ts';

/** A page that dies so often within the time is not brought back again. */
const DEATHS_MAX = 3;
const DEATHS_WITHIN_MS = 60_000;
/** Moving a window tells of every pixel (milliseconds). */
const REMEMBER_AFTER_MS = 500;

/** The page's background before its first drawing: `page` of the design, so that nothing flashes. */
const BACKGROUND = { light: '#FFFFFF', dark: '#15191E' } as const;

export interface MainWindowOptions {
  readonly preloadFile: string;
  readonly iconFile: string;
  /** Laid over the icon in the task bar of Windows while something needs somebody. */
  readonly attentionIconFile: string;
  readonly offers: readonly string[];
  readonly state: () => DesktopState;
  readonly remember: (change: Partial<DesktopState>) => void;
  /** Closing hides the window; false: it may go. */
  readonly onClose: () => boolean;
  /** The page begins anew, or is gone. */
  readonly onPageGone: () => void;
  /** Windows ends the session: no time for questions. */
  readonly onSessionEnd: () => void;
  readonly log: LogPort;
  readonly nowMs: () => number;
  readonly devTools: boolean;
}

/** The one window: made when first shown, hidden when closed, made again when its page dies. */
export class MainWindow {
  readonly #options: MainWindowOptions;
  #window: BrowserWindow | undefined;
  #title: string = shellWords.app;
  #isMarked = false;
  #deaths: number[] = [];
  #rememberTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: MainWindowOptions) {
    this.#options = options;
  }

  get browserWindow(): BrowserWindow | undefined {
    return this.#window;
  }

  /** Resolves when the page is there. */
  async show(): Promise<void> {
    if (this.#window !== undefined) {
      if (this.#window.isMinimized()) {
        this.#window.restore();
      }
      this.#window.show();
      this.#window.focus();
      return;
    }
    await this.#open();
  }

  hide(): void {
    this.#window?.hide();
  }

  /** Title, badge and progress, from the same picture as the tray. */
  present(snapshot: StatusSnapshot): void {
    const title = shellWords.title(snapshot.verdict.sentence);
    if (title !== this.#title) {
      this.#title = title;
      this.#window?.setTitle(title);
    }
    const needsYou = snapshot.problems.some((problem) => problem.kind === 'needs-you');
    if (process.platform === 'win32' && needsYou !== this.#isMarked) {
      this.#isMarked = needsYou;
      this.#window?.setOverlayIcon(
        needsYou ? nativeImage.createFromPath(this.#options.attentionIconFile) : null,
        snapshot.verdict.sentence,
      );
    }
  }

  close(): void {
    clearTimeout(this.#rememberTimer);
    this.#window?.destroy();
    this.#window = undefined;
  }

  async #open(): Promise<void> {
    const { preloadFile, iconFile, offers, state, devTools } = this.#options;
    const { bounds, maximized } = state();
    const window = new BrowserWindow({
      ...windowBounds(
        bounds,
        screen.getAllDisplays().map((display) => display.workArea),
      ),
      minWidth: WINDOW_MIN.width,
      minHeight: WINDOW_MIN.height,
      show: false,
      title: this.#title,
      icon: iconFile,
      autoHideMenuBar: true,
      backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
      webPreferences: {
        preload: preloadFile,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        devTools,
        additionalArguments: [`${OFFERS_ARGUMENT}${offers.join(',')}`],
      },
    });
    this.#window = window;
    this.#isMarked = false;
    this.#watch(window);
    if (maximized) {
      window.maximize();
    }
    await window.loadURL(APP_URL);
    if (!window.isDestroyed()) {
      window.show();
    }
  }

  #watch(window: BrowserWindow): void {
    const { webContents } = window;
    window.on('page-title-updated', (event) => event.preventDefault());
    window.on('close', (event) => {
      if (this.#options.onClose()) {
        event.preventDefault();
        window.hide();
      }
    });
    window.on('closed', () => {
      if (this.#window === window) {
        this.#window = undefined;
        this.#options.onPageGone();
      }
    });
    window.on('session-end', () => this.#options.onSessionEnd());
    window.on('resize', () => this.#rememberSoon(window));
    window.on('move', () => this.#rememberSoon(window));
    webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
    webContents.on('will-navigate', (event, url) => {
      if (!isAppUrl(url)) {
        event.preventDefault();
      }
    });
    webContents.on('will-redirect', (event) => event.preventDefault());
    webContents.on('will-attach-webview', (event) => event.preventDefault());
    webContents.on('did-start-navigation', (_event, _url, isSameDocument, isMainFrame) => {
      if (isMainFrame && !isSameDocument) {
        this.#options.onPageGone();
      }
    });
    webContents.on('render-process-gone', (_event, details) => this.#died(window, details.reason));
    webContents.on('unresponsive', () => this.#options.log.log('warn', 'The window does not respond'));
  }

  #rememberSoon(window: BrowserWindow): void {
    clearTimeout(this.#rememberTimer);
    this.#rememberTimer = setTimeout(() => {
      if (!window.isDestroyed() && !window.isMinimized()) {
        this.#options.remember({ bounds: window.getNormalBounds(), maximized: window.isMaximized() });
      }
    }, REMEMBER_AFTER_MS);
  }

  #died(window: BrowserWindow, reason: string): void {
    const { log, nowMs, onPageGone } = this.#options;
    onPageGone();
    if (reason === 'clean-exit') {
      return;
    }
    log.log('error', "The window's page died", { reason });
    this.#deaths = [...this.#deaths.filter((atMs) => nowMs() - atMs < DEATHS_WITHIN_MS), nowMs()];
    const wasVisible = window.isVisible();
    this.#window = undefined;
    window.destroy();
    if (this.#deaths.length > DEATHS_MAX) {
      log.log('error', shellWords.failed.window);
      return;
    }
    if (wasVisible) {
      this.#open().catch((thrown: unknown) => log.log('error', String(thrown)));
    }
  }
}
