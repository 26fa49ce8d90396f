import { notFound, unprocessable } from './api-error.ts';
import type { Caller } from './api-request.ts';
import { type ClusterContext, newUuid, nowText } from './cluster-context.ts';
import { type CollectionChange, defaultClasses } from './collection-attributes.ts';
import { type NewContent, newContent, type OldContent } from './collection-content.ts';
import type { JsonObject } from './json.ts';
import { checkOwner, claimName, readableRow } from './record-access.ts';
import type { Row, SqlValue } from './records.ts';
import { COLLECTIONS, defaultColumns, rowToRecord, selectList } from './resource-tables.ts';
import { formatTime, timeMs } from './times.ts';

/** A change of any of these makes a version; `manifest_id` stands for the content. */
const VERSIONED = ['name', 'description', 'properties', 'portable_data_hash'];
/** These hold for all versions of a collection alike. */
const SHARED = ['owner_uuid', 'trash_at', 'delete_at', 'replication_desired', 'storage_classes_desired'];

/** Makes a collection. Within a transaction. */
export function createCollection(
  context: ClusterContext,
  caller: Caller,
  change: CollectionChange,
  options: JsonObject,
): string {
  const { records } = context;
  const ownerUuid = change.ownerUuid ?? caller.userUuid;
  checkOwner(context, caller, ownerUuid);
  const content = newContent(context, caller, undefined, change, options) ?? emptyContent(change);
  const uuid = newUuid(context, '4zz18');
  const at = nowText(context);
  const name = claimName(context, COLLECTIONS, {
    ownerUuid,
    name: change.name ?? null,
    uuid,
    ensureUnique: options.ensure_unique_name === true,
  });
  records.insert('collections', {
    uuid,
    owner_uuid: ownerUuid,
    created_at: at,
    modified_at: at,
    modified_by_user_uuid: caller.userUuid,
    name,
    description: null,
    properties: '{}',
    storage_classes_desired: JSON.stringify(defaultClasses(context)),
    storage_classes_confirmed: '[]',
    version: 1,
    current_version_uuid: uuid,
    preserve_version: change.preserveVersion ? 1 : 0,
    ...change.columns,
    ...contentColumns(context, content),
    ...trashColumns(context, change),
  });
  context.events.append('create', caller.userUuid, undefined, recordOf(context, uuid));
  return uuid;
}

/** Changes a collection; content is replaced as a whole or by `replace_files`. Within a transaction. */
export function updateCollection(
  context: ClusterContext,
  caller: Caller,
  uuid: string,
  change: CollectionChange,
  options: JsonObject,
): void {
  const { records } = context;
  const row = readableRow(context, caller, COLLECTIONS, uuid, '*', options.include_trash === true);
  if (row.uuid !== row.current_version_uuid) {
    throw unprocessable('Past versions of a collection cannot be changed');
  }
  const before = recordOf(context, uuid);
  if (change.ownerUuid !== undefined && change.ownerUuid !== row.owner_uuid) {
    checkOwner(context, caller, change.ownerUuid);
  }
  const content = newContent(context, caller, oldContent(context, row), change, options);
  const changes: Record<string, SqlValue> = { ...change.columns, ...trashColumns(context, change) };
  if (change.ownerUuid !== undefined) {
    changes.owner_uuid = change.ownerUuid;
  }
  if (change.name !== undefined) {
    changes.name = change.name;
  }
  if (changes.name !== undefined || changes.owner_uuid !== undefined || change.trashAt !== undefined) {
    changes.name = claimName(context, COLLECTIONS, {
      ownerUuid: String(changes.owner_uuid ?? row.owner_uuid),
      name: change.name === undefined ? textOrNull(row.name) : change.name,
      uuid,
      ensureUnique: options.ensure_unique_name === true,
    });
  }
  const isNewContent = content !== undefined && content.portableDataHash !== row.portable_data_hash;
  if (content && isNewContent) {
    Object.assign(changes, contentColumns(context, content));
  }
  for (const [name, value] of Object.entries(changes)) {
    if (row[name] === value) {
      delete changes[name];
    }
  }
  const isVersioned = Object.keys(changes).some((name) => VERSIONED.includes(name));
  if (isVersioned && shouldKeepVersion(context, row, change)) {
    keepVersion(context, row);
    changes.version = Number(row.version) + 1;
    changes.preserve_version = change.preserveVersion ? 1 : 0;
  } else if (change.preserveVersion === true) {
    // true stays until the next version is made
    changes.preserve_version = 1;
  }
  const at = nowText(context);
  records.update('collections', uuid, {
    ...changes,
    modified_at: at,
    modified_by_user_uuid: caller.userUuid,
  });
  shareWithVersions(records, uuid, changes);
  dropManifest(context, Number(row.manifest_id));
  context.events.append('update', caller.userUuid, before, recordOf(context, uuid));
}

/** Puts a collection into the trash, and there for deletion. Within a transaction. */
export function trashCollection(
  context: ClusterContext,
  caller: Caller,
  uuid: string,
  lifetimeSeconds: number,
): void {
  const row = readableRow(context, caller, COLLECTIONS, uuid, '*', true);
  if (row.uuid !== row.current_version_uuid) {
    throw unprocessable('Past versions of a collection cannot be trashed');
  }
  const nowMs = context.clock.nowMs();
  if (row.trash_at !== null && String(row.trash_at) <= formatTime(nowMs)) {
    return;
  }
  const before = recordOf(context, uuid);
  const changes = { trash_at: formatTime(nowMs), delete_at: formatTime(nowMs + lifetimeSeconds * 1000) };
  context.records.update('collections', uuid, {
    ...changes,
    modified_at: nowText(context),
    modified_by_user_uuid: caller.userUuid,
  });
  shareWithVersions(context.records, uuid, changes);
  context.events.append('update', caller.userUuid, before, recordOf(context, uuid));
}

