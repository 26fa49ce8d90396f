import { timingSafeEqual } from 'node:crypto';
import type { CancelTimer, Clock } from '../base/clock.ts';
import { asKeepsyncError, errorToRecord, KeepsyncError } from '../base/errors.ts';
import { type CommandHost, type CommandName, commands } from '../contract/commands.ts';
import {
  commandNameSchema,
  type EventName,
  errorForWire,
  type HelloResult,
  PROTOCOL_VERSION,
  type ProtocolReply,
  type ProtocolRequest,
  requestSchema,
} from '../contract/protocol.ts';

/** Whoever connects must say hello within this. */
const HELLO_WITHIN_MS = 5_000;
/** A reader that lags so far behind gets the newest status only, and no block or activity events until it caught up. */
const LAG_BYTES = 4 * 1024 * 1024;
/** Requests of one connection that may be under way at once. */
const RUNNING_MAX = 64;

/** What is offered to whoever connects and gives the key. */
export interface ControlHost {
  readonly host: CommandHost;
  readonly key: string;
  readonly hello: Omit<HelloResult, 'protocol'>;
  readonly clock: Clock;
  /** Answers `shell.<name>`, for windows; without it there are no such commands. */
  readonly callShell?: (name: string, input: unknown) => Promise<unknown>;
}

/** The line on which a session speaks: a socket with lines, a WebSocket with frames. */
export interface SessionChannel {
  isOpen(): boolean;
  /** Sends one message; a dead line swallows it. */
  send(text: string): void;
  /** Bytes given to `send` that the other side has not taken yet. */
  bufferedBytes(): number;
  /** Closes the line once what was sent has gone out. */
  end(error: KeepsyncError): void;
}

/** The owner's side of contract/protocol.ts, for one client. Garbage or a wrong key end it with an error. */
export class ProtocolSession {
  readonly #channel: SessionChannel;
  readonly #options: ControlHost;
  readonly #subscriptions = new Map<EventName, () => void>();
  readonly #cancelHelloTimer: CancelTimer;
  #greeted = false;
  #running = 0;
  #laggingStatus: unknown;

  constructor(channel: SessionChannel, options: ControlHost) {
    this.#channel = channel;
    this.#options = options;
    this.#cancelHelloTimer = options.clock.setTimer(HELLO_WITHIN_MS, () => {
      this.endWith(new KeepsyncError('TIMEOUT', 'No hello was said in time'));
    });
  }

  /** The line is gone, or is about to be: nothing is listened to any more. */
  stop(): void {
    this.#cancelHelloTimer();
    for (const unsubscribe of this.#subscriptions.values()) {
      unsubscribe();
    }
    this.#subscriptions.clear();
  }

  /** One message of the client. */
  take(text: string): void {
    if (!this.#channel.isOpen()) {
      return;
    }
    try {
      this.#answer(parseRequest(text));
    } catch (thrown) {
      this.endWith(asKeepsyncError(thrown));
    }
  }

  /** To be called when `bufferedBytes` fell: what was held back goes out. */
  caughtUp(): void {
    if (this.#laggingStatus !== undefined) {
      const payload = this.#laggingStatus;
      this.#laggingStatus = undefined;
      this.#send({ type: 'event', event: 'status', payload });
    }
  }

  endWith(error: KeepsyncError): void {
    this.#send({ type: 'error', id: null, error: errorForWire(errorToRecord(error)) });
    this.#channel.end(error);
  }

  #answer(request: ProtocolRequest): void {
    if (!this.#greeted) {
      this.#greet(request);
      return;
    }
    switch (request.type) {
      case 'hello':
        throw new KeepsyncError('USAGE', 'Hello was said already');
      case 'subscribe':
        if (!this.#subscriptions.has(request.event)) {
          const event = request.event;
          this.#subscriptions.set(
            event,
            this.#options.host.subscribe(event, (payload) => this.#sendEvent(event, payload)),
          );
        }
        this.#send({ type: 'result', id: request.id, result: { ok: true } });
        return;
      case 'unsubscribe':
        this.#subscriptions.get(request.event)?.();
        this.#subscriptions.delete(request.event);
        this.#send({ type: 'result', id: request.id, result: { ok: true } });
        return;
      case 'run':
        void this.#run(request.id, request.command, request.input);
    }
  }

  #greet(request: ProtocolRequest): void {
    if (request.type !== 'hello' || !sameText(request.key, this.#options.key)) {
      throw new KeepsyncError('FORBIDDEN', 'The key of this profile was not given');
    }
    if (request.protocol !== PROTOCOL_VERSION) {
      throw new KeepsyncError(
        'USAGE',
        `This Keepsync speaks version ${PROTOCOL_VERSION} of its protocol, the other one ${request.protocol}`,
        { action: 'Use the same version of Keepsync on both sides.' },
      );
    }
    this.#greeted = true;
    this.#cancelHelloTimer();
    this.#send({
      type: 'result',
      id: request.id,
      result: { protocol: PROTOCOL_VERSION, ...this.#options.hello } satisfies HelloResult,
    });
  }

  async #run(id: number, command: string, input: unknown): Promise<void> {
    try {
      if (this.#running >= RUNNING_MAX) {
        throw new KeepsyncError('BUSY', 'Too many requests at once', { action: 'Wait for an answer first.' });
      }
      this.#running += 1;
      try {
        const { host, callShell } = this.#options;
        const result =
          callShell !== undefined && command.startsWith('shell.')
            ? await callShell(command.slice('shell.'.length), input)
            : await runChecked(host, command, input);
        this.#send({ type: 'result', id, result });
      } finally {
        this.#running -= 1;
      }
    } catch (thrown) {
      this.#send({ type: 'error', id, error: errorForWire(errorToRecord(thrown)) });
    }
  }

  #sendEvent(event: EventName, payload: unknown): void {
    if (this.#channel.bufferedBytes() > LAG_BYTES) {
      if (event === 'status') {
        this.#laggingStatus = payload;
      }
      return;
    }
    this.#send({ type: 'event', event, payload });
  }

  #send(reply: ProtocolReply): void {
    if (this.#channel.isOpen()) {
      this.#channel.send(JSON.stringify(reply));
    }
  }
}

/** A command by name, its input checked against the contract. Throws USAGE where either makes no sense. */
export async function runChecked(host: CommandHost, command: string, input: unknown): Promise<unknown> {
  const name = commandNameSchema.safeParse(command);
  if (!name.success) {
    throw new KeepsyncError('USAGE', `There is no command ${JSON.stringify(command.slice(0, 80))}`);
  }
  const checked = commands[name.data].input.safeParse(input);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    const where = issue?.path.join('.') ?? '';
    throw new KeepsyncError(
      'USAGE',
      `${name.data}: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'wrong input'}`,
    );
  }
  // the schema of this very command has just agreed; TypeScript cannot follow that through the union of all names
  return await host.run<CommandName>(name.data, checked.data as never);
}

function parseRequest(text: string): ProtocolRequest {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (cause) {
    throw new KeepsyncError('USAGE', 'A message is not JSON', { cause });
  }
  const request = requestSchema.safeParse(message);
  if (!request.success) {
    throw new KeepsyncError('USAGE', 'A message is not one of this protocol');
  }
  return request.data;
}

function sameText(given: string, wanted: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}
