import type { BlockManager } from '../blocks/block-manager.ts';
import { FileBlocks } from './file-blocks.ts';
import { type PackableFile, SmallFilePacker } from './small-file-packer.ts';

/** A file as the context sees it. */
export interface ContextFile extends PackableFile {
  /** Whether nobody has it open for writing. */
  readonly closed: boolean;
  flush(options: { sync: boolean }): Promise<void>;
  setUnmodified(): void;
}

/**
 * What the files of one collection share: the block manager, the table of who uses which block, the packer, and which
 * files have a block that is not full. Several contexts may share one manager.
 */
export class FileContext {
  readonly manager: BlockManager;
  readonly blocks: FileBlocks;
  readonly packer: SmallFilePacker;
  /** Files with a block of their own that takes more bytes, by the age of that block. */
  readonly tails = new Set<ContextFile>();
  /** Files changed since they were last saved. */
  readonly modified = new Set<ContextFile>();
  readonly #endPacking: () => void;

  constructor(manager: BlockManager) {
    this.manager = manager;
    this.blocks = new FileBlocks(manager);
    this.packer = new SmallFilePacker(this.blocks);
    this.#endPacking = manager.addPacker(() => this.prepare());
  }

  /**
   * Readies everything for `BlockManager.commitAll`: packs closed files, sends what open ones have, makes the block of
   * zeros if it is needed, and frees blocks that nobody needs, so that those are never sent.
   */
  async prepare(): Promise<void> {
    for (const file of this.tails) {
      if (file.closed) {
        this.packer.enlist(file);
      }
    }
    await this.packer.packAll();
    for (const file of [...this.tails]) {
      await file.flush({ sync: false });
    }
    this.blocks.materialiseZeros();
    this.blocks.sweep();
  }

  /**
   * Uploads whatever the files use and puts signed locators into them. Throws one AsyncKeepWriteErrors with all that
   * failed; those are tried again by the next call.
   */
  async commitAll(): Promise<void> {
    await this.prepare();
    const live = new Set(this.blocks.liveBlocks());
    try {
      await this.manager.commitAll({ only: (block) => live.has(block) });
    } finally {
      this.blocks.settle();
    }
  }

  /** Files are as they were saved. */
  setUnmodified(): void {
    for (const file of this.modified) {
      file.setUnmodified();
    }
    this.modified.clear();
  }

  /** The manager no longer packs for these files. */
  close(): void {
    this.#endPacking();
  }
}
