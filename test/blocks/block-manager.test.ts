import { describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { AsyncKeepWriteErrors } from '../../src/blocks/async-keep-write-errors.ts';
import { BlockManager } from '../../src/blocks/block-manager.ts';
import type { BlockEvent } from '../../src/blocks/block-table.ts';
import type { AcknowledgedBlock } from '../../src/blocks/block-uploader.ts';
import { UploadSlots } from '../../src/blocks/upload-slots.ts';
import { md5Of } from '../support/blocks-memory-store.ts';
import { blocksWorld, bytes, settled, text } from '../support/blocks-world.ts';

const code = (wanted: string) => expect.objectContaining({ code: wanted });

function blockOf(manager: BlockManager, content: string) {
  const block = manager.allocBufferBlock();
  block.append(bytes(content));
  return block;
}

describe('blocks', () => {
  test('are called bufferblock0, bufferblock1 and so on, or as the caller says', () => {
    const { manager } = blocksWorld();
    const ids = [
      manager.allocBufferBlock(),
      manager.allocBufferBlock({ blockId: 'bufferblock1' }),
      manager.allocBufferBlock({ blockId: 'mine', owner: 'me', tag: 7 }),
      manager.allocBufferBlock(),
    ].map((block) => block.blockId);
    expect(ids).toEqual(['bufferblock0', 'bufferblock1', 'mine', 'bufferblock2']);
    expect(manager.get('mine')).toMatchObject({ owner: 'me', tag: 7 });
    expect(() => manager.allocBufferBlock({ blockId: 'mine' })).toThrowError(code('USAGE'));
    expect(() => manager.allocBufferBlock({ blockId: `${'0'.repeat(32)}+3` })).toThrowError(code('USAGE'));
  });

  test('can be duplicated, bytes and all', () => {
    const { manager } = blocksWorld();
    const copy = manager.dupBlock(blockOf(manager, 'content'), { blockId: 'copy', owner: 1 });
    expect(text(copy.data())).toBe('content');
    expect(manager.get('copy')).toBe(copy);
  });
});

describe('committing a block', () => {
  test('stores it in the background and releases its buffer', async () => {
    const { manager, store, pool } = blocksWorld();
    const block = blockOf(manager, 'content');
    await manager.commitBufferBlock(block);
    expect(block.state).toBe('PENDING');
    await settled();
    expect(block.state).toBe('COMMITTED');
    expect(block.locator()).toMatch(/^9a0364b9e99bb480dd25e1f0284c8555\+7\+A/);
    expect(store.puts).toEqual(['9a0364b9e99bb480dd25e1f0284c8555+7']);
    expect(pool.inUse).toBe(0);
  });

  test('with sync waits until it is stored, also where it is on its way already', async () => {
    const { manager } = blocksWorld();
    const block = blockOf(manager, 'content');
    await Promise.all([
      manager.commitBufferBlock(block, { sync: true }),
      manager.commitBufferBlock(block, { sync: true }),
    ]);
    expect(block.state).toBe('COMMITTED');
    await manager.commitBufferBlock(block, { sync: true });
  });

  test('with sync throws the error, and may be tried again', async () => {
    const { manager, store } = blocksWorld();
    store.fates.push('fail');
    const block = blockOf(manager, 'content');
    await expect(manager.commitBufferBlock(block, { sync: true })).rejects.toThrowError(code('SERVER'));
    expect(block.state).toBe('ERROR');
    expect(text(await manager.getBlock(block.blockId))).toBe('content');
    await manager.retry(block);
    await settled();
    expect(block.state).toBe('COMMITTED');
    await expect(manager.retry(block)).rejects.toThrowError(code('STATE'));
  });

  test('never has more than four pending and two in upload, and waits for room', async () => {
    const { manager, store, mostPending } = blocksWorld();
    store.defaultFate = 'hang';
    const commits: string[] = [];
    const blocks = Array.from({ length: 9 }, (_, i) => blockOf(manager, `content ${i}`));
    const all = blocks.map((block, i) =>
      manager.commitBufferBlock(block, { sync: i === 2 }).then(() => commits.push(block.blockId)),
    );
    await settled();
    expect(manager.pending).toBe(4);
    expect(store.putsUnderWay).toBe(2);
    expect(commits).toEqual(['bufferblock0', 'bufferblock1', 'bufferblock3']);
    expect(blocks[4]?.state).toBe('WRITABLE');
    store.letGo('store', 1);
    await settled();
    expect(commits).toContain('bufferblock4');
    expect(commits).not.toContain('bufferblock5');
    store.defaultFate = 'store';
    store.letGo();
    await Promise.all(all);
    await settled();
    expect(mostPending()).toBe(4);
    expect(store.mostPutsUnderWay).toBe(2);
    expect(blocks.every((block) => block.state === 'COMMITTED')).toBe(true);
  });

  test('counts pending blocks over all managers that share slots', async () => {
    const slots = new UploadSlots();
    const one = blocksWorld({ slots });
    const two = blocksWorld({ slots });
    one.store.defaultFate = 'hang';
    two.store.defaultFate = 'hang';
    const all = [one, two, one, two, one].map(({ manager }, i) =>
      manager.commitBufferBlock(blockOf(manager, `content ${i}`)),
    );
    await settled();
    expect(one.manager.pending + two.manager.pending).toBe(4);
    expect(one.store.putsUnderWay + two.store.putsUnderWay).toBe(2);
    for (const { store } of [one, two]) {
      store.defaultFate = 'store';
      store.letGo();
    }
    await Promise.all(all);
  });

  test('makes the empty block of one without bytes, and asks no server', async () => {
    const { manager, store } = blocksWorld();
    const block = manager.allocBufferBlock();
    await manager.commitBufferBlock(block, { sync: true });
    expect(block.locator()).toBe('d41d8cd98f00b204e9800998ecf8427e+0');
    expect(store.puts).toEqual([]);
  });

  test('waits for a reservation to end', async () => {
    const { manager, store } = blocksWorld();
    const block = manager.allocBufferBlock();
    const view = block.reserve(4);
    const commit = manager.commitBufferBlock(block, { sync: true });
    await settled();
    expect(block.state).toBe('WRITABLE');
    view.set(bytes('late'));
    block.advance(4);
    await commit;
    expect(store.puts).toEqual([`${md5Of(bytes('late'))}+4`]);
  });

  test('sends equal blocks once', async () => {
    const { manager, store } = blocksWorld();
    await Promise.all([1, 2].map(() => manager.commitBufferBlock(blockOf(manager, 'twin'), { sync: true })));
    expect(store.puts.length).toBe(1);
  });

  test('refuses a locator of other bytes', async () => {
    const { store } = blocksWorld();
    const liar = Object.assign(Object.create(store), {
      put: async () => ({ locator: `${'0'.repeat(32)}+7+A`, copies: 1, classes: undefined }),
    });
    const manager = new BlockManager({ store: liar, copies: 1, storageClasses: [] });
    const block = blockOf(manager, 'content');
    await expect(manager.commitBufferBlock(block, { sync: true })).rejects.toThrowError(code('CHECKSUM'));
  });
});

describe('a block that is known', () => {
  test('is not sent again', async () => {
    const acknowledged: AcknowledgedBlock[] = [];
    const { manager, store } = blocksWorld({
      known: async (locator) => `${locator}+Aknown`,
      acknowledge: async (block) => {
        acknowledged.push(block);
      },
    });
    const block = blockOf(manager, 'content');
    await manager.commitBufferBlock(block, { sync: true });
    const locator = '9a0364b9e99bb480dd25e1f0284c8555+7+Aknown';
    expect(block.locator()).toBe(locator);
    expect(store.puts).toEqual([]);
    expect(acknowledged).toEqual([{ blockId: 'bufferblock0', locator, sizeBytes: 7, reused: true }]);
  });
});

describe('the record of an acknowledged block', () => {
  test('is made before anybody is shown COMMITTED', async () => {
    const states: string[] = [];
    const world = blocksWorld({
      acknowledge: async ({ blockId, reused }) => {
        await settled(3);
        states.push(`recorded ${world.manager.get(blockId)?.state} ${reused}`);
      },
    });
    world.manager.events.on('block', ({ state }) => states.push(state));
    const block = blockOf(world.manager, 'content');
    await world.manager.commitBufferBlock(block, { sync: true });
    expect(states).toEqual(['WRITABLE', 'PENDING', 'PENDING', 'recorded PENDING false', 'COMMITTED']);
  });

  test('fails the block where it cannot be made, and is all that is made by the next try', async () => {
    let broken = true;
    const { manager, store } = blocksWorld({
      acknowledge: async () => {
        if (broken) {
          throw new KeepsyncError('JOURNAL', 'The journal cannot be written');
        }
      },
    });
    const block = blockOf(manager, 'content');
    await expect(manager.commitBufferBlock(block, { sync: true })).rejects.toThrowError(code('JOURNAL'));
    broken = false;
    await manager.commitBufferBlock(block, { sync: true });
    expect(block.state).toBe('COMMITTED');
    expect(store.puts.length).toBe(1);
  });
});

describe('commitAll', () => {
  test('throws one error with every failure, and tries those again the next time', async () => {
    const { manager, store } = blocksWorld();
    const blocks = ['one', 'two', 'three'].map((content) => blockOf(manager, content));
    store.fates.push('fail', 'store', 'fail');
    const error = await manager.commitAll().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AsyncKeepWriteErrors);
    expect(error).toMatchObject({
      code: 'SERVER',
      requestId: 'req-0',
      failures: [
        { blockId: 'bufferblock0', locator: `${md5Of(bytes('one'))}+3`, cause: { code: 'SERVER' } },
        { blockId: 'bufferblock2', locator: `${md5Of(bytes('three'))}+5`, cause: { code: 'SERVER' } },
      ],
    });
    await manager.commitAll();
    expect(blocks.map((block) => block.state)).toEqual(['COMMITTED', 'COMMITTED', 'COMMITTED']);
    expect(store.puts.length).toBe(3);
  });

  test('waits for what others have sent, and leaves out what it is told to', async () => {
    const { manager, store } = blocksWorld();
    store.fates.push('hang');
    const sent = blockOf(manager, 'sent');
    const other = blockOf(manager, 'other');
    await manager.commitBufferBlock(sent);
    await settled();
    let ended = false;
    const all = manager.commitAll({ only: (block) => block === sent }).then(() => {
      ended = true;
    });
    await settled();
    expect(ended).toBe(false);
    store.letGo();
    await all;
    expect([sent.state, other.state]).toEqual(['COMMITTED', 'WRITABLE']);
  });
});

