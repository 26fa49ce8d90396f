import { describe, expect, it } from 'vitest';
import { BoundedQueue } from '../../src/base/bounded-queue.ts';
import { Mutex } from '../../src/base/mutex.ts';
import { Semaphore } from '../../src/base/semaphore.ts';

const settled = async (promise: Promise<unknown>) => {
  const marker = Symbol('pending');
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(marker)])) !== marker;
};

describe('a bounded queue', () => {
  it('lets a push wait while it is full, and keeps the order', async () => {
    const queue = new BoundedQueue<number>(2);
    await queue.push(1);
    await queue.push(2);
    const third = queue.push(3);
    expect(await settled(third)).toBe(false);
    expect(await queue.shift()).toBe(1);
    await third;
    expect([await queue.shift(), await queue.shift()]).toEqual([2, 3]);
  });

  it('hands an item straight to who waits for one', async () => {
    const queue = new BoundedQueue<string>(0);
    const taken = queue.shift();
    await queue.push('x');
    expect(await taken).toBe('x');
  });

  it('returns on closing what never got in, and lets the rest be taken', async () => {
    const queue = new BoundedQueue<number>(1);
    await queue.push(1);
    const second = queue.push(2);
    expect(queue.close()).toEqual([2]);
    await expect(second).rejects.toMatchObject({ code: 'CLOSED' });
    expect(await queue.shift()).toBe(1);
    await expect(queue.shift()).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(queue.push(3)).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('a semaphore', () => {
  it('hands out its permits in the order in which they were asked for', async () => {
    const semaphore = new Semaphore(1);
    const first = await semaphore.acquire();
    const order: string[] = [];
    const second = semaphore.acquire().then((release) => {
      order.push('second');
      release();
    });
    const third = semaphore.acquire().then((release) => {
      order.push('third');
      release();
    });
    first();
    first();
    await Promise.all([second, third]);
    expect(order).toEqual(['second', 'third']);
    expect(semaphore.free).toBe(1);
  });

  it('forgets who gave up waiting', async () => {
    const semaphore = new Semaphore(1);
    const release = await semaphore.acquire();
    const controller = new AbortController();
    const waiting = semaphore.acquire(controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    release();
    expect(semaphore.free).toBe(1);
  });
});

describe('a mutex', () => {
  it('runs sections one at a time, also after one that failed', async () => {
    const mutex = new Mutex();
    let inside = 0;
    let most = 0;
    const section = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    const failing = mutex.run(() => Promise.reject(new Error('no')));
    const runs = [mutex.run(section), mutex.run(section)];
    await expect(failing).rejects.toThrow('no');
    await Promise.all(runs);
    expect(most).toBe(1);
  });
});
