import { describe, expect, it, vi } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { KeepWriteError, NO_PUT_PROGRESS } from '../../src/keep/keep-errors.ts';
import type { PutProgress } from '../../src/keep/ports.ts';
import { type RetryPolicy, RetryRounds } from '../../src/keep/retry-rounds.ts';
import { RetryingFetcher, RetryingStore } from '../../src/keep/retrying-store.ts';
import { codeOf, md5Of, sharedBytes } from '../support/block-store-conformance.ts';
import { FakeKeep } from '../support/fake-keep.ts';
import { fetchTargets } from '../support/keep-targets.ts';
import { StepClock } from '../support/step-clock.ts';

const DATA = sharedBytes('try me');
const MD5 = md5Of(DATA);
const OPTIONS = { copies: 1, storageClasses: [] };
const busy = () => new KeepsyncError('BUSY', '503');
const noJitter = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0 };
const mostJitter = { ...noJitter, fraction: () => 0.999 };

function world(policy: Partial<RetryPolicy> = {}) {
  const clock = new StepClock();
  const fake = new FakeKeep({ clock });
  fake.faults.assertAllMetAfterTest();
  const rounds = new RetryRounds({ clock, random: noJitter, ...policy });
  const startsMs: number[] = [];
  const startMs = clock.monotonicMs();
  const store = new RetryingStore(fake, rounds);
  const put = () =>
    store.put(MD5, DATA, {
      ...OPTIONS,
      onAttempt: ({ outcome }) => {
        if (outcome === 'started') {
          startsMs.push(clock.monotonicMs() - startMs);
        }
      },
    });
  return { clock, fake, rounds, store, startsMs, put };
}