describe('getBlock', () => {
  test('takes a buffer first, then the store, by id and by locator', async () => {
    const { manager, store } = blocksWorld();
    const block = blockOf(manager, 'content');
    expect(text(await manager.getBlock(block.blockId))).toBe('content');
    expect(store.gets).toEqual([]);
    await manager.commitBufferBlock(block, { sync: true });
    expect(text(await manager.getBlock(block.blockId))).toBe('content');
    expect(store.gets).toEqual([block.locator()]);
  });

  test('gives the empty block without asking, and nothing for what is no block', async () => {
    const { manager, store } = blocksWorld();
    expect((await manager.getBlock('d41d8cd98f00b204e9800998ecf8427e+0')).length).toBe(0);
    await expect(manager.getBlock('nonsense')).rejects.toThrowError(code('NOT_FOUND'));
    expect(store.gets).toEqual([]);
  });

  test('with cacheOnly gives only what is here', async () => {
    const { manager, store } = blocksWorld();
    const locator = store.seed('content');
    expect(await manager.getBlock(locator, { cacheOnly: true })).toBeUndefined();
    await manager.getBlock(locator);
    expect(await manager.getBlock(locator, { cacheOnly: true })).toBeDefined();
  });

  test('with cacheOnly looks into the cache of the store too, where it has one', async () => {
    const { store } = blocksWorld();
    const caching = Object.assign(Object.create(store), { cached: () => bytes('cached') });
    const manager = new BlockManager({ store: caching, copies: 1, storageClasses: [] });
    const locator = `${'1'.repeat(32)}+6`;
    expect(text((await manager.getBlock(locator, { cacheOnly: true })) ?? bytes(''))).toBe('cached');
    manager.blockPrefetch(locator);
    expect(store.gets).toEqual([]);
  });

  test('tries again numRetries times what may pass, and at once gives up what will not', async () => {
    let calls = 0;
    let answer: 'BUSY' | 'NOT_FOUND' = 'BUSY';
    const pauses: number[] = [];
    const { store } = blocksWorld();
    const busy = Object.assign(Object.create(store), {
      get: async () => {
        calls += 1;
        if (calls < 3 || answer === 'NOT_FOUND') {
          throw new KeepsyncError(answer, 'Later');
        }
        return bytes('content');
      },
    });
    const clock = {
      nowMs: () => 0,
      monotonicMs: () => 0,
      setTimer: (delayMs: number, fire: () => void) => {
        pauses.push(delayMs);
        const timer = setImmediate(fire);
        return () => clearImmediate(timer);
      },
    };
    const manager = new BlockManager({ store: busy, copies: 1, storageClasses: [], clock });
    const locator = `${md5Of(bytes('content'))}+7`;
    await expect(manager.getBlock(locator)).rejects.toThrowError(code('BUSY'));
    expect(text(await manager.getBlock(locator, { numRetries: 2 }))).toBe('content');
    expect(pauses).toEqual([2_000]);
    answer = 'NOT_FOUND';
    calls = 0;
    const other = `${'1'.repeat(32)}+7`;
    await expect(manager.getBlock(other, { numRetries: 5 })).rejects.toThrowError(code('NOT_FOUND'));
    expect(calls).toBe(1);
  });
});

