import { join } from 'node:path';
import { Menu, type MenuItemConstructorOptions, nativeTheme, Tray } from 'electron';
import type { TrayState } from '../contract/problems.ts';
import { shellWords } from '../contract/shell-words.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import { type TrayAction, type TrayItem, trayMenu } from './tray-menu.ts';

/** The picture of a state; beside each lies one with `@2x` that the system takes on a finer screen. */
function iconFile(iconDir: string, state: TrayState): string {
  if (process.platform === 'darwin') {
    return join(iconDir, `${state}Template.png`);
  }
  // bars of Linux desktops are dark as a rule, whatever the windows are; Windows tells
  const onDark = process.platform === 'linux' || nativeTheme.shouldUseDarkColorsForSystemIntegratedUI;
  const size = process.platform === 'linux' ? 22 : 16;
  return join(iconDir, `${state}-${size}-${onDark ? 'dark' : 'light'}.png`);
}

function template(
  items: readonly TrayItem[],
  act: (action: TrayAction) => void,
): MenuItemConstructorOptions[] {
  return items.map((item) => menuItem(item, act));
}

function menuItem(item: TrayItem, act: (action: TrayAction) => void): MenuItemConstructorOptions {
  switch (item.kind) {
    case 'line':
      return { type: 'separator' };
    case 'text':
      return { label: item.label, enabled: false };
    case 'action':
      return { label: item.label, click: () => act(item.action) };
    case 'submenu':
      return { label: item.label, submenu: template(item.items, act) };
  }
}

/** The icon in the tray. It is drawn and its menu made anew only when what they show has changed. */
export class AppTray {
  readonly #iconDir: string;
  readonly #act: (action: TrayAction) => void;
  readonly #onTheme = () => this.#draw();
  #tray: Tray | undefined;
  #state: TrayState = 'syncing';
  #shown = '';

  constructor(options: { readonly iconDir: string; readonly act: (action: TrayAction) => void }) {
    this.#iconDir = options.iconDir;
    this.#act = options.act;
    this.#tray = new Tray(iconFile(this.#iconDir, this.#state));
    this.#tray.setToolTip(shellWords.app);
    this.#tray.on('click', () => {
      // a click on macOS opens the menu
      if (process.platform !== 'darwin') {
        this.#act({ do: 'open' });
      }
    });
    nativeTheme.on('updated', this.#onTheme);
  }

  show(snapshot: StatusSnapshot): void {
    if (snapshot.tray !== this.#state) {
      this.#state = snapshot.tray;
      this.#draw();
    }
    const items = trayMenu(snapshot);
    const shown = JSON.stringify(items);
    if (shown === this.#shown) {
      return;
    }
    this.#shown = shown;
    this.#tray?.setToolTip(shellWords.title(snapshot.verdict.sentence));
    this.#tray?.setContextMenu(Menu.buildFromTemplate(template(items, this.#act)));
  }

  close(): void {
    nativeTheme.off('updated', this.#onTheme);
    this.#tray?.destroy();
    this.#tray = undefined;
  }

  #draw(): void {
    this.#tray?.setImage(iconFile(this.#iconDir, this.#state));
  }
}
