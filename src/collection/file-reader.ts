import { KeepsyncError } from '../base/errors.ts';

/** Bytes read at a time where a reader looks for the end of a line, or streams. */
const READ_AHEAD_BYTES = 2 ** 20;
const LINE_BREAK = 0x0a;

export type Whence = 'start' | 'current' | 'end';

/** What all readers have in common: a position, and reads that move it. One call at a time. */
export abstract class FileReader implements AsyncIterable<Uint8Array> {
  readonly name: string;
  #position = 0;
  #closed = false;
  #ahead: Uint8Array = new Uint8Array(0);
  #aheadStart = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Bytes. */
  abstract size(): number;

  /** At most `size` bytes from `offset`, fewer at the end or, unless `exact`, before a block that is not here. */
  protected abstract readAt(offset: number, size: number, exact: boolean): Promise<Uint8Array>;

  /** Ends the reader; reads fail with CLOSED afterwards. Calling it twice does no harm. */
  abstract close(): void | Promise<void>;

  get closed(): boolean {
    return this.#closed;
  }

  /** The position of the next read, in bytes from the start. */
  tell(): number {
    return this.#position;
  }

  /** Moves the position and returns it. USAGE before the start; past the end is fine, reads find nothing there. */
  seek(offset: number, whence: Whence = 'start'): number {
    this.assertOpen();
    const base = whence === 'start' ? 0 : whence === 'current' ? this.#position : this.size();
    const position = base + offset;
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new KeepsyncError('USAGE', `No place in a file: ${position}`);
    }
    this.#position = position;
    return position;
  }

  /** Exactly `size` bytes, fewer only at the end; without `size` all that is left. */
  async read(size?: number): Promise<Uint8Array> {
    this.assertOpen();
    const wanted = size ?? Math.max(0, this.size() - this.#position);
    const bytes = await this.readAt(this.#position, wanted, true);
    this.#position += bytes.length;
    return bytes;
  }

  /** As `read` at any place; the position stays. */
  async readFrom(offset: number, size: number): Promise<Uint8Array> {
    this.assertOpen();
    return await this.readAt(offset, size, true);
  }

  /** All that is left, as one array. */
  readAll(): Promise<Uint8Array> {
    return this.read();
  }

  /** What is left, in pieces of at most `pieceBytes`: whatever is here at once, never waiting for more than one block. */
  async *stream(pieceBytes: number = READ_AHEAD_BYTES): AsyncGenerator<Uint8Array> {
    for (;;) {
      this.assertOpen();
      const piece = await this.readAt(this.#position, pieceBytes, false);
      if (piece.length === 0) {
        return;
      }
      this.#position += piece.length;
      yield piece;
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    return this.stream();
  }

  /** The next line with its line break, decoded as UTF-8; '' at the end. At most `sizeBytes` bytes of it. */
  async readline(sizeBytes: number = Number.POSITIVE_INFINITY): Promise<string> {
    this.assertOpen();
    const pieces: Uint8Array[] = [];
    let found = 0;
    while (found < sizeBytes) {
      const piece = await this.#lookAhead();
      if (piece.length === 0) {
        break;
      }
      const lineBreak = piece.indexOf(LINE_BREAK);
      const usable = Math.min(lineBreak < 0 ? piece.length : lineBreak + 1, sizeBytes - found);
      pieces.push(piece.subarray(0, usable));
      found += usable;
      this.#position += usable;
      if (lineBreak >= 0 && usable === lineBreak + 1) {
        break;
      }
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  /** The lines that are left, each with its line break. */
  async *lines(): AsyncGenerator<string> {
    for (let line = await this.readline(); line !== ''; line = await this.readline()) {
      yield line;
    }
  }

  /** From here on reads fail. */
  protected endReading(): void {
    this.#closed = true;
    this.forgetAhead();
  }

  /** What was read ahead for lines is stale. */
  protected forgetAhead(): void {
    this.#ahead = new Uint8Array(0);
  }

  protected assertOpen(): void {
    if (this.#closed) {
      throw new KeepsyncError('CLOSED', `${this.name} is closed`);
    }
  }

  /** Bytes from the position on, at least one unless at the end. */
  async #lookAhead(): Promise<Uint8Array> {
    const skipped = this.#position - this.#aheadStart;
    if (skipped < 0 || skipped >= this.#ahead.length) {
      this.#aheadStart = this.#position;
      this.#ahead = await this.readAt(this.#position, READ_AHEAD_BYTES, false);
      return this.#ahead;
    }
    return this.#ahead.subarray(skipped);
  }
}
