import type { About } from '../contract/shell.ts';

/** Where the token is between two starts; with the host it is for, because it is never sent to another. */
export interface TokenStore {
  readonly kept: About['tokenIsKept'];
  /** Undefined where there is none for this host. */
  read(host: string): Promise<string | undefined>;
  write(host: string, token: string): Promise<void>;
  remove(): Promise<void>;
}

/** For where nothing better is to be had: gone with the process. */
export function memoryTokenStore(): TokenStore {
  let held: { readonly host: string; readonly token: string } | undefined;
  return {
    kept: 'memory',
    read: async (host) => (held?.host === host ? held.token : undefined),
    write: async (host, token) => {
      held = { host, token };
    },
    remove: async () => {
      held = undefined;
    },
  };
}
