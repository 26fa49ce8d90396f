import type { CommandInput, CommandName, CommandOutput, ContractEvents } from '../src/contract/commands.ts';
import {
  helloResultSchema,
  PROTOCOL_VERSION,
  type ProtocolReply,
  type ProtocolRequest,
  replySchema,
} from '../src/contract/protocol.ts';
import type { Shell } from '../src/contract/shell.ts';
import { CLOSE_WRONG_KEY } from '../src/contract/window-page.ts';
import { type Bridge, BridgeError, type Connection, shellOf } from './bridge.ts';

/** Waits before a reconnect: half a second, doubling, at most ten seconds. */
const RECONNECT_FIRST_MS = 500;
const RECONNECT_MAX_MS = 10_000;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: BridgeError) => void;
}

type EventName = keyof ContractEvents;
type Listener = (payload: unknown) => void;
type State = 'connecting' | 'open' | 'refused';

const lost = () =>
  new BridgeError({
    code: 'OFFLINE',
    name: 'BridgeError',
    message: 'The connection to Keepsync was lost.',
    action: 'Try again once it is back.',
  });

/**
 * The window in a browser, over one WebSocket. Commands that are under way when it breaks are rejected with OFFLINE;
 * subscriptions outlive it. The shell's calls are known after the first hello, so wait for `ready`.
 */
export class WebSocketBridge implements Bridge {
  shell: Shell = {};
  readonly connection: Connection;
  /** Resolves when the connection was first open, or was refused. */
  readonly ready: Promise<void>;
  readonly #url: string;
  readonly #key: string;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<EventName, Set<Listener>>();
  readonly #watchers = new Set<() => void>();
  #socket: WebSocket | null = null;
  #state: State = 'connecting';
  #nextId = 1;
  #delayMs = RECONNECT_FIRST_MS;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  #settled: () => void = () => undefined;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
    this.ready = new Promise((resolve) => {
      this.#settled = resolve;
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
    return (await this.#run(name, input)) as CommandOutput<N>;
  }

  subscribe<E extends EventName>(event: E, listener: (payload: ContractEvents[E]) => void): () => void {
    const set = this.#listeners.get(event) ?? new Set<Listener>();
    this.#listeners.set(event, set);
    const entry: Listener = (payload) => listener(payload as ContractEvents[E]);
    set.add(entry);
    if (set.size === 1) {
      this.#listen('subscribe', event);
    }
    return () => {
      if (set.delete(entry) && set.size === 0) {
        this.#listen('unsubscribe', event);
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
    socket.addEventListener('open', () => {
      this.#ask({ type: 'hello', id: this.#nextId++, protocol: PROTOCOL_VERSION, key: this.#key }).then(
        (answer) => this.#welcome(answer),
        (refusal: unknown) => {
          const wrongKey = refusal instanceof BridgeError && refusal.code !== 'OFFLINE';
          socket.close(wrongKey ? CLOSE_WRONG_KEY : 1000);
        },
      );
    });
    socket.addEventListener('message', (message) => this.#take(String(message.data)));
    socket.addEventListener('close', (event) => this.#broken(event.code));
  }

  #welcome(answer: unknown): void {
    const { offers = [] } = helloResultSchema.parse(answer);
    this.shell = shellOf(offers, (name, input) => this.#run(`shell.${name}`, input));
    this.#delayMs = RECONNECT_FIRST_MS;
    this.#become('open', () => {
      for (const [event, set] of this.#listeners) {
        if (set.size > 0) {
          this.#listen('subscribe', event);
        }
      }
    });
    this.#settled();
  }

  #broken(code: number): void {
    const refused = code === CLOSE_WRONG_KEY;
    for (const pending of this.#pending.values()) {
      pending.reject(lost());
    }
    this.#pending.clear();
    this.#socket = null;
    this.#become(refused ? 'refused' : 'connecting');
    if (refused) {
      this.#settled();
    } else if (!this.#closed) {
      this.#timer = setTimeout(() => this.#connect(), this.#delayMs);
      this.#delayMs = Math.min(this.#delayMs * 2, RECONNECT_MAX_MS);
    }
  }

  #take(text: string): void {
    const reply: ProtocolReply = replySchema.parse(JSON.parse(text));
    if (reply.type === 'event') {
      for (const listener of this.#listeners.get(reply.event) ?? []) {
        listener(reply.payload);
      }
      return;
    }
    if (reply.id === null) {
      return;
    }
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.type === 'result') {
      pending?.resolve(reply.result);
    } else {
      pending?.reject(new BridgeError(reply.error));
    }
  }

  #run(command: string, input: unknown): Promise<unknown> {
    if (this.#state !== 'open') {
      return Promise.reject(lost());
    }
    return this.#ask({ type: 'run', id: this.#nextId++, command, input });
  }

  /** Sends a request and waits for its answer. */
  #ask(request: ProtocolRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { resolve, reject });
      this.#socket?.send(JSON.stringify(request));
    });
  }

  #listen(type: 'subscribe' | 'unsubscribe', event: EventName): void {
    if (this.#state === 'open') {
      // an answer of error would only say that the event does not exist, which the types rule out
      this.#ask({ type, id: this.#nextId++, event }).catch(() => undefined);
    }
  }

  /** `first` is done before anybody hears of it: whoever fetches anew then misses nothing that changes meanwhile. */
  #become(state: State, first: () => void = () => undefined): void {
    if (state !== this.#state) {
      this.#state = state;
      first();
      for (const watcher of this.#watchers) {
        watcher();
      }
    }
  }
}
