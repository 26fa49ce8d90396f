// electron-builder calls this when the app is laid out and not yet signed: the fuses are part of what is signed.
import { join } from 'node:path';
import { fusedExecutable, setFuses } from './lib/electron-fuses.mjs';

export async function afterPack({ appOutDir, electronPlatformName, packager }) {
  // package.mjs starts the app once before it sets the fuses on a copy
  if (process.env.KEEPSYNC_LEAVE_FUSES === '1') {
    return;
  }
  const { productFilename } = packager.appInfo;
  const executable = {
    darwin: () => join(appOutDir, `${productFilename}.app`, 'Contents', 'MacOS', productFilename),
    win32: () => join(appOutDir, `${productFilename}.exe`),
    linux: () => fusedExecutable(appOutDir, packager.executableName),
  }[electronPlatformName];
  await setFuses(executable(), { resetAdHocDarwinSignature: electronPlatformName === 'darwin' });
}
