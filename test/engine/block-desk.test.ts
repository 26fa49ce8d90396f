import { expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { SharedBufferPool } from '../../src/blocks/shared-buffer-pool.ts';
import { UploadSlots } from '../../src/blocks/upload-slots.ts';
import { BlockDesk } from '../../src/engine/block-desk.ts';
import { MemoryBlockStore } from '../support/blocks-memory-store.ts';

const BLOCK_BYTES = 64;

it('says once, when the first block begins to be filled, that Keep is needed soon', () => {
  let told = 0;
  const desk = new BlockDesk({
    publicId: 'folder',
    keep: Object.assign(new MemoryBlockStore(), {
      head: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }),
    clock: systemClock,
    pool: new SharedBufferPool({ retain: 1, capacityBytes: BLOCK_BYTES }),
    slots: new UploadSlots(),
    blockSizeBytes: BLOCK_BYTES,
    copies: 1,
    storageClasses: [],
    signatureTtlMs: 60_000,
    known: () => Promise.resolve(undefined),
    tell: () => undefined,
    onFilling: () => {
      told += 1;
    },
  });
  const owner = {
    folderId: 1,
    describe: () => ({ files: 0, examplePaths: [] }),
    acknowledged: () => Promise.resolve(),
    settled: () => undefined,
  };
  expect(told).toBe(0);
  desk.allocate(owner, 1);
  expect(told).toBe(1);
  desk.allocate(owner, 1);
  expect(told).toBe(1);
});
