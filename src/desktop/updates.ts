import { app } from 'electron';
import { autoUpdater } from 'electron-updater';
import type { LogPort } from '../base/log.ts';

declare const __KEEPSYNC_UPDATE_FEED__: string;

/** New versions are looked for at the start and once a day (milliseconds). */
const LOOK_EVERY_MS = 24 * 3_600_000;

/**
 * Looks for new versions at the feed that was set when the app was built, and installs them when it quits. Without a feed,
 * and from a checkout, it does nothing. Returns the way to stop.
 */
export function lookForUpdates(log: LogPort): () => void {
  const feed = __KEEPSYNC_UPDATE_FEED__;
  if (feed === '' || !app.isPackaged) {
    return () => undefined;
  }
  autoUpdater.setFeedURL({ provider: 'generic', url: feed });
  autoUpdater.autoDownload = true;
  autoUpdater.autoInstallOnAppQuit = true;
  autoUpdater.logger = {
    info: (message) => log.log('info', String(message)),
    warn: (message) => log.log('warn', String(message)),
    error: (message) => log.log('error', String(message)),
  };
  const look = () => {
    autoUpdater.checkForUpdates().catch((thrown: unknown) => {
      log.log('warn', 'No newer version could be looked for', { error: String(thrown) });
    });
  };
  look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
