import { execFile } from 'node:child_process';

const ASK_WITHIN_MS = 3_000;

/**
 * Whether the desktop shows tray icons. Windows and macOS always do; on Linux somebody has to be there to show them
 * (GNOME has nobody without an extension). KEEPSYNC_TRAY=yes or no says it where this is wrong.
 */
export async function hasTray(env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  if (env.KEEPSYNC_TRAY === 'yes' || env.KEEPSYNC_TRAY === 'no') {
    return env.KEEPSYNC_TRAY === 'yes';
  }
  if (process.platform !== 'linux') {
    return true;
  }
  if (!env.DBUS_SESSION_BUS_ADDRESS) {
    return false;
  }
  const answer = await dbusSend();
  return answer.includes('boolean true');
}

/** Asks the session bus whether anybody takes tray icons. '' where nobody can be asked. */
function dbusSend(): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      'dbus-send',
      [
        '--session',
        '--print-reply',
        '--dest=org.freedesktop.DBus',
        '/org/freedesktop/DBus',
        'org.freedesktop.DBus.NameHasOwner',
        'string:org.kde.StatusNotifierWatcher',
      ],
      { timeout: ASK_WITHIN_MS },
      // without dbus-send, or without a bus, there is no tray that we could know of
      (_error, stdout) => resolve(stdout),
    );
  });
}
