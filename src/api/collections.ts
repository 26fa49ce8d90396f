import { KeepsyncError } from '../base/errors.ts';
import { type ApiAnswer, type ApiClient, readAnswer } from './api-client.ts';
import {
  type CollectionListItem,
  collectionListSchema,
  collectionSchema,
  collectionWithManifestSchema,
  LIST_FIELDS,
  RECORD_FIELDS,
} from './collection-record.ts';
import type { DiscoverySource } from './discovery.ts';
import { type Filter, listAll, listFirst } from './lists.ts';
import type {
  CollectionRecord,
  CollectionStore,
  CollectionWithManifest,
  CreateCollection,
  ReplaceFiles,
} from './ports.ts';

/**
 * The property that holds `CreateCollection.createId`. Its `arv:` is not there for looks: a cluster with a strict
 * vocabulary refuses every property that neither its administrators nor this prefix allow. A colon needs no quoting in
 * a filter on `properties.KEY`; a dot would.
 */
export const CREATE_ID_PROPERTY = 'arv:keepsync-create';

const SELECT = { select: RECORD_FIELDS };

/** Collections over the REST API. */
export class Collections implements CollectionStore {
  readonly #client: ApiClient;
  readonly #discovery: DiscoverySource;

  constructor(client: ApiClient, discovery: DiscoverySource) {
    this.#client = client;
    this.#discovery = discovery;
  }

