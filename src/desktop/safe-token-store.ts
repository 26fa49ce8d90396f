import { rm } from 'node:fs/promises';
import * as z from 'zod';
import { readIfThere, writeDurably } from '../base/durable-file.ts';
import { KeepsyncError } from '../base/errors.ts';
import { summedContent, withSum } from '../profile/summed-file.ts';
import { memoryTokenStore, type TokenStore } from '../shell/token-store.ts';

const fileSchema = z.object({ host: z.string().min(1), encrypted: z.string().min(1) });
const KEYS = Object.keys(fileSchema.shape);

/** The system's keychain: what is encrypted here can be read by this user of this computer only. */
export interface Cipher {
  encrypt(text: string): Uint8Array;
  /** Throws where the keychain does not know these bytes any more. */
  decrypt(bytes: Uint8Array): string;
}

/**
 * The token, encrypted by the system's keychain, in a file of the profile; where the system has none, in memory only.
 */
export function openTokenStore(file: string, cipher: Cipher | undefined): TokenStore {
  if (cipher === undefined) {
    return memoryTokenStore();
  }
  return {
    kept: 'encrypted',
    read: async (host) => {
      const text = await readIfThere(file);
      if (text === undefined) {
        return undefined;
      }
      const stored = fileSchema.safeParse(summedContent(text, KEYS));
      if (!stored.success) {
        throw damaged();
      }
      if (stored.data.host !== host) {
        return undefined;
      }
      try {
        return cipher.decrypt(Buffer.from(stored.data.encrypted, 'base64'));
      } catch (cause) {
        throw damaged(cause);
      }
    },
    write: async (host, token) => {
      const encrypted = Buffer.from(cipher.encrypt(token)).toString('base64');
      await writeDurably(file, `${JSON.stringify(withSum({ host, encrypted }))}\n`);
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