describe('prefetching', () => {
  test('returns at once and fetches nothing twice', async () => {
    const { manager, store } = blocksWorld();
    const locator = store.seed('content');
    const gate = Promise.withResolvers<void>();
    store.getGate = gate.promise;
    manager.blockPrefetch(locator);
    manager.blockPrefetch(locator);
    const reads = [manager.getBlock(locator), manager.getBlock(locator)];
    await settled();
    gate.resolve();
    expect((await Promise.all(reads)).map((data) => text(data))).toEqual(['content', 'content']);
    manager.blockPrefetch(locator);
    await manager.getBlock(locator);
    expect(store.gets).toEqual([locator]);
  });

  test('leaves it to the read to say that a block cannot be had', async () => {
    const { manager, store } = blocksWorld();
    const locator = `${'1'.repeat(32)}+7`;
    manager.blockPrefetch(locator);
    await settled();
    await expect(manager.getBlock(locator)).rejects.toThrowError(code('NOT_FOUND'));
    expect(store.gets.length).toBe(2);
  });

  test('does nothing for a block that is in a buffer', () => {
    const { manager, store } = blocksWorld();
    manager.blockPrefetch(blockOf(manager, 'content').blockId);
    expect(store.gets).toEqual([]);
  });

  test('holds a few blocks only', async () => {
    const { manager, store } = blocksWorld({ blockSizeBytes: 10 });
    const locators = ['aaaaaaaaaa', 'bbbbbbbbbb', 'cccccccccc', 'dddddddddd'].map((data) => store.seed(data));
    for (const locator of locators) {
      await manager.getBlock(locator);
    }
    const held = await Promise.all(locators.map((locator) => manager.getBlock(locator, { cacheOnly: true })));
    expect(held.map((data) => data !== undefined)).toEqual([false, true, true, true]);
  });
});

