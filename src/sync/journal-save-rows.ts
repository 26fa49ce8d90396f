import { damaged, sumOf } from './journal-sums.ts';

/** A row of the save table: of one save that was sent, and, once it is answered, of the history. */
export interface SaveRow {
  readonly id: number;
  readonly folderId: number;
  /** Null until it is answered. */
  readonly atMs: number | null;
  readonly files: number;
  readonly bytes: number;
  readonly deleted: number;
  readonly pdh: string | null;
  readonly version: number | null;
}

/** In the order of SAVE_COLUMNS. */
export function saveSum(row: SaveRow): number {
  const { id, folderId, atMs, files, bytes, deleted, pdh, version } = row;
  return sumOf([id, folderId, atMs, files, bytes, deleted, pdh, version]);
}

/** A row as it was read; throws JOURNAL where its checksum does not fit. */
export function checkedSave(row: Readonly<Record<string, unknown>>): SaveRow {
  const numberOrNull = (value: unknown) => (value === null ? null : Number(value));
  const save: SaveRow = {
    id: Number(row.id),
    folderId: Number(row.folder_id),
    atMs: numberOrNull(row.at_ms),
    files: Number(row.files),
    bytes: Number(row.bytes),
    deleted: Number(row.deleted),
    pdh: row.pdh === null ? null : String(row.pdh),
    version: numberOrNull(row.version),
  };
  if (saveSum(save) !== row.sum) {
    throw damaged(`save row ${save.id} does not have its checksum`);
  }
  return save;
}
