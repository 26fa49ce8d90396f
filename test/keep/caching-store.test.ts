import { describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { CachingStore } from '../../src/keep/caching-store.ts';
import { codeOf, md5Of, sharedBytes } from '../support/block-store-conformance.ts';
import { FakeKeep } from '../support/fake-keep.ts';

function world(limitBytes?: number) {
  const fake = new FakeKeep();
  fake.faults.assertAllMetAfterTest();
  const cache = new CachingStore(fake, limitBytes);
  const give = (data: Uint8Array) => {
    const key = `${md5Of(data)}+${data.length}`;
    fake.blocks.set(key, data);
    return fake.sign(key);
  };
  const downloads = () => fake.calls.filter((call) => call.startsWith('get ')).length;
  return { fake, cache, give, downloads };
}

const block = (letter: string, sizeBytes = 100) => sharedBytes(letter.repeat(sizeBytes));

describe('A store with a cache', () => {
  it('downloads a block once, whatever its signature', async () => {
    const { fake, cache, give, downloads } = world();
    const locator = give(block('a'));
    const first = await cache.get(locator);
    expect(await cache.get(locator)).toBe(first);
    expect(await cache.get(`${fake.sign(`${md5Of(block('a'))}+100`)}+Khint`)).toBe(first);
    expect(downloads()).toBe(1);
    expect(cache.usedBytes).toBe(100);
  });

  it('downloads it once for several who ask at the same time', async () => {
    const { cache, give, downloads } = world();
    const locator = give(block('a'));
    const all = await Promise.all(Array.from({ length: 20 }, () => cache.get(locator)));
    expect(new Set(all).size).toBe(1);
    expect(downloads()).toBe(1);
  });

  it('forgets what was used longest ago when it is full', async () => {
    const { cache, give, downloads } = world(250);
    const [a, b, c] = [give(block('a')), give(block('b')), give(block('c'))];
    await cache.get(a);
    await cache.get(b);
    await cache.get(a);
    await cache.get(c);
    expect(cache.usedBytes).toBe(200);
    expect(cache.cached(a)).toBeDefined();
    expect(cache.cached(b)).toBeUndefined();
    expect(cache.cached(c)).toBeDefined();
    await cache.get(b);
    expect(downloads()).toBe(4);
    expect(cache.usedBytes).toBe(200);
  });

  it('does not keep a block that is larger than the cache', async () => {
    const { cache, give } = world(99);
    const locator = give(block('a'));
    expect((await cache.get(locator)).length).toBe(100);
    expect(cache.usedBytes).toBe(0);
    expect(cache.cached(locator)).toBeUndefined();
  });

  it('is not filled by a put', async () => {
    const { cache, downloads } = world();
    const data = block('a');
    const { locator } = await cache.put(md5Of(data), data, { copies: 1, storageClasses: [] });
    expect(cache.cached(locator)).toBeUndefined();
    await cache.get(locator);
    expect(downloads()).toBe(1);
  });

  it('does not keep a failure', async () => {
    const { fake, cache, give } = world();
    const locator = give(block('a'));
    fake.faults.add('get', { kind: 'error', error: new KeepsyncError('BUSY', '503') });
    expect(await Promise.all([codeOf(cache.get(locator)), codeOf(cache.get(locator))])).toEqual([
      'BUSY',
      'BUSY',
    ]);
    expect((await cache.get(locator)).length).toBe(100);
  });

  it('lets one caller stop while the others wait on', async () => {
    const { fake, cache, give, downloads } = world();
    const locator = give(block('a'));
    const gate = Promise.withResolvers<void>();
    fake.faults.add('get', { kind: 'hold', until: gate.promise });
    const stop = new AbortController();
    const stopped = codeOf(cache.get(locator, { signal: stop.signal }));
    const waiting = cache.get(locator);
    stop.abort();
    expect(await stopped).toBe('CANCELLED');
    gate.resolve();
    expect((await waiting).length).toBe(100);
    expect(downloads()).toBe(1);
  });

  it('ends a download that nobody waits for, and begins anew for the next who asks', async () => {
    const { fake, cache, give, downloads } = world();
    const locator = give(block('a'));
    fake.faults.add('get', { kind: 'hold', until: new Promise(() => undefined) });
    const stop = new AbortController();
    const stopped = codeOf(cache.get(locator, { signal: stop.signal }));
    await new Promise(setImmediate);
    stop.abort();
    const next = cache.get(locator);
    expect(await stopped).toBe('CANCELLED');
    expect((await next).length).toBe(100);
    expect(downloads()).toBe(2);
  });

  it('gives its memory back when it is closed', async () => {
    const { cache, give } = world();
    await cache.get(give(block('a')));
    await cache.close();
    expect(cache.usedBytes).toBe(0);
  });
});
