import { rm } from 'node:fs/promises';
import { safeStorage } from 'electron';
import { z } from 'zod';
import { parseJsonOrUndefined, readIfThere, writeDurably } from '../base/durable-file.ts';
import { KeepsyncError } from '../base/errors.ts';
import { memoryTokenStore, type TokenStore } from '../shell/token-store.ts';

const fileSchema = z.object({ host: z.string().min(1), encrypted: z.string().min(1) });

/** On Linux, without a keyring Electron "encrypts" with a password that everybody knows: that counts as nothing. */
function canEncrypt(): boolean {
  return (
    safeStorage.isEncryptionAvailable() &&
    (process.platform !== 'linux' || safeStorage.getSelectedStorageBackend() !== 'basic_text')
  );
}

/**
 * The token, encrypted by the system's keychain, in a file of the profile; where the system has none, in memory only.
 * After `ready` of the app.
 */
export function openTokenStore(file: string): TokenStore {
  if (!canEncrypt()) {
    return memoryTokenStore();
  }
  return {
    kept: 'encrypted',
    read: async (host) => {
      const text = await readIfThere(file);
      if (text === undefined) {
        return undefined;
      }
      const stored = fileSchema.safeParse(parseJsonOrUndefined(text));
      if (!stored.success) {
        throw damaged();
      }
      if (stored.data.host !== host) {
        return undefined;
      }
      try {
        return safeStorage.decryptString(Buffer.from(stored.data.encrypted, 'base64'));
      } catch (cause) {
        throw damaged(cause);
      }
    },
    write: async (host, token) => {
      const encrypted = safeStorage.encryptString(token).toString('base64');
      await writeDurably(file, `${JSON.stringify({ host, encrypted })}\n`);
    },
    remove: () => rm(file, { force: true }),
  };
}

/** A keychain that was reset, or a profile from another computer. */
function damaged(cause?: unknown): KeepsyncError {
  return new KeepsyncError('NOT_SIGNED_IN', "The system's keychain no longer opens the token", {
    action: 'Sign in again, uploads go on where they stopped.',
    cause,
  });
}
