import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/collection/manifest-text.ts';
import { StreamFileReader } from '../../src/collection/stream-file-reader.ts';
import { blocksWorld, bytes, readFile, settled, text, writeFile } from '../support/blocks-world.ts';

const closed = expect.objectContaining({ code: 'CLOSED' });

describe('a reader', () => {
  test('sees the file as it was when it was opened', async () => {
    const world = blocksWorld({ blockSizeBytes: 40 });
    const collection = world.collection();
    await writeFile(collection, 'f', 'before');
    const reader = collection.open('f');
    await writeFile(collection, 'f', 'after, and longer');
    collection.remove('f');
    await collection.commitAll();
    expect(text(await reader.readAll())).toBe('before');
    expect(world.pool.inUse).toBe(1);
    reader.close();
    reader.close();
    expect(world.pool.inUse).toBe(0);
    expect(world.store.puts).toEqual([]);
    await expect(reader.read()).rejects.toThrowError(closed);
    await expect(reader.readline()).rejects.toThrowError(closed);
    expect(() => reader.seek(0)).toThrowError(closed);
  });

  test('seeks from the start, from where it is and from the end', async () => {
    const collection = blocksWorld().collection();
    await writeFile(collection, 'f', '0123456789');
    const reader = collection.open('f');
    expect(text(await reader.read(3))).toBe('012');
    expect(reader.seek(2, 'current')).toBe(5);
    expect(text(await reader.read(2))).toBe('56');
    expect(reader.seek(-1, 'end')).toBe(9);
    expect(text(await reader.read())).toBe('9');
    expect(reader.tell()).toBe(10);
    expect((await reader.read(5)).length).toBe(0);
    expect(reader.seek(99)).toBe(99);
    expect((await reader.readAll()).length).toBe(0);
    expect(() => reader.seek(-1)).toThrowError(expect.objectContaining({ code: 'USAGE' }));
    expect(text(await reader.readFrom(1, 2))).toBe('12');
    expect(reader.name).toBe('f');
    reader.close();
  });

  test('reads lines across blocks, the last one without a line break too', async () => {
    const collection = blocksWorld({ blockSizeBytes: 40 }).collection();
    const lines = ['first\n', '\n', `${'long '.repeat(30)}\n`, 'ümläut 😀\n', 'last'];
    await writeFile(collection, 'f', lines.join(''), true);
    const reader = collection.open('f');
    expect(await reader.readline(3)).toBe('fir');
    expect(await reader.readline()).toBe('st\n');
    const rest: string[] = [];
    for await (const line of reader.lines()) {
      rest.push(line);
    }
    expect(rest).toEqual(lines.slice(1));
    reader.seek(6);
    expect(await reader.readline()).toBe('\n');
    expect(text(await reader.read(4))).toBe('long');
    expect(await reader.readline(6)).toBe(' long ');
    reader.close();
  });

  test('streams what is left in pieces', async () => {
    const collection = blocksWorld({ blockSizeBytes: 40 }).collection();
    await writeFile(collection, 'f', 'x'.repeat(100), true);
    const reader = collection.open('f');
    reader.seek(10);
    const pieces: number[] = [];
    for await (const piece of reader) {
      pieces.push(piece.length);
    }
    expect(pieces.reduce((sum, length) => sum + length, 0)).toBe(90);
    expect(pieces.length).toBeGreaterThan(1);
    reader.close();
  });

  test('of what is not there, or is a folder, is refused', () => {
    const collection = blocksWorld().collection();
    collection.mkdir('d');
    expect(() => collection.open('f')).toThrowError(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(() => collection.open('d')).toThrowError(expect.objectContaining({ code: 'USAGE' }));
    expect(() => collection.open('d', 'write')).toThrowError(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('a writer', () => {
  test('writes where it stands, reads what it wrote, and cuts', async () => {
    const collection = blocksWorld().collection();
    const writer = collection.open('dir/f', 'write');
    expect(await writer.write('0123456789')).toBe(10);
    writer.seek(3);
    await writer.write(bytes('XYZ'));
    expect(writer.tell()).toBe(6);
    expect(text(await writer.read(2))).toBe('67');
    writer.seek(0);
    expect(await writer.readline()).toBe('012XYZ6789');
    writer.seek(5);
    await writer.truncate();
    await writer.truncate(4);
    await writer.close();
    expect(text(await readFile(collection, 'dir/f'))).toBe('012X');
  });

  test('appends at the end wherever it stands, also beside another writer', async () => {
    const collection = blocksWorld().collection();
    await writeFile(collection, 'f', 'start ');
    const [one, two] = [collection.open('f', 'append'), collection.open('f', 'append')];
    one.seek(0);
    await Promise.all([one.write('one '), two.write('two '), one.write('three')]);
    await Promise.all([one.close(), two.close({ flush: false })]);
    expect(text(await readFile(collection, 'f'))).toBe('start one two three');
  });

  test('keeps what is there with `update` and drops it with `write`', async () => {
    const collection = blocksWorld().collection();
    await writeFile(collection, 'f', 'content');
    const update = collection.open('f', 'update');
    await update.write('C');
    await update.close();
    expect(text(await readFile(collection, 'f'))).toBe('Content');
    await writeFile(collection, 'f', 'new');
    expect(text(await readFile(collection, 'f'))).toBe('new');
  });

  test('fails with CLOSED after it was closed, and closing again does nothing', async () => {
    const collection = blocksWorld().collection();
    const writer = collection.open('f', 'write');
    await writer.close();
    await writer.close();
    await expect(writer.write('x')).rejects.toThrowError(closed);
    await expect(writer.truncate(0)).rejects.toThrowError(closed);
    await expect(writer.flush()).rejects.toThrowError(closed);
  });

  test('is closed even where its flush fails, and its bytes are stored by the next commitAll', async () => {
    const world = blocksWorld();
    const collection = world.collection();
    const writer = collection.open('f', 'write');
    await writer.write('content');
    world.store.fates.push('fail');
    await expect(writer.close()).rejects.toThrowError(expect.objectContaining({ code: 'SERVER' }));
    expect(writer.closed).toBe(true);
    await collection.commitAll();
    expect(text(await readFile(collection, 'f'))).toBe('content');
  });

  test('stores everything with a flush, while it stays open', async () => {
    const { collection, store } = ((world) => ({ ...world, collection: world.collection() }))(blocksWorld());
    const writer = collection.open('f', 'write');
    await writer.write('content');
    await writer.flush();
    expect(store.puts.length).toBe(1);
    await writer.write(', more');
    await writer.close();
    expect(text(await readFile(collection, 'f'))).toBe('content, more');
  });
});

describe('a reader of a stream', () => {
  test('reads a file of a manifest, piece by piece, and fetches ahead', async () => {
    const { manager, store } = blocksWorld({ blockSizeBytes: 4 });
    const [a, b, c] = ['aaaa', 'bbbb', 'cccc'].map((data) => store.seed(data));
    const [line] = parseManifest(`./s ${a} ${b} ${c} 1:5:f 0:2:other 8:3:f\n`);
    if (line === undefined) {
      throw new Error('the manifest has a line');
    }
    const pieces = line.files.filter((file) => file.name === 'f');
    const reader = StreamFileReader.ofStream(manager, 'f', line, pieces);
    expect(reader.size()).toBe(8);
    expect(text(await reader.read(1))).toBe('a');
    await settled();
    expect(new Set(store.gets)).toEqual(new Set([a, b]));
    expect(text(await reader.readAll())).toBe('aabbccc');
    expect(store.gets.length).toBe(3);
    reader.seek(0);
    const streamed: string[] = [];
    for await (const piece of reader) {
      streamed.push(text(piece));
    }
    expect(streamed.join('')).toBe('aaabbccc');
    reader.seek(0);
    expect(await reader.readline()).toBe('aaabbccc');
    expect((await reader.read()).length).toBe(0);
    reader.close();
    await expect(reader.read()).rejects.toThrowError(closed);
  });
});
