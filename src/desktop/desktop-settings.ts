import { ipcMain } from 'electron';
import ElectronStore from 'electron-store';
import type { Settings } from '../contract/settings.ts';
import type { OpenSettingsFile } from '../profile/settings-store.ts';
import type { Summed } from '../profile/summed-file.ts';

/** The profile's settings file, the same that the command uses, through electron-store. */
export const openElectronStore: OpenSettingsFile = ({ cwd, configName, configFileMode }) => {
  const store = new ElectronStore<Settings & Summed>({
    cwd,
    name: configName,
    configFileMode,
    clearInvalidConfig: false,
  });
  // it offers windows the path of the profile; ours have no use for that
  ipcMain.removeAllListeners('electron-store-get-data');
  return store;
};
