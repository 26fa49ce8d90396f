import type { ArvadosFile } from './arvados-file.ts';
import { FileReader } from './file-reader.ts';

/**
 * Reads a file as it was when the reader was made: it works on a clone, so later writes do not show. `close` it: until
 * then it keeps the buffers that it may read from.
 */
export class ArvadosFileReader extends FileReader {
  readonly #file: ArvadosFile;

  constructor(file: ArvadosFile, name: string) {
    super(name);
    this.#file = file.clone({ snapshot: true });
  }

  override size(): number {
    return this.#file.size();
  }

  override close(): void {
    this.endReading();
    this.#file.remove();
  }

  protected override readAt(offset: number, size: number, exact: boolean): Promise<Uint8Array> {
    return this.#file.readFrom(offset, size, { exact });
  }
}
