import type { MessagePort, TransferListItem, Worker } from 'node:worker_threads';
import { type ErrorRecord, errorFromRecord, errorToRecord, KeepsyncError } from './errors.ts';
import { collectNow } from './small-heaps.ts';

/** The methods that a thread offers: each takes one structured-clonable value and returns one, perhaps later. */
export type ThreadApi = Record<string, (input: never) => unknown>;

/** Tells a thread that there is no work for now. */
export const REST = { rest: true } as const;

/** What a thread says first, as soon as it serves. */
const SERVES = { serves: true } as const;

type Request = { id: number; method: string; input: unknown };
type Answer =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; error: ErrorRecord }
  | { event: string; payload: unknown }
  | { cancel: number }
  | typeof SERVES;

/** What a handler is given beside its input. */
export interface CallContext {
  /** Aborted when the caller's signal is. */
  readonly signal: AbortSignal;
}

type Handlers<Api extends ThreadApi> = {
  [K in keyof Api]: (
    input: Parameters<Api[K]>[0],
    context: CallContext,
  ) => ReturnType<Api[K]> | Awaited<ReturnType<Api[K]>>;
};

/** The thread's side: answers calls with `handlers` and returns a function that raises events at the owner. */
export function serveThread<Api extends ThreadApi>(
  port: MessagePort,
  handlers: Handlers<Api>,
): (event: string, payload: unknown, transfer?: readonly TransferListItem[]) => void {
  const running = new Map<number, AbortController>();
  port.on('message', (message: Request | { cancel: number } | typeof REST) => {
    if ('rest' in message) {
      collectNow();
      return;
    }
    if ('cancel' in message) {
      running.get(message.cancel)?.abort(new KeepsyncError('CANCELLED', 'Stopped'));
      return;
    }
    const { id, method, input } = message;
    const controller = new AbortController();
    running.set(id, controller);
    const answer = async () => {
      try {
        const handler = handlers[method];
        if (handler === undefined) {
          throw new KeepsyncError('INTERNAL', `the thread has no method ${method}`);
        }
        const value = await handler(input as never, { signal: controller.signal });
        port.postMessage({ id, ok: true, value } satisfies Answer);
      } catch (thrown) {
        port.postMessage({ id, ok: false, error: errorToRecord(thrown) } satisfies Answer);
      } finally {
        running.delete(id);
      }
    };
    void answer();
  });
  port.postMessage(SERVES satisfies Answer);
  return (event, payload, transfer) => port.postMessage({ event, payload } satisfies Answer, transfer ?? []);
}

/** The owner's side of a thread. */
export interface ThreadConnection<Api extends ThreadApi> {
  /** Calls a method; rejects with the thread's error, with the signal's reason, or with INTERNAL if the thread died. */
  call<K extends keyof Api & string>(
    method: K,
    input: Parameters<Api[K]>[0],
    signal?: AbortSignal,
    transfer?: readonly TransferListItem[],
  ): Promise<Awaited<ReturnType<Api[K]>>>;
  /** Events the thread raises. */
  onEvent(listener: (event: string, payload: unknown) => void): void;
  /** Called once when the thread ends without `close`. */
  onDeath(listener: (error: KeepsyncError) => void): void;
  /** Terminates the thread; calls under way reject with CLOSED. */
  close(): Promise<void>;
}

export function connectThread<Api extends ThreadApi>(worker: Worker): ThreadConnection<Api> {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (reason: unknown) => void }>();
  const eventListeners: Array<(event: string, payload: unknown) => void> = [];
  const deathListeners: Array<(error: KeepsyncError) => void> = [];
  let nextId = 1;
  let dead: KeepsyncError | undefined;

  const die = (error: KeepsyncError) => {
    if (dead) {
      return;
    }
    dead = error;
    for (const call of waiting.values()) {
      call.reject(error);
    }
    waiting.clear();
    if (error.code !== 'CLOSED') {
      for (const listener of deathListeners) {
        listener(error);
      }
    }
  };
  worker.on('message', (message: Answer) => {
    if ('event' in message) {
      for (const listener of eventListeners) {
        listener(message.event, message.payload);
      }
      return;
    }
    if ('cancel' in message || 'serves' in message) {
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.ok) {
      call?.resolve(message.value as never);
    } else {
      call?.reject(errorFromRecord(message.error));
    }
  });
  worker.on('error', (cause) => {
    die(
      new KeepsyncError(
        'INTERNAL',
        `A worker thread died: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      ),
    );
  });
  worker.on('exit', (exitCode) => {
    die(new KeepsyncError('INTERNAL', `A worker thread ended with code ${exitCode}`));
  });

  return {
    call: (method, input, signal, transfer) =>
      new Promise((resolve, reject) => {
        if (dead) {
          reject(dead);
          return;
        }
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const id = nextId++;
        const onAbort = () => worker.postMessage({ cancel: id } satisfies Answer);
        signal?.addEventListener('abort', onAbort, { once: true });
        const done = () => signal?.removeEventListener('abort', onAbort);
        waiting.set(id, {
          resolve: (value) => {
            done();
            resolve(value);
          },
          reject: (reason) => {
            done();
            reject(reason);
          },
        });
        worker.postMessage({ id, method, input } satisfies Request, transfer ?? []);
      }),
    onEvent: (listener) => {
      eventListeners.push(listener);
    },
    onDeath: (listener) => {
      deathListeners.push(listener);
    },
    close: async () => {
      die(new KeepsyncError('CLOSED', 'The thread was closed'));
      await worker.terminate();
    },
  };
}
