import { STAGES, type Stage } from '../../../src/contract/status.ts';
import { fillingShapes, GLYPHS, PLACE_TO_FILL, type Shape } from '../../parts/glyph-shapes.ts';
import { cellPosition, type MapLayout, NUMBER_EVERY_ROWS } from './map-layout.ts';

/** So many levels of a filling block are told apart. */
const LEVELS = 16;
/** A state change fades over this; a save runs through the cells in SAVE_RUN_MS. */
const FADE_MS = 180;
const SAVE_RUN_MS = 240;
/** The field of the glyph drawings. */
const FIELD = 16;

interface Drawn {
  readonly stage: Stage;
  readonly level: number;
}

interface Fade {
  readonly from: Drawn | null;
  readonly to: Drawn;
  readonly startMs: number;
}

export interface Palette {
  readonly color: Readonly<Record<Stage, string>>;
  readonly knock: string;
  readonly text: string;
  readonly font: string;
}

/** The colours of the moment, from the theme's variables. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const color = Object.fromEntries(STAGES.map((stage) => [stage, token(stage)])) as Record<Stage, string>;
  const sizePx = Number.parseFloat(style.fontSize) * 0.65625;
  return {
    color,
    knock: token('knock'),
    text: token('ink-3'),
    font: `${sizePx}px ${getComputedStyle(document.body).fontFamily}`,
  };
}

function shapesOf(drawn: Drawn): readonly Shape[] {
  if (drawn.stage === 'waiting') {
    return PLACE_TO_FILL;
  }
  return drawn.stage === 'filling' ? fillingShapes(drawn.level / LEVELS) : GLYPHS[drawn.stage];
}

/**
 * Draws cells from ready-made pictures, and only those that changed. Glyphs fill their field from 1 to 15, so the pictures
 * are drawn a little larger than the cell and cut at its edge.
 */
export class MapPainter {
  readonly #canvas: HTMLCanvasElement;
  readonly #pen: CanvasRenderingContext2D;
  readonly #sprites = new Map<string, HTMLCanvasElement>();
  readonly #shown = new Map<number, Drawn>();
  readonly #fades = new Map<number, Fade>();
  #layout: MapLayout;
  #palette: Palette;
  #ratio = 1;

  /** Null where the browser gives no 2d context. */
  static on(canvas: HTMLCanvasElement, layout: MapLayout, palette: Palette): MapPainter | null {
    const pen = canvas.getContext('2d');
    return pen === null ? null : new MapPainter(canvas, pen, layout, palette);
  }

  private constructor(
    canvas: HTMLCanvasElement,
    pen: CanvasRenderingContext2D,
    layout: MapLayout,
    palette: Palette,
  ) {
    this.#canvas = canvas;
    this.#pen = pen;
    this.#layout = layout;
    this.#palette = palette;
    this.reset(layout, palette);
  }

  /** Whether something is still moving. */
  get moving(): boolean {
    return this.#fades.size > 0;
  }

  /** Clears everything, for other measures or colours. */
  reset(layout: MapLayout, palette: Palette): void {
    this.#layout = layout;
    this.#palette = palette;
    this.#ratio = devicePixelRatio;
    this.#sprites.clear();
    this.#shown.clear();
    this.#fades.clear();
    this.#canvas.width = Math.ceil(layout.widthPx * this.#ratio);
    this.#canvas.height = Math.ceil(layout.heightPx * this.#ratio);
    this.#canvas.style.width = `${layout.widthPx}px`;
    this.#canvas.style.height = `${layout.heightPx}px`;
  }

