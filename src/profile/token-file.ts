import { rm } from 'node:fs/promises';
import * as z from 'zod';
import { makePrivate, readIfThere, writeDurably } from '../base/durable-file.ts';
import { KeepsyncError } from '../base/errors.ts';
import { summedContent, withSum } from './summed-file.ts';

const tokenSchema = z.object({ host: z.string().min(1), token: z.string().min(1) });
const KEYS = Object.keys(tokenSchema.shape);

/**
 * Outside the desktop app the token lies in a file that only its user can read (mode 0600), with the host it is for: it
 * is never sent to another.
 */
export class TokenFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The token for `host`, or undefined where there is none, or one for another host. Throws NOT_SIGNED_IN where damaged. */
  async read(host: string): Promise<string | undefined> {
    const text = await readIfThere(this.path);
    if (text === undefined) {
      return undefined;
    }
    await makePrivate(this.path);
    const stored = tokenSchema.safeParse(summedContent(text, KEYS));
    if (!stored.success) {
      // no cause: a parser's complaint may repeat the token
      throw new KeepsyncError('NOT_SIGNED_IN', 'The file with the token is damaged', {
        action: 'Sign in again: keepsync login',
      });
    }
    return stored.data.host === host ? stored.data.token : undefined;
  }

  async write(host: string, token: string): Promise<void> {
    await writeDurably(this.path, `${JSON.stringify(withSum({ host, token }))}\n`);
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
