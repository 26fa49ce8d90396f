import { sep } from 'node:path';
import { KeepsyncError } from '../../base/errors.ts';
import type { FetchTargets } from '../../keep/ports.ts';
import { diskName, foldedName, isSafePart, safeJoin } from '../../local/portable-names.ts';
import { blockKey, type ManifestContent, type ManifestFile } from '../collection-path.ts';

/** Files of this size on average are named by the folder: a rename of each would cost half as much as writing it. */
const SMALL_FILE_BYTES = 2 ** 20;
/**
 * Folders that parts without a folder of their own are spread over, block by block: threads that make files in the same
 * folder wait for each other.
 */
const SHELVES = 8;
/**
 * Names that no kind of disk takes for another one but by the case of its letters: without what short names (`A~1`),
 * streams (`a:b`), trimming (`a.`) or Unicode forms could make of them.
 */
const PLAIN_NAME = /^[ !#-)+-.0-9;=@-[\]-{}]*[!#-)+\-0-9;=@-[\]-{}]$/;

export interface PlannedFile {
  readonly path: string;
  readonly diskPath: string;
  /** Filled first, in the folder of parts; renamed when every byte is there. */
  readonly partPath: string;
  readonly sizeBytes: number;
  /** Place of its folder in the list of folders; -1: it lies in `top`. */
  readonly dir: number;
}

export interface PlannedDir {
  readonly diskPath: string;
  /**
   * Where all its files are filled, under their own names, so that one rename can put the whole folder in its place.
   * Undefined for folders with other folders in them; with large files, which had better appear one by one; and with
   * names that some disk could take for one another, as then two files would be filled in one place.
   */
  readonly partsPath: string | undefined;
  /** Places of its own files. */
  readonly files: readonly number[];
}

export interface PlannedBlock {
  readonly key: string;
  readonly locator: string;
  readonly targets: FetchTargets;
  /** Beside the targets: the file's place in the list of files. */
  readonly fileOfTarget: readonly number[];
  /** Places in the list of files, each once. */
  readonly files: readonly number[];
  /** Of all targets. */
  readonly sizeBytes: number;
}

export interface GetPlan {
  /** Folder that everything lands in. */
  readonly top: string;
  /** On the same disk as the files, so that finishing one is a rename. Ignore rules leave such names out. */
  readonly partsDir: string;
  /** Folders in `partsDir` for parts of files whose folder has no `partsPath`. */
  readonly shelves: readonly string[];
  /** Below `top`, parents first. */
  readonly dirs: readonly PlannedDir[];
  readonly files: readonly PlannedFile[];
  /** Beside `files`: where each one's bytes come from. */
  readonly sources: readonly ManifestFile[];
  readonly refused: ReadonlyArray<{ readonly path: string; readonly error: KeepsyncError }>;
  readonly totalBytes: number;
}

/** Blocks of those files that are really to be written (by their places), each once, in the order of first use. */
export function planBlocks(plan: GetPlan, wanted: readonly number[]): PlannedBlock[] {
  const byLocator = new Map<string, BlockDraft>();
  const byKey = new Map<string, BlockDraft>();
  for (const index of wanted) {
    const partPath = plan.files[index]?.partPath ?? '';
    for (const segment of plan.sources[index]?.segments ?? []) {
      let block = byLocator.get(segment.locator);
      if (block === undefined) {
        // the same block may come with different signatures
        const key = blockKey(segment.locator);
        block = byKey.get(key) ?? new BlockDraft(key, segment.locator);
        byKey.set(key, block);
        byLocator.set(segment.locator, block);
      }
      block.add(index, partPath, segment);
    }
  }
  return [...byKey.values()].map((block) => block.finished());
}

class BlockDraft {
  readonly #key: string;
  readonly #locator: string;
  readonly #paths: string[] = [];
  readonly #ranges: number[] = [];
  readonly #fileOfTarget: number[] = [];
  readonly #files: number[] = [];
  #sizeBytes = 0;

  constructor(key: string, locator: string) {
    this.#key = key;
    this.#locator = locator;
  }

  /** Files come one after the other, each with all its segments. */
  add(index: number, partPath: string, segment: { fileStart: number; offset: number; length: number }): void {
    this.#paths.push(partPath);
    this.#ranges.push(segment.fileStart, segment.offset, segment.length);
    this.#fileOfTarget.push(index);
    this.#sizeBytes += segment.length;
    if (this.#files.at(-1) !== index) {
      this.#files.push(index);
    }
  }

  finished(): PlannedBlock {
    return {
      key: this.#key,
      locator: this.#locator,
      targets: { paths: this.#paths, ranges: Float64Array.from(this.#ranges) },
      fileOfTarget: this.#fileOfTarget,
      files: this.#files,
      sizeBytes: this.#sizeBytes,
    };
  }
}

export interface GetPlanOptions {
  readonly content: ManifestContent;
  /** The path in the collection that stands for `top`. */
  readonly strip: string;
  readonly top: string;
  /** A single file gets this name in `top`. */
  readonly singleName?: string;
  /** Name of the folder in `top` that holds unfinished files; the same for the same source and target. */
  readonly partsName: string;
  readonly platform: NodeJS.Platform;
}

/**
 * Where each file of a collection goes below `top`. A name that could lead out of it, or that this disk cannot tell from
 * another one, is refused; everything else is fetched.
 */
export function planGet(options: GetPlanOptions): GetPlan {
  const { content, strip, singleName } = options;
  const planner = new Planner(options);
  const below = (path: string) =>
    singleName ?? (strip === '' ? path : path.slice(strip.length).replace(/^\//, ''));
  for (const source of content.files) {
    planner.addFile(source, below(source.path));
  }
  for (const dir of content.emptyDirs) {
    const relative = below(dir);
    if (relative !== '') {
      planner.addEmptyDir(dir, relative);
    }
  }
  return planner.plan();
}

interface DirDraft {
  readonly place: number;
  readonly diskPath: string;
  readonly files: number[];
  /** In lower case. */
  readonly names: Set<string>;
  sizeBytes: number;
  isPlain: boolean;
  hasDirs: boolean;
}

class Planner {
  readonly #top: string;
  readonly #partsName: string;
  readonly #platform: NodeJS.Platform;
  readonly #foldsCase: boolean;
  /** By path below `top`; folders are looked at once, however many files they hold. */
  readonly #dirs = new Map<string, DirDraft>();
  /** Only on a disk that folds case: what has a name already. */
  readonly #taken = new Map<string, string>();
  /** `partPath` is the name on disk until all folders are known. */
  readonly #files: Array<{ -readonly [K in keyof PlannedFile]: PlannedFile[K] }> = [];
  readonly #sources: ManifestFile[] = [];
  readonly #refused: Array<{ path: string; error: KeepsyncError }> = [];

  constructor({ top, partsName, platform }: GetPlanOptions) {
    this.#top = top;
    this.#partsName = partsName;
    this.#platform = platform;
    this.#foldsCase = platform === 'win32' || platform === 'darwin';
  }

  addFile(source: ManifestFile, relative: string): void {
    this.#orRefuse(source.path, () => {
      const slash = relative.lastIndexOf('/');
      const part = relative.slice(slash + 1);
      if (!isSafePart(part)) {
        // says what is wrong with it
        safeJoin(this.#top, relative, this.#platform);
      }
      const name = diskName(part, this.#platform);
      const dir = slash < 0 ? undefined : this.#dir(relative.slice(0, slash));
      const diskPath =
        dir === undefined ? safeJoin(this.#top, relative, this.#platform) : dir.diskPath + sep + name;
      this.#claim(relative);
      if (dir !== undefined) {
        dir.files.push(this.#files.length);
        dir.names.add(name.toLowerCase());
        dir.isPlain &&= PLAIN_NAME.test(name);
        dir.sizeBytes += source.sizeBytes;
      }
      const { path, sizeBytes } = source;
      this.#files.push({ path, diskPath, partPath: name, sizeBytes, dir: dir?.place ?? -1 });
      this.#sources.push(source);
    });
  }

  addEmptyDir(path: string, relative: string): void {
    this.#orRefuse(path, () => this.#dir(relative));
  }

  plan(): GetPlan {
    const partsDir = safeJoin(this.#top, this.#partsName, this.#platform);
    const dirs = [...this.#dirs.values()].map((dir): PlannedDir => {
      const fileCount = dir.files.length;
      const isToldApart = dir.isPlain && dir.names.size === fileCount;
      const isSmall = fileCount > 1 && dir.sizeBytes <= fileCount * SMALL_FILE_BYTES;
      const partsPath = isSmall && isToldApart && !dir.hasDirs ? `${partsDir}${sep}d${dir.place}` : undefined;
      return { diskPath: dir.diskPath, partsPath, files: dir.files };
    });
    const shelves = new Set<string>();
    let shelf = 0;
    let lastLocator: string | undefined;
    for (const [index, file] of this.#files.entries()) {
      const partsPath = dirs[file.dir]?.partsPath;
      if (partsPath !== undefined) {
        file.partPath = partsPath + sep + file.partPath;
        continue;
      }
      const locator = this.#sources[index]?.segments[0]?.locator;
      if (locator !== lastLocator) {
        lastLocator = locator;
        shelf = (shelf + 1) % SHELVES;
      }
      const shelfPath = `${partsDir}${sep}s${shelf}`;
      shelves.add(shelfPath);
      file.partPath = `${shelfPath}${sep}${index}`;
    }
    return {
      top: this.#top,
      partsDir,
      shelves: [...shelves],
      dirs,
      files: this.#files,
      sources: this.#sources,
      refused: this.#refused,
      totalBytes: this.#files.reduce((sum, file) => sum + file.sizeBytes, 0),
    };
  }

  /** A folder and those above it, which come before it in the list. Throws BAD_NAME. */
  #dir(relative: string): DirDraft {
    const known = this.#dirs.get(relative);
    if (known !== undefined) {
      return known;
    }
    const diskPath = safeJoin(this.#top, relative, this.#platform);
    const slash = relative.lastIndexOf('/');
    const parent = slash < 0 ? undefined : this.#dir(relative.slice(0, slash));
    this.#claim(relative);
    if (parent !== undefined) {
      parent.hasDirs = true;
    }
    const dir: DirDraft = {
      place: this.#dirs.size,
      diskPath,
      files: [],
      names: new Set(),
      sizeBytes: 0,
      isPlain: true,
      hasDirs: false,
    };
    this.#dirs.set(relative, dir);
    return dir;
  }

  #claim(relative: string): void {
    const key = this.#foldsCase ? foldedName(relative) : relative;
    if (key === this.#partsName) {
      throw new KeepsyncError('BAD_NAME', `${JSON.stringify(relative)} is where unfinished files are kept`);
    }
    if (!this.#foldsCase) {
      return;
    }
    const other = this.#taken.get(key);
    if (other !== undefined && other !== relative) {
      throw new KeepsyncError(
        'BAD_NAME',
        `This disk cannot tell ${JSON.stringify(relative)} from ${JSON.stringify(other)}`,
      );
    }
    this.#taken.set(key, relative);
  }

  #orRefuse(path: string, work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (!(thrown instanceof KeepsyncError)) {
        throw thrown;
      }
      this.#refused.push({ path, error: thrown });
    }
  }
}
