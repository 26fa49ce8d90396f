import type { KnownTree } from './ports.ts';

/** What the disk threads ask the journal. They only read; the journal's own thread writes. */
export interface KnownSource {
  knownTree(folderId: number): KnownTree;
  /** For one batch of files: whether the folder has bytes in acknowledged blocks, of the same size and digest. */
  knownBytes(folderId: number): (sizeBytes: number, digest: string) => boolean;
  close(): void;
}

/** For a disk without a journal: everything is new. */
export const nothingKnown: KnownSource = {
  knownTree: () => ({ entriesOf: () => [], entryOf: () => undefined }),
  knownBytes: () => () => false,
  close: () => undefined,
};
