import { EMPTY_BLOCK_LOCATOR, formatLocator, parseLocator, stripLocator } from '../keep/locator.ts';
import { escapeName } from './name-escape.ts';
import type { BlockRange } from './segments.ts';

/** Tokens joined at a time: one string of some 50 KiB instead of a thousand small ones. */
const TOKENS_PER_CHUNK = 1_024;

/** A hint of one letter is legal, but the Python SDK cannot read it: such hints are left out. */
const ONE_LETTER_HINT = /\+[A-Z](?=\+|$)/;

export interface StreamTextOptions {
  /** Write locators as `md5+size`, as they count for a portable data hash. */
  readonly strip?: boolean;
}

/**
 * Builds the manifest line of one directory from its files, in their order. A block is named once a line, at its first
 * use, however often and by whichever signature it is used (the first one is written); contiguous pieces of a file are
 * merged.
 */
export class StreamText {
  readonly #path: string;
  readonly #strip: boolean;
  readonly #locators: string[] = [];
  /** Where each block begins in the stream, by the locator as given. */
  readonly #starts = new Map<string, number>();
  /** By `md5+size`: the same, and the place in #locators. */
  readonly #blocks = new Map<string, { readonly start: number; readonly place: number }>();
  readonly #chunks: string[] = [];
  #tokens: string[] = [];
  #length = 0;
  #lastLocator = '';
  #lastStart = 0;

  /** `path` of the directory, '' for the top, else `a/b`. */
  constructor(path: string, options: StreamTextOptions = {}) {
    this.#path = path;
    this.#strip = options.strip === true;
  }

  /** Adds a file. REFUSED where a locator is none: a buffer block has to be committed first. */
  addFile(name: string, ranges: Iterable<BlockRange>): void {
    this.begin(name);
    for (const range of ranges) {
      this.range(range.locator, range.offset, range.length);
    }
    this.end();
  }

  #name = '';
  #spanStart = 0;
  #spanEnd = -1;
  #spans = 0;

  /** `addFile` in steps, for those who have no objects for their ranges: `begin`, any number of `range`, `end`. */
  begin(name: string): void {
    this.#name = escapeName(name);
    this.#spanEnd = -1;
    this.#spans = 0;
  }

  range(locator: string, offset: number, length: number): void {
    if (length === 0) {
      return;
    }
    const start = this.#startOf(locator) + offset;
    if (start === this.#spanEnd) {
      this.#spanEnd += length;
      return;
    }
    this.#endSpan();
    this.#spanStart = start;
    this.#spanEnd = start + length;
  }

  end(): void {
    this.#endSpan();
    if (this.#spans === 0) {
      this.#push(`0:0:${this.#name}`);
    }
  }

  /** The line, in pieces; nothing where no file was added. Ends the use of this object. */
  *chunks(): Generator<string> {
    this.#flush();
    if (this.#chunks.length === 0) {
      return;
    }
    const locators = this.#locators.length === 0 ? EMPTY_BLOCK_LOCATOR : this.#locators.join(' ');
    yield `${streamToken(this.#path)} ${locators}`;
    yield* this.#chunks;
    yield '\n';
  }

  #endSpan(): void {
    if (this.#spanEnd >= 0) {
      this.#spans += 1;
      this.#push(`${this.#spanStart}:${this.#spanEnd - this.#spanStart}:${this.#name}`);
    }
  }

  #push(token: string): void {
    this.#tokens.push(token);
    if (this.#tokens.length === TOKENS_PER_CHUNK) {
      this.#flush();
    }
  }

  #flush(): void {
    if (this.#tokens.length > 0) {
      this.#chunks.push(` ${this.#tokens.join(' ')}`);
      this.#tokens = [];
    }
  }

  #startOf(locator: string): number {
    if (locator === this.#lastLocator) {
      return this.#lastStart;
    }
    const start = this.#starts.get(locator) ?? this.#place(locator);
    this.#lastLocator = locator;
    this.#lastStart = start;
    return start;
  }

  #place(locator: string): number {
    const bare = stripLocator(locator);
    let block = this.#blocks.get(bare);
    if (block === undefined) {
      block = { start: this.#length, place: this.#locators.length };
      this.#length += Number(bare.slice(33));
      this.#blocks.set(bare, block);
      this.#locators.push(this.#strip ? bare : readable(locator));
    } else if (!this.#strip && isSigned(locator) && !isSigned(this.#locators[block.place] ?? '')) {
      this.#locators[block.place] = readable(locator);
    }
    this.#starts.set(locator, block.start);
    return block.start;
  }
}

function isSigned(locator: string): boolean {
  return locator.includes('+A') || locator.includes('+R');
}

function readable(locator: string): string {
  return ONE_LETTER_HINT.test(locator) ? formatLocator(parseLocator(locator)) : locator;
}

function streamToken(path: string): string {
  return path === '' ? '.' : `./${escapeName(path)}`;
}

/** The line that keeps an empty directory; `path` is not the top. */
export function emptyDirLine(path: string): string {
  return `${streamToken(path)} ${EMPTY_BLOCK_LOCATOR} 0:0:\\056\n`;
}
