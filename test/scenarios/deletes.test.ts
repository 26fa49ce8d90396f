import { afterEach, describe, expect, test } from 'vitest';
import { ROOT, World } from '../support/world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

describe('a delete is mirrored once a scan has seen it', () => {
  test('and never because of what a watcher said', async () => {
    const w = new World();
    world = w;
    for (let file = 0; file < 10; file += 1) {
      w.disk.write(`${ROOT}/f${file}`, `content ${file}`);
    }
    await w.start();
    await w.settle();
    const removed: string[] = [];
    const replaceFiles = w.collections.replaceFiles.bind(w.collections);
    w.collections.replaceFiles = (uuid, change) => {
      removed.push(...Object.keys(change.replaceFiles).filter((path) => change.replaceFiles[path] === ''));
      return replaceFiles(uuid, change);
    };
    // every hint that a delete brings, for a file that is there again before anybody looks
    const bytes = w.disk.bytesOf(`${ROOT}/f3`);
    for (let round = 0; round < 5; round += 1) {
      w.disk.rename(`${ROOT}/f3`, '/data/elsewhere');
      w.disk.rename('/data/elsewhere', `${ROOT}/f3`);
      await w.pass(5_000);
    }
    await w.settle();
    expect(Buffer.from(w.disk.bytesOf(`${ROOT}/f3`))).toEqual(Buffer.from(bytes));
    expect(removed).toEqual([]);
    expect(w.remote().get('f3')).toBe('content 3');

    w.disk.remove(`${ROOT}/f3`);
    await w.settle();
    expect(removed).toEqual(['/f3']);
    expect(w.remote().has('f3')).toBe(false);
  });
});
