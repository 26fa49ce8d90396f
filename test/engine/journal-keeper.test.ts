import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { ROOT, World, type WorldOptions } from '../support/world.ts';

const HOUR_MS = 3_600_000;

let world: World | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

async function savedWorld(options: WorldOptions = {}): Promise<World> {
  const w = new World(options);
  world = w;
  for (let i = 0; i < 12; i += 1) {
    w.disk.write(`${ROOT}/d${i % 3}/f${i}`, `content ${i}`.repeat(1 + i));
  }
  await w.start();
  await w.settle();
  return w;
}

/** As a disk does that forgets a bit: behind the journal's back. */
function damage(w: World, sql = 'UPDATE entry SET size = size + 1'): void {
  const database = new DatabaseSync(w.journalPath);
  database.exec(sql);
  database.close();
}

const asideOf = (w: World) =>
  readdirSync(dirname(w.journalPath)).filter((name) => /~damaged-\d{8}-\d{6}(-\d+)?$/.test(name));

const warnings = async (w: World) => await w.engine.run('activity.list', { search: 'journal was damaged' });

describe('a journal that turns out damaged while it is used', () => {
  it('is moved aside; the folder is looked at again, and everything new is saved', async () => {
    const w = await savedWorld();
    const before = w.remote();
    damage(w);
    w.disk.write(`${ROOT}/d0/f0`, 'edited');
    w.disk.write(`${ROOT}/new`, 'new');
    await w.settle();
    expect(asideOf(w)).toHaveLength(1);
    expect(w.remote()).toEqual(new Map([...before, ['d0/f0', 'edited'], ['new', 'new']]));
    expect(w.collections.collections.size).toBe(1);
    expect(await warnings(w)).toHaveLength(1);
    expect((await w.status()).problems).toEqual([]);
  });

  it('is found by the check while nothing else is to do', async () => {
    const w = await savedWorld();
    const before = w.remote();
    damage(w);
    await w.pass(HOUR_MS);
    await w.settle();
    expect(asideOf(w)).toHaveLength(1);
    expect(w.remote()).toEqual(before);
  });

  it('is found when a scan cannot read it', async () => {
    const w = await savedWorld();
    damage(w, `UPDATE entry SET kind = 'gibberish' WHERE name = 'f1'`);
    await w.engine.run('folders.rescan', {});
    await w.pass(5_000);
    await w.settle();
    expect(asideOf(w)).toHaveLength(1);
  });

  it('never makes a loop of rescans where one after the other is damaged', async () => {
    const w = await savedWorld();
    for (let i = 0; i < 60; i += 1) {
      damage(w);
      w.disk.write(`${ROOT}/d0/f0`, `edit ${i}`);
      await w.pass(10_000);
    }
    // Ten minutes: at once, and then after one, two and four more.
    expect(asideOf(w).length).toBeLessThanOrEqual(4);
    expect(asideOf(w).length).toBeGreaterThan(1);
    await w.pass(HOUR_MS);
    await w.settle(3 * HOUR_MS);
    expect(w.remote().get('d0/f0')).toBe('edit 59');
  });

  it('keeps what a person had said about the folder, and the collection', async () => {
    const w = await savedWorld();
    const uuid = w.collectionUuid;
    await w.engine.run('folders.pause', { folderId: 'pair01', untilMs: null });
    damage(w);
    w.disk.write(`${ROOT}/new`, 'new');
    await w.engine
      .run('files.list', { folderId: 'pair01', search: '', stages: [], offset: 0, limit: 10 })
      .catch(() => undefined);
    await w.pass(60_000);
    expect((await w.status()).tray).toBe('paused');
    await w.engine.run('folders.resume', { folderId: 'pair01' });
    await w.settle();
    expect(w.collectionUuid).toBe(uuid);
  });

  it('does not keep a single upload from its end', async () => {
    const w = new World();
    world = w;
    for (let i = 0; i < 12; i += 1) {
      w.disk.write(`${ROOT}/f${i}`, `content ${i}`);
    }
    await w.load();
    const answer = Promise.withResolvers<void>();
    w.keep.faults.add('put', { kind: 'hold', until: answer.promise }).assertAllMetAfterTest();
    let result: Awaited<ReturnType<typeof w.engine.runOnce>> | undefined;
    const ended = w.engine.runOnce('pair01', 60_000).then((once) => {
      result = once;
    });
    await w.clock.advanceUntil(() => w.keep.calls.length > 0, HOUR_MS, 'a block is sent');
    // rows of files on their way are kept in memory; the folder's own row is read for every save
    damage(w, 'UPDATE folder SET sum = sum + 1');
    answer.resolve();
    await w.clock.advanceUntil(() => result !== undefined, HOUR_MS, 'the upload ends');
    await ended;
    expect(asideOf(w)).toHaveLength(1);
    expect(result).toMatchObject({ outcome: 'saved', failures: [] });
    expect(w.differences()).toEqual([]);
  });
});
