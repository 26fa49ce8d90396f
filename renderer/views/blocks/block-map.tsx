import {
  type KeyboardEvent,
  type PointerEvent,
  useCallback,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import { countText, stageWords } from '../../../src/contract/words.ts';
import { texts } from '../../words.ts';
import type { CellModel } from './cell-model.ts';
import { cellAt, cellPosition, EDGE_PX, layoutMap, type MapLayout, moveInMap } from './map-layout.ts';
import { MapPainter, readPalette } from './map-painter.ts';

export interface BlockMapProps {
  /** Another object when cells came or went: everything is drawn anew. */
  readonly model: CellModel;
  readonly focused: number;
  readonly onFocus: (cell: number) => void;
  readonly onHover: (cell: number | null) => void;
  readonly onOpen: (cell: number) => void;
  readonly onBack: () => void;
}

/** What a cell says to those who cannot see it. */
function cellInWords(model: CellModel, cell: number): string {
  const blocks = model.blocksOfCell(cell);
  const first = (blocks[0] ?? 0) + 1;
  const state = stageWords[model.stageOfCell(cell)];
  return blocks.length > 1
    ? `${texts.blocks.range(first, (blocks.at(-1) ?? 0) + 1)}, ${state}`
    : texts.blocks.named(first, state);
}

const quietMotion = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches || document.hidden;

/** Keeps the canvas equal to the model: all of it at first, afterwards cell by cell, once a frame. */
function usePainter(model: CellModel, layout: MapLayout | null) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const target = canvas.current;
    if (target === null || layout === null) {
      return;
    }
    const painter = MapPainter.on(target, layout, readPalette());
    if (painter === null) {
      return;
    }
    let frame = 0;
    const dirty = new Set<number>();
    const drawAll = () => {
      painter.reset(layout, readPalette());
      for (let cell = 0; cell < model.cellCount; cell += 1) {
        painter.put(cell, model.stageOfCell(cell), model.levelOfCell(cell));
      }
      painter.drawNumbers((cell) => countText((model.blocksOfCell(cell)[0] ?? 0) + 1));
    };
    const tick = (nowMs: number) => {
      frame = 0;
      if (dirty.size > 0) {
        const cells = [...dirty].map((cell) => ({
          cell,
          stage: model.stageOfCell(cell),
          level: model.levelOfCell(cell),
        }));
        dirty.clear();
        if (quietMotion()) {
          for (const { cell, stage, level } of cells) {
            painter.put(cell, stage, level);
          }
        } else {
          painter.change(cells, nowMs);
        }
      }
      painter.step(nowMs);
      if (painter.moving) {
        frame = requestAnimationFrame(tick);
      }
    };
    const wake = () => {
      if (frame === 0) {
        frame = requestAnimationFrame(tick);
      }
    };
    const stop = model.list.subscribe((change) => {
      if (change === 'all') {
        return; // the owner of the model rebuilds it
      }
      for (const block of change) {
        const cell = model.cellOfBlock(block);
        if (cell !== null) {
          dirty.add(cell);
        }
      }
      wake();
    });
    const queries = [
      '(prefers-color-scheme: dark)',
      '(forced-colors: active)',
      '(prefers-contrast: more)',
    ].map((query) => matchMedia(query));
    // the scheme's variables change after the media query did
    const recolour = () => requestAnimationFrame(drawAll);
    for (const query of queries) {
      query.addEventListener('change', recolour);
    }
    drawAll();
    return () => {
      stop();
      cancelAnimationFrame(frame);
      for (const query of queries) {
        query.removeEventListener('change', recolour);
      }
    };
  }, [model, layout]);
  return canvas;
}

/** Measures the room and lays the cells out in it. */
function useLayout(model: CellModel) {
  const room = useRef<HTMLDivElement>(null);
  const [widthPx, setWidthPx] = useState(0);
  useEffect(() => {
    const place = room.current;
    if (place === null) {
      return;
    }
    const sizes = new ResizeObserver(() => setWidthPx(place.clientWidth));
    sizes.observe(place);
    setWidthPx(place.clientWidth);
    return () => sizes.disconnect();
  }, []);
  const [layout, setLayout] = useState<MapLayout | null>(null);
  useEffect(() => {
    if (widthPx > 0) {
      const scale = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
      setLayout(layoutMap(model.cellCount, model.bin > 1, widthPx, scale));
    }
  }, [model, widthPx]);
  return { room, layout };
}

/**
 * One cell a block, in file order. One tab stop; arrows move, Home and End go along the row, Enter opens, Escape goes
 * back. To assistive technology it is a list of which the focused cell is read.
 */
export function BlockMap({ model, focused, onFocus, onHover, onOpen, onBack }: BlockMapProps) {
  const id = useId();
  const { room, layout } = useLayout(model);
  const canvas = usePainter(model, layout);
  const cells = model.cellCount;

  const at = useCallback(
    (event: PointerEvent) => {
      const box = event.currentTarget.getBoundingClientRect();
      return layout === null
        ? null
        : cellAt(layout, cells, event.clientX - box.left, event.clientY - box.top);
    },
    [layout, cells],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    if (layout === null) {
      return;
    }
    const next = moveInMap(event.key, focused, layout, cells);
    if (next !== null) {
      event.preventDefault();
      onFocus(next);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      onOpen(focused);
    } else if (event.key === 'Escape') {
      onBack();
    }
  };
  // the focused cell stays in sight; only the map scrolls for it, never the page
  useEffect(() => {
    const scroll = room.current;
    if (scroll === null || layout === null) {
      return;
    }
    const { y } = cellPosition(layout, focused);
    const bottom = y + layout.pitchPx + EDGE_PX;
    if (y - EDGE_PX < scroll.scrollTop) {
      scroll.scrollTop = y - EDGE_PX;
    } else if (bottom > scroll.scrollTop + scroll.clientHeight) {
      scroll.scrollTop = bottom - scroll.clientHeight;
    }
  }, [room, layout, focused]);
  const position = layout === null ? null : cellPosition(layout, focused);
  return (
    <div className="map-room" ref={room}>
      <div
        className="map"
        role="listbox"
        aria-label={texts.blocks.mapLabel}
        aria-activedescendant={`${id}-cell`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerMove={(event) => onHover(at(event))}
        onPointerLeave={() => onHover(null)}
        onPointerDown={(event) => {
          const cell = at(event);
          if (cell !== null) {
            onFocus(cell);
          }
        }}
        onDoubleClick={() => onOpen(focused)}
      >
        <span aria-hidden="true">
          <canvas ref={canvas} className="block-canvas" />
        </span>
        {position !== null && layout !== null && (
          <div
            id={`${id}-cell`}
            className="map-ring"
            role="option"
            tabIndex={-1}
            aria-selected="true"
            aria-posinset={focused + 1}
            aria-setsize={cells}
            style={{ left: position.x, top: position.y, width: layout.cellPx, height: layout.cellPx }}
          >
            <span className="visually-hidden">{cellInWords(model, focused)}</span>
          </div>
        )}
      </div>
    </div>
  );
}
