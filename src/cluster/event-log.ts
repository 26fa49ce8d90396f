import type { Clock } from '../base/clock.ts';
import { Emitter, type Unsubscribe } from '../base/emitter.ts';
import { randomBase36, systemRandom } from '../base/random.ts';
import type { JsonObject } from './json.ts';
import type { Records } from './records.ts';
import { formatTime } from './times.ts';

/** One row of the log, as it was written. */
export interface LogEntry {
  readonly id: number;
  readonly uuid: string;
  readonly objectUuid: string;
  readonly objectOwnerUuid: string;
  readonly eventType: 'create' | 'update' | 'delete';
  /** A stored time; `event_at` and `created_at` are the same here. */
  readonly at: string;
  readonly properties: JsonObject;
}

/** The log of changes. Written in the transaction of the change itself; told to listeners once that is committed. */
export class EventLog {
  readonly #records: Records;
  readonly #clock: Clock;
  readonly #clusterId: string;
  readonly #emitter = new Emitter<{ entry: LogEntry }>();

  constructor(records: Records, clock: Clock, clusterId: string) {
    this.#records = records;
    this.#clock = clock;
    this.#clusterId = clusterId;
  }

  onEntry(listener: (entry: LogEntry) => void): Unsubscribe {
    return this.#emitter.on('entry', listener);
  }

  /** `before` and `after` are records as the API shows them; manifests are left out. */
  append(
    eventType: LogEntry['eventType'],
    actorUuid: string,
    before: JsonObject | undefined,
    after: JsonObject | undefined,
  ): void {
    const subject = after ?? before ?? {};
    const at = formatTime(this.#clock.nowMs());
    const uuid = `${this.#clusterId}-57u5n-${randomBase36(systemRandom, 15)}`;
    const objectUuid = String(subject.uuid);
    const objectOwnerUuid = String(subject.owner_uuid);
    const properties: JsonObject = {
      old_attributes: withoutManifest(before),
      new_attributes: withoutManifest(after),
    };
    const id = this.#records.insert('logs', {
      uuid,
      owner_uuid: actorUuid,
      created_at: at,
      modified_at: at,
      modified_by_user_uuid: actorUuid,
      object_uuid: objectUuid,
      object_owner_uuid: objectOwnerUuid,
      event_type: eventType,
      event_at: at,
      summary: `${eventType} of ${objectUuid}`,
      properties: JSON.stringify(properties),
    });
    const entry: LogEntry = { id, uuid, objectUuid, objectOwnerUuid, eventType, at, properties };
    this.#records.afterCommit(() => this.#emitter.emit('entry', entry));
  }

  /** Entries after `lastId` that are no older than `sinceText`, oldest first. */
  entriesAfter(lastId: number, sinceText: string): LogEntry[] {
    const rows = this.#records.all(
      'SELECT * FROM logs WHERE id > ? AND created_at > ? ORDER BY id',
      lastId,
      sinceText,
    );
    return rows.map((row) => ({
      id: Number(row.id),
      uuid: String(row.uuid),
      objectUuid: String(row.object_uuid),
      objectOwnerUuid: String(row.object_owner_uuid),
      eventType: row.event_type === 'create' || row.event_type === 'delete' ? row.event_type : 'update',
      at: String(row.created_at),
      properties: JSON.parse(String(row.properties)),
    }));
  }
}

function withoutManifest(record: JsonObject | undefined): JsonObject {
  const { manifest_text: _, unsigned_manifest_text: __, ...rest } = record ?? {};
  return rest;
}
