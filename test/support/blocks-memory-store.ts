import { createHash } from 'node:crypto';
import { KeepsyncError } from '../../src/base/errors.ts';
import type { BlockAttempt, GetOptions, PutOptions, PutResult } from '../../src/keep/ports.ts';

/** What becomes of the next PUT. */
export type PutFate = 'store' | 'fail' | 'hang';

const SIGNATURE = `A${'5'.repeat(40)}@7fffffff`;

export const md5Of = (data: Uint8Array) => createHash('md5').update(data).digest('hex');

/**
 * Keep as the block manager sees it, in memory: signs what it stores, fails when told to, and lets a test hold uploads
 * and fetches open. Counts everything.
 */
export class MemoryBlockStore {
  /** By `md5+size`. */
  readonly blocks = new Map<string, Uint8Array>();
  /** `md5+size` of each PUT that was answered well, in order. */
  readonly puts: string[] = [];
  /** As asked for. */
  readonly gets: string[] = [];
  /** Fates of the PUTs to come; afterwards `defaultFate`. */
  readonly fates: PutFate[] = [];
  defaultFate: PutFate = 'store';
  putsUnderWay = 0;
  mostPutsUnderWay = 0;
  /** Set: each GET waits for it. */
  getGate: Promise<void> | undefined;
  readonly #hanging: Array<(fate: 'store' | 'fail') => void> = [];

  async md5(data: Uint8Array): Promise<string> {
    await Promise.resolve();
    return md5Of(data);
  }

  async put(md5: string, data: Uint8Array, options: PutOptions): Promise<PutResult> {
    this.putsUnderWay += 1;
    this.mostPutsUnderWay = Math.max(this.mostPutsUnderWay, this.putsUnderWay);
    const attempt = { round: 1, server: 'http://127.0.0.1:1', requestId: 'req-0' };
    const tell = (outcome: BlockAttempt['outcome']) => options.onAttempt?.({ ...attempt, outcome });
    tell('started');
    try {
      let fate = this.fates.shift() ?? this.defaultFate;
      if (fate === 'hang') {
        fate = await this.#held(options.signal);
      } else {
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (fate === 'fail') {
        tell('failed');
        throw new KeepsyncError('SERVER', 'The server is unwell', { requestId: 'req-0' });
      }
      if (md5Of(data) !== md5) {
        throw new KeepsyncError('CHECKSUM', 'These bytes have another md5');
      }
      const bare = `${md5}+${data.length}`;
      this.blocks.set(bare, Uint8Array.from(data));
      this.puts.push(bare);
      tell('stored');
      return { locator: `${bare}+${SIGNATURE}`, copies: options.copies, classes: undefined };
    } finally {
      this.putsUnderWay -= 1;
    }
  }

  async get(locator: string, options: GetOptions = {}): Promise<Uint8Array> {
    this.gets.push(locator);
    if (this.getGate !== undefined) {
      await Promise.race([this.getGate, aborted(options.signal)]);
    }
    const bytes = this.blocks.get(locator.split('+', 2).join('+'));
    if (bytes === undefined) {
      throw new KeepsyncError('NOT_FOUND', `No such block: ${locator}`);
    }
    return bytes;
  }

  /** Stores bytes without a PUT; returns the signed locator. */
  seed(data: Uint8Array | string): string {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    const bare = `${md5Of(bytes)}+${bytes.length}`;
    this.blocks.set(bare, bytes);
    return `${bare}+${SIGNATURE}`;
  }

  /** Lets the oldest PUTs that hang go on; all of them by default. */
  letGo(fate: 'store' | 'fail' = 'store', count: number = this.#hanging.length): void {
    for (const go of this.#hanging.splice(0, count)) {
      go(fate);
    }
  }

  #held(signal: AbortSignal | undefined): Promise<'store' | 'fail'> {
    return new Promise((resolve, reject) => {
      this.#hanging.push(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
