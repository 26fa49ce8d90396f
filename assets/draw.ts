import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GLYPHS, type Shape } from '../renderer/parts/glyph-shapes.ts';
import { darkTokens, lightTokens } from '../renderer/theme/tokens.ts';
import { TRAY_STATES, type TrayState } from '../src/contract/problems.ts';
import { STAGES } from '../src/contract/status.ts';

/** Writes the drawings of this folder; see README.md. */
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** One size of the tray: numbers chosen so that edges fall on whole pixels. */
interface Grid {
  readonly size: number;
  /** From the edge to a solid block. */
  readonly inset: number;
  readonly radius: number;
  /** Of outlines. */
  readonly line: number;
  /** Of what is cut out of solid shapes, and of the arrow. */
  readonly pen: number;
}

const GRIDS: readonly Grid[] = [
  { size: 16, inset: 1, radius: 3, line: 2, pen: 2 },
  { size: 22, inset: 2, radius: 4, line: 2, pen: 2.4 },
  { size: 32, inset: 3, radius: 6, line: 3, pen: 3.4 },
];

const round = (value: number): number => Math.round(value * 100) / 100;

/** A path in a field of 1, scaled to the inner square of a grid. */
function fitted(grid: Grid, points: readonly (readonly [number, number] | 'move')[]): string {
  const span = grid.size - 2 * grid.inset;
  let command = 'M';
  let path = '';
  for (const point of points) {
    if (point === 'move') {
      command = 'M';
      continue;
    }
    path += `${command}${round(grid.inset + point[0] * span)} ${round(grid.inset + point[1] * span)}`;
    command = 'L';
  }
  return path;
}

const CHECK = [
  [0.24, 0.53],
  [0.42, 0.71],
  [0.77, 0.31],
] as const;
const CROSS = [[0.33, 0.33], [0.67, 0.67], 'move', [0.67, 0.33], [0.33, 0.67]] as const;
const ARROW = [[0.5, 0.75], [0.5, 0.27], 'move', [0.3, 0.46], [0.5, 0.26], [0.7, 0.46]] as const;
const BANG = [[0.5, 0.36], [0.5, 0.62], 'move', [0.5, 0.82], [0.5, 0.821]] as const;
const OCTAGON = [
  [0.29, 0],
  [0.71, 0],
  [1, 0.29],
  [1, 0.71],
  [0.71, 1],
  [0.29, 1],
  [0, 0.71],
  [0, 0.29],
] as const;
const TRIANGLE = [
  [0.5, 0.06],
  [0.98, 0.94],
  [0.02, 0.94],
] as const;

const stroke = (d: string, width: number, color: string) =>
  `<path d="${d}" fill="none" stroke="${color}" stroke-width="${round(width)}" stroke-linecap="round" stroke-linejoin="round"/>`;

function square(grid: Grid, attributes: string, inset = grid.inset, radius = grid.radius): string {
  const side = grid.size - 2 * inset;
  return `<rect x="${inset}" y="${inset}" width="${side}" height="${side}" rx="${radius}" ${attributes}/>`;
}

/** A solid shape with lines cut out of it. */
function cutOut(grid: Grid, shape: string, cut: string, width: number): string {
  return (
    `<mask id="cut"><rect width="${grid.size}" height="${grid.size}" fill="#fff"/>${stroke(cut, width, '#000')}</mask>` +
    `<g mask="url(#cut)">${shape}</g>`
  );
}

function tray(state: TrayState, grid: Grid): string {
  const solid = 'fill="currentColor"';
  const outline = `fill="none" stroke="currentColor" stroke-width="${grid.line}"`;
  const middle = grid.inset + grid.line / 2;
  const rim = Math.max(1, grid.radius - grid.line / 2);
  switch (state) {
    case 'ready':
      return cutOut(grid, square(grid, solid), fitted(grid, CHECK), grid.pen);
    case 'syncing':
      return square(grid, outline, middle, rim) + stroke(fitted(grid, ARROW), grid.line, 'currentColor');
    case 'paused': {
      const bar = Math.round(grid.size * 0.28);
      const height = grid.size - 2 * grid.inset;
      const at = (x: number) =>
        `<rect x="${x}" y="${grid.inset}" width="${bar}" height="${height}" rx="${round(bar * 0.3)}" ${solid}/>`;
      return at(grid.inset + 1) + at(grid.size - grid.inset - 1 - bar);
    }
    case 'offline': {
      const slash = `M${grid.inset + 0.5} ${grid.size - grid.inset - 0.5}L${grid.size - grid.inset - 0.5} ${grid.inset + 0.5}`;
      return (
        cutOut(grid, square(grid, outline, middle, rim), slash, grid.line * 2.8) +
        stroke(slash, grid.line, 'currentColor')
      );
    }
    case 'attention': {
      const d = `${fitted(grid, TRIANGLE)}z`;
      const body = `<path d="${d}" ${solid} stroke="currentColor" stroke-width="${grid.line}" stroke-linejoin="round"/>`;
      return cutOut(grid, body, fitted(grid, BANG), grid.pen);
    }
    case 'error':
      return cutOut(grid, `<path d="${fitted(grid, OCTAGON)}z" ${solid}/>`, fitted(grid, CROSS), grid.pen);
  }
}

