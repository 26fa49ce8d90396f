import { KeepsyncError } from '../../base/errors.ts';
import type { FetchTarget } from '../../keep/ports.ts';
import { foldedName, safeJoin } from '../../local/portable-names.ts';
import { blockKey, type ManifestContent, type ManifestFile } from '../collection-path.ts';

export interface PlannedFile {
  readonly path: string;
  readonly diskPath: string;
  /** Filled first, in the folder of parts; renamed when every byte is there. */
  readonly partPath: string;
  readonly sizeBytes: number;
}

export interface PlannedBlock {
  readonly key: string;
  readonly locator: string;
  readonly targets: readonly FetchTarget[];
  /** Places in the list of files. */
  readonly files: readonly number[];
}

export interface GetPlan {
  /** Folder that everything lands in. */
  readonly top: string;
  /** On the same disk as the files, so that finishing one is a rename. Ignore rules leave such names out. */
  readonly partsDir: string;
  /** Below `top`, parents first. */
  readonly dirs: readonly string[];
  readonly files: readonly PlannedFile[];
  /** Beside `files`: where each one's bytes come from. */
  readonly sources: readonly ManifestFile[];
  readonly refused: ReadonlyArray<{ readonly path: string; readonly error: KeepsyncError }>;
  readonly totalBytes: number;
}

/** Blocks of those files that are really to be written (by their places), each once, in the order of first use. */
export function planBlocks(plan: GetPlan, wanted: readonly number[]): PlannedBlock[] {
  const blocks = new Map<string, { locator: string; targets: FetchTarget[]; files: Set<number> }>();
  for (const index of wanted) {
    const file = plan.files[index];
    for (const segment of plan.sources[index]?.segments ?? []) {
      const key = blockKey(segment.locator);
      const block = blocks.get(key) ?? { locator: segment.locator, targets: [], files: new Set<number>() };
      blocks.set(key, block);
      if (file !== undefined) {
        block.targets.push({
          diskPath: file.partPath,
          fileOffset: segment.fileStart,
          blockOffset: segment.offset,
          lengthBytes: segment.length,
        });
        block.files.add(index);
      }
    }
  }
  return [...blocks].map(([key, block]) => ({ key, ...block, files: [...block.files] }));
}

/**
 * Where each file of a collection goes below `top`. A name that could lead out of it, or that this disk cannot tell from
 * another one, is refused; everything else is fetched. `strip` is the path in the collection that stands for `top`.
 */
export function planGet(options: {
  readonly content: ManifestContent;
  readonly strip: string;
  readonly top: string;
  /** A single file gets this name in `top`. */
  readonly singleName?: string;
  /** Name of the folder in `top` that holds unfinished files; the same for the same source and target. */
  readonly partsName: string;
  readonly platform: NodeJS.Platform;
}): GetPlan {
  const { content, strip, top, platform } = options;
  const refused: Array<{ path: string; error: KeepsyncError }> = [];
  const dirs = new Map<string, string>();
  const taken = new Map<string, string>();
  const foldsCase = platform === 'win32' || platform === 'darwin';
  const files: PlannedFile[] = [];
  const sources: ManifestFile[] = [];
  const below = (path: string) =>
    options.singleName ?? (strip === '' ? path : path.slice(strip.length).replace(/^\//, ''));

  const claim = (relative: string) => {
    const key = foldsCase ? foldedName(relative) : relative;
    const other = taken.get(key);
    if (other !== undefined && other !== relative) {
      throw new KeepsyncError(
        'BAD_NAME',
        `This disk cannot tell ${JSON.stringify(relative)} from ${JSON.stringify(other)}`,
      );
    }
    taken.set(key, relative);
  };
  const claimDirs = (relative: string) => {
    const parts = relative.split('/');
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const dir = parts.slice(0, depth).join('/');
      if (!dirs.has(dir)) {
        claim(dir);
        dirs.set(dir, safeJoin(top, dir, platform));
      }
    }
  };
  const orRefuse = (path: string, work: () => void) => {
    try {
      work();
    } catch (thrown) {
      if (!(thrown instanceof KeepsyncError)) {
        throw thrown;
      }
      refused.push({ path, error: thrown });
    }
  };

  for (const source of content.files) {
    orRefuse(source.path, () => {
      const relative = below(source.path);
      const diskPath = safeJoin(top, relative, platform);
      const slash = relative.lastIndexOf('/');
      if (slash > 0) {
        claimDirs(relative.slice(0, slash));
      }
      claim(relative);
      files.push({
        path: source.path,
        diskPath,
        partPath: safeJoin(top, `${options.partsName}/${files.length}`, platform),
        sizeBytes: source.sizeBytes,
      });
      sources.push(source);
    });
  }
  for (const dir of content.emptyDirs) {
    const relative = below(dir);
    if (relative !== '') {
      orRefuse(dir, () => claimDirs(relative));
    }
  }
  return {
    top,
    partsDir: safeJoin(top, options.partsName, platform),
    dirs: [...dirs.values()],
    files,
    sources,
    refused,
    totalBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
  };
}
