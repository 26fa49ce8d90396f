import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { BlockFolder } from './block-folder.ts';

/**
 * Blocks up to here are read and verified as a whole before the answer begins, and a damaged one gives a status. Of
 * larger ones, as with keepstore, the answer has begun when the damage is found: the connection is cut instead.
 */
const WHOLE_BYTES = 128 << 10;
const PIECE_BYTES = 1 << 20;

export type SendOutcome = 'sent' | 'missing' | 'damaged';

/**
 * Answers a GET or HEAD with the block, verified. `missing` and `damaged` mean that nothing was sent yet. Of `wantedBytes`,
 * the size in the locator, undefined stands for whatever is there.
 */
export async function sendBlock(
  folder: BlockFolder,
  hash: string,
  wantedBytes: number | undefined,
  isHead: boolean,
  response: ServerResponse,
): Promise<SendOutcome> {
  const storedBytes = await folder.sizeOf(hash);
  if (storedBytes === undefined) {
    return 'missing';
  }
  const sizeBytes = wantedBytes ?? storedBytes;
  const file = await open(folder.fileOf(hash), 'r');
  try {
    const digest = createHash('md5');
    const headers = { 'Content-Length': sizeBytes, 'Content-Type': 'application/octet-stream' };
    const isWhole = isHead || sizeBytes <= WHOLE_BYTES;
    let held: Buffer | undefined;
    if (!isWhole) {
      response.writeHead(200, headers);
    }
    for (let position = 0; position < storedBytes; ) {
      const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, storedBytes - position));
      const { bytesRead } = await file.read(piece, 0, piece.length, position);
      if (bytesRead === 0) {
        break;
      }
      position += bytesRead;
      const read = piece.subarray(0, bytesRead);
      // the piece before goes out while this one is hashed; the last is held back until the block is known to be whole
      if (held && !isWhole && !response.write(held)) {
        digest.update(read);
        await writable(response);
      } else {
        digest.update(read);
      }
      held = read;
      if (response.destroyed) {
        return 'sent';
      }
    }
    const isGood = storedBytes === sizeBytes && digest.digest('hex') === hash;
    if (isGood) {
      if (isWhole) {
        response.writeHead(200, headers);
      }
      response.end(isHead ? undefined : held);
      return 'sent';
    }
    if (isWhole) {
      return 'damaged';
    }
    // short of what was announced, whatever the client does with it, and only then gone
    response.write((held ?? Buffer.alloc(0)).subarray(0, -1), () => response.destroy());
    return 'sent';
  } finally {
    await file.close();
  }
}

async function writable(response: ServerResponse): Promise<void> {
  if (response.writableNeedDrain && !response.destroyed) {
    const stop = new AbortController();
    const closed = () => stop.abort();
    response.once('close', closed);
    try {
      await once(response, 'drain', { signal: stop.signal });
    } catch (thrown) {
      // the client went away: the loop sees that for itself
      if (!stop.signal.aborted) {
        throw thrown;
      }
    } finally {
      response.off('close', closed);
    }
  }
}
