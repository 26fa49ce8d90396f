import { describe, expect, it } from 'vitest';
import { Mutex } from '../../src/base/mutex.ts';
import { Semaphore } from '../../src/base/semaphore.ts';

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
