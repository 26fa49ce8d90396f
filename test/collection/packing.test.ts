import { describe, expect, test } from 'vitest';
import { blocksWorld, bytes, filled, readFile, settled, text, writeFile } from '../support/blocks-world.ts';

const sizes = (locators: readonly string[]) => locators.map((locator) => Number(locator.slice(33)));

describe('packing of small files', () => {
  test('fills blocks: five files of 20 MiB make 64 and 36 MiB', async () => {
    const world = blocksWorld();
    const collection = world.collection();
    const mib = 2 ** 20;
    for (const [i, char] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      await writeFile(collection, `f${i}`, filled(20 * mib, char));
      // The fourth brings what waits to 80 MiB: a block is sent without being asked for.
      expect(world.manager.list().some((block) => block.state !== 'WRITABLE')).toBe(i >= 3);
    }
    await collection.commitAll();
    expect(sizes(world.store.puts).map((size) => size / mib)).toEqual([64, 36]);
    expect(collection.manifestText({ strip: true })).toMatch(
      /^\. \S+\+67108864 \S+\+37748736 0:20971520:f0 20971520:20971520:f1 41943040:20971520:f2 62914560:20971520:f3 83886080:20971520:f4\n$/,
    );
    const [first] = await readFile(collection, 'f3');
    expect(first).toBe('d'.charCodeAt(0));
    collection.close();
  });

  test('goes in the order in which files were closed, and leaves files that are open alone', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    const open = collection.open('open', 'write');
    await open.write('still open');
    await writeFile(collection, 'b', 'bbb');
    await writeFile(collection, 'a', 'aaaa');
    await collection.commitAll();
    expect(sizes(world.store.puts).sort((x, y) => x - y)).toEqual([7, 10]);
    expect(
      text(world.store.blocks.get(world.store.puts.find((l) => l.endsWith('+7')) ?? '') ?? bytes('')),
    ).toBe('bbbaaaa');
    await open.close();
  });

  test('ends of large files are packed too', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    await writeFile(collection, 'a', filled(65, 'a'));
    await writeFile(collection, 'b', filled(55, 'b'));
    await settled();
    expect(sizes(world.store.puts)).toEqual([40, 40, 40]);
    await collection.commitAll();
    expect(world.store.puts.length).toBe(3);
    expect(text(await readFile(collection, 'b'))).toBe('b'.repeat(55));
  });

  test('drops what belongs to nobody any more', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    await writeFile(collection, 'a', filled(15, 'a'));
    await writeFile(collection, 'b', filled(15, 'b'));
    await writeFile(collection, 'c', filled(15, 'c'));
    await settled();
    await writeFile(collection, 'd', filled(15, 'd'));
    await writeFile(collection, 'e', filled(15, 'e'));
    collection.remove('d');
    await writeFile(collection, 'c', 'new');
    await collection.commitAll();
    const stored = [...world.store.blocks.values()].map((block) => text(block));
    expect(stored.join('')).not.toContain('d');
    expect(text(await readFile(collection, 'c'))).toBe('new');
    expect(world.pool.inUse).toBe(0);
  });

  test('drops from a block that is being filled up what was overwritten since', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    await writeFile(collection, 'a', filled(30, 'a'));
    await writeFile(collection, 'b', filled(25, 'b'));
    const writer = collection.open('b', 'update');
    writer.seek(15);
    await writer.write('new bytes');
    await writer.close({ flush: false });
    await writeFile(collection, 'c', filled(30, 'c'));
    await collection.commitAll();
    expect(sizes(world.store.puts)).toEqual([40, 40, 5]);
    expect(text(await readFile(collection, 'c'))).toBe('c'.repeat(30));
    expect(text(await readFile(collection, 'b'))).toBe(`${'b'.repeat(15)}new bytesb`);
  });

  test('a file that is written again after it was packed goes on in a block of its own', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    await writeFile(collection, 'a', filled(30, 'a'));
    await writeFile(collection, 'b', filled(30, 'b'));
    const writer = collection.open('b', 'append');
    await writer.write('more');
    await writer.close({ flush: false });
    await collection.commitAll();
    expect(text(await readFile(collection, 'b'))).toBe(`${'b'.repeat(30)}more`);
    expect(sizes(world.store.puts)).toEqual([40, 24]);
  });

  test('many tiny files are gathered before their buffers take much memory', async () => {
    const world = blocksWorld();
    const collection = world.collection();
    for (let i = 0; i < 5_000; i += 1) {
      await writeFile(collection, `f${i}`, 'x');
    }
    expect(world.pool.inUse).toBeLessThan(4_096);
    await collection.commitAll();
    expect(sizes(world.store.puts)).toEqual([5_000]);
  });

  test('fails as a whole and heals as a whole', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    await writeFile(collection, 'a', 'aaa');
    await writeFile(collection, 'b', 'bbb');
    world.store.fates.push('fail');
    await expect(collection.commitAll()).rejects.toMatchObject({ code: 'SERVER', failures: [{}] });
    expect(text(await readFile(collection, 'b'))).toBe('bbb');
    expect(() => collection.manifestText()).toThrowError(expect.objectContaining({ code: 'STATE' }));
    await collection.commitAll();
    expect(sizes(world.store.puts)).toEqual([6]);
  });
});
