import { randomBytes } from 'node:crypto';

/** Randomness as a port: `bytes(n)` gives n bytes, `fraction()` a number in [0, 1) for jitter. */
export interface Random {
  bytes(count: number): Uint8Array;
  fraction(): number;
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  fraction: () => Math.random(),
};

const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz';

/** `count` characters of [0-9a-z], for request ids and the like; 256 is no multiple of 36, so high bytes are skipped. */
export function randomBase36(random: Random, count: number): string {
  let text = '';
  while (text.length < count) {
    for (const byte of random.bytes(count)) {
      if (byte < 252 && text.length < count) {
        text += BASE36[byte % 36];
      }
    }
  }
  return text;
}

/** A request id as Arvados writes it: `req-` and 20 of [0-9a-z]. */
export function newRequestId(random: Random = systemRandom): string {
  return `req-${randomBase36(random, 20)}`;
}