describe('A store that retries', () => {
  it('starts its rounds 4, 8, 16, 32, then 60 s apart, eleven times in all', async () => {
    const { clock, fake, startsMs, put } = world();
    fake.faults.add('put', { kind: 'error', error: busy() }, 11);
    const outcome = await clock.runUntilSettled(put());
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'BUSY' } });
    const apart = startsMs.slice(1).map((atMs, i) => (atMs - (startsMs[i] ?? 0)) / 1000);
    expect(apart).toEqual([4, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
  });

  it('measures from start to start: a long round is followed at once', async () => {
    const { clock, fake, startsMs, put } = world();
    const slow = new Promise<void>((resolve) => clock.setTimer(10_000, resolve));
    const failing = slow.then(() => {
      throw busy();
    });
    fake.faults.add('put', { kind: 'hold', until: failing });
    await clock.runUntilSettled(put());
    expect(startsMs).toEqual([0, 10_000]);
  });

  it('tells how each round ended, but for the last that fails: that one throws', async () => {
    const heard: Array<string | undefined> = [];
    const { clock, fake, put } = world({ attempts: 3, onRound: (error) => heard.push(error?.code) });
    fake.faults.add('put', { kind: 'error', error: busy() }, 1);
    await clock.runUntilSettled(put());
    expect(heard).toEqual(['BUSY', undefined]);
    fake.faults.add('put', { kind: 'error', error: busy() }, 3);
    expect(await clock.runUntilSettled(put())).toMatchObject({ reason: { code: 'BUSY' } });
    expect(heard).toEqual(['BUSY', undefined, 'BUSY', 'BUSY']);
  });

  it('begins the next round at once when it is told to hurry, and waits again after that', async () => {
    const heard: string[] = [];
    const { clock, fake, rounds, startsMs, put } = world({
      onRound: (error) => heard.push(error?.code ?? 'ok'),
    });
    fake.faults.add('put', { kind: 'error', error: busy() }, 2);
    const putting = put();
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    rounds.hurry();
    await vi.waitFor(() => expect(heard).toHaveLength(2));
    await clock.runUntilSettled(putting);
    expect(startsMs).toEqual([0, 0, 8_000]);
  });

  it('only ever adds to a delay at random', async () => {
    const { clock, fake, startsMs, put } = world({ random: mostJitter });
    fake.faults.add('put', { kind: 'error', error: busy() }, 2);
    await clock.runUntilSettled(put());
    expect(startsMs[1]).toBeCloseTo(4000 * (1 + 0.25 * 0.999));
    expect((startsMs[2] ?? 0) - (startsMs[1] ?? 0)).toBeCloseTo(8000 * (1 + 0.25 * 0.999));
  });

  it('makes as many rounds, from such a base, as it is told', async () => {
    const { clock, fake, startsMs, put } = world({ attempts: 3, baseMs: 10, capMs: 15 });
    fake.faults.add('put', { kind: 'error', error: busy() }, 3);
    await clock.runUntilSettled(put());
    expect(startsMs).toEqual([0, 10, 25]);
  });

  it.each(['OFFLINE', 'TIMEOUT', 'BUSY', 'SERVER', 'CHECKSUM', 'COPIES', 'NO_KEEP', 'BAD_ANSWER'] as const)(
    'goes on after %s',
    async (code) => {
      const { clock, fake, store, put } = world();
      fake.faults.add('put', { kind: 'error', error: new KeepsyncError(code, 'passing') });
      const outcome = await clock.runUntilSettled(put());
      const locator = outcome.status === 'fulfilled' ? outcome.value.locator : '';
      for (const method of ['get', 'head'] as const) {
        fake.faults.add(method, { kind: 'error', error: new KeepsyncError(code, 'passing') });
        expect((await clock.runUntilSettled<unknown>(store[method](locator))).status).toBe('fulfilled');
      }
    },
  );

  it.each([
    'FULL',
    'NOT_SIGNED_IN',
    'FORBIDDEN',
    'NOT_FOUND',
    'REFUSED',
    'TLS',
    'PLAIN_HTTP',
    'CLASSES',
  ] as const)('fails at once with %s', async (code) => {
    const { fake, store, put } = world();
    const error = new KeepsyncError(code, 'final');
    fake.faults.add('put', { kind: 'error', error }).add('get', { kind: 'error', error });
    expect(await codeOf(put())).toBe(code);
    expect(await codeOf(store.get(fake.sign(`${MD5}+6`)))).toBe(code);
  });

  it('gives each round what the one before achieved', async () => {
    const clock = new StepClock();
    const seen: unknown[] = [];
    const fake = new FakeKeep();
    const achieved: PutProgress = { ...NO_PUT_PROGRESS, copies: 1, doneServices: ['a'] };
    const inner = Object.assign(Object.create(fake), {
      put: async (_md5: string, _data: Uint8Array, options: { round?: number; progress?: PutProgress }) => {
        seen.push([options.round, options.progress]);
        if (options.round === 1) {
          throw new KeepWriteError('BUSY', 'half', { failures: [], progress: achieved });
        }
        if (options.round === 2) {
          throw new KeepsyncError('TIMEOUT', 'no progress in this one');
        }
        return { locator: 'x', copies: 2, classes: undefined };
      },
    });
    const store = new RetryingStore(inner, new RetryRounds({ clock, random: noJitter }));
    const outcome = await clock.runUntilSettled(store.put(MD5, DATA, OPTIONS));
    expect(outcome.status).toBe('fulfilled');
    expect(seen).toEqual([
      [1, undefined],
      [2, achieved],
      [3, achieved],
    ]);
  });

  it('stops waiting when its caller stops', async () => {
    const { clock, fake, store } = world();
    fake.faults.add('put', { kind: 'error', error: busy() });
    const stop = new AbortController();
    const work = codeOf(store.put(MD5, DATA, { ...OPTIONS, signal: stop.signal }));
    await clock.step(1000);
    stop.abort();
    expect(await work).toBe('CANCELLED');
    expect(clock.timerCount).toBe(0);
  });

  it('stops waiting when it is closed', async () => {
    const { clock, fake, store, put } = world();
    fake.faults.add('put', { kind: 'error', error: busy() });
    const work = codeOf(put());
    await clock.step(1000);
    await store.close();
    expect(await work).toBe('CLOSED');
    expect(clock.timerCount).toBe(0);
  });

  it('fetches to disk with the same retries', async () => {
    const clock = new StepClock();
    const rounds: unknown[] = [];
    const fetcher = new RetryingFetcher(
      {
        fetchTo: async (_locator, _targets, options) => {
          rounds.push(options?.round);
          if (options?.round !== 3) {
            throw busy();
          }
          return { writtenBytes: 6, failures: [] };
        },
      },
      new RetryRounds({ clock, random: noJitter }),
    );
    const outcome = await clock.runUntilSettled(fetcher.fetchTo(`${MD5}+6`, fetchTargets([])));
    expect(outcome).toMatchObject({ status: 'fulfilled', value: { writtenBytes: 6 } });
    expect(rounds).toEqual([1, 2, 3]);
    await fetcher.close();
    expect(await codeOf(fetcher.fetchTo(`${MD5}+6`, fetchTargets([])))).toBe('CLOSED');
  });
});
