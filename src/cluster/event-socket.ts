import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import { type WebSocket, WebSocketServer } from 'ws';
import type { CancelTimer } from '../base/clock.ts';
import type { Caller } from './api-request.ts';
import type { ClusterContext } from './cluster-context.ts';
import type { LogEntry } from './event-log.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { ownedBy } from './permissions.ts';
import { kindOfUuid } from './resource-tables.ts';
import { formatTime, parseTime } from './times.ts';
import { findCaller } from './users.ts';

const PING_INTERVAL_MS = 60_000;
/** `last_log_id` brings back no more than this. */
const REPLAY_MS = 10 * 60_000;
/** A subscriber that reads nothing is dropped here, so that it cannot fill our memory. */
const BACKLOG_BYTES = 16 << 20;
const MESSAGE_LIMIT_BYTES = 1 << 20;

/** Of an object's attributes, the only ones that events carry. */
const SENT_ATTRIBUTES = ['is_trashed', 'name', 'owner_uuid', 'portable_data_hash', 'state', 'group_class'];

interface Subscription {
  readonly filtersText: string;
  matches(entry: LogEntry): boolean;
}

/** Events over `wss://…/websocket?api_token=…`. */
export class EventSocket {
  readonly #context: ClusterContext;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_LIMIT_BYTES });
  readonly #sessions = new Set<Session>();
  readonly #unsubscribe: () => void;

  constructor(context: ClusterContext, httpsServer: Server) {
    this.#context = context;
    this.#unsubscribe = context.events.onEntry((entry) => {
      for (const session of this.#sessions) {
        session.offer(entry);
      }
    });
    httpsServer.on('upgrade', (request, socket, head) => {
      const url = new URL(request.url ?? '/', 'https://localhost');
      const token = url.searchParams.get('api_token') ?? bearer(request);
      if (url.pathname !== '/websocket') {
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
        return;
      }
      const caller = token === undefined ? undefined : findCaller(this.#context, token);
      if (!caller) {
        socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
        return;
      }
      this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, caller));
    });
  }

  close(): void {
    this.#unsubscribe();
    for (const session of [...this.#sessions]) {
      session.close();
    }
    this.#server.close();
  }

  #open(webSocket: WebSocket, caller: Caller): void {
    const session = new Session(this.#context, webSocket, caller, () => this.#sessions.delete(session));
    this.#sessions.add(session);
  }
}

class Session {
  readonly #context: ClusterContext;
  readonly #webSocket: WebSocket;
  readonly #caller: Caller;
  readonly #subscriptions: Subscription[] = [];
  #cancelPing: CancelTimer | undefined;
  #messageId = 0;

  constructor(context: ClusterContext, webSocket: WebSocket, caller: Caller, onClosed: () => void) {
    this.#context = context;
    this.#webSocket = webSocket;
    this.#caller = caller;
    webSocket.on('message', (data) => this.#receive(String(data)));
    webSocket.on('error', (error) =>
      context.log.log('debug', 'An event socket failed', { error: error.message }),
    );
    webSocket.on('close', () => {
      this.#cancelPing?.();
      onClosed();
    });
    this.#schedulePing();
  }

  close(): void {
    this.#cancelPing?.();
    this.#webSocket.terminate();
  }

  offer(entry: LogEntry): void {
    if (this.#subscriptions.some((subscription) => subscription.matches(entry)) && this.#maySee(entry)) {
      this.#send(this.#message(entry));
    }
  }

  #receive(text: string): void {
    const message = parseMessage(text);
    const filters = message?.filters ?? [];
    if (message?.method === 'subscribe' && Array.isArray(filters)) {
      const subscription = subscribe(filters);
      this.#subscriptions.push(subscription);
      this.#send({ status: 200 });
      const { last_log_id: lastId } = message;
      if (typeof lastId === 'number' && lastId > 0) {
        this.#replay(subscription, lastId);
      }
    } else if (message?.method === 'unsubscribe') {
      const found = this.#subscriptions.findIndex((one) => one.filtersText === JSON.stringify(filters));
      if (found >= 0) {
        this.#subscriptions.splice(found, 1);
      }
      this.#send({ status: found >= 0 ? 200 : 400 });
    } else {
      this.#send({ status: 400 });
    }
  }

