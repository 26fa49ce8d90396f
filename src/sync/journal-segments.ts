/** Segments of a file as the journal writes them: `blockId:offset:length,…`; '' for a file without bytes. */
export type SegmentsText = string;

/** In `saved_segments`: the collection has a directory at the path. */
export const SAVED_DIR = 'd';

interface JournalSegment {
  readonly blockId: number;
  readonly offset: number;
  readonly length: number;
}

export function formatSegments(segments: readonly JournalSegment[]): SegmentsText {
  const [only] = segments;
  if (segments.length === 1 && only !== undefined && only.length > 0) {
    return `${only.blockId}:${only.offset}:${only.length}`;
  }
  return segments
    .filter((segment) => segment.length > 0)
    .map((segment) => `${segment.blockId}:${segment.offset}:${segment.length}`)
    .join(',');
}

export function parseSegments(text: SegmentsText): JournalSegment[] {
  if (text === '') {
    return [];
  }
  return text.split(',').map((part) => {
    const [blockId, offset, length] = part.split(':');
    return { blockId: Number(blockId), offset: Number(offset), length: Number(length) };
  });
}

/** The distinct blocks that segments name; none for null and for a directory. */
export function blockIdsOf(text: SegmentsText | null): readonly number[] {
  if (text === null || text === '' || text === SAVED_DIR) {
    return [];
  }
  if (!text.includes(',')) {
    return [Number(text.slice(0, text.indexOf(':')))];
  }
  return [...new Set(parseSegments(text).map((segment) => segment.blockId))];
}

export function lengthOf(text: SegmentsText): number {
  return parseSegments(text).reduce((sum, segment) => sum + segment.length, 0);
}

/** A range of a block, as a `ContentText` names it. */
interface ContentRange {
  /** `md5+size`, without hints. */
  readonly md5size: string;
  readonly offset: number;
  readonly length: number;
}

/** Reads what a `ContentText` wrote; none for a file without bytes. */
export function parseContent(text: string): ContentRange[] {
  return text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const [md5size = '', offset, length] = part.split(':');
      return { md5size, offset: Number(offset), length: Number(length) };
    });
}

/** Bytes of a file with that content. */
export function contentSizeBytes(text: string): number {
  return parseContent(text).reduce((sum, range) => sum + range.length, 0);
}

/**
 * The same bytes as one comparable text, whatever signatures and however the ranges are cut: `md5+size:offset:length,…`
 * with what is contiguous merged.
 */
export class ContentText {
  #text = '';
  #block = '';
  #offset = 0;
  #length = 0;

  /** `locator` may carry hints. */
  add(locator: string, offset: number, length: number): void {
    if (length <= 0) {
      return;
    }
    const hint = locator.indexOf('+', 33);
    const block = hint < 0 ? locator : locator.slice(0, hint);
    if (block === this.#block && this.#offset + this.#length === offset) {
      this.#length += length;
      return;
    }
    this.#flush();
    this.#block = block;
    this.#offset = offset;
    this.#length = length;
  }

  /** Ends the text; further ranges may still be added, and `done` asked again. */
  done(): string {
    const open = this.#length > 0 ? `${this.#block}:${this.#offset}:${this.#length},` : '';
    return this.#text + open;
  }

  #flush(): void {
    if (this.#length > 0) {
      this.#text += `${this.#block}:${this.#offset}:${this.#length},`;
    }
    this.#length = 0;
  }
}
