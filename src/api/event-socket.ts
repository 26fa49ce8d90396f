import { Agent } from 'node:https';
import WebSocket from 'ws';
import type { CancelTimer, Clock } from '../base/clock.ts';
import { KeepsyncError } from '../base/errors.ts';
import { agentProxy } from '../base/proxy.ts';
import { type RemoteChange, readSocketMessage } from './event-messages.ts';
import { type TlsSettings, tlsOptions } from './https-transport.ts';
import { cancelled } from './retry.ts';

export interface EventSocketOptions {
  /** `wss://…/websocket`; `ws:` only on loopback. */
  readonly url: string;
  readonly token: string;
  readonly tls: TlsSettings;
  readonly clock: Clock;
  /** Where to go on from; the server still knows the last ten minutes. Undefined: from now. */
  readonly lastLogId: number | undefined;
  readonly signal: AbortSignal;
  /** Called once, when the server has taken the subscription. */
  readonly onSubscribed: () => void;
  readonly onChange: (change: RemoteChange) => void;
}

/** The server says something at least once a minute; two and a half of silence mean that the line is dead. */
const LONGEST_SILENCE_MS = 150_000;

/** A log event carries a few attributes; this is far beyond any of them. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Those that a collection or a project raises. The server filters by nothing but the type; the rest is up to us. */
const EVENT_TYPES = ['create', 'update', 'delete', 'trash', 'untrash'];

/** Throws PLAIN_HTTP where the address would put the token on the network in the clear, USAGE where it is none. */
export function checkSocketUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'wss:' && url.protocol !== 'ws:')) {
    throw new KeepsyncError('BAD_ANSWER', "The cluster's address for events is not one of a web socket");
  }
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'ws:' && !isLoopback) {
    throw new KeepsyncError(
      'PLAIN_HTTP',
      'The cluster offers its events without encryption, which would show your token to the network',
      { action: 'Changes by others are noticed by asking from time to time instead.' },
    );
  }
  return url;
}

/**
 * One connection to the server's events, until it ends: resolves never, rejects with the reason (OFFLINE, TIMEOUT,
 * CANCELLED, REFUSED…). Arvados takes the token of a web socket in the URL only, so neither the URL nor the errors of
 * the library ever go into a message.
 */
export function listenToEvents(options: EventSocketOptions): Promise<never> {
  const { clock, signal } = options;
  return new Promise((_resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled(signal.reason));
      return;
    }
    const url = checkSocketUrl(options.url);
    const host = url.host;
    url.searchParams.set('api_token', options.token);
    const socket = new WebSocket(url, {
      ...tlsOptions(options.tls),
      ...proxyAgentFor(url, options.tls),
      maxPayload: MAX_MESSAGE_BYTES,
      followRedirects: false,
      perMessageDeflate: false,
    });
    let ended = false;
    let cancelTimer: CancelTimer = () => undefined;
    const end = (error: KeepsyncError): void => {
      if (ended) {
        return;
      }
      ended = true;
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      socket.terminate();
      reject(error);
    };
    const onAbort = (): void => end(cancelled(signal.reason));
    const awaitSignOfLife = (): void => {
      cancelTimer();
      cancelTimer = clock.setTimer(LONGEST_SILENCE_MS, () =>
        end(new KeepsyncError('TIMEOUT', `The events of ${host} fell silent`)),
      );
    };
    signal.addEventListener('abort', onAbort, { once: true });
    awaitSignOfLife();

    socket.on('open', () => {
      const lastLogId = options.lastLogId === undefined ? {} : { last_log_id: options.lastLogId };
      socket.send(
        JSON.stringify({
          method: 'subscribe',
          filters: [['event_type', 'in', EVENT_TYPES]],
          ...lastLogId,
        }),
      );
    });
    socket.on('message', (data, isBinary) => {
      if (ended) {
        return;
      }
      awaitSignOfLife();
      const message = isBinary ? undefined : readSocketMessage(String(data));
      if (message?.kind === 'change') {
        options.onChange(message.change);
      } else if (message?.kind === 'answer' && message.ok) {
        options.onSubscribed();
      } else if (message?.kind === 'answer') {
        end(new KeepsyncError('REFUSED', `${host} does not take the subscription to events`));
      }
    });
    socket.on('error', (thrown) => {
      const systemCode = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
      end(
        new KeepsyncError('OFFLINE', `The events of ${host} cannot be reached`, {
          ...(systemCode === undefined ? {} : { info: { systemCode } }),
        }),
      );
    });
    socket.on('close', (closeCode) =>
      end(new KeepsyncError('OFFLINE', `${host} ended the events`, { info: { closeCode } })),
    );
  });
}

/** The library takes connections from an agent only if it is given one. */
function proxyAgentFor(url: URL, tls: TlsSettings): { agent?: Agent } {
  return tls.proxy === undefined || url.protocol !== 'wss:'
    ? {}
    : { agent: new Agent({ ...tlsOptions(tls), ...agentProxy(tls.proxy) }) };
}
