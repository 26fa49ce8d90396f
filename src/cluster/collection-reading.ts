import type { Caller } from './api-request.ts';
import { type ClusterContext, nowText } from './cluster-context.ts';
import { rowOfPdh } from './collection-content.ts';
import type { JsonObject } from './json.ts';
import { signManifest } from './manifest-signing.ts';
import { finishRecord, readableRow } from './record-access.ts';
import type { Row } from './records.ts';
import { COLLECTIONS, defaultColumns, rowToRecord, selectList } from './resource-tables.ts';
import { timeMs } from './times.ts';

const PDH = /^[0-9a-f]{32}\+[0-9]+/;

/** One collection, by uuid (an old version's too) or by portable data hash. Throws ApiError 404. */
export function getCollection(
  context: ClusterContext,
  caller: Caller,
  uuidOrPdh: string,
  select: readonly string[] | undefined,
  options: JsonObject,
): JsonObject {
  const now = nowText(context);
  // signatures depend on these, selected or not
  const wanted = new Set(select ?? [...defaultColumns(COLLECTIONS), 'manifest_text']);
  const columns = selectList(COLLECTIONS, [...new Set([...wanted, 'trash_at', 'is_trashed'])], now);
  if (PDH.test(uuidOrPdh)) {
    const pdh = uuidOrPdh.split('+').slice(0, 2).join('+');
    const all = selectList(
      COLLECTIONS,
      ['portable_data_hash', 'manifest_text', 'trash_at', 'is_trashed'],
      now,
    );
    const record = showCollection(context, caller, rowOfPdh(context, caller, pdh, all, options), [
      'portable_data_hash',
      'manifest_text',
      'trash_at',
    ]);
    return finishRecord(COLLECTIONS, { ...record, uuid: pdh, name: '', properties: null }, select);
  }
  const withTrash = options.include_trash === true;
  const row = readableRow(context, caller, COLLECTIONS, uuidOrPdh, columns, withTrash);
  return showCollection(context, caller, row, select);
}

/** A row as the API shows it, its manifest signed for the caller. */
export function showCollection(
  context: ClusterContext,
  caller: Caller,
  row: Row,
  select: readonly string[] | undefined,
): JsonObject {
  const record = rowToRecord(COLLECTIONS, row);
  const { manifest_text: manifest } = record;
  if (typeof manifest === 'string' && record.is_trashed !== true) {
    const expirySeconds = signatureExpirySeconds(context, record);
    return finishRecord(
      COLLECTIONS,
      { ...record, manifest_text: signManifest(manifest, context.signing, caller.token, expirySeconds) },
      select,
    );
  }
  return finishRecord(COLLECTIONS, record, select);
}

function signatureExpirySeconds(context: ClusterContext, record: JsonObject): number {
  const full = Math.floor(context.clock.nowMs() / 1000) + context.signing.ttlSeconds;
  return typeof record.trash_at === 'string'
    ? Math.min(full, Math.floor(timeMs(record.trash_at) / 1000))
    : full;
}
