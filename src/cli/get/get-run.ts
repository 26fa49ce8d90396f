import { asKeepsyncError, KeepsyncError } from '../../base/errors.ts';
import type { BlockFetcher } from '../../keep/ports.ts';
import type { FilesThreads } from '../files/files-threads.ts';
import { type GetPlan, type PlannedBlock, planBlocks } from './get-plan.ts';
import type { GetState } from './get-state.ts';

/** Blocks under way at once: as many as arv-get's threads. They go to disk as they come in, so each needs 1 MiB. */
const BLOCKS_AT_ONCE = 4;
/** Paths in one message to the thread. */
const BATCH = 2_000;
/** Finished files wait for so many others before they are renamed. */
const FINISH_BATCH = 500;

export interface GetProgress {
  readonly doneBytes: number;
  readonly doneFiles: number;
}

export interface GetResult {
  readonly writtenFiles: number;
  readonly writtenBytes: number;
  readonly skippedFiles: number;
  /** Files that an earlier run had finished. */
  readonly resumedFiles: number;
  readonly failures: ReadonlyArray<{ readonly path: string; readonly error: KeepsyncError }>;
}

export interface GetRequest {
  readonly plan: GetPlan;
  readonly keep: BlockFetcher;
  readonly threads: FilesThreads;
  readonly state: GetState;
  readonly existing: 'refuse' | 'skip' | 'overwrite';
  readonly onProgress: (progress: GetProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Fetches every block once and scatters it to all files that have bytes in it, then gives finished files their names.
 * One block or file that fails does not stop the others. Throws REFUSED, before anything is written, where files exist
 * and `existing` says so; CANCELLED.
 */
export async function runGet(request: GetRequest): Promise<GetResult> {
  return await new GetRun(request).run();
}

class GetRun {
  readonly #request: GetRequest;
  readonly #failures: Array<{ path: string; error: KeepsyncError }> = [];
  readonly #failedFiles = new Set<number>();
  /** By place in the plan: blocks that are still missing. */
  readonly #missingBlocks = new Map<number, number>();
  #finished: number[] = [];
  #finishing: Promise<void> = Promise.resolve();
  #doneBytes = 0;
  #writtenFiles = 0;
  #writtenBytes = 0;

  constructor(request: GetRequest) {
    this.#request = request;
  }

  async run(): Promise<GetResult> {
    const { plan, state, threads, signal } = this.#request;
    this.#failures.push(...plan.refused);
    const { wanted, skipped, resumed } = await this.#choose();
    if (state.leftoverPartsDir !== undefined && state.leftoverPartsDir !== plan.partsDir) {
      await threads.call('removeDir', state.leftoverPartsDir);
    }
    await this.#makeDirs();
    const blocks = planBlocks(plan, wanted);
    const todo = await this.#withoutDone(blocks);
    for (const index of wanted) {
      this.#missingBlocks.set(index, 0);
    }
    for (const block of todo) {
      for (const index of block.files) {
        this.#missingBlocks.set(index, (this.#missingBlocks.get(index) ?? 0) + 1);
      }
    }
    this.#doneBytes = plan.totalBytes - sumBytes(todo);
    for (const index of wanted) {
      if (this.#missingBlocks.get(index) === 0) {
        this.#fileComplete(index);
      }
    }
    const queue = todo.values();
    const worker = async () => {
      for (const block of queue) {
        signal.throwIfAborted();
        await this.#fetch(block);
      }
    };
    await Promise.all(Array.from({ length: BLOCKS_AT_ONCE }, worker));
    this.#finishBatch();
    await this.#finishing;
    signal.throwIfAborted();
    if (this.#failures.length === plan.refused.length) {
      await threads.call('removeDir', plan.partsDir);
    }
    return {
      writtenFiles: this.#writtenFiles,
      writtenBytes: this.#writtenBytes,
      skippedFiles: skipped,
      resumedFiles: resumed,
      failures: this.#failures,
    };
  }

  /** Which files are to be written, by what is there already. */
  async #choose(): Promise<{ wanted: number[]; skipped: number; resumed: number }> {
    const { plan, state, existing } = this.#request;
    const sizes = await this.#sizes(plan.files.map((file) => file.diskPath));
    const wanted: number[] = [];
    const inTheWay: string[] = [];
    let skipped = 0;
    let resumed = 0;
    for (const [index, file] of plan.files.entries()) {
      const size = sizes[index] ?? -1;
      if (size >= 0 && state.finishedFiles.has(index) && size === file.sizeBytes) {
        resumed += 1;
      } else if (size >= 0 && existing === 'skip') {
        skipped += 1;
      } else {
        if (size >= 0 && existing === 'refuse') {
          inTheWay.push(file.diskPath);
        }
        wanted.push(index);
      }
    }
    const [first] = inTheWay;
    if (first !== undefined) {
      const more = inTheWay.length > 1 ? ` and ${inTheWay.length - 1} more exist` : ' exists';
      throw new KeepsyncError('REFUSED', `${first}${more} already; nothing was written`, {
        action: 'Use --skip-existing to leave such files as they are, or --force to replace them.',
      });
    }
    return { wanted, skipped, resumed };
  }

  async #sizes(paths: readonly string[]): Promise<number[]> {
    const sizes: number[] = [];
    for (let start = 0; start < paths.length; start += BATCH) {
      sizes.push(...(await this.#request.threads.call('sizes', paths.slice(start, start + BATCH))));
    }
    return sizes;
  }

  async #makeDirs(): Promise<void> {
    const { plan, threads } = this.#request;
    const dirs = [plan.partsDir, ...plan.dirs];
    const failures = await threads.call('makeDirs', { top: plan.top, dirs });
    for (const failure of failures) {
      const path = dirs[failure.index] ?? '';
      const error = new KeepsyncError(failure.code, failure.message);
      if (path === plan.partsDir) {
        throw error;
      }
      this.#failures.push({ path, error });
      const below = `${path}/`;
      for (const [index, file] of plan.files.entries()) {
        if (file.diskPath.startsWith(below) || file.diskPath.startsWith(`${path}\\`)) {
          this.#fileFailed(index, error);
        }
      }
    }
  }

  /** Blocks that an earlier run wrote count, where all files that need them still have their parts. */
  async #withoutDone(blocks: readonly PlannedBlock[]): Promise<PlannedBlock[]> {
    const { plan, state } = this.#request;
    if (state.doneBlocks.size === 0) {
      return [...blocks];
    }
    const concerned = new Set(
      blocks.filter((block) => state.doneBlocks.has(block.key)).flatMap((block) => block.files),
    );
    const indexes = [...concerned];
    const sizes = await this.#sizes(indexes.map((index) => plan.files[index]?.partPath ?? ''));
    const isThere = new Set(indexes.filter((_, place) => (sizes[place] ?? -1) >= 0));
    return blocks.filter(
      (block) => !(state.doneBlocks.has(block.key) && block.files.every((index) => isThere.has(index))),
    );
  }

