import type { KnownEntry, KnownTree } from './ports.ts';

/** Rows fetched in one go: so few that they are garbage before V8 has copied them, so many that the asking costs nothing. */
const PAGE_ROWS = 500;

/**
 * What the journal knows right inside a folder and was not met on the disk yet. Where the disk lists names in the journal's
 * order, as Linux does, and nothing is new or gone, rows are fetched page by page and forgotten as they are met; at the
 * first name that is out of step the others are fetched at once. The order decides how much is held, never what is found.
 */
export class KnownNames {
  readonly #read: (after: string) => readonly KnownEntry[];
  readonly #pageRows: number;
  #page: readonly KnownEntry[] = [];
  #at = 0;
  /** The last name that was fetched, and the last that was met in step: all before it were met. */
  #fetched: string;
  #met: string;
  #isLastPage = false;
  /** All that is left, once a name was out of step. */
  #left: Map<string, KnownEntry> | undefined;

  private constructor(read: (after: string) => readonly KnownEntry[], pageRows: number, after = '') {
    this.#read = read;
    this.#pageRows = pageRows;
    this.#fetched = after;
    this.#met = after;
  }

  /** Of names after `after`, in the journal's order. */
  static inFolder(known: KnownTree, dir: string, pageRows = PAGE_ROWS, after = ''): KnownNames {
    return new KnownNames((from) => known.entriesOf(dir, { after: from, limit: pageRows }), pageRows, after);
  }

  static of(entries: Iterable<KnownEntry>): KnownNames {
    return new KnownNames(() => [...entries], Number.POSITIVE_INFINITY);
  }

  /** So far the names that were met are the first ones that the journal has, and no others were asked about. */
  get isInStep(): boolean {
    return this.#left === undefined;
  }

  get(name: string): KnownEntry | undefined {
    if (this.#left === undefined) {
      const next = this.#next();
      if (next === undefined || next.name === name) {
        return next;
      }
    }
    return this.#all().get(name);
  }

  /** It was met. */
  delete(name: string): void {
    if (this.#left === undefined) {
      const next = this.#next();
      if (next === undefined) {
        return;
      }
      if (next.name === name) {
        this.#at++;
        this.#met = name;
        return;
      }
    }
    this.#all().delete(name);
  }

  /** Names from `from` up to `to`, not included, were met by somebody else, as the very next rows after the one before them. */
  deleteRun(names: readonly string[], from: number, to: number): void {
    const last = names[to - 1];
    if (this.#left === undefined && last !== undefined && this.#met === (names[from - 1] ?? '')) {
      this.#page = [];
      this.#at = 0;
      this.#isLastPage = false;
      this.#fetched = last;
      this.#met = last;
      return;
    }
    for (const name of names.slice(from, to)) {
      this.delete(name);
    }
  }

  /** What was not met. */
  left(): KnownEntry[] {
    return this.#left === undefined && this.#next() === undefined ? [] : [...this.#all().values()];
  }

  #next(): KnownEntry | undefined {
    if (this.#at === this.#page.length && !this.#isLastPage) {
      this.#page = this.#read(this.#fetched);
      this.#at = 0;
      this.#fetched = this.#page.at(-1)?.name ?? this.#fetched;
      this.#isLastPage = this.#page.length < this.#pageRows;
    }
    return this.#page[this.#at];
  }

  #all(): Map<string, KnownEntry> {
    if (this.#left === undefined) {
      const left = new Map<string, KnownEntry>();
      for (let entry = this.#next(); entry !== undefined; entry = this.#next()) {
        left.set(entry.name, entry);
        this.#at++;
      }
      this.#left = left;
    }
    return this.#left;
  }
}
