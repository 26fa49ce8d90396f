import type { Json, JsonObject } from './json.ts';
import type { Row } from './records.ts';

export type ColumnKind = 'text' | 'integer' | 'boolean' | 'json' | 'time';

export interface Column {
  readonly kind: ColumnKind;
  /** SQL that gives the value where it is not a column of the table; `nowText` is a stored time. */
  readonly sql?: (nowText: string) => string;
  /** Not in an answer unless selected by name. */
  readonly isOnDemand?: boolean;
  /** Cannot be filtered or ordered by. */
  readonly isOpaque?: boolean;
}

/** One kind of record: how the API names it, where it is stored, and what a client may ask of it. */
export interface ResourceTable {
  readonly table: string;
  /** `arvados#collection` and so on. */
  readonly kind: string;
  readonly columns: Readonly<Record<string, Column>>;
  /** Columns that a filter on `any` looks into. */
  readonly searchable: readonly string[];
}

const isTrashed: Column = {
  kind: 'boolean',
  sql: (nowText) => `(trash_at IS NOT NULL AND trash_at <= '${nowText}')`,
};

const text: Column = { kind: 'text' };
const time: Column = { kind: 'time' };
const integer: Column = { kind: 'integer' };
const boolean: Column = { kind: 'boolean' };
const json: Column = { kind: 'json' };

const common = {
  uuid: text,
  owner_uuid: text,
  created_at: time,
  modified_at: time,
  modified_by_user_uuid: text,
};
const manifest: Column = {
  kind: 'text',
  sql: () => '(SELECT text FROM manifests WHERE id = manifest_id)',
  isOnDemand: true,
  isOpaque: true,
};

export const COLLECTIONS: ResourceTable = {
  table: 'collections',
  kind: 'arvados#collection',
  columns: {
    ...common,
    name: text,
    description: text,
    properties: json,
    portable_data_hash: text,
    manifest_text: manifest,
    unsigned_manifest_text: manifest,
    replication_desired: integer,
    replication_confirmed: integer,
    replication_confirmed_at: time,
    storage_classes_desired: json,
    storage_classes_confirmed: json,
    storage_classes_confirmed_at: time,
    trash_at: time,
    delete_at: time,
    is_trashed: isTrashed,
    version: integer,
    current_version_uuid: text,
    preserve_version: boolean,
    file_count: integer,
    file_size_total: integer,
  },
  searchable: ['uuid', 'owner_uuid', 'name', 'description', 'portable_data_hash', 'properties'],
};

export const GROUPS: ResourceTable = {
  table: 'groups',
  kind: 'arvados#group',
  columns: {
    ...common,
    name: text,
    description: text,
    group_class: text,
    properties: json,
    trash_at: time,
    delete_at: time,
    is_trashed: isTrashed,
  },
  searchable: ['uuid', 'owner_uuid', 'name', 'description', 'group_class', 'properties'],
};

export const USERS: ResourceTable = {
  table: 'users',
  kind: 'arvados#user',
  columns: {
    ...common,
    email: text,
    username: text,
    first_name: text,
    last_name: text,
    full_name: {
      kind: 'text',
      sql: () => "trim(coalesce(first_name, '') || ' ' || coalesce(last_name, ''))",
    },
    is_admin: boolean,
    is_active: boolean,
    is_invited: { kind: 'boolean', sql: () => 'is_active' },
    prefs: json,
  },
  searchable: ['uuid', 'email', 'username', 'first_name', 'last_name'],
};

export const LOGS: ResourceTable = {
  table: 'logs',
  kind: 'arvados#log',
  columns: {
    id: integer,
    ...common,
    object_uuid: text,
    object_owner_uuid: text,
    event_type: text,
    event_at: time,
    summary: text,
    properties: json,
  },
  searchable: ['uuid', 'object_uuid', 'event_type', 'summary'],
};

/** Kind by the middle part of a uuid. */
export const KIND_BY_INFIX: Readonly<Record<string, string>> = {
  '4zz18': 'arvados#collection',
  j7d0g: 'arvados#group',
  tpzed: 'arvados#user',
  '57u5n': 'arvados#log',
  bi6l4: 'arvados#keepService',
  gj3su: 'arvados#apiClientAuthorization',
};

export function kindOfUuid(uuid: string): string | undefined {
  return KIND_BY_INFIX[uuid.split('-')[1] ?? ''];
}

/** The SQL that gives a column's value. */
export function columnSql(resource: ResourceTable, name: string, nowText: string): string {
  const column = resource.columns[name];
  return column?.sql ? column.sql(nowText) : name;
}

/** `expression AS name, …` for a SELECT. */
export function selectList(resource: ResourceTable, names: readonly string[], nowText: string): string {
  return names.map((name) => `${columnSql(resource, name, nowText)} AS ${name}`).join(', ');
}

/** All columns that come without being asked for by name. */
export function defaultColumns(resource: ResourceTable): string[] {
  return Object.keys(resource.columns).filter((name) => !resource.columns[name]?.isOnDemand);
}

/** A row as the API shows it. */
export function rowToRecord(resource: ResourceTable, row: Row): JsonObject {
  const record: Record<string, Json> = {};
  for (const [name, value] of Object.entries(row)) {
    const kind = resource.columns[name]?.kind ?? 'text';
    if (value === null || value instanceof Uint8Array) {
      record[name] = null;
    } else if (kind === 'json') {
      record[name] = JSON.parse(String(value));
    } else if (kind === 'boolean') {
      record[name] = Number(value) !== 0;
    } else {
      record[name] = typeof value === 'bigint' ? Number(value) : value;
    }
  }
  return record;
}
