import * as z from 'zod';
import { type ApiClient, readAnswer } from './api-client.ts';
import { type CollectionListItem, collectionListSchema, LIST_FIELDS } from './collection-record.ts';
import { type Filter, listAll } from './lists.ts';

/** A project. Everybody's home project is not one of these: it goes by the user's UUID. */
export interface ProjectRecord {
  readonly uuid: string;
  readonly ownerUuid: string;
  readonly name: string;
  readonly description: string;
  /** Undefined where the server does not say (before Arvados 2.6). */
  readonly canWrite: boolean | undefined;
  readonly isTrashed: boolean;
}

const projectSchema = z
  .object({
    uuid: z.string(),
    owner_uuid: z.string(),
    name: z.string().nullish(),
    description: z.string().nullish(),
    can_write: z.boolean().nullish(),
    is_trashed: z.boolean().nullish(),
  })
  .transform(
    (group): ProjectRecord => ({
      uuid: group.uuid,
      ownerUuid: group.owner_uuid,
      name: group.name ?? '',
      description: group.description ?? '',
      canWrite: group.can_write ?? undefined,
      isTrashed: group.is_trashed ?? false,
    }),
  );

export class Projects {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** NOT_FOUND where it is absent, unreadable or in the trash. */
  async get(uuid: string, signal?: AbortSignal): Promise<ProjectRecord> {
    const answer = await this.#client.request('GET', `/arvados/v1/groups/${encodeURIComponent(uuid)}`, {
      signal,
    });
    return readAnswer(projectSchema, answer, 'the project');
  }

  /** Every project that the token may read, or those right inside `ownerUuid`. */
  list(
    options: { readonly ownerUuid?: string; readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<ProjectRecord> {
    const owner: readonly Filter[] =
      options.ownerUuid === undefined ? [] : [['owner_uuid', '=', options.ownerUuid]];
    // Not `select`: whether `can_write` exists depends on the server's version, and an unknown column is refused.
    return listAll(this.#client, 'groups', projectSchema, {
      filters: [['group_class', '=', 'project'], ...owner],
      signal: options.signal,
    });
  }

  /**
   * What is right inside a project, or a home project by its user's UUID: projects first, then collections. Two lists
   * and not `groups/contents`, whose pages mix kinds and can be gone through by offset only.
   */
  async *contents(
    uuid: string,
    signal?: AbortSignal,
  ): AsyncGenerator<
    | { readonly kind: 'project'; readonly project: ProjectRecord }
    | { readonly kind: 'collection'; readonly collection: CollectionListItem }
  > {
    for await (const project of this.list({ ownerUuid: uuid, signal })) {
      yield { kind: 'project', project };
    }
    const collections = listAll(this.#client, 'collections', collectionListSchema, {
      filters: [['owner_uuid', '=', uuid]],
      select: LIST_FIELDS,
      signal,
    });
    for await (const collection of collections) {
      yield { kind: 'collection', collection };
    }
  }
}
