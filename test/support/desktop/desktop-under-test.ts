import { type ChildProcess, execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import type { CommandInput, CommandName, CommandOutput } from '../../../src/contract/commands.ts';
import type {
  Answer,
  PreloadApi,
  ShellCallName,
  ShellInput,
  ShellOutput,
} from '../../../src/contract/shell.ts';
import { type Display, openDisplay } from './virtual-display.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

/** The built app in a folder of its own, with a display to run on. */
export class BuiltDesktop {
  readonly folder: string;
  readonly #display: Display;
  readonly #executablePath: string;

  private constructor(folder: string, display: Display, executablePath: string) {
    this.folder = folder;
    this.#display = display;
    this.#executablePath = executablePath;
  }

  static async build(executablePath: string): Promise<BuiltDesktop> {
    const folder = mkdtempSync(join(tmpdir(), 'keepsync-app-'));
    const { name, productName, version, main } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    ) as Record<string, string>;
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, productName, version, main }));
    // an older runtime finds there what it lacks
    symlinkSync(join(ROOT, 'test'), join(folder, 'test'));
    await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), join(folder, 'dist')], { cwd: ROOT });
    return new BuiltDesktop(folder, await openDisplay(), executablePath);
  }

  /** Starts the app on a profile. `env` is beside what every start gets: no account, no desktop of the person's own. */
  async start(profile: string, env: Readonly<Record<string, string>> = {}): Promise<RunningDesktop> {
    const app = await _electron.launch({
      executablePath: this.#executablePath,
      args: [this.folder, '--profile', profile],
      env: this.env(profile, env),
      timeout: 60_000,
    });
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

  get executablePath(): string {
    return this.#executablePath;
  }

  async close(): Promise<void> {
    await this.#display.close();
    rmSync(this.folder, { recursive: true, force: true });
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
    return this.app.firstWindow({ timeout: 30_000 });
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
  boxesShown(): Promise<ReadonlyArray<{ readonly message: string; readonly buttons: readonly string[] }>> {
    return this.app.evaluate(
      ({ app }) =>
        (app as unknown as { boxesShown?: Array<{ message: string; buttons: string[] }> }).boxesShown ?? [],
    );
  }

  windows(): Promise<ReadonlyArray<{ readonly title: string; readonly isVisible: boolean }>> {
    return this.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => ({
        title: window.getTitle(),
        isVisible: window.isVisible(),
      })),
    );
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
