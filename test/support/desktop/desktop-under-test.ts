import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import type { CommandInput, CommandName, CommandOutput } from '../../../src/contract/commands.ts';
import type {
  Answer,
  PreloadApi,
  ShellCallName,
  ShellInput,
  ShellOutput,
} from '../../../src/contract/shell.ts';
import { buildApp, sharedBuild } from './app-build.ts';
import { type Display, openDisplay } from './virtual-display.ts';

/** How long a busy computer may take for a step. */
const PATIENCE_MS = 180_000;

/** The built app in a folder, with a display to run on. */
export class BuiltDesktop {
  readonly folder: string;
  readonly executablePath: string;
  readonly #display: Display;
  readonly #removesFolder: boolean;

  private constructor(folder: string, display: Display, executablePath: string, removesFolder: boolean) {
    this.folder = folder;
    this.executablePath = executablePath;
    this.#display = display;
    this.#removesFolder = removesFolder;
  }

  /** A build of its own, gone with `close`. */
  static async build(executablePath: string): Promise<BuiltDesktop> {
    const folder = mkdtempSync(join(tmpdir(), 'keepsync-app-'));
    await buildApp(folder);
    return new BuiltDesktop(folder, await openDisplay(), executablePath, true);
  }

  /** The build that all test files of a run share; `appFolder` is what vitest's global setup provides. */
  static async shared(executablePath: string, appFolder: string): Promise<BuiltDesktop> {
    return new BuiltDesktop(await sharedBuild(appFolder), await openDisplay(), executablePath, false);
  }

  /** Starts the app on a profile. `env` is beside what every start gets: no account, no desktop of the person's own. */
  async start(profile: string, env: Readonly<Record<string, string>> = {}): Promise<RunningDesktop> {
    const app = await _electron.launch({
      executablePath: this.executablePath,
      args: [this.folder, '--profile', profile],
      env: this.env(profile, env),
      timeout: PATIENCE_MS,
    });
    app.context().setDefaultTimeout(PATIENCE_MS);
    return new RunningDesktop(app);
  }

  env(profile: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
    const home = join(profile, 'home');
    mkdirSync(home, { recursive: true });
    const kept = ['PATH', 'DISPLAY', 'LANG', 'TMPDIR', 'TEMP', 'SYSTEMROOT', 'XDG_RUNTIME_DIR'];
    const inherited = kept.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return {
      ...Object.fromEntries(inherited),
      ...this.#display.env,
      HOME: home,
      XDG_CONFIG_HOME: join(home, '.config'),
      KEEPSYNC_TRAY: 'yes',
      ...more,
    };
  }

  async close(): Promise<void> {
    await this.#display.close();
    if (this.#removesFolder) {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

/** One running app, driven from outside. */
export class RunningDesktop {
  readonly app: ElectronApplication;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  readonly #child: ChildProcess;

  constructor(app: ElectronApplication) {
    this.app = app;
    // the app forgets its process once that has ended
    this.#child = app.process();
    this.ended = new Promise((resolve) =>
      this.#child.once('exit', (code, signal) => resolve(code ?? signal)),
    );
  }

  /** The window's page, once it is there. */
  page(): Promise<Page> {
    return this.app.firstWindow({ timeout: PATIENCE_MS });
  }

  /** A command through the window's own bridge; throws what it answers. */
  async run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    const page = await this.page();
    const answer = await page.evaluate(
      ([command, given]) => (globalThis as unknown as { keepsync: PreloadApi }).keepsync.run(command, given),
      [name, input] as const,
    );
    return unwrap(answer) as CommandOutput<N>;
  }

  async shell<N extends ShellCallName>(name: N, input: ShellInput<N>): Promise<ShellOutput<N>> {
    const page = await this.page();
    const answer = await page.evaluate(
      ([call, given]) => (globalThis as unknown as { keepsync: PreloadApi }).keepsync.callShell(call, given),
      [name, input] as const,
    );
    return unwrap(answer) as ShellOutput<N>;
  }

  /** What the system's dialogs answer from here on, instead of being shown; message boxes are counted. */
  async answerDialogs(answers: { readonly folder?: string; readonly button?: number }): Promise<void> {
    await this.app.evaluate(({ app, dialog }, { folder, button }) => {
      dialog.showOpenDialog = async () => ({
        canceled: folder === undefined,
        filePaths: folder === undefined ? [] : [folder],
      });
      dialog.showMessageBox = async (...args: unknown[]) => {
        const shown = app as unknown as { boxesShown?: unknown[] };
        shown.boxesShown = [...(shown.boxesShown ?? []), args.at(-1)];
        return { response: button ?? 0, checkboxChecked: false };
      };
    }, answers);
  }

  /** The message boxes that were asked for since `answerDialogs`. */
  boxesShown(): Promise<readonly BoxShown[]> {
    return this.app.evaluate(({ app }) => (app as unknown as { boxesShown?: BoxShown[] }).boxesShown ?? []);
  }

  windows(): Promise<
    ReadonlyArray<{ readonly title: string; readonly isVisible: boolean; readonly isFocused: boolean }>
  > {
    return this.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => ({
        title: window.getTitle(),
        isVisible: window.isVisible(),
        isFocused: window.isFocused(),
      })),
    );
  }

  /** What the tray showed since the start: names of its pictures in order, its last tooltip and menu. */
  tray(): Promise<TrayShown> {
    return this.app.evaluate(({ app }) => {
      const { images, tooltip, menu } = (app as unknown as { trayNotes: TrayNotes }).trayNotes;
      const labels = (of: Electron.Menu | undefined): TrayLabel[] =>
        (of?.items ?? []).map((item) =>
          item.submenu === undefined || item.submenu === null
            ? item.type === 'separator'
              ? '-'
              : item.label
            : { [item.label]: labels(item.submenu) },
        );
      return { images: [...images], tooltip, menu: labels(menu) };
    });
  }

  /** Chooses an item of the tray's menu by its labels, from the outermost in. Throws where it is not there. */
  async chooseFromTray(...path: string[]): Promise<void> {
    await this.app.evaluate(({ app }, labels) => {
      const { menu } = (app as unknown as { trayNotes: TrayNotes }).trayNotes;
      let items = menu?.items ?? [];
      for (const [depth, label] of labels.entries()) {
        const item = items.find((each) => each.label === label);
        if (item === undefined) {
          throw new Error(`The tray's menu has no "${label}"`);
        }
        items = item.submenu?.items ?? [];
        if (depth === labels.length - 1) {
          item.click();
        }
      }
    }, path);
  }

  /** As a person would; does not wait for the end. */
  async quit(): Promise<void> {
    await this.app.evaluate(({ app }) => {
      setTimeout(() => app.quit(), 0);
    });
  }

  /** Ends it whatever it does; for the end of a test. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

function unwrap(answer: Answer): unknown {
  if (answer.ok) {
    return answer.value;
  }
  throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
}

interface BoxShown {
  readonly message: string;
  readonly detail: string;
  readonly buttons: readonly string[];
}

/** An item's label, `-` for a line, or a submenu with its items. */
export type TrayLabel = string | { readonly [label: string]: readonly TrayLabel[] };

export interface TrayShown {
  /** Without folder and ending; the picture of the start is not among them. */
  readonly images: readonly string[];
  readonly tooltip: string;
  readonly menu: readonly TrayLabel[];
}

/** What tray-notes.cjs wrote down. */
interface TrayNotes {
  readonly images: readonly string[];
  readonly tooltip: string;
  readonly menu: Electron.Menu | undefined;
}