/** Deletes a collection for good, with its versions. Its blocks stay: others may name them. Within a transaction. */
export function deleteCollection(context: ClusterContext, actorUuid: string, uuid: string): void {
  const { records } = context;
  const before = recordOf(context, uuid);
  const ids = records.all(
    'SELECT DISTINCT manifest_id AS id FROM collections WHERE current_version_uuid = ?',
    uuid,
  );
  records.run('DELETE FROM collections WHERE current_version_uuid = ?', uuid);
  for (const { id } of ids) {
    dropManifest(context, Number(id));
  }
  context.events.append('delete', actorUuid, before, undefined);
}

function recordOf(context: ClusterContext, uuid: string): JsonObject {
  const columns = selectList(COLLECTIONS, defaultColumns(COLLECTIONS), nowText(context));
  const row = context.records.get(`SELECT ${columns} FROM collections WHERE uuid = ?`, uuid);
  if (!row) {
    throw notFound();
  }
  return rowToRecord(COLLECTIONS, row);
}

function oldContent(context: ClusterContext, row: Row): OldContent {
  // read when asked for: most updates leave the content alone
  const load = () =>
    context.records.get('SELECT text, is_normal FROM manifests WHERE id = ?', row.manifest_id ?? null);
  let loaded: Row | undefined;
  return {
    get text() {
      loaded ??= load();
      return String(loaded?.text ?? '');
    },
    get isNormal() {
      loaded ??= load();
      return Number(loaded?.is_normal) !== 0;
    },
    fileCount: Number(row.file_count),
    fileSizeTotal: Number(row.file_size_total),
  };
}

function contentColumns(context: ClusterContext, content: NewContent): Record<string, SqlValue> {
  const manifestId = context.records.insert('manifests', {
    is_normal: content.isNormal ? 1 : 0,
    text: content.text,
  });
  return {
    manifest_id: manifestId,
    portable_data_hash: content.portableDataHash,
    file_count: content.fileCount,
    file_size_total: content.fileSizeTotal,
  };
}

function emptyContent(change: CollectionChange): NewContent {
  const portableDataHash = 'd41d8cd98f00b204e9800998ecf8427e+0';
  if (change.portableDataHash !== undefined && change.portableDataHash !== portableDataHash) {
    throw unprocessable('Portable data hash does not match the (empty) manifest text');
  }
  return { text: '', portableDataHash, fileCount: 0, fileSizeTotal: 0, isNormal: true };
}

/** Deletion follows the trash by the default lifetime, unless the client says when; never before the trash. */
function trashColumns(context: ClusterContext, change: CollectionChange): Record<string, SqlValue> {
  if (change.trashAt === undefined) {
    return change.deleteAt === undefined ? {} : { delete_at: change.deleteAt };
  }
  if (change.trashAt === null) {
    return { trash_at: null, delete_at: null };
  }
  const lifetimeMs = context.limits.trashLifetimeSeconds * 1000;
  const earliest = formatTime(Math.max(timeMs(change.trashAt), context.clock.nowMs()) + lifetimeMs);
  const deleteAt = change.deleteAt;
  const isGiven = deleteAt !== undefined && deleteAt !== null && deleteAt > change.trashAt;
  return { trash_at: change.trashAt, delete_at: isGiven ? deleteAt : earliest };
}

function shouldKeepVersion(context: ClusterContext, row: Row, change: CollectionChange): boolean {
  if (row.trash_at !== null && String(row.trash_at) <= nowText(context)) {
    return false;
  }
  if (change.preserveVersion === true || Number(row.preserve_version) !== 0) {
    return true;
  }
  const idleSeconds = context.limits.preserveVersionIfIdleSeconds;
  if (idleSeconds < 0) {
    return false;
  }
  return timeMs(String(row.modified_at)) <= context.clock.nowMs() - idleSeconds * 1000;
}

function keepVersion(context: ClusterContext, row: Row): void {
  const copy: Record<string, SqlValue> = { ...row, uuid: newUuid(context, '4zz18') };
  context.records.insert('collections', copy);
}

function shareWithVersions(
  records: ClusterContext['records'],
  uuid: string,
  changes: Readonly<Record<string, SqlValue>>,
): void {
  const shared = Object.keys(changes).filter((name) => SHARED.includes(name));
  if (shared.length > 0) {
    records.run(
      `UPDATE collections SET ${shared.map((name) => `${name} = ?`).join(', ')} WHERE current_version_uuid = ? AND uuid != ?`,
      ...shared.map((name) => changes[name] ?? null),
      uuid,
      uuid,
    );
  }
}

/** A manifest goes when no version names it any more. */
function dropManifest(context: ClusterContext, id: number): void {
  context.records.run(
    'DELETE FROM manifests WHERE id = ? AND NOT EXISTS (SELECT 1 FROM collections WHERE manifest_id = manifests.id)',
    id,
  );
}

function textOrNull(value: Row[string] | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
