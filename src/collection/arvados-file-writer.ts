import type { ArvadosFile } from './arvados-file.ts';
import { FileReader } from './file-reader.ts';
import { SynchronizedArvadosFile } from './synchronized-arvados-file.ts';

/** `update` starts at 0 and keeps what is there, `write` empties the file first, `append` writes at its end always. */
export type WriteMode = 'update' | 'write' | 'append';

/**
 * Writes and reads a file that stays in its collection. Calls of all writers of a file run one after the other. Writes
 * after `close` fail with CLOSED.
 */
export class ArvadosFileWriter extends FileReader {
  readonly #live: ArvadosFile;
  readonly #file: SynchronizedArvadosFile;
  readonly #mode: WriteMode;

  constructor(file: ArvadosFile, name: string, mode: WriteMode) {
    super(name);
    this.#live = file;
    this.#file = SynchronizedArvadosFile.of(file);
    this.#mode = mode;
    file.open();
    if (mode === 'write') {
      file.truncate(0);
    }
  }

  override size(): number {
    return this.#live.size();
  }

  /** Writes all of `data` (text as UTF-8) and moves the position behind it. Resolves to the number of bytes. */
  async write(data: Uint8Array | string): Promise<number> {
    this.assertOpen();
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    this.forgetAhead();
    if (this.#mode === 'append') {
      this.seek(await this.#file.append(bytes));
    } else {
      const position = this.tell();
      this.seek(bytes.length, 'current');
      await this.#file.writeTo(position, bytes);
    }
    return bytes.length;
  }

  /** Cuts the file, or lets it go on with zeros; at the position where no size is given. */
  async truncate(sizeBytes: number = this.tell()): Promise<void> {
    this.assertOpen();
    this.forgetAhead();
    await this.#file.truncate(sizeBytes);
  }

  /** Everything written so far is in Keep. See ArvadosFile.flush. */
  async flush(): Promise<void> {
    this.assertOpen();
    await this.#file.flush();
  }

  /**
   * Ends writing. With `flush` (the default) the bytes are in Keep then; without, they may share blocks with other
   * small files and go up later. The writer is closed even where the flush fails: the bytes stay in the collection, and
   * its `commitAll` tries again.
   */
  override async close(options: { flush?: boolean } = {}): Promise<void> {
    if (this.closed) {
      return;
    }
    this.endReading();
    await this.#file.close(options);
  }

  protected override readAt(offset: number, size: number, exact: boolean): Promise<Uint8Array> {
    return this.#file.readFrom(offset, size, { exact });
  }
}
