import * as z from 'zod';
import { type ApiClient, readAnswer } from './api-client.ts';

/** `[attribute, operator, operand]`; all of a list must hold. */
export type Filter = readonly [attribute: string, operator: string, operand: unknown];

export interface ListOptions {
  readonly filters?: readonly Filter[];
  /** Attributes wanted; all where left out. `uuid` is always among them. */
  readonly select?: readonly string[];
  /** Further parameters, such as `include_trash`. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Items for each request, at most 1000, the most that Arvados gives. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal | undefined;
}

const MOST_ITEMS = 1_000;

/**
 * Every item of `/arvados/v1/RESOURCE`, page by page. Goes by UUID, the one attribute that is unique and never changes,
 * not by offset: so nothing is missed or told twice while others write. The column to go by has to be selected, or
 * Arvados drops the order without a word.
 */
export async function* listAll<S extends z.ZodType>(
  client: ApiClient,
  resource: string,
  itemSchema: S,
  options: ListOptions = {},
): AsyncGenerator<z.output<S>> {
  const pageSize = Math.min(options.pageSize ?? MOST_ITEMS, MOST_ITEMS);
  const pageSchema = z.object({ items: z.array(z.looseObject({ uuid: z.string() })) });
  const itemsSchema = z.object({ items: z.array(itemSchema) });
  let last = '';
  while (true) {
    const after: readonly Filter[] = last === '' ? [] : [['uuid', '>', last]];
    const answer = await client.request('GET', `/arvados/v1/${resource}`, {
      query: {
        ...options.parameters,
        filters: [...(options.filters ?? []), ...after],
        order: ['uuid asc'],
        limit: pageSize,
        count: 'none',
        ...(options.select === undefined ? {} : { select: [...new Set(['uuid', ...options.select])] }),
      },
      signal: options.signal,
    });
    const uuids = readAnswer(pageSchema, answer, resource).items.map((item) => item.uuid);
    for (const item of readAnswer(itemsSchema, answer, resource).items) {
      yield item;
    }
    const next = uuids.at(-1);
    // A page may be shorter than asked for (API.MaxItemsPerResponse): only an empty one, or one that does not get on, ends it.
    if (next === undefined || next <= last) {
      return;
    }
    last = next;
  }
}

/** The first items in a given order, in one request. Columns of the order must be among those selected. */
export async function listFirst<S extends z.ZodType>(
  client: ApiClient,
  resource: string,
  itemSchema: S,
  options: ListOptions & {
    readonly order: readonly string[];
    readonly limit: number;
    /** False where the caller tries again by itself. */
    readonly retry?: boolean;
  },
): Promise<ReadonlyArray<z.output<S>>> {
  const ordered = options.order.map((clause) => clause.split(' ')[0] ?? '');
  const answer = await client.request('GET', `/arvados/v1/${resource}`, {
    query: {
      ...options.parameters,
      filters: options.filters ?? [],
      order: options.order,
      limit: options.limit,
      count: 'none',
      ...(options.select === undefined
        ? {}
        : { select: [...new Set(['uuid', ...ordered, ...options.select])] }),
    },
    signal: options.signal,
    retry: options.retry ?? true,
  });
  return readAnswer(z.object({ items: z.array(itemSchema) }), answer, resource).items;
}
