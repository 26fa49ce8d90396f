import { connect, type Socket } from 'node:net';
import type { CancelTimer, Clock } from '../base/clock.ts';
import { errorFromRecord, KeepsyncError } from '../base/errors.ts';
import {
  type CommandHost,
  type CommandInput,
  type CommandName,
  type CommandOutput,
  type ContractEvents,
  commands,
  eventSchemas,
} from '../contract/commands.ts';
import {
  type EventName,
  errorFromWire,
  type HelloResult,
  helloResultSchema,
  PROTOCOL_VERSION,
  type ProtocolRequest,
  REPLY_MAX_BYTES,
  replySchema,
} from '../contract/protocol.ts';
import { LineSplitter } from './lines.ts';

const HELLO_WITHIN_MS = 10_000;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** The asking end of the control socket: a CommandHost whose commands run in the owner of the profile. */
export class ControlClient implements CommandHost {
  readonly #socket: Socket;
  readonly #splitter = new LineSplitter(REPLY_MAX_BYTES);
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<EventName, Set<(payload: never) => void>>();
  readonly #endListeners = new Set<(error: KeepsyncError) => void>();
  #nextId = 1;
  #ended: KeepsyncError | undefined;
  #hello: HelloResult | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    socket.on('error', (cause) =>
      this.#end(new KeepsyncError('OFFLINE', 'The running Keepsync cannot be reached', { cause })),
    );
    socket.on('close', () => this.#end(new KeepsyncError('CLOSED', 'The running Keepsync ended')));
  }

  /** Connects and says hello. Throws OFFLINE where nobody listens, FORBIDDEN for a wrong key, USAGE for another version. */
  static async connect(socketPath: string, key: string, clock: Clock): Promise<ControlClient> {
    const client = new ControlClient(connect(socketPath));
    let cancel: CancelTimer | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        cancel = clock.setTimer(HELLO_WITHIN_MS, () =>
          reject(new KeepsyncError('TIMEOUT', 'The running Keepsync does not answer')),
        );
      });
      const hello = client.#ask((id) => ({ type: 'hello', id, protocol: PROTOCOL_VERSION, key }));
      client.#hello = helloResultSchema.parse(await Promise.race([hello, late]));
      return client;
    } catch (thrown) {
      client.close();
      throw thrown;
    } finally {
      cancel?.();
    }
  }

  /** What the owner said of itself. */
  get hello(): HelloResult {
    if (this.#hello === undefined) {
      throw new KeepsyncError('STATE', 'Not connected yet');
    }
    return this.#hello;
  }

  async run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    const result = await this.#ask((id) => ({ type: 'run', id, command: name, input }));
    const checked = commands[name].output.safeParse(result);
    if (!checked.success) {
      throw new KeepsyncError(
        'BAD_ANSWER',
        `The running Keepsync answered ${name} with something unexpected`,
        {
          action: 'Use the same version of Keepsync on both sides.',
        },
      );
    }
    return checked.data as CommandOutput<N>;
  }

  subscribe<E extends keyof ContractEvents>(
    event: E,
    listener: (payload: ContractEvents[E]) => void,
  ): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    if (listeners.size === 0) {
      this.#tell((id) => ({ type: 'subscribe', id, event }));
    }
    listeners.add(listener);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) {
        this.#tell((id) => ({ type: 'unsubscribe', id, event }));
      }
    };
  }

  /** Called once when the connection ends other than by `close`. */
  onEnd(listener: (error: KeepsyncError) => void): void {
    this.#endListeners.add(listener);
  }

  close(): void {
    this.#endListeners.clear();
    this.#end(new KeepsyncError('CLOSED', 'The connection was closed'));
  }

  /** Asks without waiting; a failure shows as the end of the connection. */
  #tell(request: (id: number) => ProtocolRequest): void {
    this.#ask(request).catch((thrown) => {
      if (this.#ended === undefined) {
        this.#end(thrown instanceof KeepsyncError ? thrown : new KeepsyncError('INTERNAL', String(thrown)));
      }
    });
  }

  #ask(request: (id: number) => ProtocolRequest): Promise<unknown> {
    if (this.#ended !== undefined) {
      return Promise.reject(this.#ended);
    }
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify(request(id))}\n`);
    });
  }

  #take(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.push(chunk)) {
        this.#hear(line);
      }
    } catch (thrown) {
      this.#end(
        new KeepsyncError('BAD_ANSWER', 'The running Keepsync said something unexpected', {
          action: 'Use the same version of Keepsync on both sides.',
          cause: thrown,
        }),
      );
    }
  }

  #hear(line: string): void {
    const reply = replySchema.parse(JSON.parse(line));
    if (reply.type === 'event') {
      const payload = eventSchemas[reply.event].parse(reply.payload);
      for (const listener of this.#listeners.get(reply.event) ?? []) {
        listener(payload as never);
      }
      return;
    }
    if (reply.type === 'error' && reply.id === null) {
      this.#end(errorFromRecord(errorFromWire(reply.error)));
      return;
    }
    const waiting = reply.id === null ? undefined : this.#waiting.get(reply.id);
    if (waiting === undefined || reply.id === null) {
      return;
    }
    this.#waiting.delete(reply.id);
    if (reply.type === 'result') {
      waiting.resolve(reply.result);
    } else {
      waiting.reject(errorFromRecord(errorFromWire(reply.error)));
    }
  }

  #end(error: KeepsyncError): void {
    if (this.#ended !== undefined) {
      return;
    }
    this.#ended = error;
    this.#socket.destroy();
    for (const waiting of this.#waiting.values()) {
      waiting.reject(error);
    }
    this.#waiting.clear();
    for (const listener of this.#endListeners) {
      listener(error);
    }
  }
}
