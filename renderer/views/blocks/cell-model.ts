import type { Stage } from '../../../src/contract/status.ts';
import type { BlockList } from './block-list.ts';

/** Past so many blocks one cell stands for several. */
const BIN_ABOVE = 2_000;
/** About so many cells are drawn then. */
const BINNED_CELLS = 1_000;

/** Worst first: what a cell shows of several blocks. */
const WORST_FIRST: readonly Stage[] = ['failed', 'waiting', 'filling', 'uploading', 'stored', 'saved'];
const RANK: Readonly<Record<Stage, number>> = {
  failed: 0,
  waiting: 1,
  filling: 2,
  uploading: 3,
  stored: 4,
  saved: 5,
};

/** Which blocks are shown: all, those that are not safe yet, or the members of one opened cell. */
export type Shown =
  | { readonly what: 'all' | 'unsafe' }
  | { readonly what: 'range'; readonly from: number; readonly to: number };

/**
 * Blocks as cells: which blocks are shown, how many stand behind one cell, and what a cell shows. Which blocks are shown is
 * settled at the start, so make another model after the list grew; what they show is always that of now.
 */
export class CellModel {
  readonly list: BlockList;
  readonly shown: Shown;
  /** Indexes of the blocks shown; null: all of them, in order. */
  #members: readonly number[] | null = null;
  #cellByBlock: Map<number, number> | null = null;
  #blocks = 0;
  #bin = 1;

  constructor(list: BlockList, shown: Shown) {
    this.list = list;
    this.shown = shown;
    this.#build();
  }

  /** Blocks behind one cell. */
  get bin(): number {
    return this.#bin;
  }

  get cellCount(): number {
    return Math.ceil(this.#blocks / this.#bin);
  }

  get blockCount(): number {
    return this.#blocks;
  }

  #build(): void {
    const { length } = this.list;
    if (this.shown.what === 'all') {
      this.#members = null;
      this.#cellByBlock = null;
      this.#blocks = length;
    } else {
      const members: number[] = [];
      const from = this.shown.what === 'range' ? this.shown.from : 0;
      const to = this.shown.what === 'range' ? Math.min(this.shown.to, length) : length;
      for (let index = from; index < to; index += 1) {
        if (this.shown.what === 'range' || this.list.stageAt(index) !== 'saved') {
          members.push(index);
        }
      }
      this.#members = members;
      this.#blocks = members.length;
    }
    this.#bin = this.#blocks > BIN_ABOVE ? Math.ceil(this.#blocks / BINNED_CELLS) : 1;
    if (this.#members !== null) {
      const bin = this.#bin;
      this.#cellByBlock = new Map(
        this.#members.map((block, position) => [block, Math.floor(position / bin)]),
      );
    }
  }

  /** The cell that shows a block; null where it is not shown. */
  cellOfBlock(block: number): number | null {
    if (this.#cellByBlock !== null) {
      return this.#cellByBlock.get(block) ?? null;
    }
    return block < this.#blocks ? Math.floor(block / this.#bin) : null;
  }

  /** Indexes of the blocks behind a cell. */
  blocksOfCell(cell: number): number[] {
    const from = cell * this.#bin;
    const to = Math.min(from + this.#bin, this.#blocks);
    const blocks: number[] = [];
    for (let position = from; position < to; position += 1) {
      const block = this.#members === null ? position : this.#members[position];
      if (block !== undefined) {
        blocks.push(block);
      }
    }
    return blocks;
  }

  /** The worst stage behind a cell. */
  stageOfCell(cell: number): Stage {
    const from = cell * this.#bin;
    const to = Math.min(from + this.#bin, this.#blocks);
    let worst = WORST_FIRST.length - 1;
    for (let position = from; position < to && worst > 0; position += 1) {
      const block = this.#members === null ? position : (this.#members[position] ?? 0);
      worst = Math.min(worst, RANK[this.list.stageAt(block)]);
    }
    return WORST_FIRST[worst] ?? 'saved';
  }

  /** How full the block of a cell is; of several, half. */
  levelOfCell(cell: number): number {
    if (this.#bin > 1) {
      return 0.5;
    }
    return this.list.levelAt(this.#members === null ? cell : (this.#members[cell] ?? 0));
  }
}

export const stageRank = (stage: Stage): number => RANK[stage];
