import type net from 'node:net';

/** What one read of a socket brings at most; as much as a core's own cache takes in. */
const READ_BYTES = 262_144;
/** Idle connections end after this; short of the 5 s after which a Node server hangs up, and of every proxy's limit. */
export const IDLE_CONNECTION_MS = 4000;

/** Connects to the server of a URL, so that what comes is read into one piece of memory; undefined where it cannot. */
export type Connect = (url: URL, onread: net.OnReadOpts) => net.Socket | undefined;

/** Who has a connection for the time of one request. */
export interface ConnectionUser {
  /** `bytes` are the connection's own again once the call returns. False: no more are read before `resume`. */
  onBytes(bytes: Uint8Array): boolean;
  /** The connection is gone; at most once. */
  onEnd(error: NodeJS.ErrnoException | undefined): void;
}

/**
 * One connection to a server, read into memory that it keeps. Node's HTTP client makes new memory for each 64 KiB that come
 * and copies them once more: for the blocks of a download that took five times as much processor time as to read them so.
 */
export class ReadConnection {
  readonly origin: string;
  readonly #socket: net.Socket;
  readonly #closed = Promise.withResolvers<void>();
  #user: ConnectionUser | undefined;
  #error: NodeJS.ErrnoException | undefined;
  /** It has answered before: the server may hang up on it at any time. */
  isUsed = false;
  isClosed = false;

  /** Throws what `connect` throws; undefined where that cannot. */
  static open(url: URL, connect: Connect, onClosed: (connection: ReadConnection) => void) {
    let connection: ReadConnection | undefined;
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const callback = (count: number, bytes: Uint8Array) =>
      connection === undefined ? false : connection.#onBytes(bytes.subarray(0, count));
    const socket = connect(url, { buffer, callback });
    if (socket !== undefined) {
      connection = new ReadConnection(url.origin, socket, onClosed);
    }
    return connection;
  }

  private constructor(origin: string, socket: net.Socket, onClosed: (connection: ReadConnection) => void) {
    this.origin = origin;
    this.#socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= error;
    });
    socket.on('timeout', () => socket.destroy());
    socket.once('close', () => {
      this.isClosed = true;
      onClosed(this);
      this.#closed.resolve();
      this.#user?.onEnd(this.#error);
    });
  }

  /** Calls `onConnected` once it is connected, TLS included. */
  whenConnected(onConnected: () => void): void {
    this.#socket.once('encrypted' in this.#socket ? 'secureConnect' : 'connect', onConnected);
  }

  /** Sends a request, and hands what comes to `user` until it is released. */
  ask(request: string, user: ConnectionUser): void {
    this.#user = user;
    this.#socket.ref();
    this.#socket.setTimeout(0);
    this.#socket.write(request, 'latin1');
  }

  resume(): void {
    this.#socket.resume();
  }

  /** For the next one, if it comes soon; an idle connection keeps no thread alive. */
  release(): void {
    this.#user = undefined;
    this.isUsed = true;
    this.#socket.setTimeout(IDLE_CONNECTION_MS);
    this.#socket.unref();
  }

  /** Resolves once the socket has let go of everything. */
  destroy(): Promise<void> {
    this.#user = undefined;
    this.#socket.destroy();
    return this.#closed.promise;
  }

  #onBytes(bytes: Uint8Array): boolean {
    if (this.#user === undefined) {
      // Nobody asked for that.
      this.#socket.destroy();
      return false;
    }
    return this.#user.onBytes(bytes);
  }
}

/** The connections by which one thread reads blocks. */
export class ReadConnections {
  readonly #connect: Connect;
  readonly #open = new Set<ReadConnection>();
  /** The one used last is the last. */
  readonly #idle: ReadConnection[] = [];
  readonly #left = new Set<string>();

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** An idle connection to the server of `url` (a new one if `isFresh`), or undefined where others have to ask it. */
  take(url: URL, isFresh: boolean): ReadConnection | undefined {
    if (this.#left.has(url.origin)) {
      return undefined;
    }
    const place = isFresh ? -1 : this.#idle.findLastIndex(({ origin }) => origin === url.origin);
    if (place >= 0) {
      return this.#idle.splice(place, 1)[0];
    }
    const made = ReadConnection.open(url, this.#connect, (closed) => this.#forget(closed));
    if (made !== undefined) {
      this.#open.add(made);
    }
    return made;
  }

  giveBack(connection: ReadConnection): void {
    if (!connection.isClosed) {
      connection.release();
      this.#idle.push(connection);
    }
  }

  /** The server answers otherwise than can be read here: it is not asked this way any more. */
  leave(url: URL): void {
    this.#left.add(url.origin);
  }

  /** Ends every connection, used or not. */
  destroy(): void {
    for (const connection of this.#open) {
      void connection.destroy();
    }
  }

  #forget(connection: ReadConnection): void {
    this.#open.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place >= 0) {
      this.#idle.splice(place, 1);
    }
  }
}
