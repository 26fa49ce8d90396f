import { KeepsyncError } from '../base/errors.ts';

/**
 * - `WRITABLE`: the buffer takes appends.
 * - `PENDING`: closed to appends; queued for, or in, an upload thread.
 * - `COMMITTED`: every wanted copy in every wanted storage class is confirmed and recorded; the buffer is released.
 * - `ERROR`: the upload failed; the buffer is kept, and the block may go back to PENDING.
 */
export type BlockState = 'WRITABLE' | 'PENDING' | 'COMMITTED' | 'ERROR';

/** All moves there are. Dropping a block is removal, not a state. */
const MOVES: Readonly<Record<BlockState, readonly BlockState[]>> = {
  WRITABLE: ['PENDING'],
  PENDING: ['COMMITTED', 'ERROR'],
  COMMITTED: [],
  ERROR: ['PENDING'],
};

/** A block was asked for something that its state does not allow (code STATE). */
export class StateChangeError extends KeepsyncError {
  readonly blockId: string;
  readonly from: BlockState;
  /** The state that was asked for; undefined where an operation, not a move, was refused. */
  readonly to: BlockState | undefined;

  constructor(blockId: string, from: BlockState, to: BlockState | undefined, message: string) {
    super('STATE', message, { info: { blockId, from, ...(to === undefined ? {} : { to }) } });
    this.blockId = blockId;
    this.from = from;
    this.to = to;
  }
}

/** Throws StateChangeError unless the table of moves has this one. */
export function assertMove(blockId: string, from: BlockState, to: BlockState): void {
  if (!MOVES[from].includes(to)) {
    throw new StateChangeError(blockId, from, to, `Block ${blockId} cannot go from ${from} to ${to}`);
  }
}