  /** The numbers of the first blocks, at every fifth row. */
  drawNumbers(textOfRow: (firstCell: number) => string): void {
    const pen = this.#pen;
    pen.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    pen.clearRect(0, 0, this.#layout.gutterPx, this.#layout.heightPx);
    pen.font = this.#palette.font;
    pen.fillStyle = this.#palette.text;
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    for (let row = 0; row < this.#layout.rows; row += NUMBER_EVERY_ROWS) {
      const cell = row * this.#layout.columns;
      const { y } = cellPosition(this.#layout, cell);
      pen.fillText(textOfRow(cell), this.#layout.gutterPx - 6, y + this.#layout.cellPx / 2 + 0.5);
    }
    pen.setTransform(1, 0, 0, 1, 0, 0);
  }

  /** Draws a cell as it is, at once. */
  put(cell: number, stage: Stage, level: number): void {
    const drawn = { stage, level: Math.round(level * LEVELS) };
    this.#shown.set(cell, drawn);
    this.#fades.delete(cell);
    this.#clear(cell);
    this.#blit(cell, drawn, 1);
  }

  /**
   * Lets cells change into what they are now. A batch of saved ones runs from the first to the last; everything else
   * starts at once.
   */
  change(cells: readonly { cell: number; stage: Stage; level: number }[], nowMs: number): void {
    const saves = cells.filter(
      ({ cell, stage }) => stage === 'saved' && this.#shown.get(cell)?.stage !== 'saved',
    ).length;
    let run = 0;
    for (const { cell, stage, level } of cells) {
      const to = { stage, level: Math.round(level * LEVELS) };
      const from = this.#shown.get(cell) ?? null;
      if (from !== null && from.stage === to.stage && from.level === to.level) {
        continue;
      }
      if (from !== null && from.stage === to.stage) {
        this.put(cell, stage, level);
        continue;
      }
      const delayMs = stage === 'saved' && saves > 2 ? (SAVE_RUN_MS * run++) / saves : 0;
      this.#shown.set(cell, to);
      this.#fades.set(cell, { from, to, startMs: nowMs + delayMs });
    }
  }

  /** Draws what moves. */
  step(nowMs: number): void {
    for (const [cell, fade] of this.#fades) {
      const part = (nowMs - fade.startMs) / FADE_MS;
      if (part < 0) {
        continue;
      }
      this.#clear(cell);
      if (part >= 1) {
        this.#fades.delete(cell);
        this.#blit(cell, fade.to, 1);
      } else {
        if (fade.from !== null) {
          this.#blit(cell, fade.from, 1 - part);
        }
        this.#blit(cell, fade.to, part);
      }
    }
  }

  #origin(cell: number): readonly [number, number, number] {
    const { x, y } = cellPosition(this.#layout, cell);
    return [
      Math.round(x * this.#ratio),
      Math.round(y * this.#ratio),
      Math.round(this.#layout.cellPx * this.#ratio),
    ];
  }

  #clear(cell: number): void {
    const [x, y, size] = this.#origin(cell);
    this.#pen.clearRect(x, y, size, size);
  }

  #blit(cell: number, drawn: Drawn, alpha: number): void {
    const [x, y] = this.#origin(cell);
    this.#pen.globalAlpha = alpha;
    this.#pen.drawImage(this.#sprite(drawn), x, y);
    this.#pen.globalAlpha = 1;
  }

  #sprite(drawn: Drawn): HTMLCanvasElement {
    const key = drawn.stage === 'filling' ? `filling ${drawn.level}` : drawn.stage;
    const known = this.#sprites.get(key);
    if (known !== undefined) {
      return known;
    }
    const sizePx = Math.round(this.#layout.cellPx * this.#ratio);
    const sprite = document.createElement('canvas');
    sprite.width = sizePx;
    sprite.height = sizePx;
    const pen = sprite.getContext('2d');
    if (pen !== null) {
      const scale = sizePx / (FIELD - 2);
      pen.setTransform(scale, 0, 0, scale, -scale, -scale);
      for (const shape of shapesOf(drawn)) {
        this.#drawShape(pen, shape, drawn.stage);
      }
    }
    this.#sprites.set(key, sprite);
    return sprite;
  }

  #drawShape(pen: CanvasRenderingContext2D, shape: Shape, stage: Stage): void {
    const path = new Path2D(shape.d);
    const small = this.#layout.cellPx < 20;
    if (shape.paint === 'fill') {
      pen.fillStyle = this.#palette.color[stage];
      pen.fill(path);
      return;
    }
    pen.lineCap = 'round';
    pen.lineJoin = 'round';
    pen.lineWidth = (shape.width ?? 1.5) * (small && shape.paint === 'stroke' ? 1.2 : 1);
    pen.strokeStyle = shape.paint === 'knock' ? this.#palette.knock : this.#palette.color[stage];
    // a thousand full checks would shout; the failed cross must
    pen.globalAlpha = small && shape.paint === 'knock' && stage === 'saved' ? 0.7 : 1;
    pen.stroke(path);
    pen.globalAlpha = 1;
  }
}
