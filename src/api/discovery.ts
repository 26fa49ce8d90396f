import * as z from 'zod';
import { KeepsyncError } from '../base/errors.ts';
import { notArvados } from './answer-errors.ts';
import type { ApiClient } from './api-client.ts';

/** What the discovery document says of the cluster, as far as the client needs it. */
export interface Discovery {
  /** The cluster's five characters, with which all its UUIDs begin. */
  readonly uuidPrefix: string;
  /** `YYYYMMDD` of the API's last change, or '' where the server does not say. */
  readonly revision: string;
  /** Copies of a block where a collection does not say. */
  readonly defaultCollectionReplication: number;
  /** Longest request body, in bytes. */
  readonly maxRequestBytes: number;
  /** `wss://…/websocket`, or '' where the cluster has none. */
  readonly websocketUrl: string;
  /** How long a locator's signature is good. */
  readonly blobSignatureTtlMs: number;
  /** Whether collections can be changed file by file, with `manifest_text/…` as a source. */
  readonly canReplaceFiles: boolean;
}

/** Arvados' own defaults: Collections.DefaultReplication, API.MaxRequestSize, Collections.BlobSigningTTL. */
const DEFAULT_REPLICATION = 2;
const DEFAULT_MAX_REQUEST_BYTES = 134_217_728;
const DEFAULT_SIGNATURE_TTL_S = 1_209_600;

/**
 * The API revision of Arvados 3.0. Since 2.4 the document names `replace_files`, but until this revision it took sources
 * from other collections only, never `manifest_text/…`.
 */
const FIRST_REVISION_WITH_MANIFEST_SOURCES = '20240627';

/** A day, as long as the real server allows its document to be kept. */
const KEEP_MS = 86_400_000;

const parameterNames = z.record(z.string(), z.unknown()).optional();

const discoverySchema = z.object({
  rootUrl: z.string(),
  servicePath: z.string().optional(),
  uuidPrefix: z.string().regex(/^[a-z0-9]{5}$/),
  revision: z.string().optional(),
  defaultCollectionReplication: z.number().int().min(1).default(DEFAULT_REPLICATION),
  maxRequestSize: z.number().int().positive().default(DEFAULT_MAX_REQUEST_BYTES),
  websocketUrl: z.string().default(''),
  blobSignatureTtl: z.number().positive().catch(DEFAULT_SIGNATURE_TTL_S),
  resources: z.object({
    collections: z
      .object({
        methods: z.object({
          update: z
            .object({
              parameters: parameterNames,
              request: z.object({ properties: parameterNames }).optional(),
            })
            .optional(),
        }),
      })
      .optional(),
  }),
});

export function readDiscovery(body: unknown): Discovery | undefined {
  const parsed = discoverySchema.safeParse(body);
  if (!parsed.success) {
    return undefined;
  }
  const document = parsed.data;
  const update = document.resources.collections?.methods.update;
  const names = { ...update?.parameters, ...update?.request?.properties };
  const revision = document.revision ?? '';
  return {
    uuidPrefix: document.uuidPrefix,
    revision,
    defaultCollectionReplication: document.defaultCollectionReplication,
    maxRequestBytes: document.maxRequestSize,
    websocketUrl: document.websocketUrl,
    blobSignatureTtlMs: document.blobSignatureTtl * 1_000,
    canReplaceFiles:
      'replace_files' in names && (revision === '' || revision >= FIRST_REVISION_WITH_MANIFEST_SOURCES),
  };
}

/** Fetches the discovery document once a day; callers at the same time share one request. */
export class DiscoverySource {
  readonly #client: ApiClient;
  #known: { readonly discovery: Discovery; readonly atMs: number } | undefined;
  #pending: Promise<Discovery> | undefined;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Throws NOT_ARVADOS where the host answers JSON, but no discovery document. A failure is not remembered. */
  async get(signal?: AbortSignal): Promise<Discovery> {
    const known = this.#known;
    if (known !== undefined && this.#client.clock.monotonicMs() - known.atMs < KEEP_MS) {
      return known.discovery;
    }
    if (this.#pending !== undefined) {
      try {
        return await this.#pending;
      } catch (thrown) {
        // Whoever asked first may have given up; that is no reason for this caller to.
        if (!(thrown instanceof KeepsyncError && thrown.code === 'CANCELLED') || signal?.aborted) {
          throw thrown;
        }
        return await this.get(signal);
      }
    }
    const pending = this.#fetch(signal);
    this.#pending = pending;
    try {
      const discovery = await pending;
      this.#known = { discovery, atMs: this.#client.clock.monotonicMs() };
      return discovery;
    } finally {
      this.#pending = undefined;
    }
  }

  async #fetch(signal: AbortSignal | undefined): Promise<Discovery> {
    return (await fetchDiscovery(this.#client, signal)).discovery;
  }
}

/** The document afresh, with the server's clock. */
export async function fetchDiscovery(
  client: ApiClient,
  signal?: AbortSignal,
): Promise<{ discovery: Discovery; serverTimeMs: number | undefined }> {
  const answer = await client.request('GET', '/discovery/v1/apis/arvados/v1/rest', {
    signal,
    withoutToken: true,
  });
  const discovery = readDiscovery(answer.body);
  if (discovery === undefined) {
    throw notArvados(client.host.text, 'its discovery document is not one of Arvados', {
      requestId: answer.requestId,
    });
  }
  return { discovery, serverTimeMs: answer.serverTimeMs };
}
