import { safeStorage } from 'electron';
import type { Cipher } from './safe-token-store.ts';

/**
 * Electron's safeStorage, once the app is ready; undefined where there is nothing behind it. On Linux without a keyring it
 * "encrypts" with a password that everybody knows: that counts as nothing.
 */
export function systemCipher(): Cipher | undefined {
  const isReal =
    safeStorage.isEncryptionAvailable() &&
    (process.platform !== 'linux' || safeStorage.getSelectedStorageBackend() !== 'basic_text');
  return isReal
    ? {
        encrypt: (text) => safeStorage.encryptString(text),
        decrypt: (bytes) => safeStorage.decryptString(Buffer.from(bytes)),
      }
    : undefined;
}
