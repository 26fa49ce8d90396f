import type { ApiClientOptions } from '../../src/api/api-client.ts';
import type { RetryPolicy } from '../../src/api/retry.ts';
import { systemClock } from '../../src/base/clock.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { ScriptedApiServer } from './api-server.ts';

export const TEST_TOKEN = 'v2/zzzzz-gj3su-000000000000001/s3cr3ts3cr3ts3cr3ts3cr3t';

export const COLLECTION_UUID = 'zzzzz-4zz18-000000000000001';
export const EMPTY_PDH = 'd41d8cd98f00b204e9800998ecf8427e+0';

/** Five tries that do not keep a test waiting. */
export const QUICK_RETRIES: RetryPolicy = { maxAttempts: 5, baseDelayMs: 1, maxDelayMs: 5 };

/** Options for a client of a scripted server. */
export function clientOptions(
  server: ScriptedApiServer,
  more: Partial<ApiClientOptions> = {},
): ApiClientOptions {
  return {
    host: server.host,
    token: TEST_TOKEN,
    ca: server.certificate.certificatePem,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    retryPolicy: QUICK_RETRIES,
    ...more,
  };
}

/** A discovery document as Arvados 3.2 gives it, cut down to what is read. */
export function discoveryDocument(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    kind: 'discovery#restDescription',
    revision: '20250402',
    rootUrl: 'https://localhost/',
    servicePath: 'arvados/v1/',
    uuidPrefix: 'zzzzz',
    defaultCollectionReplication: 2,
    maxRequestSize: 134_217_728,
    websocketUrl: '',
    blobSignatureTtl: 1_209_600,
    resources: {
      collections: { methods: { update: { parameters: { uuid: {}, replace_files: { type: 'object' } } } } },
    },
    ...more,
  };
}

/** A collection as the server tells of it, without its manifest. */
export function collectionJson(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    uuid: COLLECTION_UUID,
    owner_uuid: 'zzzzz-tpzed-000000000000001',
    name: 'measurements',
    portable_data_hash: EMPTY_PDH,
    version: 1,
    modified_at: '2026-08-07T15:37:21.123456000Z',
    created_at: '2026-08-07T15:37:21.123456000Z',
    is_trashed: false,
    properties: {},
    replication_desired: null,
    storage_classes_desired: ['default'],
    file_count: 0,
    file_size_total: 0,
    ...more,
  };
}

/** The KeepsyncError that `promise` rejects with; anything else fails the test. */
export async function errorOf(promise: Promise<unknown>): Promise<KeepsyncError> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof KeepsyncError) {
      return thrown;
    }
    throw thrown;
  }
  throw new Error('expected an error, but there was none');
}
