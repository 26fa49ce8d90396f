import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ArvadosApi } from '../../src/api/arvados-api.ts';
import { CREATE_ID_PROPERTY } from '../../src/api/collections.ts';
import { answerList } from '../support/api-fake-lists.ts';
import {
  COLLECTION_UUID,
  clientOptions,
  collectionJson,
  discoveryDocument,
  EMPTY_PDH,
  errorOf,
  QUICK_RETRIES,
} from '../support/api-fixtures.ts';
import { type ScriptedAnswer, ScriptedApiServer, type SeenRequest } from '../support/api-server.ts';

const DISCOVERY = 'GET /discovery/v1/apis/arvados/v1/rest';
const LIST = 'GET /arvados/v1/collections';
const CREATE = 'POST /arvados/v1/collections';
const ONE = `/arvados/v1/collections/${COLLECTION_UUID}`;

let server: ScriptedApiServer;
let api: ArvadosApi;

beforeEach(async () => {
  server = await ScriptedApiServer.start();
  server.on(DISCOVERY, { json: discoveryDocument() });
  api = new ArvadosApi(clientOptions(server));
});

afterEach(async () => {
  api.close();
  await server.close();
});

describe('reading a collection', () => {
  test('never asks for the manifest where only the record is wanted', async () => {
    server.on(`GET ${ONE}`, {
      json: collectionJson({ properties: { a: 1 }, replication_desired: 3, version: 7 }),
    });
    expect(await api.collections.get(COLLECTION_UUID)).toEqual({
      uuid: COLLECTION_UUID,
      ownerUuid: 'zzzzz-tpzed-000000000000001',
      name: 'measurements',
      portableDataHash: EMPTY_PDH,
      version: 7,
      modifiedAt: '2026-08-07T15:37:21.123456000Z',
      createdAt: '2026-08-07T15:37:21.123456000Z',
      isTrashed: false,
      properties: { a: 1 },
      replicationDesired: 3,
      storageClassesDesired: ['default'],
      fileCount: 0,
      fileSizeTotal: 0,
    });
    expect(JSON.parse(server.requests[0]?.query.get('select') ?? '')).not.toContain('manifest_text');
  });

  test('brings a fresh manifest each time', async () => {
    server.on(
      `GET ${ONE}`,
      { json: collectionJson({ manifest_text: 'first' }) },
      { json: collectionJson({ manifest_text: 'second' }) },
    );
    expect((await api.collections.getWithManifest(COLLECTION_UUID)).manifestText).toBe('first');
    expect((await api.collections.getWithManifest(COLLECTION_UUID)).manifestText).toBe('second');
  });

  test('by portable data hash copes with the little that Arvados tells then', async () => {
    server.on(`GET /arvados/v1/collections/${EMPTY_PDH}`, {
      json: {
        uuid: EMPTY_PDH,
        portable_data_hash: EMPTY_PDH,
        manifest_text: '',
        trash_at: null,
        name: '',
        properties: null,
      },
    });
    expect(await api.collections.getWithManifest(EMPTY_PDH)).toMatchObject({
      uuid: EMPTY_PDH,
      name: '',
      properties: {},
      manifestText: '',
    });
  });

  test('that is absent is NOT_FOUND', async () => {
    expect((await errorOf(api.collections.get(COLLECTION_UUID))).code).toBe('NOT_FOUND');
    expect((await errorOf(api.collections.getWithManifest(EMPTY_PDH))).code).toBe('NOT_FOUND');
  });

  test('that is in the trash is TARGET_GONE, for reading and for writing', async () => {
    const trashed = (request: SeenRequest): ScriptedAnswer =>
      request.query.get('include_trash') === 'true'
        ? { json: collectionJson({ is_trashed: true }) }
        : { status: 404, json: { errors: ['Path not found'] } };
    server.on(`GET ${ONE}`, trashed);
    server.on(`PUT ${ONE}`, { status: 404, json: { errors: ['Path not found'] } });
    for (const work of [
      () => api.collections.get(COLLECTION_UUID),
      () => api.collections.getWithManifest(COLLECTION_UUID),
      () => api.collections.updateManifest(COLLECTION_UUID, ''),
      () => api.collections.replaceFiles(COLLECTION_UUID, { replaceFiles: { '/a': '' } }),
    ]) {
      const error = await errorOf(work());
      expect(error.code).toBe('TARGET_GONE');
      expect(error.action).toContain('trash');
    }
  });

  test('that the server shows although it is in the trash is TARGET_GONE, too', async () => {
    server.on(`GET ${ONE}`, { json: collectionJson({ is_trashed: true }) });
    expect((await errorOf(api.collections.get(COLLECTION_UUID))).code).toBe('TARGET_GONE');
  });

  test.each([
    ['no hash', { portable_data_hash: undefined }],
    ['a hash that is none', { portable_data_hash: 'abc' }],
    ['a number for a name', { name: 5 }],
    ['a list for properties', { properties: [] }],
  ])('with %s is a BAD_ANSWER', async (_what, more) => {
    server.on(`GET ${ONE}`, { json: collectionJson(more) });
    expect((await errorOf(api.collections.get(COLLECTION_UUID))).code).toBe('BAD_ANSWER');
  });
});

