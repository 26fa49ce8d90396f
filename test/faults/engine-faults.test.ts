import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { startThread } from '../../src/base/thread.ts';
import { CAUSES } from '../../src/contract/problems.ts';
import { createKeepClient } from '../../src/keep/keep-client.ts';
import { OwnerLock } from '../../src/profile/owner-lock.ts';
import { ALL } from '../support/fault-front.ts';
import { ENGINE_FAULTS, type Table } from '../support/fault-matrix.ts';
import { codesOf, FaultStage, FaultWorld } from '../support/fault-world.ts';
import { ROOT, World, type WorldOptions } from '../support/world.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let stage: FaultStage;
beforeAll(async () => {
  stage = await FaultStage.start();
});
afterAll(() => stage.close());

let world: World | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

async function saved(options: WorldOptions = {}): Promise<World> {
  const w = new World(options);
  world = w;
  for (let i = 0; i < 6; i += 1) {
    w.disk.write(`${ROOT}/f${i}`, `content ${i}`);
  }
  await w.start();
  await w.settle();
  return w;
}

const lockProfile = (folder: string) =>
  OwnerLock.acquire({
    lockFile: join(folder, 'lock'),
    socketPath: join(folder, 'socket'),
    role: 'daemon',
    version: '0.0.0',
    clock: systemClock,
  });

const putsOf = (w: World) => w.keep.calls.filter((call) => call.startsWith('put')).length;

/** The client's clock is off by so much; everybody else's is right. */
const offBy = (clientAheadMs: number) => async () => {
  const w = await saved({ clientAheadMs });
  const puts = putsOf(w);
  w.disk.write(`${ROOT}/f1`, 'edited');
  w.disk.rename(`${ROOT}/f2`, `${ROOT}/renamed`);
  await w.settle();
  expect(w.remote().get('f1')).toBe('edited');
  // One block for the edit: nobody sends again and again what a wrong clock takes for expired.
  expect(putsOf(w) - puts).toBe(1);
  expect((await w.status()).problems).toEqual([]);
};

const TABLE: Table<typeof ENGINE_FAULTS, () => Promise<void>> = {
  'an upload thread that dies': async () => {
    const one = new FaultWorld(stage);
    const workers: Worker[] = [];
    const keep = createKeepClient({
      token: stage.cluster.token,
      services: async () => [stage.service()],
      attempts: 3,
      baseMs: 1,
      capMs: 5,
      startThread: () => {
        const worker = startThread('keep/keep-thread');
        workers.push(worker);
        return worker;
      },
    });
    try {
      // It dies in the midst of a PUT that would never end.
      stage.keep.add(/^PUT/, { kind: 'hang' });
      const before = stage.keep.requests.length;
      const running = one.run({ keep });
      while (!stage.keep.requests.slice(before).some((line) => line.startsWith('PUT'))) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const started = workers.length;
      await Promise.all(workers.map((worker) => worker.terminate()));
      const { result } = await running;
      stage.heal();
      expect(result).toMatchObject({ outcome: 'saved', failures: [] });
      expect(workers.length).toBeGreaterThan(started);
      expect(await one.remote()).toEqual(one.local());
    } finally {
      await keep.close();
      one.end();
    }
  },
  'two instances': async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keepsync-two-'));
    try {
      const first = await lockProfile(folder);
      await expect(lockProfile(folder)).rejects.toMatchObject({ code: 'LOCKED' });
      await first.release();
      await (await lockProfile(folder)).release();
      expect(CAUSES.LOCKED).toMatchObject({ kind: 'needs-you', tray: 'error' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  'the clock a year ahead': offBy(365 * DAY_MS),
  'the clock a year behind': offBy(-365 * DAY_MS),
  'sleep for three days': async () => {
    const w = await saved();
    w.disk.write(`${ROOT}/before`, 'half way');
    await w.pass(1_000);
    // What a monotonic clock does not count, a wall clock does; no timer fires meanwhile.
    w.clock.jumpWallClock(3 * DAY_MS);
    w.disk.write(`${ROOT}/after`, 'fresh');
    w.collections.failures.push({ method: 'get', error: new KeepsyncError('OFFLINE', 'no network yet') });
    await w.settle();
    expect((await w.status()).problems).toEqual([]);
  },
  'signatures expired in the journal': async () => {
    const w = await saved();
    w.disk.write(`${ROOT}/new`, 'stored, but not saved in time');
    for (let i = 0; i < 3; i += 1) {
      w.collections.failures.push({ method: 'replaceFiles', error: new KeepsyncError('SERVER', '500') });
    }
    await w.pass(MINUTE_MS / 4);
    expect(w.remote().has('new')).toBe(false);
    await w.crash();
    w.collections.failures.length = 0;
    await w.pass(15 * DAY_MS);
    const puts = putsOf(w);
    await w.start();
    await w.settle();
    expect(w.remote().get('new')).toBe('stored, but not saved in time');
    // Only that one: what is saved needs no signature of ours.
    expect(putsOf(w) - puts).toBe(1);
  },
  'a new token': async () => {
    const one = new FaultWorld(stage);
    try {
      const [first, second] = [await stage.cluster.createUser(), await stage.cluster.createUser()];
      const create = /^POST \/arvados\/v1\/collections$/;
      stage.api.add(create, { kind: 'answer', status: 503 }, ALL);
      expect(codesOf((await one.run({ token: first })).result)).toEqual(['BUSY']);
      stage.heal();
      // Its blocks are signed for the first one, and nobody else may save them.
      const { result } = await one.run({ token: second, isNewToken: true });
      expect(result).toMatchObject({ outcome: 'saved', failures: [] });
      expect(await one.remote({ token: second })).toEqual(one.local());
    } finally {
      one.end();
    }
  },
  'the collection trashed': async () => {
    const w = await saved();
    w.collections.trash(w.collectionUuid);
    w.disk.write(`${ROOT}/new`, 'new');
    await w.pass(MINUTE_MS);
    const { problems, tray } = await w.status();
    expect([...new Set(problems.map(({ code }) => code))]).toEqual(['TARGET_GONE']);
    expect(tray).toBe('attention');
    expect(w.collections.collections.size).toBe(1);
    w.collections.trash(w.collectionUuid, false);
    await w.engine.run('folders.retry', {});
    await w.settle();
  },
  'the collection changed by somebody else': async () => {
    const w = await saved();
    w.collections.edit(w.collectionUuid, (files) => {
      const some = files.get('f1') ?? [];
      files.set('theirs', some);
      files.set('f3', some);
      files.delete('f2');
    });
    await w.pass(6 * MINUTE_MS);
    await w.settle();
    expect(w.remote().get('theirs')).toBe('content 1');
    expect(w.remote().get('f2')).toBe('content 2');
    expect(w.remote().get('f3')).toBe('content 3');
    const beside = [...w.remote()].filter(([path]) => path.includes('~conflict~'));
    expect(beside.map(([, content]) => content)).toEqual(['content 1']);
  },
};

describe('what can go wrong with everything else', () => {
  let met = 0;

  it.each(Object.entries(TABLE))('%s', async (_name, live) => {
    await live();
    met += 1;
  });

  it('was met as a whole', () => {
    expect(Object.keys(TABLE).sort()).toEqual([...ENGINE_FAULTS].sort());
    expect(met).toBe(ENGINE_FAULTS.length);
    console.log(`Engine: ${met} faults met`);
  });
});
