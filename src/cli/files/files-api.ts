import type { ErrorCode } from '../../base/errors.ts';

/** A file that could not be treated; the others were. */
export interface FileFailure {
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
}

/** A range of a local file, and where in a block its bytes belong. */
export interface BlockPart {
  readonly diskPath: string;
  readonly position: number;
  readonly blockOffset: number;
  readonly lengthBytes: number;
}

export interface FinishFile {
  readonly partPath: string;
  readonly diskPath: string;
  /** Without bytes: made here. */
  readonly isEmpty: boolean;
}

export interface FinishDir {
  readonly partsPath: string;
  readonly diskPath: string;
  /** The folders that it goes into. */
  readonly above: readonly string[];
  /** Files without bytes: made here. */
  readonly emptyNames: readonly string[];
  readonly fileCount: number;
}

/**
 * What `get` and `check` do with many files or many bytes, off the main thread, in batches. Paths are absolute.
 */
export type FilesThreadApi = {
  /** Size of what is there (of anything: a link, a device), or -1 where there is nothing. Links are not followed. */
  sizes(input: readonly string[]): number[];
  /**
   * Makes folders below `top`, parents first in the list. One that is there as a link or as no folder fails: what is
   * written below it would land somewhere else.
   */
  makeDirs(input: { readonly top: string; readonly dirs: readonly string[] }): FileFailure[];
  /** Gives finished files their names; without `overwrite` one that appeared meanwhile stays. */
  finish(input: { readonly files: readonly FinishFile[]; readonly overwrite: boolean }): FileFailure[];
  /**
   * Gives folders of finished files their names, with them in it. False for one, and nothing but its empty files was done,
   * where something has the name already, where the folder holds anything else than `fileCount` files, where one of `above`
   * is a link or not there, or where it cannot be renamed for another reason.
   */
  finishDirs(input: readonly FinishDir[]): boolean[];
  /** A folder of our own with all that is in it. */
  removeDir(input: string): void;
  /**
   * A block made up from local files: `cover` are ranges that lie side by side and make up the whole, `rest` are others of
   * the same block. Gives its md5, and for each of `rest` whether it holds the same bytes as the cover. Throws FILE_… of
   * the first of `cover` that cannot be read.
   */
  hashParts(input: {
    readonly sizeBytes: number;
    readonly cover: readonly BlockPart[];
    readonly rest: readonly BlockPart[];
  }): { readonly md5: string; readonly restSame: readonly boolean[] };
  /** For each part whether the file holds the block's bytes there; one that cannot be read does not. */
  compareParts(input: { readonly data: Uint8Array; readonly parts: readonly BlockPart[] }): boolean[];
};
