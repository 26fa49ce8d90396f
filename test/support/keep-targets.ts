import type { FetchResult, FetchTarget } from '../../src/keep/ports.ts';
import { TargetWriter } from '../../src/keep/target-writer.ts';

/** Writes ranges of a block that comes in by pieces of `chunkBytes`, by default at once. */
export async function writeTargets(
  block: Uint8Array,
  targets: readonly FetchTarget[],
  options: { readonly signal?: AbortSignal; readonly chunkBytes?: number } = {},
): Promise<FetchResult> {
  const { signal, chunkBytes = Math.max(1, block.length) } = options;
  const writer = new TargetWriter(block.length, targets, signal);
  const take = writer.begin();
  for (let at = 0; at < block.length; at += chunkBytes) {
    await take(block.subarray(at, at + chunkBytes));
  }
  return writer.finish();
}
