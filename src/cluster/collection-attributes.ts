import { unprocessable } from './api-error.ts';
import type { ClusterContext } from './cluster-context.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { checkName } from './record-access.ts';
import type { SqlValue } from './records.ts';
import { COLLECTIONS } from './resource-tables.ts';
import { parseTime } from './times.ts';

/** What a client may set, checked and in the form of the columns. Absent: not mentioned. */
export interface CollectionChange {
  readonly columns: Readonly<Record<string, SqlValue>>;
  readonly name?: string | null;
  readonly ownerUuid?: string;
  readonly manifestText?: string;
  readonly portableDataHash?: string;
  readonly trashAt?: string | null;
  readonly deleteAt?: string | null;
  readonly preserveVersion?: boolean;
}

/** Known to the API, but its own to set: passed over without a word, so that a record can be sent back as it came. */
const READ_ONLY = new Set(['href', 'kind', 'etag']);

/** Reads the attributes of a create or update. Throws ApiError 422. */
export function parseCollectionAttributes(context: ClusterContext, attributes: JsonObject): CollectionChange {
  const columns: Record<string, SqlValue> = {};
  let change: Partial<CollectionChange> = {};
  for (const [name, value = null] of Object.entries(attributes)) {
    switch (name) {
      case 'name':
        change = { ...change, name: checkName(value) };
        break;
      case 'description':
        columns.description = textOrNull(name, value);
        break;
      case 'properties':
        columns.properties = JSON.stringify(parseProperties(value));
        break;
      case 'owner_uuid':
        if (value !== null) {
          change = { ...change, ownerUuid: textOf(name, value) };
        }
        break;
      case 'manifest_text':
        change = { ...change, manifestText: value === null ? '' : textOf(name, value) };
        break;
      case 'portable_data_hash':
        if (value !== null) {
          change = { ...change, portableDataHash: textOf(name, value) };
        }
        break;
      case 'replication_desired':
        columns.replication_desired = parseReplication(value);
        break;
      case 'storage_classes_desired':
        columns.storage_classes_desired = JSON.stringify(parseClasses(context, value));
        break;
      case 'trash_at':
        change = { ...change, trashAt: timeOrNull(name, value) };
        break;
      case 'delete_at':
        change = { ...change, deleteAt: timeOrNull(name, value) };
        break;
      case 'preserve_version':
        if (typeof value !== 'boolean') {
          throw unprocessable('preserve_version must be true or false');
        }
        change = { ...change, preserveVersion: value };
        break;
      default:
        if (COLLECTIONS.columns[name] === undefined && !READ_ONLY.has(name)) {
          throw unprocessable(`unknown attribute '${name}' for Collection.`);
        }
    }
  }
  return { ...change, columns };
}

/** The classes where a client does not say. */
export function defaultClasses(context: ClusterContext): string[] {
  const names = Object.keys(context.storageClasses);
  return names.filter((name) => context.storageClasses[name]?.isDefault);
}

export function parseProperties(value: Json): JsonObject {
  const parsed: unknown = typeof value === 'string' && value !== '' ? tryJson(value) : (value ?? {});
  if (!isJsonObject(parsed)) {
    throw unprocessable('Properties must be an object');
  }
  return parsed;
}

function parseClasses(context: ClusterContext, value: Json): readonly string[] {
  if (value === null) {
    return defaultClasses(context);
  }
  const classes = typeof value === 'string' ? tryJson(value) : value;
  if (!Array.isArray(classes) || classes.length === 0) {
    throw unprocessable('Storage classes desired must be a list of names, and not empty');
  }
  const names = classes.map((name: unknown) => {
    if (typeof name !== 'string') {
      throw unprocessable('Storage classes desired must be strings');
    }
    return name;
  });
  return names;
}

function parseReplication(value: Json): number | null {
  if (value === null) {
    return null;
  }
  const number = Number(value);
  if (typeof value === 'boolean' || !Number.isInteger(number) || number < 1) {
    throw unprocessable('Replication desired must be a whole number, 1 or more');
  }
  return number;
}

export function timeOrNull(name: string, value: Json): string | null {
  if (value === null) {
    return null;
  }
  const parsed = typeof value === 'string' ? parseTime(value) : undefined;
  if (parsed === undefined) {
    throw unprocessable(`${name} is not a time`);
  }
  return parsed;
}

export function textOrNull(name: string, value: Json): string | null {
  return value === null ? null : textOf(name, value);
}

function textOf(name: string, value: Json): string {
  if (typeof value !== 'string') {
    throw unprocessable(`${name} must be a string`);
  }
  return value;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unprocessable('Invalid JSON in an attribute');
  }
}
