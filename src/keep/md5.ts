import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { abortError } from './keep-errors.ts';

/** About 7 ms of hashing: between two slices the thread's sockets get their turn. */
const SLICE_BYTES = 4_194_304;

/** Lower-case hex md5 of `data`. Rejects with the signal's reason on abort. */
export async function blockMd5(data: Uint8Array, signal?: AbortSignal): Promise<string> {
  const hash = createHash('md5');
  for (let offset = 0; offset < data.length; offset += SLICE_BYTES) {
    if (offset > 0) {
      await nextTurn();
    }
    if (signal?.aborted) {
      throw abortError(signal);
    }
    hash.update(data.subarray(offset, offset + SLICE_BYTES));
  }
  return hash.digest('hex');
}