describe('removing blocks', () => {
  test('is refused while a thread reads them, and frees memory otherwise', async () => {
    const { manager, store, pool } = blocksWorld();
    const removed: string[] = [];
    manager.events.on('removed', ({ blockId }) => removed.push(blockId));
    store.defaultFate = 'hang';
    const pending = blockOf(manager, 'pending');
    const writable = blockOf(manager, 'writable');
    await manager.commitBufferBlock(pending);
    await settled();
    expect(() => manager.deleteBufferBlock(pending.blockId)).toThrowError(code('STATE'));
    manager.deleteBufferBlock(writable.blockId);
    manager.deleteBufferBlock('unheard of');
    expect(removed).toEqual([writable.blockId]);
    expect(pool.inUse).toBe(1);
    store.letGo('fail');
    await settled();
    manager.deleteBufferBlock(pending.blockId);
    expect(pool.inUse).toBe(0);
    expect(manager.list()).toEqual([]);
  });

  test('keeps a removed block from being committed', async () => {
    const { manager, store } = blocksWorld();
    store.defaultFate = 'hang';
    const commits = Array.from({ length: 5 }, (_, i) => manager.commitBufferBlock(blockOf(manager, `${i}`)));
    await settled();
    manager.deleteBufferBlock('bufferblock4');
    store.letGo();
    await settled();
    store.letGo();
    await Promise.all(commits);
    await settled();
    expect(store.puts.length).toBe(4);
  });

  test('of a failed block, only its bytes go, and they can be brought again', async () => {
    const { manager, store, pool } = blocksWorld();
    store.fates.push('fail');
    const block = blockOf(manager, 'content');
    await manager.commitBufferBlock(block);
    await settled();
    manager.dropPayload(block.blockId);
    expect(pool.inUse).toBe(0);
    await expect(manager.retry(block)).rejects.toThrowError(code('STATE'));
    await expect(manager.commitAll()).rejects.toMatchObject({ failures: [{ cause: { code: 'SERVER' } }] });
    const bring = (content: string) =>
      manager.refillPayload(block.blockId, async (view) => view.set(bytes(content)));
    await expect(bring('CONTENT')).rejects.toThrowError(code('FILE_CHANGED'));
    expect(pool.inUse).toBe(0);
    await bring('content');
    await manager.commitAll();
    expect(block.state).toBe('COMMITTED');
  });
});

