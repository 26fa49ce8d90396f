import { asKeepsyncError, KeepsyncError } from '../../base/errors.ts';
import type { BlockFetcher } from '../../keep/ports.ts';
import type { FilesThreads } from '../files/files-threads.ts';
import { GetFinish } from './get-finish.ts';
import { type GetPlan, type PlannedBlock, planBlocks } from './get-plan.ts';
import type { GetState } from './get-state.ts';

/** Blocks under way at once: as many as arv-get's threads. They go to disk as they come in, so each needs 1 MiB. */
const BLOCKS_AT_ONCE = 4;
/** Paths in one message to the thread. */
const BATCH = 2_000;

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

/** What is to be done, by what is on the disk already. */
interface Choice {
  readonly wanted: readonly number[];
  /** Places of folders that are not there, and that are put there as a whole. */
  readonly wholeDirs: ReadonlySet<number>;
  readonly skipped: number;
  readonly resumed: number;
}

class GetRun {
  readonly #request: GetRequest;
  readonly #failures: Array<{ path: string; error: KeepsyncError }> = [];
  readonly #failedFiles = new Set<number>();
  /** By place in the plan: blocks that are still missing; -1 of files that are not wanted. */
  readonly #missingBlocks: Int32Array;
  #doneBytes = 0;
  #writtenFiles = 0;
  #writtenBytes = 0;

  constructor(request: GetRequest) {
    this.#request = request;
    this.#missingBlocks = new Int32Array(request.plan.files.length).fill(-1);
  }

  async run(): Promise<GetResult> {
    const { plan, state, threads, existing, signal } = this.#request;
    this.#failures.push(...plan.refused);
    const choice = await this.#choose();
    await this.#removeOldParts();
    await this.#makeDirs(choice);
    const todo = await this.#withoutDone(planBlocks(plan, choice.wanted));
    const finish = new GetFinish(
      {
        plan,
        threads,
        state,
        overwrite: existing === 'overwrite',
        isFailed: (index) => this.#failedFiles.has(index),
        onFailed: (index, error) => this.#fileFailed(index, error),
        onNamed: (files) => this.#named(files),
      },
      choice.wholeDirs,
    );
    this.#count(choice.wanted, todo);
    for (const index of choice.wanted) {
      this.#finishIfWhole(index, finish);
    }
    await this.#fetchAll(todo, finish);
    await finish.end((index) => this.#missingBlocks[index] === 0 && !this.#failedFiles.has(index));
    signal.throwIfAborted();
    if (this.#failures.length === plan.refused.length) {
      await threads.call('removeDir', plan.partsDir);
    }
    return {
      writtenFiles: this.#writtenFiles,
      writtenBytes: this.#writtenBytes,
      skippedFiles: choice.skipped,
      resumedFiles: choice.resumed,
      failures: this.#failures,
    };
  }

  async #choose(): Promise<Choice> {
    const { plan, state, existing } = this.#request;
    const missingDirs = new Set<number>();
    for (const [place, size] of (await this.#sizes(plan.dirs.map((dir) => dir.diskPath))).entries()) {
      if (size < 0) {
        missingDirs.add(place);
      }
    }
    // in a folder that is not there, nothing is
    const looked = plan.files.flatMap((file, index) => (missingDirs.has(file.dir) ? [] : [index]));
    const found = await this.#sizes(looked.map((index) => plan.files[index]?.diskPath ?? ''));
    const sizes = new Float64Array(plan.files.length).fill(-1);
    for (const [place, index] of looked.entries()) {
      sizes[index] = found[place] ?? -1;
    }
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
    const wholeDirs = new Set([...missingDirs].filter((place) => plan.dirs[place]?.partsPath !== undefined));
    return { wanted, wholeDirs, skipped, resumed };
  }

  async #sizes(paths: readonly string[]): Promise<number[]> {
    const sizes: number[] = [];
    for (let start = 0; start < paths.length; start += BATCH) {
      sizes.push(...(await this.#request.threads.call('sizes', paths.slice(start, start + BATCH))));
    }
    return sizes;
  }

  /** Parts of another content, or from before the computer's last start: bytes of theirs must not come in. */
  async #removeOldParts(): Promise<void> {
    const { plan, state, threads } = this.#request;
    if (state.leftoverPartsDir !== undefined && state.leftoverPartsDir !== plan.partsDir) {
      await threads.call('removeDir', state.leftoverPartsDir);
    }
    if (!state.isResumed) {
      await threads.call('removeDir', plan.partsDir);
    }
  }

  async #makeDirs({ wanted, wholeDirs }: Choice): Promise<void> {
    const { plan, threads } = this.#request;
    const filled = new Set(wanted.map((index) => plan.files[index]?.dir));
    const ours = [
      plan.partsDir,
      ...plan.shelves,
      ...plan.dirs.flatMap((dir, place) =>
        dir.partsPath !== undefined && filled.has(place) ? [dir.partsPath] : [],
      ),
    ];
    const theirs = plan.dirs.filter((_dir, place) => !wholeDirs.has(place)).map((dir) => dir.diskPath);
    const dirs = [...ours, ...theirs];
    const failures = await threads.call('makeDirs', { top: plan.top, dirs });
    for (const failure of failures) {
      const path = dirs[failure.index] ?? '';
      const error = new KeepsyncError(failure.code, failure.message);
      if (failure.index < ours.length) {
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
  async #withoutDone(blocks: readonly PlannedBlock[]): Promise<readonly PlannedBlock[]> {
    const { plan, state } = this.#request;
    if (state.doneBlocks.size === 0) {
      return blocks;
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

  #count(wanted: readonly number[], todo: readonly PlannedBlock[]): void {
    const missing = this.#missingBlocks;
    for (const index of wanted) {
      missing[index] = 0;
    }
    this.#doneBytes = this.#request.plan.totalBytes;
    for (const block of todo) {
      this.#doneBytes -= block.sizeBytes;
      for (const index of block.files) {
        missing[index] = (missing[index] ?? 0) + 1;
      }
    }
  }

  #finishIfWhole(index: number, finish: GetFinish): void {
    if (this.#missingBlocks[index] === 0 && !this.#failedFiles.has(index)) {
      finish.add(index);
    }
  }

  async #fetchAll(blocks: readonly PlannedBlock[], finish: GetFinish): Promise<void> {
    const queue = blocks.values();
    const worker = async () => {
      for (const block of queue) {
        this.#request.signal.throwIfAborted();
        await this.#fetch(block, finish);
      }
    };
    await Promise.all(Array.from({ length: BLOCKS_AT_ONCE }, worker));
  }

  async #fetch(block: PlannedBlock, finish: GetFinish): Promise<void> {
    const { keep, state, signal } = this.#request;
    try {
      const result = await keep.fetchTo(block.locator, block.targets, { signal });
      for (const failure of result.failures) {
        const index = block.fileOfTarget[failure.index];
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
        this.#missingBlocks[index] = (this.#missingBlocks[index] ?? 0) - 1;
        this.#finishIfWhole(index, finish);
      }
      this.#showProgress();
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

  #named(files: number): void {
    this.#writtenFiles += files;
    this.#showProgress();
  }

  #showProgress(): void {
    this.#request.onProgress({ doneBytes: this.#doneBytes, doneFiles: this.#writtenFiles });
  }
}