  #replay(subscription: Subscription, lastId: number): void {
    const since = formatTime(this.#context.clock.nowMs() - REPLAY_MS);
    for (const entry of this.#context.events.entriesAfter(lastId, since)) {
      if (subscription.matches(entry) && this.#maySee(entry)) {
        this.#send(this.#message(entry));
      }
    }
  }

  #maySee(entry: LogEntry): boolean {
    if (this.#caller.isAdmin || entry.objectUuid === this.#caller.userUuid) {
      return true;
    }
    const owned = ownedBy(this.#caller, '?');
    return (
      this.#context.records.get(`SELECT 1 WHERE ${owned.sql}`, entry.objectOwnerUuid, ...owned.values) !==
      undefined
    );
  }

  #message(entry: LogEntry): JsonObject {
    this.#messageId += 1;
    return {
      msgID: this.#messageId,
      id: entry.id,
      uuid: entry.uuid,
      object_uuid: entry.objectUuid,
      object_owner_uuid: entry.objectOwnerUuid,
      object_kind: kindOfUuid(entry.objectUuid) ?? '',
      event_type: entry.eventType,
      event_at: entry.at,
      properties: {
        old_attributes: sentAttributes(entry.properties.old_attributes),
        new_attributes: sentAttributes(entry.properties.new_attributes),
      },
    };
  }

  #send(message: JsonObject): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) {
      return;
    }
    if (this.#webSocket.bufferedAmount > BACKLOG_BYTES) {
      this.#webSocket.terminate();
      return;
    }
    this.#webSocket.send(JSON.stringify(message));
  }

  #schedulePing(): void {
    this.#cancelPing = this.#context.clock.setTimer(PING_INTERVAL_MS, () => {
      this.#send({});
      this.#schedulePing();
    });
  }
}

function bearer(request: IncomingMessage): string | undefined {
  return /^(?:Bearer|OAuth2)\s+(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1];
}

function parseMessage(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Only `event_type in […]` and comparisons of `created_at` count; the server passes over all other filters. */
function subscribe(filters: readonly Json[]): Subscription {
  const tests: Array<(entry: LogEntry) => boolean> = [];
  for (const filter of filters) {
    const [attribute, operator, operand]: readonly unknown[] = Array.isArray(filter) ? filter : [];
    if (attribute === 'event_type' && operator === 'in' && Array.isArray(operand)) {
      tests.push((entry) => operand.includes(entry.eventType));
    } else if (attribute === 'created_at' && typeof operand === 'string') {
      const at = parseTime(operand);
      const compare = at === undefined ? undefined : comparison(operator, at);
      if (compare) {
        tests.push((entry) => compare(entry.at));
      }
    }
  }
  return { filtersText: JSON.stringify(filters), matches: (entry) => tests.every((test) => test(entry)) };
}

function comparison(operator: unknown, at: string): ((time: string) => boolean) | undefined {
  switch (operator) {
    case '=':
      return (time) => time === at;
    case '<':
      return (time) => time < at;
    case '<=':
      return (time) => time <= at;
    case '>':
      return (time) => time > at;
    case '>=':
      return (time) => time >= at;
    default:
      return undefined;
  }
}

function sentAttributes(attributes: Json | undefined): JsonObject {
  const sent: Record<string, Json> = {};
  if (isJsonObject(attributes)) {
    for (const name of SENT_ATTRIBUTES) {
      const value = attributes[name];
      if (value !== undefined) {
        sent[name] = value;
      }
    }
  }
  return sent;
}