  async #fetch(block: PlannedBlock): Promise<void> {
    const { keep, state, signal, onProgress, plan } = this.#request;
    try {
      const result = await keep.fetchTo(block.locator, block.targets, { signal });
      const indexOf = new Map(block.files.map((index) => [plan.files[index]?.partPath, index]));
      for (const failure of result.failures) {
        const index = indexOf.get(failure.diskPath);
        if (index !== undefined) {
          this.#fileFailed(index, new KeepsyncError(failure.code, failure.message));
        }
      }
      if (result.failures.length === 0) {
        state.blockDone(block.key);
      }
      this.#doneBytes += result.writtenBytes;
      this.#writtenBytes += result.writtenBytes;
      for (const index of block.files) {
        const missing = (this.#missingBlocks.get(index) ?? 0) - 1;
        this.#missingBlocks.set(index, missing);
        if (missing === 0) {
          this.#fileComplete(index);
        }
      }
      onProgress({ doneBytes: this.#doneBytes, doneFiles: this.#writtenFiles });
    } catch (thrown) {
      signal.throwIfAborted();
      for (const index of block.files) {
        this.#fileFailed(index, asKeepsyncError(thrown));
      }
    }
  }

  #fileFailed(index: number, error: KeepsyncError): void {
    if (!this.#failedFiles.has(index)) {
      this.#failedFiles.add(index);
      this.#failures.push({ path: this.#request.plan.files[index]?.path ?? '', error });
    }
  }

  #fileComplete(index: number): void {
    if (!this.#failedFiles.has(index)) {
      this.#finished.push(index);
      if (this.#finished.length >= FINISH_BATCH) {
        this.#finishBatch();
      }
    }
  }

  #finishBatch(): void {
    const batch = this.#finished;
    this.#finished = [];
    if (batch.length > 0) {
      this.#finishing = this.#finishing.then(() => this.#finish(batch));
      // seen where it is waited for, at the end of the run
      this.#finishing.catch(() => undefined);
    }
  }

  async #finish(indexes: readonly number[]): Promise<void> {
    const { plan, state, threads, existing, onProgress } = this.#request;
    const files = indexes.flatMap((index) => {
      const file = plan.files[index];
      return file === undefined
        ? []
        : [{ partPath: file.partPath, diskPath: file.diskPath, isEmpty: file.sizeBytes === 0 }];
    });
    await state.filesFinishing(indexes);
    const failures = await threads.call('finish', { files, overwrite: existing === 'overwrite' });
    for (const failure of failures) {
      const index = indexes[failure.index];
      if (index !== undefined) {
        this.#fileFailed(index, new KeepsyncError(failure.code, failure.message));
      }
    }
    this.#writtenFiles += indexes.length - failures.length;
    onProgress({ doneBytes: this.#doneBytes, doneFiles: this.#writtenFiles });
  }
}

function sumBytes(blocks: readonly PlannedBlock[]): number {
  return blocks.reduce(
    (sum, block) => sum + block.targets.reduce((bytes, target) => bytes + target.lengthBytes, 0),
    0,
  );
}