const svg = (size: number, title: string, body: string, viewBox = `0 0 ${size} ${size}`): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="${viewBox}"><title>${title}</title>${body}</svg>\n`;

/** A block of ink, saved: the check is cut out and shows the paper; the rim keeps it visible on dark. */
function appIcon(): string {
  const block =
    '<rect x="64" y="64" width="896" height="896" rx="208" fill="#14181F" stroke="#4A515D" stroke-width="16"/>';
  const check = stroke('M300 532L452 684L738 356', 112, '#FFFFFF');
  return svg(1024, 'Keepsync', block + check);
}

function glyph(shapes: readonly Shape[]): string {
  const knocks = shapes.filter((shape) => shape.paint === 'knock');
  const rest = shapes.filter((shape) => shape.paint !== 'knock');
  const drawn = rest.map((shape) =>
    shape.paint === 'fill'
      ? `<path d="${shape.d}" fill="currentColor"/>`
      : `<path d="${shape.d}" fill="none" stroke="currentColor" stroke-width="${shape.width ?? 1.5}"${
          shape.dash === undefined
            ? ''
            : ` stroke-dasharray="${shape.dash.join(' ')}" stroke-dashoffset="${shape.dashOffset ?? 0}"`
        }/>`,
  );
  if (knocks.length === 0) {
    return drawn.join('');
  }
  const cuts = knocks.map((shape) => stroke(shape.d, shape.width ?? 1.9, '#000')).join('');
  return `<mask id="cut"><rect width="16" height="16" fill="#fff"/>${cuts}</mask><g mask="url(#cut)">${drawn.join('')}</g>`;
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(here(path)), { recursive: true });
  await writeFile(here(path), content);
}

/** What a state is drawn in on a bar: ink, but for what asks for a person. */
function trayColor(state: TrayState, theme: 'light' | 'dark'): string {
  const tokens = theme === 'light' ? lightTokens : darkTokens;
  switch (state) {
    case 'attention':
      return theme === 'light' ? tokens['need-fill'] : tokens.need;
    case 'error':
      return tokens.failed;
    default:
      return tokens.ink;
  }
}

interface Picture {
  readonly path: string;
  readonly svg: string;
  readonly px: number;
  readonly color: string;
}

function pictures(): Picture[] {
  const gridFor = (px: number): Grid =>
    GRIDS.find((grid) => px % grid.size === 0 && px / grid.size <= 2) ?? GRIDS[0] ?? never();
  const drawing = (state: TrayState, px: number) => {
    // twice 16 has a drawing of its own
    const grid = px === 32 ? (GRIDS.find((each) => each.size === 32) ?? gridFor(px)) : gridFor(px);
    return svg(grid.size, state, tray(state, grid));
  };
  const icons = [16, 24, 32, 48, 64, 128, 256, 512, 1024].map(
    (px): Picture => ({ path: `app-icon-${px}.png`, svg: appIcon(), px, color: '#000' }),
  );
  const trays = TRAY_STATES.flatMap((state): Picture[] => [
    { path: `tray/${state}Template.png`, svg: drawing(state, 16), px: 16, color: '#000' },
    { path: `tray/${state}Template@2x.png`, svg: drawing(state, 32), px: 32, color: '#000' },
    ...(['light', 'dark'] as const).flatMap((theme) =>
      [16, 22, 32, 44].map((px) => ({
        path: `tray/${state}-${theme}-${px}.png`,
        svg: drawing(state, px),
        px,
        color: trayColor(state, theme),
      })),
    ),
  ]);
  return [...icons, ...trays];
}

function never(): never {
  throw new Error('There is no grid');
}

for (const state of TRAY_STATES) {
  for (const grid of GRIDS) {
    await write(`tray/${state}-${grid.size}.svg`, svg(grid.size, state, tray(state, grid)));
  }
}
for (const stage of STAGES) {
  await write(`glyphs/${stage}.svg`, svg(16, stage, glyph(GLYPHS[stage])));
}
await write('app-icon.svg', appIcon());

if (process.argv.includes('--png')) {
  const { launchChromium } = await import('../test/renderer/support/chromium.ts');
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    for (const picture of pictures()) {
      await page.setViewportSize({ width: picture.px, height: picture.px });
      const sized = picture.svg.replace(
        /width="\d+" height="\d+"/,
        `width="${picture.px}" height="${picture.px}"`,
      );
      await page.setContent(`<style>body{margin:0;color:${picture.color}}svg{display:block}</style>${sized}`);
      await write(picture.path, await page.screenshot({ omitBackground: true }));
    }
  } finally {
    await browser.close();
  }
}
