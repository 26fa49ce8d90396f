import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Cipher, openTokenStore } from '../../src/desktop/safe-token-store.ts';

const HOST = 'zzzzz.example.org';
const TOKEN = 'v2/zzzzz-gj3su-000000000000001/secret';
let dir: string;
let file: string;

/** A keychain that can lose its key. */
function keychain(): Cipher & { key: string } {
  const chain = {
    key: 'k1',
    encrypt: (text: string) => Buffer.from(`${chain.key}:${Buffer.from(text).toString('hex')}`),
    decrypt: (bytes: Uint8Array) => {
      const [key, hex] = Buffer.from(bytes).toString().split(':');
      if (key !== chain.key) {
        throw new Error('wrong key');
      }
      return Buffer.from(hex ?? '', 'hex').toString();
    },
  };
  return chain;
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keepsync-token-'));
  file = join(dir, 'token.encrypted.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the token in the keychain', () => {
  test('comes back after a start, for its own host only, and is never in the file', async () => {
    const chain = keychain();
    const store = openTokenStore(file, chain);
    expect(store.kept).toBe('encrypted');
    expect(await store.read(HOST)).toBeUndefined();
    await store.write(HOST, TOKEN);
    expect(readFileSync(file, 'utf8')).not.toContain('secret');
    expect(process.platform === 'win32' || (statSync(file).mode & 0o077) === 0).toBe(true);
    const again = openTokenStore(file, chain);
    expect(await again.read(HOST)).toBe(TOKEN);
    expect(await again.read('evil.example.org')).toBeUndefined();
    await again.remove();
    expect(await again.read(HOST)).toBeUndefined();
  });

  test('a keychain that was reset, or a damaged file, asks to sign in again', async () => {
    const chain = keychain();
    const store = openTokenStore(file, chain);
    await store.write(HOST, TOKEN);
    chain.key = 'k2';
    await expect(store.read(HOST)).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    writeFileSync(file, '{"host":');
    await expect(store.read(HOST)).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
  });

  test('without a keychain it is in memory only', async () => {
    const store = openTokenStore(file, undefined);
    expect(store.kept).toBe('memory');
    await store.write(HOST, TOKEN);
    expect(await store.read(HOST)).toBe(TOKEN);
    expect(await openTokenStore(file, undefined).read(HOST)).toBeUndefined();
  });
});
