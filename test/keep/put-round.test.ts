import { describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { KeepWriteError } from '../../src/keep/keep-errors.ts';
import type { KeepServers, PutAnswer } from '../../src/keep/keep-request.ts';
import type { KeepService, PutOptions } from '../../src/keep/ports.ts';
import { putRound } from '../../src/keep/put-round.ts';
import { rendezvousOrder } from '../../src/keep/rendezvous.ts';

const MD5 = '6f5902ac237024bdd0c176cb93063dc4';
const DATA = Buffer.from('hello world\n');
const LOCATOR = `${MD5}+12`;

type Script = Array<PutAnswer | KeepsyncError>;

/** Servers in rendezvous order, each with what it answers in turn; and a record of what was asked of them. */
function world(scripts: Script[], more: Partial<KeepService> = {}) {
  const services = rendezvousOrder(
    MD5,
    scripts.map((_, i) => ({
      uuid: `zzzzz-bi6l4-${String(i).padStart(15, '0')}`,
      baseUrl: `http://server-${i}`,
      serviceType: 'disk',
      readOnly: false,
      ...more,
    })),
  );
  const asked: Array<{ place: number; copies: number; storageClasses: readonly string[] }> = [];
  let running = 0;
  let mostAtOnce = 0;
  let requests = 0;
  const servers: Pick<KeepServers, 'put'> = {
    put: async (service, _block, wanted) => {
      const place = services.indexOf(service);
      asked.push({ place, ...wanted });
      running += 1;
      mostAtOnce = Math.max(mostAtOnce, running);
      await Promise.resolve();
      running -= 1;
      const answer = scripts[place]?.shift();
      if (!answer) {
        throw new Error(`server ${place} was not expected to be asked`);
      }
      if (answer instanceof KeepsyncError) {
        throw answer;
      }
      return answer;
    },
  };
  const round = (options: Partial<PutOptions>) =>
    putRound(
      MD5,
      DATA,
      services,
      { copies: 2, storageClasses: [], signal: new AbortController().signal, ...options },
      { servers, newRequestId: () => `req-${requests++}` },
    );
  return {
    services,
    asked,
    places: () => asked.map(({ place }) => place),
    mostAtOnce: () => mostAtOnce,
    round,
    failedRound: async (options: Partial<PutOptions>): Promise<KeepWriteError> => {
      try {
        await round(options);
      } catch (thrown) {
        if (thrown instanceof KeepWriteError) {
          return thrown;
        }
        throw thrown;
      }
      throw new Error('the round was expected to fail');
    },
  };
}

const stored = (classes: Record<string, number> | 'unsaid' = { default: 1 }, copies = 1): PutAnswer => ({
  locator: LOCATOR,
  copies,
  classes: classes === 'unsaid' ? undefined : classes,
});
const busy = () => new KeepsyncError('BUSY', '503', { httpStatus: 503 });
const full = () => new KeepsyncError('FULL', '507', { httpStatus: 507 });

describe('A round of PUT', () => {
  it('sends two copies to two of three disk servers, at the same time, and to the third nothing', async () => {
    const { round, places, mostAtOnce } = world([[stored()], [stored()], []]);
    const result = await round({ copies: 2, storageClasses: ['default'] });
    expect(result).toEqual({ locator: LOCATOR, copies: 2, classes: { default: 2 } });
    expect(places()).toEqual([0, 1]);
    expect(mostAtOnce()).toBe(2);
  });

  it('sends one copy to the first server alone', async () => {
    const { round, places } = world([[stored()], [], []]);
    await round({ copies: 1 });
    expect(places()).toEqual([0]);
  });

  it('goes on to the next server for each that fails', async () => {
    const { round, places } = world([[full()], [stored()], [busy()], [stored()]]);
    expect((await round({ copies: 2 })).copies).toBe(2);
    expect(places()).toEqual([0, 1, 2, 3]);
  });

  it('believes a server that made more copies than one', async () => {
    const { round, places } = world([[stored({ default: 2 }, 2)], [busy()], []]);
    expect((await round({ copies: 2, storageClasses: ['default'] })).copies).toBe(2);
    expect(places()).toEqual([0, 1]);
  });

  it('asks proxies one at a time, for the full number of copies', async () => {
    const { round, asked, mostAtOnce } = world(
      [[stored({ default: 1 }, 1)], [stored({ default: 2 }, 2)], []],
      {
        serviceType: 'proxy',
      },
    );
    await round({ copies: 2, storageClasses: ['default'] });
    expect(asked.map(({ place, copies }) => [place, copies])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(mostAtOnce()).toBe(1);
  });

  it('is content with one proxy that made all copies', async () => {
    const { round, places } = world([[stored({ default: 2 }, 2)], []], { serviceType: 'proxy' });
    expect(await round({ copies: 2, storageClasses: ['default'] })).toMatchObject({ copies: 2 });
    expect(places()).toEqual([0]);
  });

  it('goes on until each wanted class is confirmed as often as wanted', async () => {
    const { round, asked } = world([[stored({ fast: 1 })], [stored({ slow: 1 })], []]);
    const result = await round({ copies: 1, storageClasses: ['fast', 'slow'] });
    expect(result.classes).toEqual({ fast: 1, slow: 1 });
    expect(asked.map(({ storageClasses }) => storageClasses)).toEqual([['fast', 'slow'], ['slow']]);
  });

  it('ignores classes for good once a server did not say', async () => {
    const { round, places } = world([[stored('unsaid')], [stored({ other: 1 })], []]);
    const result = await round({ copies: 2, storageClasses: ['fast'] });
    expect(result).toEqual({ locator: LOCATOR, copies: 2, classes: undefined });
    expect(places()).toEqual([0, 1]);
  });

  it('is never satisfied by servers that confirm no class', async () => {
    const { failedRound } = world([[stored({})], [stored({})], [stored({})]]);
    const error = await failedRound({ copies: 2, storageClasses: ['default'] });
    expect(error.code).toBe('CLASSES');
    expect(error.progress).toMatchObject({ copies: 3, classes: {} });
  });

  it('does not mind empty confirmations where no class is wanted', async () => {
    const { round } = world([[stored({})], [stored({})]]);
    expect((await round({ copies: 2 })).copies).toBe(2);
  });

  it('asks only for what is missing in the next round, and only who may help', async () => {
    const { failedRound, round, places, services } = world([
      [stored()],
      [busy(), stored({ default: 1 })],
      [full()],
    ]);
    const error = await failedRound({ copies: 2, storageClasses: ['default'] });
    expect(error.code).toBe('BUSY');
    expect(error.progress).toMatchObject({
      copies: 1,
      classes: { default: 1 },
      doneServices: [services[0]?.uuid],
      locator: LOCATOR,
    });
    expect(error.progress.dropped.map(({ serviceUuid }) => serviceUuid)).toEqual([services[2]?.uuid]);
    const before = places().length;
    const result = await round({
      copies: 2,
      storageClasses: ['default'],
      round: 2,
      progress: error.progress,
    });
    expect(result).toEqual({ locator: LOCATOR, copies: 2, classes: { default: 2 } });
    expect(places().slice(before)).toEqual([1]);
  });

  it('fails for good once no server is left that may help, and says why', async () => {
    const { failedRound } = world([[full()], [full()]]);
    const error = await failedRound({ copies: 1 });
    expect(error).toMatchObject({ code: 'FULL', httpStatus: 507, requestId: 'req-0' });
    expect(error.message).toContain('0 of 1 copies');
    expect(error.message).toContain('http://server-');
    expect(error.message).toContain('req-1');
    expect(error.failures).toHaveLength(2);
    expect(error.action).toBeTruthy();
  });

  it('remembers a final refusal of an earlier round as its reason', async () => {
    const { failedRound } = world([[full()], [busy(), stored()]]);
    const first = await failedRound({ copies: 2 });
    expect(first.code).toBe('BUSY');
    const second = await failedRound({ copies: 2, round: 2, progress: first.progress });
    expect(second.code).toBe('FULL');
    expect(second.progress.copies).toBe(1);
  });

  it('counts several kinds of passing failures as copies that are missing', async () => {
    const { failedRound } = world([[busy()], [new KeepsyncError('OFFLINE', 'refused')], [full()]]);
    expect((await failedRound({ copies: 2 })).code).toBe('COPIES');
  });

  it('tells a cluster without servers from one that takes no writes', async () => {
    expect((await world([]).failedRound({})).code).toBe('NO_KEEP');
    expect((await world([[]], { readOnly: true }).failedRound({})).code).toBe('READ_ONLY');
    expect((await world([[]], { serviceType: 'gateway:x' }).failedRound({})).code).toBe('READ_ONLY');
  });

  it('asks nobody else once it is stopped', async () => {
    const stop = new AbortController();
    const { round, places } = world([[busy()], [stored()], [stored()]]);
    const work = round({ copies: 1, signal: stop.signal });
    stop.abort();
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(places()).toEqual([0]);
  });
});
