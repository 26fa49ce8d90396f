import type { AcknowledgedBlock } from './journal-port.ts';
import type { BlockOwner } from './upload-ports.ts';

interface Outgoing {
  readonly folderId: number;
  /** Gives the buffer's permit back. */
  readonly permit: () => void;
  readonly describe: BlockOwner['describe'];
  readonly acknowledged: (block: AcknowledgedBlock) => Promise<void>;
}

/** A block of the uploader on its way, with the permit for its buffer; gives it back when the block settles. */
export class OutgoingBlock implements BlockOwner {
  readonly folderId: number;
  readonly describe: BlockOwner['describe'];
  readonly #permit: () => void;
  readonly #acknowledged: (block: AcknowledgedBlock) => Promise<void>;
  readonly #end = Promise.withResolvers<unknown>();

  constructor(outgoing: Outgoing) {
    this.folderId = outgoing.folderId;
    this.describe = outgoing.describe;
    this.#permit = outgoing.permit;
    this.#acknowledged = outgoing.acknowledged;
  }

  acknowledged(block: AcknowledgedBlock): Promise<void> {
    return this.#acknowledged(block);
  }

  settled(error: unknown): void {
    this.#permit();
    this.#end.resolve(error);
  }

  /** It was never committed. */
  abandon(): void {
    this.#permit();
  }

  /** Undefined when it was stored, else why not. */
  whenSettled(): Promise<unknown> {
    return this.#end.promise;
  }
}
