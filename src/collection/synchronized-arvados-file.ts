import { Mutex } from '../base/mutex.ts';
import type { ArvadosFile } from './arvados-file.ts';

const synchronized = new WeakMap<ArvadosFile, SynchronizedArvadosFile>();

/**
 * An ArvadosFile whose calls run one after the other, in the order in which they were made: a write of many pieces is
 * never seen, or cut, half way. All who share a file get the same one from `of`.
 */
export class SynchronizedArvadosFile {
  readonly #file: ArvadosFile;
  readonly #lock = new Mutex();

  private constructor(file: ArvadosFile) {
    this.#file = file;
  }

  static of(file: ArvadosFile): SynchronizedArvadosFile {
    const existing = synchronized.get(file);
    if (existing !== undefined) {
      return existing;
    }
    const fresh = new SynchronizedArvadosFile(file);
    synchronized.set(file, fresh);
    return fresh;
  }

  /** The size once all calls made so far have ended. */
  size(): Promise<number> {
    return this.#lock.run(() => this.#file.size());
  }

  /** Runs `section` on the file with nobody else's calls in between. Not re-entrant. */
  exclusively<T>(section: (file: ArvadosFile) => T | Promise<T>): Promise<T> {
    return this.#lock.run(() => section(this.#file));
  }

  /** See ArvadosFile. */
  writeTo(offset: number, data: Uint8Array): Promise<number> {
    return this.#lock.run(() => this.#file.writeTo(offset, data));
  }

  /** Writes at the end, wherever that is when its turn comes; resolves to the position behind. */
  append(data: Uint8Array): Promise<number> {
    return this.#lock.run(async () => {
      const offset = this.#file.size();
      return offset + (await this.#file.writeTo(offset, data));
    });
  }

  /** See ArvadosFile. */
  appendReserved(n: number, fill: (view: Uint8Array) => Promise<number>): Promise<number> {
    return this.#lock.run(() => this.#file.appendReserved(n, fill));
  }

  /** See ArvadosFile. */
  readFrom(offset: number, size: number, options: { exact?: boolean } = {}): Promise<Uint8Array> {
    return this.#lock.run(() => this.#file.readFrom(offset, size, options));
  }

  /** See ArvadosFile. */
  truncate(sizeBytes: number): Promise<void> {
    return this.#lock.run(() => this.#file.truncate(sizeBytes));
  }

  /** See ArvadosFile; the picture is of a moment between two calls. */
  clone(options: { snapshot?: boolean } = {}): Promise<ArvadosFile> {
    return this.#lock.run(() => this.#file.clone(options));
  }

  /** See ArvadosFile. */
  flush(options: { sync?: boolean } = {}): Promise<void> {
    return this.#lock.run(() => this.#file.flush(options));
  }

  /** See ArvadosFile. */
  close(options: { flush?: boolean } = {}): Promise<void> {
    return this.#lock.run(() => this.#file.close(options));
  }
}
