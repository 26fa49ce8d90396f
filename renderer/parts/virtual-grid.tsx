import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';

import { texts } from '../words.ts';

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  /** A track of CSS grid: `8rem`, `minmax(10rem, 2fr)`. */
  readonly width: string;
  readonly align?: 'end';
  readonly render: (row: Row, index: number) => ReactNode;
}

export interface VirtualGridProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly count: number;
  /** Null while a row is on its way. */
  readonly rowAt: (index: number) => Row | null;
  /** Called with the rows in sight, last one included, whenever they change. */
  readonly onVisible?: (first: number, last: number) => void;
  /** Enter or a double click on a row. */
  readonly onOpen?: (row: Row) => void;
  readonly empty: ReactNode;
}

const ROW_REM = 2;
/** Chromium lays out nothing beyond about 33.5 million px: of a longer list the first 900,000 rows or so can be shown. */
const HEIGHT_MAX_PX = 30_000_000;
const OVERSCAN = 10;

function move(event: KeyboardEvent, from: number, count: number, page: number): number | null {
  const last = count - 1;
  switch (event.key) {
    case 'ArrowDown':
      return Math.min(last, from + 1);
    case 'ArrowUp':
      return Math.max(0, from - 1);
    case 'PageDown':
      return Math.min(last, from + page);
    case 'PageUp':
      return Math.max(0, from - page);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}

/**
 * A table of any length: only the rows in sight exist. One tab stop; arrows, Page Up and Down, Home and End move the
 * active row, Enter opens it.
 *
 * Rows that come and go while scrolling are placed by transform, which the parts of a real table do not take: these are
 * plain boxes with the roles of one.
 */
export function VirtualGrid<Row>(props: VirtualGridProps<Row>) {
  const { label, columns, rowAt, onVisible, onOpen, empty } = props;
  const id = useId();
  const scroll = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(-1);
  const remPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const rowPx = ROW_REM * remPx;
  const count = Math.min(props.count, Math.floor(HEIGHT_MAX_PX / rowPx));
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowPx,
    overscan: OVERSCAN,
  });
  const items = rows.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= 0) {
      onVisible?.(first, last);
    }
  }, [first, last, onVisible]);

  const template = { gridTemplateColumns: columns.map((column) => column.width).join(' ') };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? rowPx) / rowPx) - 1);
    const next = move(event, active, count, page);
    if (next !== null && count > 0) {
      event.preventDefault();
      setActive(next);
      rows.scrollToIndex(next);
    } else if (event.key === 'Enter' && active >= 0) {
      const row = rowAt(active);
      if (row !== null) {
        onOpen?.(row);
      }
    }
  };
  const activeInSight = active >= first && active <= last && active < count;
  return (
    <div className="grid">
      <div
        className="grid-scroll"
        ref={scroll}
        role="grid"
        tabIndex={0}
        aria-label={label}
        aria-rowcount={props.count + 1}
        aria-colcount={columns.length}
        aria-activedescendant={activeInSight ? `${id}-${active}` : undefined}
        onKeyDown={onKeyDown}
        onFocus={() => setActive((before) => (before < 0 && count > 0 ? 0 : before))}
      >
        <div className="grid-head" role="row" aria-rowindex={1} style={template}>
          {columns.map((column) => (
            <span
              key={column.key}
              role="columnheader"
              className={column.align === 'end' ? 'grid-cell end' : 'grid-cell'}
            >
              {column.title}
            </span>
          ))}
        </div>
        <div className="grid-body" role="rowgroup" style={{ height: rows.getTotalSize() }}>
          {items.map((item) => {
            const row = rowAt(item.index);
            return (
              <div
                key={item.key}
                id={`${id}-${item.index}`}
                className="grid-row"
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={item.index === active}
                style={{ ...template, transform: `translateY(${item.start}px)` }}
                onPointerDown={() => setActive(item.index)}
                onDoubleClick={() => row !== null && onOpen?.(row)}
              >
                {columns.map((column) => (
                  <span
                    key={column.key}
                    role="gridcell"
                    className={column.align === 'end' ? 'grid-cell end' : 'grid-cell'}
                  >
                    {row === null ? '' : column.render(row, item.index)}
                  </span>
                ))}
              </div>
            );
          })}
        </div>
        {count === 0 && <div className="grid-empty">{empty}</div>}
        {count < props.count && <div className="grid-empty">{texts.files.tooMany(count)}</div>}
      </div>
    </div>
  );
}
