import { describe, expect, test } from 'vitest';
import type { ArvadosFile } from '../../src/collection/arvados-file.ts';
import { Collection } from '../../src/collection/collection.ts';
import { blocksWorld, bytes, filled, readFile, settled, text, writeFile } from '../support/blocks-world.ts';

const ranges = (file: ArvadosFile) =>
  file.segments().map(({ locator, offset, length }) => `${locator.replace(/\+A.*/, '')} ${offset} ${length}`);

describe('what the Arvados SDK gets wrong, and this file layer right', () => {
  test('40 and 40 MiB of writes fill a block of 64 MiB and leave 16', async () => {
    const world = blocksWorld();
    const collection = world.collection();
    const writer = collection.open('f', 'write');
    await writer.write(filled(40 * 2 ** 20, 'a'));
    await writer.write(filled(40 * 2 ** 20, 'b'));
    await writer.close();
    expect(world.store.puts.map((locator) => Number(locator.slice(33)) / 2 ** 20).sort()).toEqual([16, 64]);
    collection.close();
  });

  test('a full block of which nothing is left takes new bytes instead of growing for ever', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    const file = collection.create('f');
    await file.writeTo(0, filled(40, 'a'));
    file.truncate(0);
    await file.writeTo(0, bytes('new'));
    await collection.commitAll();
    expect(text(await file.readFrom(0, 99))).toBe('new');
    expect(world.store.puts.map((locator) => locator.slice(33))).toEqual(['3']);
  });

  test('a write that begins at a segment and runs past its end leaves no empty segment and no unused block', async () => {
    const world = blocksWorld();
    const collection = world.collection();
    const file = collection.create('f');
    for (const part of ['aaa', 'bbb', 'ccc']) {
      await file.writeTo(file.size(), bytes(part));
      await file.flush();
    }
    expect(file.segments().length).toBe(3);
    await file.writeTo(3, bytes('XXXX'));
    expect(text(await file.readFrom(3, 4))).toBe('XXXX');
    await file.writeTo(3, bytes('YYYY'));
    await file.writeTo(3, bytes('ZZZZ'));
    expect(text(await file.readFrom(0, 9))).toBe('aaaZZZZcc');
    await collection.commitAll();
    const manifest = collection.manifestText({ strip: true });
    expect(manifest).toMatch(/^\. \S+\+3 \S+\+4 \S+\+3 0:7:f 8:2:f\n$/);
  });

  test('what was overwritten in a buffer is not uploaded, and the rest is put in file order', async () => {
    const world = blocksWorld();
    const collection = world.collection();
    const file = collection.create('f');
    await file.writeTo(0, bytes('0123456789'));
    await file.writeTo(3, bytes('XYZ'));
    await file.writeTo(0, bytes('_'));
    await collection.commitAll();
    expect(file.segments().length).toBe(1);
    const [block] = world.store.blocks.values();
    expect(text(block ?? new Uint8Array(0))).toBe('_12XYZ6789');
  });

  test('the block of zeros is not uploaded when no file needs it after all', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    const file = collection.create('f');
    await file.writeTo(4, bytes('hi'));
    expect([...(await file.readFrom(0, 6))]).toEqual([0, 0, 0, 0, 104, 105]);
    await file.writeTo(0, bytes('gone'));
    await collection.commitAll();
    expect(world.store.puts.map((locator) => locator.slice(33))).toEqual(['6']);
  });

  test('the block of zeros is stored once, however often and late it is needed', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    collection.create('a').truncate(100);
    await collection.commitAll();
    collection.create('b').truncate(7);
    await collection.commitAll();
    expect(world.store.puts.length).toBe(1);
    expect(collection.manifestText({ strip: true })).toMatch(/^\. \S+\+40 0:40:a 0:40:a 0:20:a 0:7:b\n$/);
    expect((await readFile(collection, 'a')).every((byte) => byte === 0)).toBe(true);
    expect(world.store.gets).toEqual([]);
  });

  test('commitAll sends failed blocks again that no file is writing to any more', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    const file = collection.create('f');
    world.store.defaultFate = 'fail';
    await file.writeTo(0, filled(100, 'a'));
    await expect(collection.commitAll()).rejects.toMatchObject({ failures: [{}, {}, {}] });
    world.store.defaultFate = 'store';
    await collection.commitAll();
    expect(collection.manifestText()).toMatch(/\+A/);
    expect(world.pool.inUse).toBe(0);
  });

  test('a failed block whose bytes were overwritten since does not stand in the way of a save', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    const file = collection.create('f');
    await file.writeTo(0, filled(40, 'a'));
    world.store.fates.push('fail');
    await expect(file.flush()).rejects.toMatchObject({ code: 'SERVER' });
    await file.writeTo(0, filled(40, 'b'));
    await collection.commitAll();
    expect(world.store.puts.length).toBe(1);
    expect(world.manager.list()).toEqual([]);
  });

  test('a copy of a file whose block is pending or has failed is saved with a signed locator', async () => {
    for (const state of ['PENDING', 'ERROR', 'COMMITTED']) {
      const world = blocksWorld();
      const collection = world.collection();
      const file = collection.create('f');
      await file.writeTo(0, bytes('content'));
      world.store.fates.push(state === 'PENDING' ? 'hang' : state === 'ERROR' ? 'fail' : 'store');
      await file.flush({ sync: false });
      await settled();
      expect(world.manager.list().map((block) => block.state)).toEqual([state]);
      collection.copy('f', 'g');
      expect(text(await readFile(collection, 'g'))).toBe('content');
      collection.remove('f');
      world.store.letGo();
      await settled();
      await collection.commitAll();
      expect(collection.manifestText()).toMatch(/^\. [0-9a-f]{32}\+7\+A\S+ 0:7:g\n$/);
      expect(world.store.puts.length).toBe(1);
      expect(world.pool.inUse).toBe(0);
    }
  });

  test('a file that was written and emptied again uploads nothing', async () => {
    const world = blocksWorld();
    const collection = world.collection();
    for (const flush of [true, false]) {
      const writer = collection.open(`f${flush}`, 'write');
      await writer.write('content');
      await writer.truncate(0);
      await writer.close({ flush });
    }
    await collection.commitAll();
    expect(world.store.puts).toEqual([]);
    expect(world.pool.inUse).toBe(0);
    expect(collection.manifestText()).toBe('. d41d8cd98f00b204e9800998ecf8427e+0 0:0:ffalse 0:0:ftrue\n');
  });

  test('octal bytes of a name are decoded as UTF-8', () => {
    const { manager } = blocksWorld();
    const collection = Collection.fromManifest(
      manager,
      '. d41d8cd98f00b204e9800998ecf8427e+0 0:0:caf\\303\\251\n',
    );
    expect(collection.exists('café')).toBe(true);
    expect(collection.manifestText({ normalize: true })).toContain('0:0:café\n');
  });

  test('a folder that is replaced by a file of the same name can be saved', async () => {
    const { manager } = blocksWorld();
    const collection = new Collection(manager);
    await writeFile(collection, 'name/inside', 'old');
    await collection.commitAll();
    collection.setUnmodified();
    collection.remove('name', { recursive: true });
    await writeFile(collection, 'name', 'new');
    await collection.commitAll();
    expect(collection.manifestText({ strip: true })).toMatch(/^\. \S+\+3 0:3:name\n$/);
  });

  test('names that no server takes are refused when they are made, not when they are saved', () => {
    const collection = blocksWorld().collection();
    for (const path of ['..', 'a/..', 'a/.', 'a//b', 'a\0b', 'x/../y', '.\nfolder/file', '\ud800']) {
      expect(() => collection.create(path), JSON.stringify(path)).toThrowError(
        expect.objectContaining({ code: 'BAD_NAME' }),
      );
    }
    expect(collection.modified).toBe(false);
    expect([...collection.walk()]).toEqual([]);
    collection.create('.\nfile');
    collection.create('...');
  });

  test('segments of a clone stay as they were', async () => {
    const collection = blocksWorld().collection();
    const file = collection.create('f');
    await file.writeTo(0, bytes('content'));
    await file.flush();
    const before = ranges(file);
    const clone = file.clone();
    await clone.writeTo(2, bytes('X'));
    expect(ranges(file)).toEqual(before);
    expect(text(await file.readFrom(0, 9))).toBe('content');
    expect(text(await clone.readFrom(0, 9))).toBe('coXtent');
    clone.remove();
  });
});
