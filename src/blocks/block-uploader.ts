import { KeepsyncError } from '../base/errors.ts';
import type { BlockAttempt, BlockStore, PutProgress } from '../keep/ports.ts';
import { bareLocator } from './bare-locator.ts';
import type { BufferBlock } from './buffer-block.ts';

/** A block that Keep has acknowledged, told before anybody is shown COMMITTED. */
export interface AcknowledgedBlock {
  readonly blockId: string;
  /** Signed, where the cluster signs. */
  readonly locator: string;
  readonly sizeBytes: number;
  /** True: a signed locator was known, nothing was sent. */
  readonly reused: boolean;
}

export interface BlockUploaderOptions {
  readonly store: Pick<BlockStore, 'md5' | 'put'>;
  /** Copies wanted of each block, at least 1. */
  readonly copies: number;
  /** Storage classes wanted; empty: the cluster's default. */
  readonly storageClasses: readonly string[];
  /** A signed locator that an earlier PUT of these bytes was answered with, for `md5+size`; it needs no PUT. */
  readonly known?: ((locator: string) => Promise<string | undefined>) | undefined;
  /** Awaited before the block is COMMITTED; where it rejects, the block fails with that error. */
  readonly acknowledge?: ((block: AcknowledgedBlock) => Promise<void>) | undefined;
}

interface Stored {
  readonly locator: string;
  readonly reused: boolean;
}

/** Brings one block to Keep: md5, known or PUT, record. It changes no state; that is the manager's. */
export class BlockUploader {
  readonly #options: BlockUploaderOptions;
  /** By `md5+size`: uploads under way, so that equal blocks are sent once. */
  readonly #underWay = new Map<string, Promise<Stored>>();
  /** Stored, but not recorded: the next try has only the record to make. */
  readonly #unrecorded = new WeakMap<BufferBlock, Stored>();

  constructor(options: BlockUploaderOptions) {
    this.#options = options;
  }

  /** Resolves to the signed locator, once it is recorded. Throws what `md5`, `known`, `put` or `acknowledge` threw. */
  async upload(
    block: BufferBlock,
    signal: AbortSignal,
    onAttempt: (attempt: BlockAttempt) => void,
    lastError: KeepsyncError | undefined,
  ): Promise<string> {
    const stored = this.#unrecorded.get(block) ?? (await this.#store(block, signal, onAttempt, lastError));
    if (this.#options.acknowledge !== undefined) {
      this.#unrecorded.set(block, stored);
      await this.#options.acknowledge({ blockId: block.blockId, sizeBytes: block.size(), ...stored });
      this.#unrecorded.delete(block);
    }
    return stored.locator;
  }

  async #store(
    block: BufferBlock,
    signal: AbortSignal,
    onAttempt: (attempt: BlockAttempt) => void,
    lastError: KeepsyncError | undefined,
  ): Promise<Stored> {
    signal.throwIfAborted();
    const data = block.data();
    const md5 = block.md5 ?? (await this.#options.store.md5(data));
    block.setMd5(md5);
    const bare = `${md5}+${data.length}`;
    const twin = this.#underWay.get(bare);
    if (twin !== undefined) {
      // A twin that fails says why by itself; here it only means that these bytes have to be sent after all.
      const sent = await twin.catch(() => undefined);
      if (sent !== undefined) {
        return { locator: sent.locator, reused: true };
      }
    }
    const sending = this.#send(md5, data, signal, onAttempt, lastError);
    this.#underWay.set(bare, sending);
    try {
      return await sending;
    } finally {
      if (this.#underWay.get(bare) === sending) {
        this.#underWay.delete(bare);
      }
    }
  }

  async #send(
    md5: string,
    data: Uint8Array,
    signal: AbortSignal,
    onAttempt: (attempt: BlockAttempt) => void,
    lastError: KeepsyncError | undefined,
  ): Promise<Stored> {
    const bare = `${md5}+${data.length}`;
    const known = await this.#options.known?.(bare);
    signal.throwIfAborted();
    if (known !== undefined) {
      return { locator: verified(known, bare), reused: true };
    }
    const progress = progressOf(lastError);
    const result = await this.#options.store.put(md5, data, {
      copies: this.#options.copies,
      storageClasses: this.#options.storageClasses,
      signal,
      onAttempt,
      ...(progress === undefined ? {} : { progress }),
    });
    return { locator: verified(result.locator, bare), reused: false };
  }
}

/** A locator of other bytes must never reach a manifest, whoever gave it. */
function verified(locator: string, bare: string): string {
  if (bareLocator(locator) !== bare) {
    throw new KeepsyncError(
      'CHECKSUM',
      `A block ${bare} was acknowledged as ${bareLocator(locator) ?? 'no locator'}`,
    );
  }
  return locator;
}

/** What an earlier upload achieved. Servers that refused then are asked again: there may be space by now. */
function progressOf(error: KeepsyncError | undefined): PutProgress | undefined {
  if (error === undefined || !('progress' in error)) {
    return undefined;
  }
  return { ...(error.progress as PutProgress), dropped: [] };
}
