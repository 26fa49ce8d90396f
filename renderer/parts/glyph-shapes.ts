import type { Stage } from '../../src/contract/status.ts';

/** One stroke or area of a drawing on a field of 16 × 16, as SVG path data; SVG and canvas draw from the same list. */
export interface Shape {
  readonly d: string;
  /** `knock` is a stroke in the colour of the paper: a cut-out. */
  readonly paint: 'fill' | 'stroke' | 'knock';
  readonly width?: number;
  readonly dash?: readonly number[];
  readonly dashOffset?: number;
}

function block(x: number, y: number, width: number, height: number, radius: number): string {
  const r = Math.min(radius, width / 2, height / 2);
  const arc = (dx: number, dy: number) => `a${r} ${r} 0 0 1 ${dx} ${dy}`;
  return [
    `M${x + r} ${y}h${width - 2 * r}${arc(r, r)}v${height - 2 * r}${arc(-r, r)}`,
    `h${-(width - 2 * r)}${arc(-r, -r)}v${-(height - 2 * r)}${arc(r, -r)}z`,
  ].join('');
}

const SOLID = block(1, 1, 14, 14, 3);
const OUTLINE: Shape = { d: block(1.75, 1.75, 12.5, 12.5, 2.25), paint: 'stroke', width: 1.5 };
const OCTAGON = 'M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z';
const LEVEL_TOP = 3.9;
const LEVEL_BOTTOM = 12.1;

/** The open block with what it holds: `level` 0 … 1, from below. */
export function fillingShapes(level: number): readonly Shape[] {
  const height = Math.max(1.2, Math.min(1, level) * (LEVEL_BOTTOM - LEVEL_TOP));
  return [OUTLINE, { d: block(3.9, LEVEL_BOTTOM - height, 8.2, height, 0.9), paint: 'fill' }];
}

/** The six states. Told apart by shape first, colour second. */
export const GLYPHS: Readonly<Record<Stage, readonly Shape[]>> = {
  saved: [
    { d: SOLID, paint: 'fill' },
    { d: 'M4.5 8.4l2.4 2.3 4.6-5.2', paint: 'knock', width: 1.9 },
  ],
  stored: [{ d: SOLID, paint: 'fill' }],
  uploading: [OUTLINE, { d: 'M8.4 1.5H4a2.5 2.5 0 0 0-2.5 2.5v8A2.5 2.5 0 0 0 4 14.5h4.4z', paint: 'fill' }],
  filling: fillingShapes(0.5),
  waiting: [
    { ...OUTLINE, dash: [2.35, 2.29], dashOffset: 1.2 },
    { d: 'M8 6.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 1 0 0-3.4z', paint: 'fill' },
  ],
  failed: [
    { d: OCTAGON, paint: 'fill' },
    { d: 'M5.7 5.7l4.6 4.6m0-4.6l-4.6 4.6', paint: 'knock', width: 1.9 },
  ],
};

/** Waiting in the block map is a dot only: a place to be filled. */
export const PLACE_TO_FILL: readonly Shape[] = [
  { d: 'M8 5.4a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 1 0 0-5.2z', paint: 'fill' },
];
