import * as z from 'zod';
import { type ApiClient, readAnswer } from './api-client.ts';

/** The public part of the cluster's configuration, as far as the client needs it. */
export interface ClusterConfig {
  /** Names of all storage classes of the cluster. */
  readonly storageClasses: readonly string[];
  /** Those that a block goes to where a collection does not say; sorted. */
  readonly defaultStorageClasses: readonly string[];
  /** Whether locators are signed, and for how long. */
  readonly blobSigning: boolean;
  readonly blobSigningTtlMs: number;
  /** Whether old states of a collection are kept as versions. */
  readonly collectionVersioning: boolean;
  /** What stands for `/` in the name of a collection or project; '' where such names are not allowed. */
  readonly forwardSlashNameSubstitution: string;
  /** Where people get tokens; undefined where the cluster does not say. */
  readonly workbenchUrl: string | undefined;
}

/** Arvados' default for BlobSigningTTL, two weeks. */
const DEFAULT_BLOB_SIGNING_TTL_MS = 14 * 24 * 3_600_000;

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration as Go writes it (`336h0m0s`, `1.5h`, `-1s`), in milliseconds; undefined where it is none. */
export function parseGoDurationMs(text: string): number | undefined {
  if (!/^[-+]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    return text === '0' ? 0 : undefined;
  }
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) {
    totalMs += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  }
  return text.startsWith('-') ? -totalMs : totalMs;
}

const configSchema = z.object({
  Collections: z
    .object({
      BlobSigning: z.boolean().default(true),
      BlobSigningTTL: z.string().default(''),
      CollectionVersioning: z.boolean().default(false),
      ForwardSlashNameSubstitution: z.string().default(''),
    })
    .prefault({}),
  StorageClasses: z
    .record(z.string(), z.object({ Default: z.boolean().default(false) }))
    .nullish()
    .transform((classes) => classes ?? {}),
  Services: z
    .record(z.string(), z.object({ ExternalURL: z.string().optional() }).nullish())
    .nullish()
    .transform((services) => services ?? {}),
});

/** `GET config`. Public; every field has the default of Arvados itself where the server leaves it out. */
export async function fetchClusterConfig(client: ApiClient, signal?: AbortSignal): Promise<ClusterConfig> {
  const answer = await client.request('GET', '/arvados/v1/config', { signal, withoutToken: true });
  const { Collections, StorageClasses, Services } = readAnswer(configSchema, answer, 'its configuration');
  const names = Object.keys(StorageClasses).sort();
  const defaults = names.filter((name) => StorageClasses[name]?.Default === true);
  const workbenchUrl = Services.Workbench2?.ExternalURL || Services.Workbench1?.ExternalURL;
  return {
    storageClasses: names.length === 0 ? ['default'] : names,
    defaultStorageClasses: defaults.length === 0 ? ['default'] : defaults,
    blobSigning: Collections.BlobSigning,
    blobSigningTtlMs: parseGoDurationMs(Collections.BlobSigningTTL) || DEFAULT_BLOB_SIGNING_TTL_MS,
    collectionVersioning: Collections.CollectionVersioning,
    forwardSlashNameSubstitution: Collections.ForwardSlashNameSubstitution,
    workbenchUrl: workbenchUrl || undefined,
  };
}
