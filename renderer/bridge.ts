import type { CommandHost } from '../src/contract/commands.ts';
import type { ErrorView, Shell } from '../src/contract/shell.ts';

/** The way to the owner of the profile. It lives as long as the window. */
export interface Connection {
  /** `refused`: the key of the page's address is wrong, nothing is tried again. */
  state(): 'connecting' | 'open' | 'refused';
  /** Called after each change of `state`. Returns the way to stop. */
  subscribe(listener: () => void): () => void;
}

/** Everything the window knows of the world outside it. */
export interface Bridge extends CommandHost {
  readonly shell: Shell;
  readonly connection: Connection;
}

/** A command or shell call that was answered with an error. */
export class BridgeError extends Error {
  readonly code: ErrorView['code'];
  readonly action: string | null;
  readonly requestId: string | null;

  constructor(view: ErrorView) {
    super(view.message);
    this.name = 'BridgeError';
    this.code = view.code;
    this.action = view.action ?? null;
    this.requestId = view.requestId ?? null;
  }
}

/** What a person is shown of something that failed. */
export interface Failure {
  readonly code: ErrorView['code'];
  readonly message: string;
  readonly action: string | null;
  readonly requestId: string | null;
}

/** Anything thrown, as what a person can be shown. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof BridgeError) {
    return { code: thrown.code, message: thrown.message, action: thrown.action, requestId: thrown.requestId };
  }
  return {
    code: 'INTERNAL',
    message: thrown instanceof Error ? thrown.message : String(thrown),
    action: null,
    requestId: null,
  };
}

/** Builds the shell out of the names that the other end offers. */
export function shellOf(
  offers: readonly string[],
  call: (name: string, input: unknown) => Promise<unknown>,
): Shell {
  return Object.fromEntries(offers.map((name) => [name, (input: unknown) => call(name, input)])) as Shell;
}
