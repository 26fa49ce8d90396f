import { createHmac, timingSafeEqual } from 'node:crypto';
import { formatLocator, localSignature, parseLocator } from './locator.ts';

/** Collections.BlobSigningTTL of a cluster that sets nothing: 336 hours. */
export const DEFAULT_SIGNING_TTL_SECONDS = 1_209_600;

function signatureHex(
  key: string,
  token: string,
  md5: string,
  expiryHex: string,
  ttlSeconds: number,
): string {
  return createHmac('sha1', key)
    .update(`${md5}@${token}@${expiryHex}@${ttlSeconds.toString(16)}`)
    .digest('hex');
}

/**
 * The locator with a local signature behind its size, in place of any it had. `key` is the cluster's BlobSigningKey,
 * `token` the exact string that the client sends, `ttlSeconds` the cluster's BlobSigningTTL (part of what is signed).
 */
export function signLocator(
  key: string,
  token: string,
  locator: string,
  expirySeconds: number,
  ttlSeconds: number = DEFAULT_SIGNING_TTL_SECONDS,
): string {
  const parsed = parseLocator(locator);
  const expiryHex = expirySeconds.toString(16).padStart(8, '0');
  const hint = `A${signatureHex(key, token, parsed.md5, expiryHex, ttlSeconds)}@${expiryHex}`;
  return formatLocator({ ...parsed, hints: [hint, ...parsed.hints.filter((old) => !old.startsWith('A'))] });
}

export type SignatureVerdict = 'valid' | 'missing' | 'expired' | 'wrong';

/** Whether a locator is signed for this token, and still good at `nowSeconds`. */
export function verifySignature(
  key: string,
  token: string,
  locator: string,
  nowSeconds: number,
  ttlSeconds: number = DEFAULT_SIGNING_TTL_SECONDS,
): SignatureVerdict {
  const parsed = parseLocator(locator);
  const signature = localSignature(parsed);
  if (!signature) {
    return 'missing';
  }
  const expiryHex = signature.expirySeconds.toString(16).padStart(8, '0');
  const wanted = signatureHex(key, token, parsed.md5, expiryHex, ttlSeconds);
  if (!timingSafeEqual(Buffer.from(wanted), Buffer.from(signature.hex))) {
    return 'wrong';
  }
  return signature.expirySeconds < nowSeconds ? 'expired' : 'valid';
}
