import type { CommandInput, CommandName, CommandOutput, ContractEvents } from '../src/contract/commands.ts';
import type { Shell } from '../src/contract/shell.ts';
import { CLOSE_WRONG_KEY, type FromWindow, type ToWindow, toWindowSchema } from '../src/contract/web-window.ts';
import { type Bridge, BridgeError, type Connection, shellOf } from './bridge.ts';

/** Waits before a reconnect: half a second, doubling, at most ten seconds. */
const RECONNECT_FIRST_MS = 500;
const RECONNECT_MAX_MS = 10_000;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: BridgeError) => void;
}

type Listener = (payload: unknown) => void;

const lost = () =>
  new BridgeError({
    code: 'OFFLINE',
    message: 'The connection to Keepsync was lost.',
    action: 'Try again once it is back.',
    requestId: null,
  });

/**
 * The window in a browser, over one WebSocket. Commands that are under way when it breaks are rejected with OFFLINE;
 * subscriptions outlive it. The shell's calls are known after the server's welcome, so wait for `ready`.
 */
export class WebSocketBridge implements Bridge {
  shell: Shell = {};
  readonly connection: Connection;
  /** Resolves after the first welcome. */
  readonly ready: Promise<void>;
  readonly #url: string;
  readonly #key: string;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #watchers = new Set<() => void>();
  #socket: WebSocket | null = null;
  #state: 'connecting' | 'open' | 'refused' = 'connecting';
  #nextId = 1;
  #delayMs = RECONNECT_FIRST_MS;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  #welcomed: () => void = () => undefined;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
    this.ready = new Promise((resolve) => {
      this.#welcomed = resolve;
    });
    this.connection = {
      state: () => this.#state,
      subscribe: (listener) => {
        this.#watchers.add(listener);
        return () => this.#watchers.delete(listener);
      },
    };
    this.#connect();
  }

  async run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    // the server checked the answer against the contract's schema before it sent it
    return (await this.#ask({ run: name, input })) as CommandOutput<N>;
  }

  subscribe<E extends keyof ContractEvents>(
    event: E,
    listener: (payload: ContractEvents[E]) => void,
  ): () => void {
    const set = this.#listeners.get(event) ?? new Set<Listener>();
    this.#listeners.set(event, set);
    const entry: Listener = (payload) => listener(payload as ContractEvents[E]);
    set.add(entry);
    if (set.size === 1) {
      this.#send({ subscribe: event });
    }
    return () => {
      set.delete(entry);
      if (set.size === 0) {
        this.#send({ unsubscribe: event });
      }
    };
  }

  /** Closes for good: nothing is tried again, what is under way is rejected. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
    }
    this.#socket?.close();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.addEventListener('open', () => socket.send(JSON.stringify({ hello: { key: this.#key } })));
    socket.addEventListener('message', (message) => this.#take(String(message.data)));
    socket.addEventListener('close', (event) => this.#lost(event.code));
  }

  #lost(code: number): void {
    for (const pending of this.#pending.values()) {
      pending.reject(lost());
    }
    this.#pending.clear();
    this.#socket = null;
    this.#become(code === CLOSE_WRONG_KEY ? 'refused' : 'connecting');
    if (this.#closed || code === CLOSE_WRONG_KEY) {
      return;
    }
    this.#timer = setTimeout(() => this.#connect(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, RECONNECT_MAX_MS);
  }

  #take(text: string): void {
    const message: ToWindow = toWindowSchema.parse(JSON.parse(text));
    if ('welcome' in message) {
      this.shell = shellOf(message.welcome.offers, (name, input) => this.#ask({ shell: name, input }));
      this.#delayMs = RECONNECT_FIRST_MS;
      this.#become('open');
      for (const [event, set] of this.#listeners) {
        if (set.size > 0) {
          this.#send({ subscribe: event });
        }
      }
      this.#welcomed();
    } else if ('event' in message) {
      for (const listener of this.#listeners.get(message.event) ?? []) {
        listener(message.payload);
      }
    } else {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.ok) {
        pending?.resolve(message.value);
      } else {
        pending?.reject(new BridgeError(message.error));
      }
    }
  }

  #ask(request: { run: string; input: unknown } | { shell: string; input: unknown }): Promise<unknown> {
    if (this.#state !== 'open') {
      return Promise.reject(lost());
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#send({ id, ...request });
    });
  }

  #send(message: FromWindow): void {
    if (this.#state === 'open') {
      this.#socket?.send(JSON.stringify(message));
    }
  }

  #become(state: 'connecting' | 'open' | 'refused'): void {
    if (state !== this.#state) {
      this.#state = state;
      for (const watcher of this.#watchers) {
        watcher();
      }
    }
  }
}
