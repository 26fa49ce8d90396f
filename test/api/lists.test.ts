import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ArvadosApi } from '../../src/api/arvados-api.ts';
import { answerList } from '../support/api-fake-lists.ts';
import { clientOptions, collectionJson, EMPTY_PDH, errorOf } from '../support/api-fixtures.ts';
import { ScriptedApiServer } from '../support/api-server.ts';

const HOME = 'zzzzz-tpzed-000000000000001';
const COLLECTIONS = 'GET /arvados/v1/collections';
const GROUPS = 'GET /arvados/v1/groups';

let server: ScriptedApiServer;
let api: ArvadosApi;

beforeEach(async () => {
  server = await ScriptedApiServer.start();
  api = new ArvadosApi(clientOptions(server));
});

afterEach(async () => {
  api.close();
  await server.close();
});

/** Shuffled, so that only the order asked for brings them into one. */
function collections(count: number): Array<Record<string, unknown>> {
  return Array.from({ length: count }, (_, i) =>
    collectionJson({
      uuid: `zzzzz-4zz18-${String((i * 7_919) % count).padStart(15, '0')}`,
      name: `number ${i}`,
    }),
  );
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

describe('a list of several pages', () => {
  test('has every item once', async () => {
    const rows = collections(2_500);
    server.on(COLLECTIONS, (request) => answerList(rows, request));
    const uuids = (await gather(api.collections.list())).map((item) => item.uuid);
    expect(uuids).toEqual(rows.map((row) => row.uuid).sort());
    expect(server.requests).toHaveLength(4);
  });

  test('is complete though the server gives fewer items than asked for', async () => {
    const rows = collections(25);
    server.on(COLLECTIONS, (request) => answerList(rows, request, 10));
    expect(await gather(api.collections.list())).toHaveLength(25);
  });

  test('misses none of those that were there while others come and go', async () => {
    const rows = collections(30);
    const kept = rows.slice(5).map((row) => row.uuid);
    server.on(COLLECTIONS, (request) => {
      const answer = answerList(rows, request, 10);
      rows.splice(0, 1);
      rows.push(collectionJson({ uuid: 'zzzzz-4zz18-000000000000000' }));
      return answer;
    });
    const uuids = (await gather(api.collections.list())).map((item) => item.uuid);
    expect(uuids).toEqual(expect.arrayContaining(kept));
    expect(new Set(uuids).size).toBe(uuids.length);
  });

  test('ends though the server repeats itself', async () => {
    server.on(COLLECTIONS, { json: { items: [collectionJson()] } });
    expect(await gather(api.collections.list())).toHaveLength(2);
  });

  test('with an item that makes no sense is a BAD_ANSWER', async () => {
    server.on(COLLECTIONS, { json: { items: [collectionJson({ portable_data_hash: 'x' })] } });
    expect((await errorOf(gather(api.collections.list()))).code).toBe('BAD_ANSWER');
  });
});

describe('projects', () => {
  const project = (number: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
    uuid: `zzzzz-j7d0g-${String(number).padStart(15, '0')}`,
    owner_uuid: HOME,
    name: `project ${number}`,
    description: null,
    group_class: 'project',
    can_write: number % 2 === 0,
    is_trashed: false,
    ...more,
  });

  test('are all that the token may read, and no other groups', async () => {
    const rows = [project(3), project(1), project(2, { group_class: 'role' })];
    server.on(GROUPS, (request) => answerList(rows, request));
    expect(await gather(api.projects.list())).toEqual([
      {
        uuid: 'zzzzz-j7d0g-000000000000001',
        ownerUuid: HOME,
        name: 'project 1',
        description: '',
        canWrite: false,
        isTrashed: false,
      },
      expect.objectContaining({ name: 'project 3' }),
    ]);
  });

  test('are found by UUID, also where an old server does not say whether one may write', async () => {
    const { can_write: _canWrite, ...old } = project(1);
    server.on(`GET /arvados/v1/groups/${old.uuid}`, { json: old });
    expect(await api.projects.get(String(old.uuid))).toMatchObject({
      name: 'project 1',
      canWrite: undefined,
    });
    expect((await errorOf(api.projects.get('zzzzz-j7d0g-000000000000009'))).code).toBe('NOT_FOUND');
  });

  test('hold projects and collections', async () => {
    server.on(GROUPS, (request) => answerList([project(1), project(2, { owner_uuid: 'other' })], request));
    server.on(COLLECTIONS, (request) =>
      answerList([collectionJson(), collectionJson({ owner_uuid: 'other' })], request),
    );
    expect(await gather(api.projects.contents(HOME))).toEqual([
      { kind: 'project', project: expect.objectContaining({ name: 'project 1' }) },
      {
        kind: 'collection',
        collection: {
          uuid: 'zzzzz-4zz18-000000000000001',
          ownerUuid: HOME,
          name: 'measurements',
          portableDataHash: EMPTY_PDH,
          modifiedAt: '2026-08-07T15:37:21.123456000Z',
        },
      },
    ]);
  });
});
