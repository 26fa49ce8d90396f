import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import {
  BLOCK_LIMIT_BYTES,
  EMPTY_BLOCK_LOCATOR,
  EMPTY_BLOCK_MD5,
  stripLocator,
} from '../../src/keep/locator.ts';
import type { BlockAttempt, BlockStore } from '../../src/keep/ports.ts';

export interface ConformanceSubject {
  readonly store: BlockStore;
  /** A locator of the given `md5+size`, signed as for a reader, whether there is such a block or not. */
  readonly sign: (locator: string) => string;
  /** Copies that the subject can confirm; 1 where nothing is said. */
  readonly copies?: number;
  /** Ends what `makeSubject` started beside the store. */
  readonly close?: () => Promise<void>;
}

/** A view of shared memory with the given bytes, as the app's blocks are. */
export function sharedBytes(bytes: Uint8Array | string): Uint8Array {
  const from = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const shared = new Uint8Array(new SharedArrayBuffer(from.length));
  shared.set(from);
  return shared;
}

export function md5Of(data: Uint8Array): string {
  return createHash('md5').update(data).digest('hex');
}

/** The code that `work` is rejected with, by a KeepsyncError. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none, it succeeded';
  } catch (thrown) {
    if (thrown instanceof KeepsyncError) {
      return thrown.code;
    }
    throw thrown;
  }
}

/** What every BlockStore does, the fake and the real one alike. */
export function blockStoreConformance(name: string, makeSubject: () => Promise<ConformanceSubject>): void {
  describe(`${name} as a block store`, () => {
    let subject: ConformanceSubject;
    let store: BlockStore;

    beforeEach(async () => {
      subject = await makeSubject();
      store = subject.store;
    });
    afterEach(async () => {
      await store.close();
      await subject.close?.();
    });

    const put = (data: Uint8Array) =>
      store.put(md5Of(data), data, { copies: subject.copies ?? 1, storageClasses: [] });

    it('takes the md5 of what it is given', async () => {
      expect(await store.md5(sharedBytes('hello\n'))).toBe('b1946ac92492d2347c6235b4d2611184');
      expect(await store.md5(sharedBytes(''))).toBe(EMPTY_BLOCK_MD5);
    });

    it.each([1, 2, 65_535, 65_536, 300_000, 3_000_001])(
      'gives back %i bytes as it took them',
      async (size) => {
        const data = sharedBytes(randomBytes(size));
        const { locator, copies } = await put(data);
        expect(copies).toBeGreaterThanOrEqual(subject.copies ?? 1);
        expect(stripLocator(locator)).toBe(`${md5Of(data)}+${size}`);
        expect(Buffer.from(await store.get(locator)).equals(Buffer.from(data))).toBe(true);
      },
    );

    it('moves the largest block there is', async () => {
      const data = new Uint8Array(new SharedArrayBuffer(BLOCK_LIMIT_BYTES));
      for (let i = 0; i < data.length; i += 4096) {
        data[i] = (i / 4096) % 251;
      }
      const md5 = await store.md5(data);
      const { locator } = await store.put(md5, data, { copies: subject.copies ?? 1, storageClasses: [] });
      expect(locator.startsWith(`${md5}+67108864`)).toBe(true);
      const back = await store.get(locator);
      expect(back.length).toBe(BLOCK_LIMIT_BYTES);
      expect(await store.md5(back)).toBe(md5);
    });

    it('sends a view from the middle of shared memory that can grow', async () => {
      const memory = new SharedArrayBuffer(100_000, { maxByteLength: 1_000_000 });
      new Uint8Array(memory).set(randomBytes(100_000));
      const view = new Uint8Array(memory, 1000, 50_000);
      memory.grow(200_000);
      const { locator } = await put(view);
      expect(Buffer.from(await store.get(locator)).equals(Buffer.from(view))).toBe(true);
    });

    it('has nothing to do with memory that it was given once the put has ended', async () => {
      const data = sharedBytes(randomBytes(5000));
      const before = data.slice();
      const { locator } = await put(data);
      data.fill(0);
      expect(Buffer.from(await store.get(locator)).equals(Buffer.from(before))).toBe(true);
    });

    it('stores the same block twice without complaint', async () => {
      const data = sharedBytes('twice');
      await put(data);
      const { locator } = await put(data);
      expect(Buffer.from(await store.get(locator)).toString()).toBe('twice');
    });

    it('moves several blocks at once without mixing them up', async () => {
      const blocks = Array.from({ length: 12 }, (_, i) => sharedBytes(randomBytes(20_000 + i)));
      const results = await Promise.all(blocks.map(put));
      const back = await Promise.all(results.map(({ locator }) => store.get(locator)));
      for (const [i, block] of blocks.entries()) {
        expect(Buffer.from(back[i] ?? []).equals(Buffer.from(block))).toBe(true);
      }
    });

    it('knows the empty block without ever having been given it', async () => {
      expect((await store.get(EMPTY_BLOCK_LOCATOR)).length).toBe(0);
      await expect(store.head(EMPTY_BLOCK_LOCATOR)).resolves.toBeUndefined();
      const result = await store.put(EMPTY_BLOCK_MD5, sharedBytes(''), { copies: 1, storageClasses: [] });
      expect(stripLocator(result.locator)).toBe(EMPTY_BLOCK_LOCATOR);
    });

    it('says of a block that it has it, or not', async () => {
      const { locator } = await put(sharedBytes('here'));
      await expect(store.head(locator)).resolves.toBeUndefined();
      const absent = subject.sign(`${md5Of(randomBytes(8))}+8`);
      expect(await codeOf(store.head(absent))).toBe('NOT_FOUND');
    });

    it('answers NOT_FOUND for a block that nobody has', async () => {
      const absent = subject.sign(`${md5Of(randomBytes(8))}+8`);
      await expect(store.get(absent)).rejects.toMatchObject({ name: 'KeepNotFoundError', code: 'NOT_FOUND' });
    });

    it('refuses what is no locator', async () => {
      expect(await codeOf(store.get('nonsense'))).toBe('REFUSED');
      expect(await codeOf(store.head('d41d8cd98f00b204e9800998ecf8427e'))).toBe('REFUSED');
    });

    it('refuses data that is not what its md5 says', async () => {
      const work = store.put(md5Of(Buffer.from('a')), sharedBytes('b'), { copies: 1, storageClasses: [] });
      await expect(work).rejects.toMatchObject({ name: 'KeepWriteError', code: 'REFUSED' });
    });

    it('tells of each attempt before and after it', async () => {
      const seen: BlockAttempt[] = [];
      const data = sharedBytes('watched');
      const options = { copies: subject.copies ?? 1, storageClasses: [] };
      await store.put(md5Of(data), data, { ...options, onAttempt: (attempt) => seen.push(attempt) });
      expect(seen.length).toBeGreaterThanOrEqual(2);
      for (const started of seen.filter(({ outcome }) => outcome === 'started')) {
        expect(started.round).toBe(1);
        expect(started.requestId).toMatch(/^req-[0-9a-z]{20}$/);
        expect(seen.filter(({ requestId }) => requestId === started.requestId).map((a) => a.outcome)).toEqual(
          ['started', 'stored'],
        );
      }
    });

    it('does nothing for a caller that has stopped already', async () => {
      const signal = AbortSignal.abort();
      const data = sharedBytes('stopped');
      const options = { copies: 1, storageClasses: [], signal };
      expect(await codeOf(store.put(md5Of(data), data, options))).toBe('CANCELLED');
      const locator = subject.sign(`${md5Of(data)}+${data.length}`);
      expect(await codeOf(store.get(locator, { signal }))).toBe('CANCELLED');
      expect(await codeOf(store.head(locator, { signal }))).toBe('CANCELLED');
    });

    it('takes no more calls once it is closed, and can be closed again', async () => {
      const data = sharedBytes('late');
      await store.close();
      await store.close();
      const locator = subject.sign(`${md5Of(data)}+${data.length}`);
      expect(await codeOf(store.put(md5Of(data), data, { copies: 1, storageClasses: [] }))).toBe('CLOSED');
      expect(await codeOf(store.get(locator))).toBe('CLOSED');
      expect(await codeOf(store.head(locator))).toBe('CLOSED');
      expect(await codeOf(store.md5(data))).toBe('CLOSED');
    });
  });
}