describe('creating a collection', () => {
  const wanted = {
    name: 'measurements',
    ensureUniqueName: true,
    manifestText: '. d41d8cd98f00b204e9800998ecf8427e+0 0:0:empty\n',
    properties: { type: 'raw' },
    createId: 'abcdefghijklmnop',
  };

  /** A server that keeps what is created; `fates` are those of the first answers, in order. */
  function keepCollections(
    fates: ReadonlyArray<ScriptedAnswer | 'before' | undefined>,
  ): Array<Record<string, unknown>> {
    const rows: Array<Record<string, unknown>> = [];
    const left = [...fates];
    server.on(LIST, (request) => answerList(rows, request));
    server.on(CREATE, (request) => {
      const fate = left.shift();
      if (fate === 'before') {
        return 'lost';
      }
      const { collection } = request.json as { collection: Record<string, unknown> };
      const row = collectionJson({
        ...collection,
        uuid: `zzzzz-4zz18-${String(rows.length).padStart(15, '0')}`,
        created_at: `2026-08-07T15:37:21.00000000${rows.length}Z`,
      });
      rows.push(row);
      return fate ?? { json: row };
    });
    return rows;
  }

  test('sends what is wanted, with the id of ours among the properties', async () => {
    keepCollections([]);
    const record = await api.collections.create({
      ...wanted,
      ownerUuid: 'zzzzz-j7d0g-000000000000001',
      replicationDesired: 3,
      storageClassesDesired: ['fast'],
    });
    expect(record.properties).toEqual({ type: 'raw', [CREATE_ID_PROPERTY]: wanted.createId });
    const [seen] = server.seen(CREATE);
    expect(seen?.query.get('ensure_unique_name')).toBe('true');
    expect(seen?.json).toEqual({
      collection: {
        name: wanted.name,
        manifest_text: wanted.manifestText,
        owner_uuid: 'zzzzz-j7d0g-000000000000001',
        properties: { type: 'raw', [CREATE_ID_PROPERTY]: wanted.createId },
        replication_desired: 3,
        storage_classes_desired: ['fast'],
      },
    });
  });

  test.each([
    ['the answer is lost', ['lost']],
    ['the request is lost', ['before']],
    ['the answer is lost, and the next request, too', ['lost', 'before']],
    ['the server fails after it has done it', [{ status: 500, json: { errors: ['oops'] } }]],
    ['a gateway gives up waiting', [{ status: 504, text: '<html>' }]],
    ['the answer is broken', [{ text: '{', headers: { 'content-type': 'application/json' } }]],
    ['the answer makes no sense', [{ json: {} }]],
  ] satisfies ReadonlyArray<readonly [string, ReadonlyArray<ScriptedAnswer | 'before'>]>)(
    'makes exactly one when %s',
    async (_what, fates) => {
      const rows = keepCollections(fates);
      const record = await api.collections.create(wanted);
      expect(rows).toHaveLength(1);
      expect(record.uuid).toBe(rows[0]?.uuid);
    },
  );

  test('makes exactly one when the process was killed in between', async () => {
    const rows = keepCollections([]);
    const first = await api.collections.create(wanted);
    const second = await api.collections.create(wanted);
    expect(rows).toHaveLength(1);
    expect(second.uuid).toBe(first.uuid);
  });

  test('makes two for two ids', async () => {
    const rows = keepCollections([]);
    await api.collections.create(wanted);
    await api.collections.create({ ...wanted, createId: 'another' });
    expect(rows).toHaveLength(2);
  });

  test('gives way to the first request where that was slow, not lost', async () => {
    const rows: Array<Record<string, unknown>> = [];
    const deleted: string[] = [];
    server.on(LIST, (request) => answerList(rows, request));
    const row = (number: number, request: SeenRequest): Record<string, unknown> => {
      const { collection } = request.json as { collection: Record<string, unknown> };
      return collectionJson({
        ...collection,
        uuid: `zzzzz-4zz18-00000000000000${number}`,
        created_at: `2026-08-07T15:37:21.00000000${number}Z`,
      });
    };
    server.on(
      CREATE,
      () => 'lost',
      (request) => {
        rows.push(row(1, request), row(2, request));
        return { json: rows[1] };
      },
    );
    server.on('DELETE /arvados/v1/collections/zzzzz-4zz18-000000000000002', () => {
      deleted.push(...rows.splice(1, 1).map((gone) => String(gone.uuid)));
      return { json: {} };
    });
    const record = await api.collections.create(wanted);
    expect(record.uuid).toBe('zzzzz-4zz18-000000000000001');
    expect(deleted).toEqual(['zzzzz-4zz18-000000000000002']);
  });

  test('never takes away a copy that a person made of it', async () => {
    const rows = keepCollections([]);
    const first = await api.collections.create(wanted);
    rows.push({
      ...rows[0],
      uuid: 'zzzzz-4zz18-aaaaaaaaaaaaaaa',
      created_at: '2026-08-08T00:00:00.000000000Z',
    });
    expect((await api.collections.create(wanted)).uuid).toBe(first.uuid);
    expect(rows).toHaveLength(2);
  });

  test('looks before each try, and never tries blindly', async () => {
    server.on(LIST, (request) => answerList([], request));
    server.on(CREATE, 'lost');
    expect((await errorOf(api.collections.create(wanted))).code).toBe('OFFLINE');
    const order = server.requests
      .filter((request) => request.path === '/arvados/v1/collections')
      .map((request) => request.method);
    expect(order).toEqual(Array.from({ length: QUICK_RETRIES.maxAttempts }, () => ['GET', 'POST']).flat());
  });

  test('does not go on where looking is impossible', async () => {
    server.on(LIST, { status: 503, json: { errors: ['later'] } });
    server.on(CREATE, 'lost');
    expect((await errorOf(api.collections.create(wanted))).code).toBe('BUSY');
    expect(server.seen(CREATE)).toHaveLength(0);
  });

  test('that is refused is tried once', async () => {
    server.on(LIST, (request) => answerList([], request));
    server.on(CREATE, { status: 422, json: { errors: ['UniqueViolation: name'] } });
    expect((await errorOf(api.collections.create(wanted))).code).toBe('REFUSED');
    expect(server.seen(CREATE)).toHaveLength(1);
  });

  test('with more than the cluster takes is TOO_LARGE before anything is sent', async () => {
    server.on(DISCOVERY, { json: discoveryDocument({ maxRequestSize: 10 }) });
    expect((await errorOf(api.collections.create(wanted))).code).toBe('TOO_LARGE');
    expect(server.seen(CREATE)).toHaveLength(0);
  });
});

