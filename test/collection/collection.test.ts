import { describe, expect, test } from 'vitest';
import { Collection } from '../../src/collection/collection.ts';
import { Directory } from '../../src/collection/directory.ts';
import { blocksWorld, readFile, text, writeFile } from '../support/blocks-world.ts';

const usage = expect.objectContaining({ code: 'USAGE' });
const missing = expect.objectContaining({ code: 'NOT_FOUND' });
const paths = (collection: Collection) => [...collection.walk()].map((entry) => entry.path);

async function withFiles(...names: string[]): Promise<Collection> {
  const collection = blocksWorld().collection();
  for (const name of names) {
    await writeFile(collection, name, name);
  }
  return collection;
}

describe('a collection', () => {
  test('finds what is in it, by any spelling of a path', async () => {
    const collection = await withFiles('a', 'd/e/f');
    expect(collection.exists('./d/e/f')).toBe(true);
    expect(collection.find('/d/e')).toBeInstanceOf(Directory);
    expect(collection.find('')).toBeInstanceOf(Directory);
    for (const path of ['b', 'a/b', 'd/e/f/g', 'd//e', 'd/..', '..']) {
      expect(collection.find(path), path).toBeUndefined();
    }
  });

  test('is walked folder by folder, in the order of a manifest', async () => {
    const collection = await withFiles('z', 'dir.x/q', 'dir/b', 'dir/a/deep', 'B');
    collection.mkdir('dir/empty');
    expect(paths(collection)).toEqual([
      'B',
      'z',
      'dir',
      'dir/b',
      'dir/a',
      'dir/a/deep',
      'dir/empty',
      'dir.x',
      'dir.x/q',
    ]);
    expect([...collection.walk('dir/a')].map((entry) => entry.path)).toEqual(['dir/a/deep']);
    expect([...collection.walk('./z')].map((entry) => entry.path)).toEqual(['z']);
    expect(() => [...collection.walk('none')]).toThrowError(missing);
  });

  test('makes files once, with the folders above them', async () => {
    const collection = await withFiles('a/b');
    expect(() => collection.create('a/b')).toThrowError(usage);
    expect(() => collection.create('a')).toThrowError(usage);
    expect(() => collection.create('a/b/c')).toThrowError(usage);
    expect(() => collection.mkdir('a/b')).toThrowError(usage);
    expect(() => collection.create('')).toThrowError(usage);
    collection.mkdir('a');
    expect(paths(collection)).toEqual(['a', 'a/b']);
  });

  test('renames files and folders, without an upload', async () => {
    const collection = await withFiles('a', 'd/x');
    await collection.commitAll();
    collection.rename('a', 'new/b');
    collection.rename('d', 'new/d');
    expect(paths(collection)).toEqual(['new', 'new/b', 'new/d', 'new/d/x']);
    expect(text(await readFile(collection, 'new/b'))).toBe('a');
    expect(collection.context.manager.list()).toEqual([]);
    expect(() => collection.rename('a', 'c')).toThrowError(missing);
    expect(() => collection.rename('new/b', 'new/d')).toThrowError(usage);
    expect(() => collection.rename('new', 'new/d/inside')).toThrowError(usage);
    expect(() => collection.rename('new/b', 'new', { overwrite: true })).toThrowError(usage);
    expect(() => collection.rename('new/b', 'new/..')).toThrowError(
      expect.objectContaining({ code: 'BAD_NAME' }),
    );
    collection.rename('new/b', './new/b');
    collection.rename('new/b', 'new/d', { overwrite: true });
    expect(paths(collection)).toEqual(['new', 'new/d']);
  });

  test('copies files and folders, and the copies go their own way', async () => {
    const collection = await withFiles('d/a', 'd/s/b');
    collection.mkdir('d/empty');
    collection.copy('d', 'e');
    const writer = collection.open('e/a', 'append');
    await writer.write('!');
    await writer.close();
    collection.remove('d/s/b');
    await collection.commitAll();
    expect(paths(collection)).toEqual(['d', 'd/a', 'd/empty', 'd/s', 'e', 'e/a', 'e/empty', 'e/s', 'e/s/b']);
    expect(text(await readFile(collection, 'd/a'))).toBe('d/a');
    expect(text(await readFile(collection, 'e/a'))).toBe('d/a!');
    expect(text(await readFile(collection, 'e/s/b'))).toBe('d/s/b');
    expect(() => collection.copy('d', 'd/in')).toThrowError(usage);
    expect(() => collection.copy('d/a', 'e/a')).toThrowError(usage);
  });

  test('removes files, and folders that are not empty only when told to', async () => {
    const collection = await withFiles('a', 'd/b');
    expect(() => collection.remove('d')).toThrowError(usage);
    collection.remove('d/b');
    expect(paths(collection)).toEqual(['a', 'd']);
    collection.remove('d');
    collection.remove('a');
    expect(() => collection.remove('a')).toThrowError(missing);
    await writeFile(collection, 'x/y/z', 'z');
    collection.remove('', { recursive: true });
    expect(paths(collection)).toEqual([]);
    expect(collection.context.manager.pool.inUse).toBe(0);
  });

  test('is read from a manifest and keeps its text until it is modified', () => {
    const a = `${'a'.repeat(32)}+4`;
    const manifest = `. ${a} 2:2:z 0:2:dir/x\n./dir ${a} 0:1:y 2:2:x\n`;
    const collection = Collection.fromManifest(blocksWorld().manager, manifest);
    expect(collection.modified).toBe(false);
    expect(collection.manifestText()).toBe(manifest);
    const normalized = `. ${a} 2:2:z\n./dir ${a} 0:4:x 0:1:y\n`;
    expect(collection.manifestText({ normalize: true })).toBe(normalized);
    collection.mkdir('new');
    expect(collection.modified).toBe(true);
    collection.setUnmodified();
    expect(collection.modified).toBe(false);
    collection.remove('new');
    expect(collection.manifestText()).toBe(normalized);
  });

  test('refuses a manifest in which a path is a file and a folder', () => {
    const e = 'd41d8cd98f00b204e9800998ecf8427e+0';
    for (const manifest of [
      `. ${e} 0:0:a\n./a ${e} 0:0:b\n`,
      `./a ${e} 0:0:b\n. ${e} 0:0:a\n`,
      `. ${e} 0:0:a 0:0:a/b\n`,
    ]) {
      expect(() => Collection.fromManifest(blocksWorld().manager, manifest)).toThrowError(
        expect.objectContaining({ name: 'ManifestError' }),
      );
    }
  });

  test('reads stored files through the manager', async () => {
    const { manager, store } = blocksWorld();
    const [a, b] = [store.seed('hello '), store.seed('world')];
    const collection = Collection.fromManifest(manager, `. ${a} ${b} 0:11:f\n`);
    expect(text(await readFile(collection, 'f'))).toBe('hello world');
  });

  test('frees everything when it is closed, sent or not', async () => {
    const world = blocksWorld();
    const [kept, closed] = [world.collection(), world.collection()];
    await writeFile(kept, 'a', 'kept');
    await writeFile(closed, 'a', 'not kept');
    closed.close();
    expect(world.pool.inUse).toBe(1);
    await world.manager.commitAll();
    expect(world.store.puts.map((locator) => locator.slice(33))).toEqual(['4']);
    kept.close();
    expect(world.manager.list()).toEqual([]);
  });
});
