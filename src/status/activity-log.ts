import type { ActivityRow } from '../contract/status.ts';

/** Lines kept in memory; the log files keep more. */
const KEPT_ROWS = 2_000;

/** The searchable log of what happened: a ring of rows, numbered so that a view can ask for what it missed. */
export class ActivityLog {
  readonly #rows: ActivityRow[] = [];
  #nextSeq = 1;

  add(row: Omit<ActivityRow, 'seq'>): ActivityRow {
    const added = { seq: this.#nextSeq, ...row };
    this.#nextSeq += 1;
    this.#rows.push(added);
    if (this.#rows.length > KEPT_ROWS) {
      this.#rows.splice(0, this.#rows.length - KEPT_ROWS);
    }
    return added;
  }

  /** Rows after `afterSeq` whose message holds `search` (any case), oldest first; the newest `limit` of them. */
  list(query: { afterSeq: number; search: string; limit: number }): ActivityRow[] {
    const wanted = query.search.toLowerCase();
    const found = this.#rows.filter(
      (row) => row.seq > query.afterSeq && (wanted === '' || row.message.toLowerCase().includes(wanted)),
    );
    return found.slice(Math.max(0, found.length - query.limit));
  }
}
