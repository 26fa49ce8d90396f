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
  #isLastPage = false;
  /** All that is left, once a name was out of step. */
  #left: Map<string, KnownEntry> | undefined;

  private constructor(read: (after: string) => readonly KnownEntry[], pageRows: number) {
    this.#read = read;
    this.#pageRows = pageRows;
  }

  static inFolder(known: KnownTree, dir: string, pageRows = PAGE_ROWS): KnownNames {
    return new KnownNames((after) => known.entriesOf(dir, { after, limit: pageRows }), pageRows);
  }

  static of(entries: Iterable<KnownEntry>): KnownNames {
    return new KnownNames(() => [...entries], Number.POSITIVE_INFINITY);
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
        return;
      }
    }
    this.#all().delete(name);
  }

  /** What was not met. */
  left(): KnownEntry[] {
    return this.#left === undefined && this.#next() === undefined ? [] : [...this.#all().values()];
  }

  #next(): KnownEntry | undefined {
    if (this.#at === this.#page.length && !this.#isLastPage) {
      this.#page = this.#read(this.#page.at(-1)?.name ?? '');
      this.#at = 0;
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
