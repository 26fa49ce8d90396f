import type { Socket } from 'node:net';
import { asKeepsyncError } from '../base/errors.ts';
import { REQUEST_MAX_BYTES } from '../contract/protocol.ts';
import { LineSplitter } from './lines.ts';
import { type ControlHost, ProtocolSession } from './protocol-session.ts';

/** One client of the control socket: lines in, lines out. An oversized line ends the connection with an error. */
export class ControlConnection {
  readonly #socket: Socket;
  readonly #session: ProtocolSession;
  readonly #splitter = new LineSplitter(REQUEST_MAX_BYTES);

  constructor(socket: Socket, options: ControlHost) {
    this.#socket = socket;
    this.#session = new ProtocolSession(
      {
        isOpen: () => !socket.destroyed && !socket.writableEnded,
        send: (text) => socket.write(`${text}\n`),
        bufferedBytes: () => socket.writableLength,
        end: () => socket.end(),
      },
      options,
    );
    socket.on('data', (chunk) => this.#take(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    socket.on('drain', () => this.#session.caughtUp());
    // a client that goes away in the middle of an answer is no fault of ours; 'close' follows
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#session.stop());
  }

  destroy(): void {
    this.#socket.destroy();
    this.#session.stop();
  }

  #take(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.push(chunk)) {
        this.#session.take(line);
      }
    } catch (thrown) {
      this.#session.endWith(asKeepsyncError(thrown));
    }
  }
}
