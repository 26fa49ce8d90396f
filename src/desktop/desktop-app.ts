import { join } from 'node:path';
import { app, Menu, Notification, session } from 'electron';
import { asKeepsyncError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import type { Settings } from '../contract/settings.ts';
import type { Place } from '../contract/shell.ts';
import { shellWords } from '../contract/shell-words.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import { ControlServer } from '../control/control-server.ts';
import type { EngineEnvironment } from '../engine/compose.ts';
import type { SettingsStore } from '../engine/ports.ts';
import type { LogFiles } from '../profile/log-files.ts';
import type { OwnerLock } from '../profile/owner-lock.ts';
import { openPairStore } from '../profile/pair-store.ts';
import type { ProfilePaths } from '../profile/profile-paths.ts';
import { ChosenPaths } from '../shell/chosen-paths.ts';
import { GuardedHost } from '../shell/guarded-host.ts';
import { createOwnerDesk, type OwnerDesk } from '../shell/owner-desk.ts';
import { offersOf, type ShellHandlers } from '../shell/shell-calls.ts';
import { folderToKeep, keepFolder, requireNoOtherCluster } from '../shell/try-here.ts';
import { serveApp } from './app-protocol.ts';
import { AppTray } from './app-tray.ts';
import { setAutostart } from './autostart.ts';
import { desktopCalls } from './desktop-calls.ts';
import type { DesktopMemory } from './desktop-memory.ts';
import { askQuit, askStillFinishing } from './dialogs.ts';
import { MainWindow } from './main-window.ts';
import { Notices } from './notices.ts';
import { Power } from './power.ts';
import { QuitFlow } from './quit-flow.ts';
import { openTokenStore } from './safe-token-store.ts';
import { systemCipher } from './system-cipher.ts';
import { pauseEndMs, type TrayAction } from './tray-menu.ts';
import { lookForUpdates } from './updates.ts';
import { WindowIpc } from './window-ipc.ts';

export interface DesktopAppOptions {
  readonly env: EngineEnvironment;
  readonly paths: ProfilePaths;
  readonly settings: SettingsStore;
  readonly log: LogFiles;
  /** The list of folders was damaged: tells the person. */
  readonly tellDamage: (message: string) => void;
  readonly lock: OwnerLock;
  readonly memory: DesktopMemory;
  readonly hasTray: boolean;
  /** Started at login: no window yet. */
  readonly hidden: boolean;
  /** Absolute path of a folder to keep saved in the local cluster of the profile; undefined: whoever is signed in. */
  readonly tryHere: string | undefined;
  /** Given to the start at login. */
  readonly profileArgs: readonly string[];
  /** Folder of main.cjs: preload, icons and the window's files lie beside it. */
  readonly bundleDir: string;
}

/** The desktop app: one owner of a profile with a tray, a window, notifications and a way to quit. */
export class DesktopApp {
  readonly #options: DesktopAppOptions;
  readonly #owner: OwnerDesk;
  readonly #window: MainWindow;
  readonly #ipc: WindowIpc;
  readonly #quit: QuitFlow;
  readonly #power: Power;
  readonly #notices = new Notices();
  /** Notifications that may still be clicked: the system forgets those that are collected. */
  readonly #shown = new Set<Notification>();
  #tray: AppTray | undefined;
  #control: ControlServer | undefined;
  #stopUpdates: (() => void) | undefined;
  #mayEnd = false;

  constructor(options: DesktopAppOptions) {
    this.#options = options;
    const { env, paths, log, bundleDir } = options;
    this.#owner = createOwnerDesk({
      owner: 'desktop',
      env,
      paths,
      settings: options.settings,
      pairs: openPairStore({
        foldersFile: paths.foldersFile,
        clock: env.clock,
        tell: options.tellDamage,
      }),
      tokens: openTokenStore(join(paths.configDir, 'token.encrypted.json'), systemCipher()),
      log,
      hasTray: options.hasTray,
      runtime: { ...process.versions, packaged: app.isPackaged },
      onStop: (how) => this.#background(this.#quit.now({ finish: how === 'finish' })),
      onSettings: (settings) => this.#applySettings(settings),
    });
    const { account } = this.#owner;
    const chosen = new ChosenPaths(() => account.run('folders.list', {}));
    const host = new GuardedHost({
      host: account,
      paths: chosen,
      onStop: () => this.#background(this.#quit.request()),
    });
    const shell: ShellHandlers = {
      ...this.#owner.calls(host, chosen),
      ...desktopCalls({
        host,
        paths: chosen,
        diagnostics: this.#owner.diagnostics,
        window: () => this.#window.browserWindow,
        workbenchUrl: (folderId) => this.#owner.workbenchUrl(folderId),
      }),
    };
    this.#window = new MainWindow({
      preloadFile: join(bundleDir, 'preload.cjs'),
      iconFile: join(bundleDir, '..', 'icons', '256x256.png'),
      attentionIconFile: join(bundleDir, 'tray', 'attention-16-light.png'),
      offers: offersOf(shell),
      state: () => options.memory.state,
      remember: (change) => options.memory.remember(change),
      onClose: () => this.#hideInstead(),
      onPageGone: () => this.#ipc.reset(),
      onSessionEnd: () => this.quitNow(),
      log,
      nowMs: () => env.clock.nowMs(),
      devTools: !app.isPackaged,
    });
    this.#ipc = new WindowIpc({
      host,
      shell,
      paths: chosen,
      contents: () => this.#window.browserWindow?.webContents,
      log,
    });
    this.#quit = new QuitFlow({
      snapshot: () => account.run('status.get', {}),
      ask: (unsaved) => askQuit(this.#window.browserWindow, unsaved),
      askStillFinishing: () => askStillFinishing(this.#window.browserWindow),
      onFinishing: () => this.#notify(shellWords.quit.finishing, '', { view: 'overview' }),
      close: (how) => this.#close(how),
      exit: () => {
        this.#mayEnd = true;
        app.quit();
      },
      onError: (thrown) => log.log('error', asKeepsyncError(thrown).message),
    });
    this.#power = new Power({
      onResume: () => this.#background(account.refresh()),
      onShutdown: () => this.#background(this.#quit.now({ finish: false })),
    });
  }

  async start(): Promise<void> {
    const { bundleDir, hasTray, hidden, lock, log, env, tryHere } = this.#options;
    serveApp(session.defaultSession, join(bundleDir, '..', 'renderer'));
    Menu.setApplicationMenu(applicationMenu());
    app.on('before-quit', (event) => {
      if (!this.#mayEnd) {
        event.preventDefault();
        this.#requestQuit();
      }
    });
    // windows come and go; the app ends when somebody quits it
    app.on('window-all-closed', () => undefined);
    app.on('activate', () => this.show());
    const { account } = this.#owner;
    if (tryHere !== undefined) {
      account.chooseLocal();
    }
    if (hasTray) {
      this.#tray = new AppTray({
        iconDir: join(bundleDir, 'tray'),
        act: (action) => this.#act(action),
      });
    }
    account.subscribe('status', (snapshot) => this.#present(snapshot));
    this.#control = await ControlServer.listen(lock.owner.socketPath, {
      host: account,
      key: lock.owner.key,
      hello: { version: VERSION, owner: 'desktop', pid: process.pid },
      clock: env.clock,
    });
    this.#applySettings(this.#options.settings.get());
    this.#present(await account.run('status.get', {}));
    if (!hidden || !hasTray) {
      this.show();
    }
    await account.start();
    if (tryHere !== undefined) {
      await keepFolder(account, tryHere);
    }
    this.#stopUpdates = lookForUpdates(log);
    log.log('info', 'Started', { version: VERSION, role: 'desktop', electron: process.versions.electron });
  }

  /** Somebody started the app a second time, on this folder. */
  tryHere(place: { readonly cwd: string; readonly home: string }, folder: string): void {
    const keep = async () => {
      requireNoOtherCluster(this.#options.settings.get());
      await keepFolder(this.#owner.account, await folderToKeep(place, folder || undefined));
    };
    this.#background(keep());
  }

  /** Brings the window to the front. */
  show(place?: Place): void {
    this.#background(
      this.#window.show().then(() => {
        if (place !== undefined) {
          this.#ipc.navigate(place);
        }
      }),
    );
  }

  /** Ends without asking: a signal, the end of the session. */
  quitNow(): void {
    this.#background(this.#quit.now({ finish: false }));
  }

  #present(snapshot: StatusSnapshot): void {
    const { settings } = this.#options;
    this.#tray?.show(snapshot);
    this.#window.present(snapshot);
    this.#power.show(snapshot);
    // macOS and some Linux desktops show it; others ignore it
    app.setBadgeCount(snapshot.problems.filter((problem) => problem.kind === 'needs-you').length);
    for (const notice of this.#notices.take(snapshot, settings.get().notifications)) {
      this.#notify(notice.title, notice.body, notice.place);
    }
  }

  #notify(title: string, body: string, place: Place): void {
    if (!Notification.isSupported()) {
      return;
    }
    const notification = new Notification({ title, body });
    this.#shown.add(notification);
    notification.on('click', () => this.show(place));
    notification.on('close', () => this.#shown.delete(notification));
    notification.show();
  }

  #act(action: TrayAction): void {
    const { account } = this.#owner;
    switch (action.do) {
      case 'open':
        this.show();
        return;
      case 'place':
        this.show(action.place);
        return;
      case 'pause': {
        const untilMs = pauseEndMs(action.how, this.#options.env.clock.nowMs());
        this.#background(account.run('folders.pause', { folderId: null, untilMs }));
        return;
      }
      case 'resume':
        this.#background(account.run('folders.resume', { folderId: null }));
        return;
      case 'retry':
        this.#background(account.run('folders.retry', {}));
        return;
      case 'quit':
        this.#background(this.#quit.request());
    }
  }

  /** Whether closing hides the window: where there is nothing to bring it back, closing means quitting. */
  #hideInstead(): boolean {
    if (this.#mayEnd) {
      return false;
    }
    const { hasTray, memory } = this.#options;
    if (!hasTray) {
      this.#requestQuit();
      return true;
    }
    if (!memory.state.explainedHiding) {
      memory.remember({ explainedHiding: true });
      const words = shellWords.notifications;
      const body = process.platform === 'darwin' ? words.stillHereBodyMac : words.stillHereBody;
      this.#notify(words.stillHere, body, { view: 'overview' });
    }
    return true;
  }

  /** Not from within an event of the window or the app: quitting destroys the window, which nothing may while it closes. */
  #requestQuit(): void {
    setImmediate(() => this.#background(this.#quit.request()));
  }

  #applySettings(settings: Settings): void {
    const { env, profileArgs, memory } = this.#options;
    // a start at login that was never asked for leaves the system's settings alone
    if (settings.startAtLogin || memory.state.startedAtLogin) {
      memory.remember({ startedAtLogin: settings.startAtLogin });
      this.#background(
        setAutostart(settings.startAtLogin, { env: env.env, home: env.home, args: profileArgs }),
      );
    }
  }

  async #close(how: { readonly finish: boolean }): Promise<void> {
    const { lock, memory, log } = this.#options;
    this.#stopUpdates?.();
    try {
      await this.#owner.close(how);
      log.log('info', 'Stopped');
    } finally {
      this.#power.close();
      this.#ipc.close();
      this.#window.close();
      this.#tray?.close();
      await this.#control?.close();
      await memory.close();
      await lock.release();
      await log.close();
    }
  }

  /** Work that nobody waits for: what goes wrong is in the log. */
  #background(work: Promise<unknown>): void {
    work.catch((thrown: unknown) => this.#options.log.log('error', asKeepsyncError(thrown).message));
  }
}

/** Copying, pasting and text size by keyboard; the rest of the app has no menu. */
function applicationMenu(): Menu {
  return Menu.buildFromTemplate([
    ...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : []),
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [{ role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }, { role: 'togglefullscreen' }],
    },
    { role: 'windowMenu' },
  ]);
}
