import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { icnsOf, icoOf } from './icon-files.mjs';
import { ROOT } from './processes.mjs';

const ASSETS = join(ROOT, 'assets');

/** Pixels of a tray icon, and of the one for screens that are twice as fine: Windows, then Linux. */
const TRAY_PIXELS = [
  { size: 16, doubled: 32 },
  { size: 22, doubled: 44 },
];
/** What Linux looks for among an application's icons, and what ICO and ICNS hold. */
const APP_PIXELS = [16, 24, 32, 48, 64, 128, 256, 512, 1024];
const ICO_PIXELS = [16, 24, 32, 48, 64, 128, 256];
const ICNS_PIXELS = [16, 32, 64, 128, 256, 512, 1024];

/**
 * Lays the tray's pictures into `trayDir` under the names by which Electron finds the finer one (`@2x`), and makes the
 * application's icons in `iconDir`.
 * @returns {number} how many files there are.
 */
export function collectIcons(trayDir, iconDir) {
  mkdirSync(trayDir, { recursive: true });
  mkdirSync(iconDir, { recursive: true });
  const drawn = readdirSync(join(ASSETS, 'tray'));
  for (const name of drawn.filter((one) => /Template(@2x)?\.png$/.test(one))) {
    copyFileSync(join(ASSETS, 'tray', name), join(trayDir, name));
    const state = name.replace(/Template.*$/, '');
    for (const bar of ['light', 'dark']) {
      for (const { size, doubled } of TRAY_PIXELS) {
        const copy = (pixels, suffix) =>
          copyFileSync(
            join(ASSETS, 'tray', `${state}-${bar}-${pixels}.png`),
            join(trayDir, `${state}-${size}-${bar}${suffix}.png`),
          );
        copy(size, '');
        copy(doubled, '@2x');
      }
    }
  }
  const picture = (size) => ({ size, png: readFileSync(join(ASSETS, `app-icon-${size}.png`)) });
  for (const size of APP_PIXELS) {
    writeFileSync(join(iconDir, `${size}x${size}.png`), picture(size).png);
  }
  writeFileSync(join(iconDir, 'icon.ico'), icoOf(ICO_PIXELS.map(picture)));
  writeFileSync(join(iconDir, 'icon.icns'), icnsOf(ICNS_PIXELS.map(picture)));
  return readdirSync(trayDir).length + readdirSync(iconDir).length;
}