describe('changing a collection', () => {
  test('file by file sends the sources beside the attributes', async () => {
    server.on(`PUT ${ONE}`, { json: collectionJson({ version: 2 }) });
    const record = await api.collections.replaceFiles(COLLECTION_UUID, {
      replaceFiles: { '/a': 'manifest_text/a', '/b': '' },
      manifestText: '. d41d8cd98f00b204e9800998ecf8427e+0 0:0:a\n',
      preserveVersion: true,
    });
    expect(record.version).toBe(2);
    expect(server.seen(`PUT ${ONE}`)[0]?.json).toEqual({
      collection: {
        manifest_text: '. d41d8cd98f00b204e9800998ecf8427e+0 0:0:a\n',
        preserve_version: true,
      },
      replace_files: { '/a': 'manifest_text/a', '/b': '' },
    });
  });

  test('file by file is tried again where doing it twice does no harm', async () => {
    server.on(`PUT ${ONE}`, 'lost', { json: collectionJson() });
    await api.collections.replaceFiles(COLLECTION_UUID, { replaceFiles: { '/a': `${EMPTY_PDH}/a` } });
    expect(server.seen(`PUT ${ONE}`)).toHaveLength(2);
  });

  test('file by file is not tried again where it moves things within the collection', async () => {
    server.on(`PUT ${ONE}`, 'lost', { json: collectionJson() });
    const swap = { replaceFiles: { '/a': 'current/b', '/b': 'current/a' } };
    expect((await errorOf(api.collections.replaceFiles(COLLECTION_UUID, swap))).code).toBe('OFFLINE');
    expect(server.seen(`PUT ${ONE}`)).toHaveLength(1);
  });

  test('file by file is refused without asking where the cluster is too old', async () => {
    server.on(DISCOVERY, { json: discoveryDocument({ revision: '20231117' }) });
    expect(await api.collections.canReplaceFiles()).toBe(false);
    const error = await errorOf(
      api.collections.replaceFiles(COLLECTION_UUID, { replaceFiles: { '/a': '' } }),
    );
    expect(error.code).toBe('REFUSED');
    expect(error.action).toContain('3.0');
    expect(server.seen(`PUT ${ONE}`)).toHaveLength(0);
  });

  test('as a whole sends the manifest', async () => {
    server.on(`PUT ${ONE}`, { json: collectionJson() });
    await api.collections.updateManifest(COLLECTION_UUID, '');
    expect(server.seen(`PUT ${ONE}`)[0]?.json).toEqual({ collection: { manifest_text: '' } });
  });

  test('leaves alone what is not named', async () => {
    server.on(`PUT ${ONE}`, { json: collectionJson() });
    await api.collections.update(COLLECTION_UUID, { name: 'new', replicationDesired: null });
    expect(server.seen(`PUT ${ONE}`)[0]?.json).toEqual({
      collection: { name: 'new', replication_desired: null },
    });
  });
});

