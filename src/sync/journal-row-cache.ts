/** What of a row decides whether it is kept at hand. */
interface CacheableRow {
  readonly id: number;
  readonly kind: string;
  readonly state: string;
}

/** Rows kept at hand: those of three blocks of small files on their way and of what is found meanwhile. */
const CACHED_ROWS = 32_768;

/**
 * Rows on their way from being found to being saved, as the journal has them, so that no step has to read them again.
 * There is one writer, and whoever changes a row says so here. What is full takes no more: rows are let go once they are
 * saved, or, where there is no room, stored.
 */
export class RowCache<Row extends CacheableRow> {
  readonly #rows = new Map<number, Row>();
  readonly #rowsBeside: () => number;
  readonly #maxRows: number;

  /** `rowsBeside` share its room. */
  constructor(rowsBeside: () => number = () => 0, maxRows = CACHED_ROWS) {
    this.#rowsBeside = rowsBeside;
    this.#maxRows = maxRows;
  }

  get(id: number): Row | undefined {
    return this.#rows.get(id);
  }

  /** The row as it is from now on, or as it was just read. */
  put(row: Row): void {
    const isOnItsWay = row.kind === 'file' && (row.state === 'pending' || row.state === 'stored');
    const hasRoom = this.#rows.size + this.#rowsBeside() < this.#maxRows;
    if (isOnItsWay && (hasRoom || (row.state === 'pending' && this.#rows.has(row.id)))) {
      this.#rows.set(row.id, row);
    } else {
      this.#rows.delete(row.id);
    }
  }

  delete(id: number): void {
    this.#rows.delete(id);
  }

  /** After a rollback, and after rows were changed past this cache. */
  clear(): void {
    this.#rows.clear();
  }
}

interface DueAt {
  readonly dueMs: number;
  readonly id: number;
}

const START: DueAt = { dueMs: Number.MIN_SAFE_INTEGER, id: 0 };

/**
 * By folder, how far the rows with a due time, in its order, are all held by somebody: whoever looks for work begins
 * behind them instead of passing thousands each time. Whatever may put free work before that place resets it.
 */
export class DueCursor {
  readonly #places = new Map<number, DueAt>();

  at(folderId: number): DueAt {
    return this.#places.get(folderId) ?? START;
  }

  advance(folderId: number, place: DueAt): void {
    this.#places.set(folderId, place);
  }

  /** A row has a due time that it did not have. */
  touched(folderId: number, dueMs: number, id: number): void {
    const place = this.#places.get(folderId);
    if (place !== undefined && (dueMs < place.dueMs || (dueMs === place.dueMs && id <= place.id))) {
      this.#places.delete(folderId);
    }
  }

  reset(): void {
    this.#places.clear();
  }
}
