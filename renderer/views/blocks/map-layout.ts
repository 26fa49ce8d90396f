/** Measures of the block map in CSS px. */
export interface MapLayout {
  readonly cellPx: number;
  /** Cell and gap. */
  readonly pitchPx: number;
  /** Room for the numbers at the left. */
  readonly gutterPx: number;
  readonly columns: number;
  readonly rows: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Cell and gap by the number of cells: few are large, many are small; bins are in between. */
function measure(cells: number, binned: boolean): readonly [number, number] {
  if (binned) {
    return [16, 2];
  }
  if (cells <= 150) {
    return [28, 4];
  }
  return cells <= 600 ? [18, 3] : [12, 2];
}

const GUTTER_PX = 40;
/** Room around the cells for the focus ring. */
export const EDGE_PX = 4;
/** A number stands at every so many rows. */
export const NUMBER_EVERY_ROWS = 5;

/** `scale` is the text's size against the normal one. */
export function layoutMap(cells: number, binned: boolean, widthPx: number, scale: number): MapLayout {
  const [cell, gap] = measure(cells, binned);
  const cellPx = Math.round(cell * scale);
  const pitchPx = cellPx + Math.max(1, Math.round(gap * scale));
  const gutterPx = Math.round(GUTTER_PX * scale);
  const columns = Math.max(1, Math.floor((widthPx - gutterPx - 2 * EDGE_PX) / pitchPx));
  const rows = Math.max(1, Math.ceil(cells / columns));
  return { cellPx, pitchPx, gutterPx, columns, rows, widthPx, heightPx: rows * pitchPx + 2 * EDGE_PX };
}

/** Where a cell is drawn. */
export function cellPosition(layout: MapLayout, cell: number): { readonly x: number; readonly y: number } {
  return {
    x: layout.gutterPx + EDGE_PX + (cell % layout.columns) * layout.pitchPx,
    y: EDGE_PX + Math.floor(cell / layout.columns) * layout.pitchPx,
  };
}

/** The cell at a point; null beside all of them. The gap belongs to the cell before it. */
export function cellAt(layout: MapLayout, cells: number, x: number, y: number): number | null {
  const column = Math.floor((x - layout.gutterPx - EDGE_PX) / layout.pitchPx);
  const row = Math.floor((y - EDGE_PX) / layout.pitchPx);
  if (column < 0 || column >= layout.columns || row < 0) {
    return null;
  }
  const cell = row * layout.columns + column;
  return cell < cells ? cell : null;
}

/** Where a key leads from a cell; null for keys that are not the map's. */
export function moveInMap(key: string, cell: number, layout: MapLayout, cells: number): number | null {
  const last = cells - 1;
  const rowStart = cell - (cell % layout.columns);
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: cell - 1,
    ArrowRight: cell + 1,
    ArrowUp: cell - layout.columns,
    ArrowDown: cell + layout.columns,
    PageUp: cell - NUMBER_EVERY_ROWS * layout.columns,
    PageDown: cell + NUMBER_EVERY_ROWS * layout.columns,
    Home: rowStart,
    End: rowStart + layout.columns - 1,
  };
  const target = steps[key];
  if (target === undefined) {
    return null;
  }
  // up from the first row, or down from the last, stays where it is rather than jumping to the other end
  if ((key === 'ArrowUp' && target < 0) || (key === 'ArrowDown' && target > last)) {
    return key === 'ArrowDown' && rowStart + layout.columns <= last ? last : cell;
  }
  return Math.min(last, Math.max(0, target));
}
