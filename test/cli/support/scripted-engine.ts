import { Emitter } from '../../../src/base/emitter.ts';
import { KeepsyncError } from '../../../src/base/errors.ts';
import type {
  CommandInput,
  CommandName,
  CommandOutput,
  ContractEvents,
} from '../../../src/contract/commands.ts';
import type { Engine, OnceResult, Pair } from '../../../src/engine/ports.ts';
import { StatusFold } from '../../../src/status/status-fold.ts';
import { NOW_MS, signedIn } from '../../status/make.ts';

type Answers = {
  [N in CommandName]?: (input: CommandInput<N>) => CommandOutput<N> | Promise<CommandOutput<N>>;
};

export const savedResult = (part: Partial<OnceResult> = {}): OnceResult => ({
  outcome: 'saved',
  collectionUuid: 'zzzzz-4zz18-000000000000001',
  portableDataHash: '7d23cb4d18687c8e89d1f72c08348d95+68',
  files: 3,
  bytes: 300,
  failures: [],
  ...part,
});

/** An engine that answers as it is told, and notes what it was asked. */
export class ScriptedEngine implements Engine {
  readonly events = new Emitter<ContractEvents>();
  readonly calls: string[] = [];
  readonly fold = new StatusFold('daemon', '0.1.0');
  answers: Answers = {};
  once: (folderId: string) => Promise<OnceResult> = async () => savedResult();
  pairs: readonly Pair[] = [];

  constructor() {
    this.fold.apply({ type: 'account', account: signedIn }, NOW_MS);
  }

  async run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    this.calls.push(`${name} ${JSON.stringify(input)}`);
    const answer = this.answers[name] as ((input: CommandInput<N>) => CommandOutput<N>) | undefined;
    if (answer !== undefined) {
      return await answer(input);
    }
    if (name === 'status.get') {
      return this.fold.snapshot(NOW_MS) as CommandOutput<N>;
    }
    throw new KeepsyncError('INTERNAL', `no answer to ${name}`);
  }

  subscribe<E extends keyof ContractEvents>(
    event: E,
    listener: (payload: ContractEvents[E]) => void,
  ): () => void {
    return this.events.on(event, listener);
  }

  async start(): Promise<void> {
    this.calls.push('start');
  }

  runOnce(folderId: string): Promise<OnceResult> {
    this.calls.push('runOnce');
    return this.once(folderId);
  }

  async close(how: { readonly finish: boolean }): Promise<void> {
    this.calls.push(`close ${how.finish ? 'finish' : 'now'}`);
  }
}
