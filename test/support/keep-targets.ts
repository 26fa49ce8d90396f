import type { FetchResult, FetchTargets } from '../../src/keep/ports.ts';
import { TargetWriter } from '../../src/keep/target-writer.ts';

/** One range of a block, and where it belongs. */
export interface Target {
  readonly diskPath: string;
  readonly fileOffset: number;
  readonly blockOffset: number;
  readonly lengthBytes: number;
}

export function fetchTargets(targets: readonly Target[]): FetchTargets {
  return {
    paths: targets.map(({ diskPath }) => diskPath),
    ranges: Float64Array.from(
      targets.flatMap(({ fileOffset, blockOffset, lengthBytes }) => [fileOffset, blockOffset, lengthBytes]),
    ),
  };
}

/** Writes ranges of a block that comes in by pieces of `chunkBytes`, by default at once, all in the same memory. */
export async function writeTargets(
  block: Uint8Array,
  targets: FetchTargets,
  options: { readonly signal?: AbortSignal; readonly chunkBytes?: number } = {},
): Promise<FetchResult> {
  const { signal, chunkBytes = Math.max(1, block.length) } = options;
  const writer = new TargetWriter(block.length, targets, signal);
  const take = writer.begin();
  const memory = new Uint8Array(Math.min(chunkBytes, block.length));
  for (let at = 0; at < block.length; at += chunkBytes) {
    const chunk = memory.subarray(0, Math.min(chunkBytes, block.length - at));
    chunk.set(block.subarray(at, at + chunkBytes));
    const taken = take(chunk);
    memory.fill(0xee);
    await taken;
  }
  return writer.finish();
}
