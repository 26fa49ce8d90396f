import { expect, test } from 'vitest';
import { SharedBufferPool } from '../../src/blocks/shared-buffer-pool.ts';
import { ManualClock } from '../support/manual-clock.ts';

const MIB = 2 ** 20;

test('a large buffer grows in place up to the capacity and no further', () => {
  const pool = new SharedBufferPool({ retain: 1, capacityBytes: 4 * MIB });
  const buffer = pool.acquire(2 * MIB);
  expect(pool.grow(buffer, 4 * MIB)).toBe(buffer);
  expect(buffer.byteLength).toBe(4 * MIB);
  expect(() => pool.acquire(4 * MIB + 1)).toThrowError(expect.objectContaining({ code: 'TOO_LARGE' }));
});

test('a small buffer is exchanged for a larger one with the same bytes', () => {
  const pool = new SharedBufferPool({ retain: 1, capacityBytes: 4 * MIB });
  const small = pool.acquire(16);
  new Uint8Array(small).set([1, 2, 3]);
  const large = pool.grow(small, 2 * MIB);
  expect([...new Uint8Array(large, 0, 4)]).toEqual([1, 2, 3, 0]);
  expect(pool.inUse).toBe(1);
});

test('released buffers are lent again, grown already, and only as many are kept as asked for', () => {
  const pool = new SharedBufferPool({ retain: 1, capacityBytes: 4 * MIB });
  const first = pool.acquire(4 * MIB);
  const second = pool.acquire(2 * MIB);
  pool.release(first);
  pool.release(second);
  expect(pool.inUse).toBe(0);
  expect(pool.idle).toBe(1);
  const again = pool.acquire(2 * MIB);
  expect(again).toBe(first);
  expect(again.byteLength).toBe(4 * MIB);
  pool.release(again);
  pool.trim();
  expect(pool.idle).toBe(0);
});

test('a buffer that is released twice is an error, because two blocks would share it', () => {
  const pool = new SharedBufferPool({ retain: 1, capacityBytes: MIB });
  const buffer = pool.acquire(10);
  pool.release(buffer);
  expect(() => pool.release(buffer)).toThrowError(expect.objectContaining({ code: 'INTERNAL' }));
});

test('who waits for fewer buffers in use is woken by the release that makes it so', async () => {
  const pool = new SharedBufferPool({ retain: 0, capacityBytes: MIB });
  await pool.whenInUseBelow(1);
  const buffers = [pool.acquire(1), pool.acquire(1), pool.acquire(1)];
  const woken: string[] = [];
  const waits = [
    pool.whenInUseBelow(3).then(() => woken.push('below 3')),
    pool.whenInUseBelow(2).then(() => woken.push('below 2')),
  ];
  for (const [i, expected] of [['below 3'], ['below 3', 'below 2']].entries()) {
    pool.release(buffers[i] ?? new SharedArrayBuffer(0));
    await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toEqual(expected);
  }
  await Promise.all(waits);
});

test('with a clock, idle buffers are let go of when nothing was lent for a while', () => {
  const clock = new ManualClock();
  const rests: number[] = [];
  const pool: SharedBufferPool = new SharedBufferPool({
    retain: 2,
    capacityBytes: 4 * MIB,
    clock,
    onRest: () => rests.push(pool.idle),
  });
  const first = pool.acquire(2 * MIB);
  const second = pool.acquire(2 * MIB);
  pool.release(first);
  clock.advance(60_000);
  expect(pool.idle).toBe(1);
  pool.release(second);
  clock.advance(400);
  pool.release(pool.acquire(2 * MIB));
  clock.advance(400);
  expect(pool.idle).toBe(2);
  clock.advance(100);
  expect(pool.idle).toBe(0);
  expect(rests).toEqual([0]);
});
