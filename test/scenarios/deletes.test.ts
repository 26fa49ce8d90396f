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

describe('a file that the collection keeps', () => {
  test('makes room for a folder of its name, and is kept beside it', async () => {
    const w = new World();
    world = w;
    for (let file = 0; file < 10; file += 1) {
      w.disk.write(`${ROOT}/f${file}`, `content ${file}`);
    }
    await w.start((config) => ({ ...config, deletes: 'keep' }));
    await w.settle();
    w.disk.remove(`${ROOT}/f3`);
    await w.pass(60_000);
    w.disk.write(`${ROOT}/f3/inside`, 'now a folder');
    await w.pass(5 * 60_000);
    expect(w.remote().get('f3/inside')).toBe('now a folder');
    const beside = [...w.remote()].filter(([path]) => path.includes('~conflict~'));
    expect(beside.map(([, content]) => content)).toEqual(['content 3']);
    expect((await w.status()).problems.map((problem) => problem.code)).toEqual(['CONFLICT']);
  });
});

describe('the loss of more than half of a folder', () => {
  test('is asked about when it comes in slices, too', async () => {
    const w = new World();
    world = w;
    for (let file = 0; file < 40; file += 1) {
      w.disk.write(`${ROOT}/f${file}`, `content ${file}`);
    }
    await w.start();
    await w.settle();
    // `rm -r` on a slow disk: scans and saves happen in between
    for (let file = 0; file < 32; file += 1) {
      w.disk.remove(`${ROOT}/f${file}`);
      await w.pass(file % 8 === 7 ? 60_000 : 3_000);
    }
    await w.pass(5 * 60_000);
    expect((await w.status()).problems.map((problem) => problem.code)).toEqual(['MASS_DELETE']);
    expect(w.remote().size).toBeGreaterThanOrEqual(20);
    const [folder] = (await w.status()).folders;
    await w.engine.run('folders.confirmDeletes', { folderId: folder?.id ?? '' });
    await w.settle();
    expect(w.remote().size).toBe(8);
    // what a person confirmed does not count against what goes later
    w.disk.remove(`${ROOT}/f39`);
    await w.settle();
    expect(w.remote().size).toBe(7);
  });

  test('is asked about where other files are held back', async () => {
    const w = new World();
    world = w;
    for (let file = 0; file < 3; file += 1) {
      w.disk.write(`${ROOT}/f${file}`, `content ${file}`);
      w.disk.write(`${ROOT}/no\u00a0good ${file}`, `held ${file}`);
    }
    await w.start();
    await w.pass(10 * 60_000);
    expect(w.remote().size).toBe(3);
    for (let file = 0; file < 3; file += 1) {
      w.disk.remove(`${ROOT}/f${file}`);
    }
    await w.pass(10 * 60_000);
    expect((await w.status()).problems.map((problem) => problem.code)).toContain('MASS_DELETE');
    expect(w.remote().size).toBe(3);
  });
});
