import { describe, expect, test } from 'vitest';
import { ArvadosFile } from '../../src/collection/arvados-file.ts';
import { FileContext } from '../../src/collection/file-context.ts';
import { SynchronizedArvadosFile } from '../../src/collection/synchronized-arvados-file.ts';
import { blocksWorld, bytes, filled, settled, text } from '../support/blocks-world.ts';

function newFile(blockSizeBytes = 40) {
  const world = blocksWorld({ blockSizeBytes });
  const context = new FileContext(world.manager);
  return { ...world, context, file: new ArvadosFile(context) };
}
const whole = async (file: ArvadosFile) => text(await file.readFrom(0, file.size()));

describe('appending from disk', () => {
  test('reads straight into blocks, whole blocks at a time, and sends each as it is full', async () => {
    const { file, store, manager } = newFile();
    const views: number[] = [];
    const appended = await file.appendReserved(100, async (view) => {
      expect(view.buffer).toBeInstanceOf(SharedArrayBuffer);
      views.push(view.length);
      view.fill(views.length);
      return view.length;
    });
    expect(appended).toBe(100);
    expect(views).toEqual([40, 40, 20]);
    await settled();
    expect(store.puts.length).toBe(2);
    expect(manager.list().map((block) => [block.state, block.size()])).toEqual([
      ['COMMITTED', 40],
      ['COMMITTED', 40],
      ['WRITABLE', 20],
    ]);
    await file.flush();
    expect([...(await file.readFrom(38, 44))]).toEqual([1, 1, ...Array(40).fill(2), 3, 3]);
  });

  test('fills up the block that is there first', async () => {
    const { file } = newFile();
    await file.writeTo(0, filled(30, 'a'));
    const views: number[] = [];
    await file.appendReserved(60, async (view) => {
      views.push(view.length);
      return view.length;
    });
    expect(views).toEqual([10, 40, 10]);
  });

  test('ends where the source does, and keeps what came before an error', async () => {
    const { file } = newFile();
    expect(await file.appendReserved(100, async (view) => Math.min(view.length, 33))).toBe(33);
    expect(file.size()).toBe(33);
    let calls = 0;
    const broken = file.appendReserved(100, async (view) => {
      calls += 1;
      if (calls === 2) {
        throw new Error('the disk is broken');
      }
      return view.length;
    });
    await expect(broken).rejects.toThrowError('the disk is broken');
    expect(file.size()).toBe(40);
    await file.writeTo(40, bytes('still writable'));
    expect(await file.appendReserved(1, async () => 0)).toBe(0);
    await expect(file.appendReserved(3, async () => 4)).rejects.toThrowError(
      expect.objectContaining({ code: 'USAGE' }),
    );
    expect(file.size()).toBe(54);
  });

  test('of a file that is removed meanwhile frees the buffer only when the read has ended', async () => {
    const { file, pool, manager } = newFile();
    const read = Promise.withResolvers<number>();
    const append = file.appendReserved(10, () => read.promise);
    await settled();
    file.remove();
    expect(pool.inUse).toBe(1);
    read.resolve(10);
    await expect(append).rejects.toThrowError(expect.objectContaining({ code: 'CLOSED' }));
    await settled();
    expect(pool.inUse).toBe(0);
    expect(manager.list()).toEqual([]);
  });

  test('waits while four blocks are pending', async () => {
    const { file, store, mostPending, pool } = newFile();
    store.defaultFate = 'hang';
    let read = 0;
    const append = file.appendReserved(400, async (view) => {
      read += view.length;
      return view.length;
    });
    await settled();
    expect(read).toBe(200);
    expect(pool.inUse).toBe(5);
    store.defaultFate = 'store';
    store.letGo();
    expect(await append).toBe(400);
    await settled();
    expect(mostPending()).toBe(4);
    expect(pool.inUse).toBe(0);
  });
});

describe('reading', () => {
  test('is exact across blocks, and without `exact` stops before a block that would have to be fetched', async () => {
    const { file, store } = newFile();
    const locators = ['aaaa', 'bbbb', 'cccc'].map((data) => store.seed(data));
    file.addSegment(locators, 1, 10);
    expect(text(await file.readFrom(1, 6, { exact: false }))).toBe('aa');
    expect(text(await file.readFrom(1, 6))).toBe('aabbbb');
    expect(text(await file.readFrom(1, 99, { exact: false }))).toMatch(/^aabbbb/);
    expect(text(await file.readFrom(1, 99))).toBe('aabbbbccc');
    expect((await file.readFrom(10, 1)).length).toBe(0);
    expect((await file.readFrom(0, 0)).length).toBe(0);
  });

  test('fetches ahead at the first read, and not at each', async () => {
    const { file, store } = newFile();
    const locators = ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee'].map((data) => store.seed(data));
    file.addSegment(locators, 0, 20);
    await file.readFrom(0, 4);
    await settled();
    expect(store.gets).toEqual([locators[1], locators[2], locators[0]]);
    await file.readFrom(4, 4);
    await settled();
    expect(store.gets.length).toBe(3);
  });

  test('of a buffer is not disturbed when the block is stored and its memory used again meanwhile', async () => {
    const { file, store, manager } = newFile();
    await file.writeTo(0, bytes('buffered, '));
    const stored = store.seed('stored');
    file.addSegment([stored], 0, 6);
    const gate = Promise.withResolvers<void>();
    store.getGate = gate.promise;
    const read = file.readFrom(0, 16);
    await file.flush();
    const other = manager.allocBufferBlock();
    other.append(filled(40, '#'));
    gate.resolve();
    expect(text(await read)).toBe('buffered, stored');
  });

  test('goes on with blocks that are stored, and leave the table, while an earlier one is fetched', async () => {
    const { file, store } = newFile();
    await file.writeTo(0, filled(80, 'x'));
    await file.flush({ sync: false });
    await settled();
    const gate = Promise.withResolvers<void>();
    store.getGate = gate.promise;
    const read = file.readFrom(0, 80);
    await file.flush();
    gate.resolve();
    expect(text(await read)).toBe('x'.repeat(80));
  });
});

