import { BlockManager, type BlockManagerOptions } from '../../src/blocks/block-manager.ts';
import { SharedBufferPool } from '../../src/blocks/shared-buffer-pool.ts';
import { Collection } from '../../src/collection/collection.ts';
import { MemoryBlockStore } from './blocks-memory-store.ts';

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (data: Uint8Array) => new TextDecoder().decode(Uint8Array.from(data));
export const filled = (length: number, char: string) => new Uint8Array(length).fill(char.charCodeAt(0));

/** Turns of the event loop, for whatever is under way in memory to get on. */
export async function settled(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A manager over a store in memory, with a watch on the number of pending blocks and on leaks. */
export function blocksWorld(options: Partial<BlockManagerOptions> = {}) {
  const store = new MemoryBlockStore();
  const blockSizeBytes = options.blockSizeBytes ?? 2 ** 26;
  const pool = new SharedBufferPool({ retain: 5, capacityBytes: blockSizeBytes });
  const manager = new BlockManager({ store, pool, copies: 1, storageClasses: [], ...options });
  let mostPending = 0;
  manager.events.on('block', () => {
    const pending = manager.list().filter((block) => block.state === 'PENDING').length;
    mostPending = Math.max(mostPending, pending);
  });
  return {
    store,
    pool,
    manager,
    collection: () => new Collection(manager),
    mostPending: () => mostPending,
  };
}

/** Writes a file in one go, as the SDK's `open`, `write`, `close` do. */
export async function writeFile(
  collection: Collection,
  path: string,
  content: string | Uint8Array,
  flush = false,
): Promise<void> {
  const writer = collection.open(path, 'write');
  await writer.write(content);
  await writer.close({ flush });
}

export async function readFile(collection: Collection, path: string): Promise<Uint8Array> {
  const reader = collection.open(path);
  try {
    return await reader.readAll();
  } finally {
    reader.close();
  }
}
