import { sep } from 'node:path';
import { KeepsyncError } from '../../base/errors.ts';
import type { FinishDir } from '../files/files-api.ts';
import type { FilesThreads } from '../files/files-threads.ts';
import type { GetPlan } from './get-plan.ts';
import type { GetState } from './get-state.ts';

/** Finished files wait for so many others before they are renamed. */
const FINISH_BATCH = 500;

export interface GetFinishOptions {
  readonly plan: GetPlan;
  readonly threads: FilesThreads;
  readonly state: GetState;
  readonly overwrite: boolean;
  readonly isFailed: (file: number) => boolean;
  readonly onFailed: (file: number, error: KeepsyncError) => void;
  /** So many more files have their names. */
  readonly onNamed: (files: number) => void;
}

/**
 * Gives finished files their names, which is the promise that they are whole: a folder that was not there at once, with
 * all its files, when they are all finished; other files by batches.
 */
export class GetFinish {
  readonly #options: GetFinishOptions;
  /** By place of the folder: how many of its files are not finished. Only folders that are to be renamed as one. */
  readonly #missing = new Map<number, number>();
  #batch: number[] = [];
  /** Folders that have all their files, and wait for their names. */
  readonly #dirs: number[] = [];
  #work: Promise<void> = Promise.resolve();

  /** `wholeDirs`: places of folders that are not there and whose files are all to come. */
  constructor(options: GetFinishOptions, wholeDirs: ReadonlySet<number>) {
    this.#options = options;
    for (const place of wholeDirs) {
      this.#missing.set(place, options.plan.dirs[place]?.files.length ?? 0);
    }
  }

  /** Every byte of a file, by its place in the plan, is there and verified. */
  add(file: number): void {
    const dir = this.#options.plan.files[file]?.dir ?? -1;
    const missing = this.#missing.get(dir);
    if (missing === undefined) {
      this.#batch.push(file);
      if (this.#batch.length >= FINISH_BATCH) {
        this.#nameBatch();
      }
      return;
    }
    this.#missing.set(dir, missing - 1);
    if (missing === 1) {
      this.#missing.delete(dir);
      this.#dirs.push(dir);
      // what comes while it waits for its turn goes along
      if (this.#dirs.length === 1) {
        this.#after(() => this.#nameDirs(this.#dirs.splice(0)));
      }
    }
  }

  /** No more will come; `isFinished` says of which files `add` was told. Resolves when all have their names. */
  async end(isFinished: (file: number) => boolean): Promise<void> {
    const { plan } = this.#options;
    for (const place of this.#missing.keys()) {
      const files = (plan.dirs[place]?.files ?? []).filter(isFinished);
      this.#after(() => this.#nameInNewDir(place, files));
    }
    this.#missing.clear();
    this.#nameBatch();
    await this.#work;
  }

  #after(work: () => Promise<void>): void {
    this.#work = this.#work.then(work);
    // seen where it is waited for, at the end of the run
    this.#work.catch(() => undefined);
  }

  #nameBatch(): void {
    const files = this.#batch;
    this.#batch = [];
    if (files.length > 0) {
      this.#after(() => this.#nameFiles(files));
    }
  }

  async #nameDirs(places: readonly number[]): Promise<void> {
    const { plan, state, threads, onNamed } = this.#options;
    const filesOf = (place: number) => plan.dirs[place]?.files ?? [];
    await state.filesFinishing(places.flatMap(filesOf));
    const done = await threads.call(
      'finishDirs',
      places.map((place) => this.#finishing(place)),
    );
    for (const [index, place] of places.entries()) {
      if (done[index]) {
        onNamed(filesOf(place).length);
      } else {
        await this.#nameInNewDir(place, filesOf(place));
      }
    }
  }

  #finishing(place: number): FinishDir {
    const { plan } = this.#options;
    const { partsPath = '', diskPath = '', files = [] } = plan.dirs[place] ?? {};
    const emptyNames = files.flatMap((index) => {
      const file = plan.files[index];
      return file?.sizeBytes === 0 ? [file.partPath.slice(partsPath.length + 1)] : [];
    });
    return { partsPath, diskPath, above: this.#above(place), emptyNames, fileCount: files.length };
  }

  /** The folders that a folder is in, below the top. */
  #above(place: number): string[] {
    const { dirs } = this.#options.plan;
    const path = dirs[place]?.diskPath ?? '';
    return dirs.map((dir) => dir.diskPath).filter((above) => path.startsWith(above + sep));
  }

  /** What is finished of a folder that cannot be renamed as one. */
  async #nameInNewDir(place: number, files: readonly number[]): Promise<void> {
    const { plan, threads, onFailed } = this.#options;
    const { top } = plan;
    // those above it, too: none may have become a link meanwhile
    const dirs = [...this.#above(place), plan.dirs[place]?.diskPath ?? top];
    const [failure] = await threads.call('makeDirs', { top, dirs });
    if (failure === undefined) {
      await this.#nameFiles(files);
      return;
    }
    for (const file of files) {
      onFailed(file, new KeepsyncError(failure.code, failure.message));
    }
  }

  async #nameFiles(indexes: readonly number[]): Promise<void> {
    const { plan, state, threads, overwrite, isFailed, onFailed, onNamed } = this.#options;
    const places = indexes.filter((index) => !isFailed(index));
    const files = places.flatMap((index) => {
      const file = plan.files[index];
      return file === undefined
        ? []
        : [{ partPath: file.partPath, diskPath: file.diskPath, isEmpty: file.sizeBytes === 0 }];
    });
    await state.filesFinishing(places);
    const failures = await threads.call('finish', { files, overwrite });
    for (const failure of failures) {
      const index = places[failure.index];
      if (index !== undefined) {
        onFailed(index, new KeepsyncError(failure.code, failure.message));
      }
    }
    onNamed(places.length - failures.length);
  }
}
