import { describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { codeOf, md5Of, sharedBytes } from '../support/block-store-conformance.ts';
import { FakeKeep } from '../support/fake-keep.ts';
import { FaultQueue } from '../support/keep-faults.ts';

const DATA = sharedBytes('fake');
const OPTIONS = { copies: 1, storageClasses: [] };

describe('Faults on order', () => {
  it('are met in their order and as often as asked', () => {
    const faults = new FaultQueue<'put', string>().add('put', 'a', 2).add('put', 'b');
    expect([1, 2, 3, 4].map(() => faults.next('put'))).toEqual(['a', 'a', 'b', undefined]);
  });

  it('fail the test when they were never met', () => {
    const faults = new FaultQueue<'put' | 'get', string>().add('put', 'a').add('get', 'b');
    faults.next('put');
    expect(() => faults.assertAllMet()).toThrow('get: ["b"]');
    faults.next('get');
    expect(() => faults.assertAllMet()).not.toThrow();
  });
});

describe('The fake Keep', () => {
  it('stores a block and fails all the same when the answer is lost', async () => {
    const fake = new FakeKeep();
    fake.faults.add('put', { kind: 'lose', error: new KeepsyncError('OFFLINE', 'reset') });
    expect(await codeOf(fake.put(md5Of(DATA), DATA, OPTIONS))).toBe('OFFLINE');
    expect((await fake.get(fake.sign(`${md5Of(DATA)}+4`))).length).toBe(4);
  });

  it('refuses locators whose signature ran out', async () => {
    let nowMs = 1_000_000_000_000;
    const fake = new FakeKeep({ clock: { nowMs: () => nowMs }, signingTtlSeconds: 60 });
    const { locator } = await fake.put(md5Of(DATA), DATA, OPTIONS);
    nowMs += 61_000;
    expect(await codeOf(fake.get(locator))).toBe('SIGNATURE');
  });

  it('gives a damaged block to nobody', async () => {
    const fake = new FakeKeep();
    const { locator } = await fake.put(md5Of(DATA), DATA, OPTIONS);
    fake.faults.add('get', { kind: 'damage' });
    expect(await codeOf(fake.get(locator))).toBe('CHECKSUM');
  });
});
