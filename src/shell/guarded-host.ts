import { KeepsyncError } from '../base/errors.ts';
import type {
  CommandHost,
  CommandInput,
  CommandName,
  CommandOutput,
  ContractEvents,
} from '../contract/commands.ts';
import type { ChosenPaths } from './chosen-paths.ts';

export interface GuardedHostOptions {
  readonly host: CommandHost;
  /** Undefined: any folder, as for a browser of the same person, where there is no dialog to point at one. */
  readonly paths: ChosenPaths | undefined;
  /** Quitting from the window asks the person first. */
  readonly onStop: (how: 'finish' | 'now') => void;
}

/**
 * The commands as a window may run them: folders only where a person pointed at them, the account only by signing in.
 */
export class GuardedHost implements CommandHost {
  readonly #options: GuardedHostOptions;

  constructor(options: GuardedHostOptions) {
    this.#options = options;
  }

  async run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    const { host, paths, onStop } = this.#options;
    switch (name) {
      case 'folders.add':
        await paths?.requireRoots((input as CommandInput<'folders.add'>).roots);
        break;
      case 'folders.set':
        await paths?.requireRoots((input as CommandInput<'folders.set'>).change.roots);
        break;
      case 'settings.set':
        return (await host.run(
          'settings.set',
          await this.#checkedSettings(input as CommandInput<'settings.set'>),
        )) as CommandOutput<N>;
      case 'owner.stop':
        onStop((input as CommandInput<'owner.stop'>).how);
        return { ok: true } as CommandOutput<N>;
    }
    return await host.run(name, input);
  }

  subscribe<E extends keyof ContractEvents>(
    event: E,
    listener: (payload: ContractEvents[E]) => void,
  ): () => void {
    return this.#options.host.subscribe(event, listener);
  }

  /** Which cluster gets the token is settled by signing in, never by a setting; what is not named stays as it is. */
  async #checkedSettings(change: CommandInput<'settings.set'>): Promise<CommandInput<'settings.set'>> {
    const wanted = change.account;
    if (wanted === undefined) {
      return change;
    }
    const { account } = await this.#options.host.run('settings.get', {});
    const changes = (['host', 'local', 'insecure'] as const).some(
      (field) => wanted[field] !== undefined && wanted[field] !== account[field],
    );
    if (changes) {
      throw new KeepsyncError('FORBIDDEN', 'The account is changed by signing in only', {
        action: 'Sign in to the other cluster.',
      });
    }
    return { ...change, account: { ...account, ...wanted } };
  }
}
