import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { icnsOf, icoOf } from './icon-files.mjs';
import { ROOT } from './processes.mjs';

const STATES = ['ready', 'syncing', 'paused', 'offline', 'attention', 'error'];
const ICON_SIZES = [16, 24, 32, 48, 64, 128, 256, 512, 1024];

/**
 * Ink for a light and for a dark bar. The two states that need somebody are tinted; the shape says it all the same.
 */
const INKS = {
  light: { plain: '#1B1F26', attention: '#8A5200', error: '#BC2310' },
  dark: { plain: '#F2F4F7', attention: '#F2B84B', error: '#FB6250' },
};

/**
 * Drawings and pixels of the tray: 16 for Windows and macOS, 22 for Linux. The double ones of 16 have a drawing of their
 * own.
 */
const TRAY_SIZES = [
  { size: 16, drawing: 16, scale: 1 },
  { size: 16, drawing: 32, scale: 2 },
  { size: 22, drawing: 22, scale: 1 },
  { size: 22, drawing: 22, scale: 2 },
];

function draw(svg, pixels) {
  return new Resvg(svg, { fitTo: { mode: 'width', value: pixels } }).render().asPng();
}

/**
 * Draws the tray's icons into `trayDir` and the application's into `iconDir`.
 * @returns {number} how many files were written.
 */
export function drawIcons(trayDir, iconDir) {
  mkdirSync(trayDir, { recursive: true });
  mkdirSync(iconDir, { recursive: true });
  for (const state of STATES) {
    for (const { size, drawing, scale } of TRAY_SIZES) {
      const svg = readFileSync(join(ROOT, 'assets', 'tray', `${state}-${drawing}.svg`), 'utf8');
      const suffix = scale === 1 ? '' : `@${scale}x`;
      const write = (name, colour) =>
        writeFileSync(
          join(trayDir, `${name}${suffix}.png`),
          draw(svg.replaceAll('currentColor', colour), size * scale),
        );
      for (const [bar, inks] of Object.entries(INKS)) {
        write(`${state}-${size}-${bar}`, inks[state] ?? inks.plain);
      }
      if (size === 16) {
        // macOS looks for "Template" at the end of the name and takes the shape only
        write(`${state}Template`, '#000000');
      }
    }
  }
  const icon = readFileSync(join(ROOT, 'assets', 'icon.svg'), 'utf8');
  const pictures = ICON_SIZES.map((size) => ({ size, png: draw(icon, size) }));
  for (const { size, png } of pictures) {
    writeFileSync(join(iconDir, `${size}x${size}.png`), png);
  }
  writeFileSync(join(iconDir, 'icon.ico'), icoOf(pictures.filter(({ size }) => size <= 256)));
  writeFileSync(join(iconDir, 'icon.icns'), icnsOf(pictures.filter(({ size }) => ![24, 48].includes(size))));
  return readdirSync(trayDir).length + readdirSync(iconDir).length;
}