  async get(uuid: string, signal?: AbortSignal): Promise<CollectionRecord> {
    return await this.#orGone(uuid, signal, async () => {
      const answer = await this.#client.request('GET', pathOf(uuid), { query: SELECT, signal });
      return this.#untrashed(readAnswer(collectionSchema, answer, 'the collection'), answer);
    });
  }

  async getWithManifest(uuidOrPdh: string, signal?: AbortSignal): Promise<CollectionWithManifest> {
    // By hash there are only three columns, and asking for others is an error on some versions.
    const query = isPdh(uuidOrPdh) ? {} : { select: [...RECORD_FIELDS, 'manifest_text'] };
    return await this.#orGone(uuidOrPdh, signal, async () => {
      const answer = await this.#client.request('GET', pathOf(uuidOrPdh), { query, signal });
      return this.#untrashed(readAnswer(collectionWithManifestSchema, answer, 'the collection'), answer);
    });
  }

  async create(wanted: CreateCollection, signal?: AbortSignal): Promise<CollectionRecord> {
    if (wanted.createId === '') {
      throw new KeepsyncError('INTERNAL', 'A collection cannot be created without an id of ours');
    }
    const body = {
      collection: {
        name: wanted.name,
        manifest_text: wanted.manifestText,
        properties: { ...wanted.properties, [CREATE_ID_PROPERTY]: wanted.createId },
        ...(wanted.ownerUuid === undefined ? {} : { owner_uuid: wanted.ownerUuid }),
        ...(wanted.replicationDesired === undefined
          ? {}
          : { replication_desired: wanted.replicationDesired }),
        ...(wanted.storageClassesDesired === undefined
          ? {}
          : { storage_classes_desired: wanted.storageClassesDesired }),
      },
    };
    await this.#checkSize(body, signal);
    return await this.#client.retrying(signal, async (attempt) => {
      // Before the first attempt, too: this process may be the retry of one that was killed.
      const earlier = await this.#created(wanted.createId, signal);
      if (earlier !== undefined) {
        return earlier;
      }
      const answer = await this.#client.request('POST', '/arvados/v1/collections', {
        query: { ensure_unique_name: wanted.ensureUniqueName, ...SELECT },
        body,
        signal,
      });
      const created = readAnswer(collectionSchema, answer, 'the new collection');
      return attempt === 1 ? created : await this.#yieldToEarlier(created, wanted.createId, signal);
    });
  }

  async replaceFiles(uuid: string, change: ReplaceFiles, signal?: AbortSignal): Promise<CollectionRecord> {
    if (!(await this.canReplaceFiles(signal))) {
      throw new KeepsyncError('REFUSED', 'The cluster is too old to change a collection file by file', {
        action: 'It needs Arvados 3.0 or later.',
      });
    }
    const attributes = {
      ...(change.manifestText === undefined ? {} : { manifest_text: change.manifestText }),
      ...(change.preserveVersion === undefined ? {} : { preserve_version: change.preserveVersion }),
    };
    // Done twice, a move out of `current/` would take the file from where the first time put something else.
    const canRepeat = !Object.values(change.replaceFiles).some((source) => source.startsWith('current/'));
    return await this.#update(
      uuid,
      { collection: attributes, replace_files: change.replaceFiles },
      canRepeat,
      signal,
    );
  }

  async updateManifest(uuid: string, manifestText: string, signal?: AbortSignal): Promise<CollectionRecord> {
    return await this.#update(uuid, { collection: { manifest_text: manifestText } }, true, signal);
  }

  /** Changes attributes other than the content. `properties` are replaced as a whole. */
  async update(
    uuid: string,
    attributes: {
      readonly name?: string;
      readonly properties?: Readonly<Record<string, unknown>>;
      readonly replicationDesired?: number | null;
      readonly storageClassesDesired?: readonly string[];
    },
    signal?: AbortSignal,
  ): Promise<CollectionRecord> {
    const collection = {
      ...(attributes.name === undefined ? {} : { name: attributes.name }),
      ...(attributes.properties === undefined ? {} : { properties: attributes.properties }),
      ...(attributes.replicationDesired === undefined
        ? {}
        : { replication_desired: attributes.replicationDesired }),
      ...(attributes.storageClassesDesired === undefined
        ? {}
        : { storage_classes_desired: attributes.storageClassesDesired }),
    };
    return await this.#update(uuid, { collection }, true, signal);
  }

  async canReplaceFiles(signal?: AbortSignal): Promise<boolean> {
    return (await this.#discovery.get(signal)).canReplaceFiles;
  }

  async previousVersionPdh(uuid: string, signal?: AbortSignal): Promise<string | undefined> {
    const [newest] = await listFirst(this.#client, 'collections', collectionSchema, {
      filters: [
        ['current_version_uuid', '=', uuid],
        ['uuid', '!=', uuid],
      ],
      parameters: { include_old_versions: true },
      order: ['version desc'],
      limit: 1,
      select: ['portable_data_hash'],
      signal,
    });
    return newest?.portableDataHash;
  }

  /** Every collection that the filters let through, without manifests. */
  list(
    options: { readonly filters?: readonly Filter[]; readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<CollectionListItem> {
    return listAll(this.#client, 'collections', collectionListSchema, {
      filters: options.filters ?? [],
      select: LIST_FIELDS,
      signal: options.signal,
    });
  }

  /** Into the trash, from where `untrash` brings it back for a while. One that is there already counts as done. */
  async delete(uuid: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#client.request('DELETE', pathOf(uuid), { query: { select: ['uuid'] }, signal });
    } catch (thrown) {
      if (!(thrown instanceof KeepsyncError && thrown.code === 'NOT_FOUND')) {
        throw thrown;
      }
      await this.#client.request('GET', pathOf(uuid), {
        query: { include_trash: true, select: ['uuid'] },
        signal,
      });
    }
  }

  async untrash(uuid: string, signal?: AbortSignal): Promise<CollectionRecord> {
    const answer = await this.#client.request('POST', `${pathOf(uuid)}/untrash`, {
      query: { ensure_unique_name: true, ...SELECT },
      signal,
      retry: true,
    });
    return readAnswer(collectionSchema, answer, 'the collection');
  }

  async #update(
    uuid: string,
    body: Readonly<Record<string, unknown>>,
    canRepeat: boolean,
    signal: AbortSignal | undefined,
  ): Promise<CollectionRecord> {
    await this.#checkSize(body, signal);
    return await this.#orGone(uuid, signal, async () => {
      const answer = await this.#client.request('PUT', pathOf(uuid), {
        query: SELECT,
        body,
        signal,
        retry: canRepeat,
      });
      return this.#untrashed(readAnswer(collectionSchema, answer, 'the collection'), answer);
    });
  }

  /** The oldest collection with this id of ours; a person may have copied it since, property and all. */
  async #created(createId: string, signal: AbortSignal | undefined): Promise<CollectionRecord | undefined> {
    const [oldest] = await listFirst(this.#client, 'collections', collectionSchema, {
      filters: [[`properties.${CREATE_ID_PROPERTY}`, '=', createId]],
      order: ['created_at asc', 'uuid asc'],
      limit: 1,
      select: RECORD_FIELDS,
      signal,
      // `create` tries again as a whole.
      retry: false,
    });
    return oldest;
  }

  /**
   * A first request that was slow rather than lost may have been carried out after the look before the second one. Then
   * the collection that was made just now, which nobody else knows of yet, gives way.
   */
  async #yieldToEarlier(
    created: CollectionRecord,
    createId: string,
    signal: AbortSignal | undefined,
  ): Promise<CollectionRecord> {
    const oldest = await this.#created(createId, signal);
    if (oldest === undefined || oldest.uuid === created.uuid) {
      return created;
    }
    await this.delete(created.uuid, signal);
    return oldest;
  }

  async #checkSize(body: Readonly<Record<string, unknown>>, signal: AbortSignal | undefined): Promise<void> {
    const { maxRequestBytes } = await this.#discovery.get(signal);
    const collection = body.collection as { readonly manifest_text?: string };
    // The bytes in JSON are at least the characters: enough to save sending what cannot fit.
    if ((collection.manifest_text?.length ?? 0) > maxRequestBytes) {
      throw new KeepsyncError(
        'TOO_LARGE',
        'The list of files and blocks is too long for one request to this cluster',
        { action: 'Split the folder, or ask the administrators to raise MaxRequestSize.' },
      );
    }
  }

  #untrashed<R extends CollectionRecord>(record: R, answer: ApiAnswer): R {
    if (record.isTrashed) {
      throw trashed(answer.requestId);
    }
    return record;
  }

  /** Turns NOT_FOUND into TARGET_GONE where the collection is in the trash. */
  async #orGone<T>(uuid: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof KeepsyncError && thrown.code === 'NOT_FOUND' && !isPdh(uuid)) {
        const requestId = await this.#findInTrash(uuid, signal);
        if (requestId !== undefined) {
          throw trashed(requestId);
        }
      }
      throw thrown;
    }
  }

  async #findInTrash(uuid: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    try {
      const answer = await this.#client.request('GET', pathOf(uuid), {
        query: { include_trash: true, ...SELECT },
        signal,
      });
      return answer.body.is_trashed === true ? answer.requestId : undefined;
    } catch (thrown) {
      if (thrown instanceof KeepsyncError && thrown.code === 'NOT_FOUND') {
        return undefined;
      }
      throw thrown;
    }
  }
}

function trashed(requestId: string): KeepsyncError {
  return new KeepsyncError('TARGET_GONE', 'The collection is in the trash', {
    action: 'Bring it back from the trash in Workbench, or choose another collection.',
    requestId,
  });
}

function isPdh(text: string): boolean {
  return /^[0-9a-f]{32}\+\d+$/.test(text);
}

function pathOf(uuidOrPdh: string): string {
  return `/arvados/v1/collections/${encodeURIComponent(uuidOrPdh)}`;
}
