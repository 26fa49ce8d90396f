import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BlockTable } from './journal-blocks.ts';
import { damaged, sumOf } from './journal-sums.ts';

/** An acknowledged block that is one piece of a large file under way. */
interface PieceRow {
  readonly entry_id: number;
  /** Counts blocks from the file's start. */
  readonly idx: number;
  readonly stamp: string;
  readonly block_id: number;
  readonly length: number;
}

/** The pieces of large files that are not whole yet; a crash costs the pieces in flight only. */
export class PieceTable {
  readonly #blocks: BlockTable;
  readonly #select: StatementSync;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #any: StatementSync;
  #mayHaveAny = true;

  constructor(database: DatabaseSync, blocks: BlockTable) {
    this.#blocks = blocks;
    const columns = 'entry_id, idx, stamp, block_id, length, sum';
    this.#select = database.prepare(`SELECT ${columns} FROM piece WHERE entry_id = ? ORDER BY idx`);
    this.#insert = database.prepare(`INSERT INTO piece (${columns}) VALUES (?, ?, ?, ?, ?, ?)`);
    this.#remove = database.prepare('DELETE FROM piece WHERE entry_id = ? AND idx = ?');
    this.#any = database.prepare('SELECT 1 AS found FROM piece LIMIT 1');
  }

  /** In the order of the file. */
  of(entryId: number): PieceRow[] {
    return this.#mayHaveAny ? this.#select.all(entryId).map(checkedPiece) : [];
  }

  put(piece: PieceRow): void {
    for (const old of this.of(piece.entry_id)) {
      if (old.idx === piece.idx) {
        this.#drop(old);
      }
    }
    this.#mayHaveAny = true;
    this.#insert.run(piece.entry_id, piece.idx, piece.stamp, piece.block_id, piece.length, pieceSum(piece));
    this.#blocks.movePiece(piece.block_id, 1);
  }

  removeAll(entryId: number): void {
    const pieces = this.of(entryId);
    for (const piece of pieces) {
      this.#drop(piece);
    }
    if (pieces.length > 0) {
      this.#mayHaveAny = this.#any.get() !== undefined;
    }
  }

  forget(): void {
    this.#mayHaveAny = true;
  }

  #drop(piece: PieceRow): void {
    this.#remove.run(piece.entry_id, piece.idx);
    this.#blocks.movePiece(piece.block_id, -1);
  }
}

function pieceSum(piece: PieceRow): number {
  return sumOf([piece.entry_id, piece.idx, piece.stamp, piece.block_id, piece.length]);
}

function checkedPiece(raw: Record<string, unknown>): PieceRow {
  const piece = raw as unknown as PieceRow;
  if (pieceSum(piece) !== raw.sum) {
    throw damaged('the row of a piece does not have its checksum');
  }
  return piece;
}
