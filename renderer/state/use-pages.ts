import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { failureOf } from '../bridge.ts';
import { useWindow } from './window-context.tsx';

/** Rows asked for at a time. */
const PAGE_ROWS = 200;
/** What is in sight is asked for again at most this often while things change. */
const REFRESH_EVERY_MS = 2_000;

export interface Page<Row> {
  readonly total: number;
  readonly rows: readonly Row[];
}

export interface Pages<Row> {
  /** Null until the first page is there. */
  readonly total: number | null;
  readonly rowAt: (index: number) => Row | null;
  readonly onVisible: (first: number, last: number) => void;
}

const pagesOf = (first: number, last: number): ReadonlySet<number> => {
  const from = Math.floor(first / PAGE_ROWS);
  return new Set(Array.from({ length: Math.floor(last / PAGE_ROWS) - from + 1 }, (_, i) => from + i));
};

/**
 * A long list of the owner's, of which only the pages in sight are held fresh. `load` must keep its identity while the
 * same list is meant (useCallback); another identity starts a new list. `revision` says that something changed.
 */
export function usePages<Row>(
  load: (offset: number, limit: number) => Promise<Page<Row>>,
  revision: number,
): Pages<Row> {
  const { setFailure } = useWindow();
  const pages = useRef(new Map<number, readonly Row[]>());
  const wanted = useRef<ReadonlySet<number>>(new Set([0]));
  const generation = useRef(0);
  const [total, setTotal] = useState<number | null>(null);
  const [, redraw] = useState(0);

  const fetchPage = useCallback(
    async (page: number) => {
      const mine = generation.current;
      try {
        const answer = await load(page * PAGE_ROWS, PAGE_ROWS);
        if (mine === generation.current) {
          pages.current.set(page, answer.rows);
          setTotal(answer.total);
          redraw((count) => count + 1);
        }
      } catch (thrown) {
        if (mine === generation.current) {
          setFailure(failureOf(thrown));
        }
      }
    },
    [load, setFailure],
  );

  useEffect(() => {
    generation.current += 1;
    pages.current.clear();
    // a list that is as long as the one before is looked at where that one was
    for (const page of new Set([0, ...wanted.current])) {
      void fetchPage(page);
    }
    return () => {
      generation.current += 1;
    };
  }, [fetchPage]);

  const refreshedAtMs = useRef(0);
  const shownRevision = useRef(revision);
  useEffect(() => {
    if (shownRevision.current === revision) {
      return;
    }
    const waitMs = Math.max(0, refreshedAtMs.current + REFRESH_EVERY_MS - performance.now());
    const timer = setTimeout(() => {
      refreshedAtMs.current = performance.now();
      shownRevision.current = revision;
      for (const page of pages.current.keys()) {
        if (!wanted.current.has(page)) {
          pages.current.delete(page);
        }
      }
      for (const page of wanted.current) {
        void fetchPage(page);
      }
    }, waitMs);
    return () => clearTimeout(timer);
  }, [revision, fetchPage]);

  const onVisible = useCallback(
    (first: number, last: number) => {
      const now = pagesOf(first, last);
      for (const page of now) {
        if (!wanted.current.has(page) && !pages.current.has(page)) {
          void fetchPage(page);
        }
      }
      wanted.current = now;
    },
    [fetchPage],
  );
  const rowAt = useCallback(
    (index: number) => pages.current.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS] ?? null,
    [],
  );
  return useMemo(() => ({ total, rowAt, onVisible }), [total, rowAt, onVisible]);
}
