import * as z from 'zod';
import type { CollectionRecord, CollectionWithManifest } from './ports.ts';

/** The columns of a record without its manifest: what reading and writing ask for, so that answers stay small. */
export const RECORD_FIELDS = [
  'uuid',
  'owner_uuid',
  'name',
  'portable_data_hash',
  'version',
  'modified_at',
  'created_at',
  'is_trashed',
  'properties',
  'replication_desired',
  'storage_classes_desired',
  'file_count',
  'file_size_total',
] as const;

/** Defaults stand for what the server leaves out: by portable data hash it gives the hash and the manifest only. */
const columns = {
  uuid: z.string().min(1),
  owner_uuid: z.string().nullish(),
  name: z.string().nullish(),
  portable_data_hash: z.string().regex(/^[0-9a-f]{32}\+\d+$/),
  version: z.number().int().nullish(),
  modified_at: z.string().nullish(),
  created_at: z.string().nullish(),
  is_trashed: z.boolean().nullish(),
  properties: z.record(z.string(), z.unknown()).nullish(),
  replication_desired: z.number().int().nullish(),
  storage_classes_desired: z.array(z.string()).nullish(),
  file_count: z.number().nullish(),
  file_size_total: z.number().nullish(),
};

const rawSchema = z.object(columns);

function toRecord(raw: z.output<typeof rawSchema>): CollectionRecord {
  return {
    uuid: raw.uuid,
    ownerUuid: raw.owner_uuid ?? '',
    name: raw.name ?? '',
    portableDataHash: raw.portable_data_hash,
    version: raw.version ?? 1,
    modifiedAt: raw.modified_at ?? '',
    createdAt: raw.created_at ?? '',
    isTrashed: raw.is_trashed ?? false,
    properties: raw.properties ?? {},
    replicationDesired: raw.replication_desired ?? null,
    storageClassesDesired: raw.storage_classes_desired ?? [],
    fileCount: raw.file_count ?? 0,
    fileSizeTotal: raw.file_size_total ?? 0,
  };
}

export const collectionSchema = rawSchema.transform(toRecord);

export const collectionWithManifestSchema = z
  .object({ ...columns, manifest_text: z.string() })
  .transform((raw): CollectionWithManifest => ({ ...toRecord(raw), manifestText: raw.manifest_text }));

/** What lists show of a collection. */
export interface CollectionListItem {
  readonly uuid: string;
  readonly ownerUuid: string;
  readonly name: string;
  readonly portableDataHash: string;
  readonly modifiedAt: string;
}

export const LIST_FIELDS = ['uuid', 'owner_uuid', 'name', 'portable_data_hash', 'modified_at'] as const;

export const collectionListSchema = rawSchema
  .pick({ uuid: true, owner_uuid: true, name: true, portable_data_hash: true, modified_at: true })
  .transform(
    (raw): CollectionListItem => ({
      uuid: raw.uuid,
      ownerUuid: raw.owner_uuid ?? '',
      name: raw.name ?? '',
      portableDataHash: raw.portable_data_hash,
      modifiedAt: raw.modified_at ?? '',
    }),
  );
