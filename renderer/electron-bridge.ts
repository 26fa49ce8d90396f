import type { CommandInput, CommandName, CommandOutput, ContractEvents } from '../src/contract/commands.ts';
import type { Answer, PreloadApi, Shell } from '../src/contract/shell.ts';
import { type Bridge, BridgeError, type Connection, shellOf } from './bridge.ts';

declare global {
  interface Window {
    readonly keepsync?: PreloadApi;
  }
}

function unwrap(answer: Answer): unknown {
  if (answer.ok) {
    return answer.value;
  }
  throw new BridgeError(answer.error);
}

const alwaysOpen: Connection = { state: () => 'open', subscribe: () => () => undefined };

/** The window inside Electron: everything goes through what the preload script offers. */
export class ElectronBridge implements Bridge {
  readonly shell: Shell;
  readonly connection = alwaysOpen;
  readonly #api: PreloadApi;

  constructor(api: PreloadApi) {
    this.#api = api;
    this.shell = {
      ...shellOf(api.offers, async (name, input) => unwrap(await api.callShell(name, input))),
      acceptDrop: (file) => api.acceptDrop(file),
      onNavigate: (listener) => api.onNavigate(listener),
    };
  }

  async run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    // the main process checked the answer against the contract's schema before it sent it
    return unwrap(await this.#api.run(name, input)) as CommandOutput<N>;
  }

  subscribe<E extends keyof ContractEvents>(
    event: E,
    listener: (payload: ContractEvents[E]) => void,
  ): () => void {
    return this.#api.subscribe(event, (payload) => listener(payload as ContractEvents[E]));
  }
}