describe('events', () => {
  test('tell what the block table shows', async () => {
    const { manager, store } = blocksWorld({ blockSizeBytes: 64 });
    const events: BlockEvent[] = [];
    manager.events.on('block', (event) => events.push(event));
    store.fates.push('fail', 'store');
    const block = blockOf(manager, 'content');
    await manager.commitBufferBlock(block);
    await settled();
    await manager.commitBufferBlock(block, { sync: true });
    const bare = '9a0364b9e99bb480dd25e1f0284c8555+7';
    const shown = events.map(({ state, sizeBytes, attempts, locator, error }) =>
      [state, sizeBytes, attempts, locator?.slice(0, bare.length), error?.code].join(' '),
    );
    expect(shown).toEqual([
      'WRITABLE 0 0  ',
      'WRITABLE 7 0  ',
      'PENDING 7 0  ',
      `PENDING 7 1 ${bare} `,
      `ERROR 7 1 ${bare} SERVER`,
      `PENDING 7 1 ${bare} `,
      `PENDING 7 2 ${bare} `,
      `COMMITTED 7 2 ${bare} `,
    ]);
    expect(events.at(-1)).toMatchObject({
      blockId: 'bufferblock0',
      capacityBytes: 64,
      server: 'http://127.0.0.1:1',
    });
  });

  test('are few while a block fills', () => {
    const { manager } = blocksWorld({ blockSizeBytes: 6_400 });
    let count = 0;
    manager.events.on('block', () => {
      count += 1;
    });
    const block = manager.allocBufferBlock();
    for (let i = 0; i < 6_400; i += 1) {
      block.append(bytes('x'));
    }
    expect(count).toBe(1 + 64);
  });
});

describe('stopping', () => {
  test('lets uploads end, refuses what comes later, and ends who waits', async () => {
    const { manager, store } = blocksWorld();
    store.defaultFate = 'hang';
    const commits = Array.from({ length: 5 }, (_, i) => manager.commitBufferBlock(blockOf(manager, `${i}`)));
    const waiting = expect(commits.at(-1)).rejects.toThrowError(code('CLOSED'));
    await settled();
    let stopped = false;
    const stop = manager.stopThreads().then(() => {
      stopped = true;
    });
    await waiting;
    await settled();
    expect(stopped).toBe(false);
    store.defaultFate = 'store';
    store.letGo();
    await stop;
    expect(store.puts.length).toBe(4);
    expect(() => manager.allocBufferBlock()).toThrowError(code('CLOSED'));
  });

  test('breaks off uploads and fetches when told to, and nothing is left', async () => {
    const { manager, store, pool } = blocksWorld();
    store.defaultFate = 'hang';
    store.getGate = new Promise(() => undefined);
    const block = blockOf(manager, 'content');
    await manager.commitBufferBlock(block);
    const read = expect(manager.getBlock(store.seed('other'))).rejects.toThrowError(code('CLOSED'));
    await settled();
    await manager.stopThreads({ abort: true });
    await read;
    expect(block.state).toBe('ERROR');
    expect(block.error?.code).toBe('CANCELLED');
    manager.clear();
    expect(pool.inUse).toBe(0);
    await expect(manager.getBlock(store.seed('third'))).rejects.toThrowError(code('CLOSED'));
  });
});
