import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = new World();
  await world.start();
  await world.settle();
});
afterEach(() => world.end());

const offline = () => new KeepsyncError('OFFLINE', 'No route to keep0.example');
const tray = async () => (await world.status()).tray;

describe('while an upload is still being tried again', () => {
  test('the tray says offline after ten seconds without an answer, since when, and why', async () => {
    world.reachability.note(offline());
    await world.pass(9_000);
    expect(await tray()).toBe('ready');
    world.reachability.note(offline());
    await world.pass(2_000);
    expect(await world.status()).toMatchObject({
      tray: 'offline',
      account: { connected: false },
      problems: [{ code: 'OFFLINE', folderId: null }],
    });
  });

  test('one answer, whatever it says, ends that', async () => {
    for (const answer of [undefined, new KeepsyncError('BUSY', '503')]) {
      world.reachability.note(offline());
      await world.pass(11_000);
      expect(await tray()).toBe('offline');
      world.reachability.note(answer);
      await world.pass(1_000);
      expect(await world.status()).toMatchObject({
        tray: 'ready',
        account: { connected: true },
        problems: [],
      });
    }
  });

  test('an answer in between starts the ten seconds anew', async () => {
    world.reachability.note(offline());
    await world.pass(8_000);
    world.reachability.note(undefined);
    world.reachability.note(offline());
    await world.pass(8_000);
    expect(await tray()).toBe('ready');
    await world.pass(3_000);
    expect(await tray()).toBe('offline');
  });

  test('a person who says "retry" does not wait for the next round', async () => {
    await world.engine.run('folders.retry', { folderId: null });
    expect(world.hurried).toBe(1);
  });
});
