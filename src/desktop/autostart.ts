import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { app } from 'electron';
import { readIfThere, writeDurably } from '../base/durable-file.ts';
import { autostartEntry, HIDDEN_FLAG } from './autostart-entry.ts';

const LINUX_FILE = 'keepsync.desktop';

export interface AutostartPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** What this start was given that the next one needs, too: the profile. */
  readonly args: readonly string[];
}

/** Starts the app at login, or not any more. */
export async function setAutostart(isWanted: boolean, place: AutostartPlace): Promise<void> {
  const args = [...place.args, HIDDEN_FLAG];
  if (process.platform !== 'linux') {
    app.setLoginItemSettings({ openAtLogin: isWanted, args });
    return;
  }
  const configDir = place.env.XDG_CONFIG_HOME || join(place.home, '.config');
  const file = join(configDir, 'autostart', LINUX_FILE);
  if (!isWanted) {
    await rm(file, { force: true });
    return;
  }
  // an AppImage runs from a place that is gone with it; the variable names the file itself
  const program = place.env.APPIMAGE ?? process.execPath;
  const appPath = app.isPackaged ? [] : [app.getAppPath()];
  const entry = autostartEntry([program, ...appPath, ...args]);
  if ((await readIfThere(file)) !== entry) {
    await writeDurably(file, entry);
  }
}