describe('the version before', () => {
  test('is the newest of the old ones, asked for with the column that it goes by', async () => {
    server.on(LIST, (request) =>
      answerList(
        [2, 3, 1].map((version) =>
          collectionJson({
            uuid: `zzzzz-4zz18-00000000000010${version}`,
            current_version_uuid: COLLECTION_UUID,
            version,
            portable_data_hash: `d41d8cd98f00b204e9800998ecf8427e+${version}`,
          }),
        ),
        request,
      ),
    );
    expect(await api.collections.previousVersionPdh(COLLECTION_UUID)).toBe(
      'd41d8cd98f00b204e9800998ecf8427e+3',
    );
    expect(server.seen(LIST)[0]?.query.get('include_old_versions')).toBe('true');
  });

  test('is undefined where there is none', async () => {
    server.on(LIST, (request) => answerList([], request));
    expect(await api.collections.previousVersionPdh(COLLECTION_UUID)).toBeUndefined();
  });
});

describe('the trash', () => {
  test('takes a collection, though the answer is lost and the second try finds it gone', async () => {
    server.on(`DELETE ${ONE}`, 'lost', { status: 404, json: { errors: ['Path not found'] } });
    server.on(`GET ${ONE}`, { json: { uuid: COLLECTION_UUID } });
    await api.collections.delete(COLLECTION_UUID);
    expect(server.seen(`DELETE ${ONE}`)).toHaveLength(2);
  });

  test('cannot take what never was', async () => {
    expect((await errorOf(api.collections.delete(COLLECTION_UUID))).code).toBe('NOT_FOUND');
  });

  test('gives back', async () => {
    server.on(`POST ${ONE}/untrash`, { json: collectionJson() });
    expect((await api.collections.untrash(COLLECTION_UUID)).uuid).toBe(COLLECTION_UUID);
  });
});
