import type { KnownTree } from './ports.ts';

/** What the disk threads ask the journal. They only read; the journal's own thread writes. */
export interface KnownSource {
  knownTree(folderId: number): KnownTree;
  /** Whether the folder has these bytes in acknowledged blocks: same size, same digest. */
  isKnown(folderId: number, sizeBytes: number, digest: string): boolean;
  close(): void;
}

/** For a disk without a journal: everything is new. */
export const nothingKnown: KnownSource = {
  knownTree: () => ({ entriesOf: () => [], entryOf: () => undefined }),
  isKnown: () => false,
  close: () => undefined,
};
