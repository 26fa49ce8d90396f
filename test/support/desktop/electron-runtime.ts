import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The Electron to run, or why there is none. */
export type Runtime = { readonly executablePath: string } | { readonly reason: string };

/** ELECTRON_OVERRIDE_DIST_PATH, else the binary of the electron package where it was fetched. */
export function findElectron(env: NodeJS.ProcessEnv): Runtime {
  if (env.KEEPSYNC_E2E_SKIP) {
    return { reason: env.KEEPSYNC_E2E_SKIP };
  }
  const names: Record<string, string> = {
    darwin: 'Electron.app/Contents/MacOS/Electron',
    win32: 'electron.exe',
  };
  const name = names[process.platform] ?? 'electron';
  const packaged = join(createRequire(import.meta.url).resolve('electron/package.json'), '..', 'dist');
  for (const dist of [env.ELECTRON_OVERRIDE_DIST_PATH, packaged]) {
    if (dist && existsSync(join(dist, name))) {
      return { executablePath: join(dist, name) };
    }
  }
  return {
    reason:
      'there is no Electron: set ELECTRON_OVERRIDE_DIST_PATH to the folder of one, or run npx electron once to fetch it',
  };
}