describe('a file', () => {
  test('may go on after it was cloned, and the clone stays as it was', () => {
    const { file } = newFile();
    file.addSegment([`${'a'.repeat(32)}+4`], 0, 4);
    const clone = file.clone();
    file.addSegment([`${'b'.repeat(32)}+6`], 0, 6);
    expect([file.size(), clone.size()]).toEqual([10, 4]);
  });

  test('is cut and made longer', async () => {
    const { file } = newFile();
    await file.writeTo(0, bytes('0123456789'));
    file.truncate(4);
    file.truncate(6);
    expect(await whole(file)).toBe('0123\0\0');
    file.truncate(100);
    expect(file.size()).toBe(100);
    await file.writeTo(98, bytes('ends'));
    expect(file.size()).toBe(102);
    expect((await whole(file)).endsWith('\0ends')).toBe(true);
  });

  test('refuses places that are none', async () => {
    const { file } = newFile();
    const usage = expect.objectContaining({ code: 'USAGE' });
    await expect(file.writeTo(-1, bytes('x'))).rejects.toThrowError(usage);
    await expect(file.readFrom(0.5, 1)).rejects.toThrowError(usage);
    expect(() => file.truncate(Number.NaN)).toThrowError(usage);
    expect(() => file.addSegment([`${'a'.repeat(32)}+4`], 2, 3)).toThrowError(usage);
  });

  test('knows whether it was modified', async () => {
    const { file, context } = newFile();
    expect(file.modified).toBe(false);
    await file.writeTo(0, bytes('x'));
    expect(file.modified).toBe(true);
    await file.flush();
    expect(file.modified).toBe(true);
    file.setUnmodified();
    expect(file.modified).toBe(false);
    file.truncate(1);
    expect(file.modified).toBe(false);
    file.truncate(0);
    expect(file.modified).toBe(true);
    context.setUnmodified();
    expect(file.modified).toBe(false);
  });

  test('appends pieces of stored streams, and merges those that go on', () => {
    const { file } = newFile();
    const [a, b] = [`${'a'.repeat(32)}+4`, `${'b'.repeat(32)}+6`];
    file.addSegment([a, b], 0, 2);
    file.addSegment([a, b], 2, 3);
    file.addSegment([a, b], 9, 0);
    expect(file.segments()).toEqual([
      { locator: a, fileStart: 0, length: 4, offset: 0 },
      { locator: b, fileStart: 4, length: 1, offset: 0 },
    ]);
    expect(file.stored).toBe(true);
  });

  test('that is removed frees its buffers and fails with CLOSED', async () => {
    const { file, pool, manager } = newFile();
    await file.writeTo(0, filled(30, 'x'));
    file.remove();
    expect(pool.inUse).toBe(0);
    expect(manager.list()).toEqual([]);
    const closed = expect.objectContaining({ code: 'CLOSED' });
    await expect(file.writeTo(0, bytes('x'))).rejects.toThrowError(closed);
    await expect(file.readFrom(0, 1)).rejects.toThrowError(closed);
    await expect(file.flush()).rejects.toThrowError(closed);
    await file.close();
    file.remove();
  });

  test('flushes in the background without waiting for the servers', async () => {
    const { file, store } = newFile();
    store.defaultFate = 'hang';
    await file.writeTo(0, bytes('content'));
    await file.flush({ sync: false });
    await settled();
    expect(store.putsUnderWay).toBe(1);
    expect(file.stored).toBe(false);
    await file.writeTo(7, bytes(' and more'));
    store.defaultFate = 'store';
    store.letGo();
    await file.flush();
    expect(file.stored).toBe(true);
    expect(await whole(file)).toBe('content and more');
  });

  test('says in one error which of its blocks failed', async () => {
    const { file, store } = newFile();
    store.defaultFate = 'fail';
    await file.writeTo(0, filled(90, 'x'));
    await expect(file.flush()).rejects.toMatchObject({
      name: 'AsyncKeepWriteErrors',
      failures: [{}, {}, {}],
    });
    store.defaultFate = 'store';
    await file.flush();
    expect(file.stored).toBe(true);
  });
});

describe('a synchronised file', () => {
  test('runs calls one after the other, so that no write is seen half way', async () => {
    const { file, store } = newFile();
    const shared = SynchronizedArvadosFile.of(file);
    expect(SynchronizedArvadosFile.of(file)).toBe(shared);
    store.defaultFate = 'hang';
    const content = (char: string) => char.repeat(300);
    const writes = ['a', 'b'].map((char) => shared.writeTo(0, bytes(content(char))));
    const seen = shared.readFrom(0, 300);
    const clone = shared.clone();
    const tail = shared.append(bytes('tail'));
    await settled();
    expect(file.size()).toBeLessThan(300);
    store.defaultFate = 'store';
    store.letGo();
    await Promise.all(writes);
    expect(text(await seen)).toBe(content('b'));
    expect(await tail).toBe(304);
    expect(await whole(await clone)).toBe(content('b'));
    expect(await whole(file)).toBe(`${content('b')}tail`);
    await shared.truncate(1);
    expect(await shared.size()).toBe(1);
    expect(await shared.exclusively(whole)).toBe('b');
  });
});
