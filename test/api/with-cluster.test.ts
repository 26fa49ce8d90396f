import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ArvadosApi } from '../../src/api/arvados-api.ts';
import { checkAccount } from '../../src/api/checks.ts';
import { CREATE_ID_PROPERTY } from '../../src/api/collections.ts';
import { RemoteEvents } from '../../src/api/events.ts';
import { reachKeepService } from '../../src/api/reach-keep.ts';
import { remoteEventPorts } from '../../src/api/remote-event-ports.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { newRequestId, systemRandom } from '../../src/base/random.ts';
import { startCluster } from '../../src/cluster/cluster.ts';
import type { Fault, LocalCluster, RequestInfo } from '../../src/cluster/cluster-options.ts';
import { EMPTY_PDH, errorOf, QUICK_RETRIES } from '../support/api-fixtures.ts';

const PUT_COLLECTION = /^PUT \/arvados\/v1\/collections\//;
const POST_COLLECTION = /^POST \/arvados\/v1\/collections$/;

let folder: string;
let cluster: LocalCluster;
let api: ArvadosApi;
/** The next requests of this shape, and what goes wrong with them. */
let faults: Array<{ readonly what: RegExp; readonly fault: Fault }> = [];
let asked: string[] = [];
let serial = 0;

function onRequest({ server, method, path }: RequestInfo): Fault | undefined {
  if (server === 'keep') {
    return undefined;
  }
  asked.push(`${method} ${path}`);
  const index = faults.findIndex(({ what }) => what.test(`${method} ${path}`));
  return index < 0 ? undefined : faults.splice(index, 1)[0]?.fault;
}

function apiFor(token: string): ArvadosApi {
  return new ArvadosApi({
    host: cluster.apiHost,
    token,
    ca: readFileSync(cluster.caFile, 'utf8'),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    retryPolicy: QUICK_RETRIES,
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keepsync-api-'));
  cluster = await startCluster({
    dataDir: folder,
    log: silentLog,
    onRequest,
    preserveVersionIfIdleSeconds: 0,
  });
  api = apiFor(cluster.token);
});

afterAll(async () => {
  api.close();
  await cluster.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  faults = [];
  asked = [];
});

/** Puts a block into Keep; its signed locator. */
async function putBlock(text: string): Promise<string> {
  const md5 = createHash('md5').update(text).digest('hex');
  const outgoing = request(`${cluster.keepUrls[0]}/${md5}`, {
    method: 'PUT',
    agent: false,
    headers: { authorization: `Bearer ${cluster.token}` },
  });
  outgoing.end(text);
  const [incoming] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream];
  let answer = '';
  for await (const chunk of incoming) {
    answer += String(chunk);
  }
  return answer.trim();
}

const wanted = (more: { manifestText?: string; name?: string } = {}) => {
  serial++;
  return {
    name: more.name ?? `collection ${serial}`,
    ensureUniqueName: true,
    manifestText: more.manifestText ?? '',
    properties: { type: 'test' },
    createId: `create-id-${serial}`,
  };
};

const countWith = async (createId: string): Promise<number> => {
  let count = 0;
  const filters = [[`properties.${CREATE_ID_PROPERTY}`, '=', createId]] as const;
  for await (const _item of api.collections.list({ filters })) {
    count++;
  }
  return count;
};

describe('the local cluster, seen by the client', () => {
  test('introduces itself', async () => {
    const discovery = await api.discovery();
    expect(discovery).toMatchObject({ uuidPrefix: cluster.clusterId, canReplaceFiles: true });
    expect(discovery.websocketUrl).toMatch(/^wss:/);
    expect(await api.config()).toMatchObject({ blobSigning: true, defaultStorageClasses: ['default'] });
    const user = await api.currentUser();
    expect(user).toMatchObject({ isActive: true, isAdmin: true });
    expect(cluster.token).toContain((await api.tokenInfo()).uuid);
    expect((await api.keepServices()).map(({ baseUrl }) => baseUrl)).toEqual(cluster.keepUrls);
  });

  test('passes every check of an account', async () => {
    const { checks, ok } = await checkAccount({
      client: api.client,
      clock: systemClock,
      reachKeep: (service, signal) =>
        reachKeepService(service, {
          tls: api.client.tls,
          clock: systemClock,
          requestId: newRequestId(),
          signal,
        }),
    });
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect(ok).toBe(true);
  });

  test('does not accept a token that it never gave', async () => {
    const stranger = apiFor(`v2/${cluster.clusterId}-gj3su-000000000000000/nonsense`);
    expect((await errorOf(stranger.currentUser())).code).toBe('NOT_SIGNED_IN');
    stranger.close();
  });

  test('shows nobody what belongs to others', async () => {
    const created = await api.collections.create(wanted());
    const other = apiFor(await cluster.createUser());
    expect((await errorOf(other.collections.get(created.uuid))).code).toBe('NOT_FOUND');
    other.close();
  });
});

describe('creating a collection', () => {
  test('gives it what was wanted', async () => {
    const mine = wanted();
    const created = await api.collections.create({ ...mine, replicationDesired: 3 });
    expect(created).toMatchObject({
      name: mine.name,
      portableDataHash: EMPTY_PDH,
      replicationDesired: 3,
      properties: { type: 'test', [CREATE_ID_PROPERTY]: mine.createId },
      isTrashed: false,
    });
    expect(await api.collections.get(created.uuid)).toEqual(created);
  });

  test.each([
    ['whose answer is lost', { kind: 'loseAnswer' }],
    ['that never arrives', { kind: 'reset' }],
    ['that a busy server turns away', { kind: 'status', status: 503 }],
  ] satisfies ReadonlyArray<readonly [string, Fault]>)(
    'makes exactly one by a request %s',
    async (_what, fault) => {
      faults.push({ what: POST_COLLECTION, fault });
      const mine = wanted();
      const created = await api.collections.create(mine);
      expect(faults).toEqual([]);
      expect(await countWith(mine.createId)).toBe(1);
      expect(created.name).toBe(mine.name);
    },
  );

  test('makes exactly one when every second answer is lost, and when it is asked for again later', async () => {
    faults.push(
      { what: /^GET \/arvados\/v1\/collections$/, fault: { kind: 'loseAnswer' } },
      { what: POST_COLLECTION, fault: { kind: 'loseAnswer' } },
      { what: /^GET \/arvados\/v1\/collections$/, fault: { kind: 'reset' } },
    );
    const mine = wanted();
    const created = await api.collections.create(mine);
    expect(faults).toEqual([]);
    expect((await api.collections.create(mine)).uuid).toBe(created.uuid);
    expect(await countWith(mine.createId)).toBe(1);
  });

  test('finds another name where its own is taken, or is refused if that is not wanted', async () => {
    const first = await api.collections.create(wanted({ name: 'twice' }));
    const second = await api.collections.create(wanted({ name: 'twice' }));
    expect(first.name).toBe('twice');
    expect(second.name).toMatch(/^twice ./);
    const error = await errorOf(
      api.collections.create({ ...wanted({ name: 'twice' }), ensureUniqueName: false }),
    );
    expect(error).toMatchObject({ code: 'REFUSED', requestId: expect.stringMatching(/^req-/) });
  });

  test('is FORBIDDEN with a block that this token may not use', async () => {
    const other = apiFor(await cluster.createUser());
    const locator = (await putBlock('not yours')).replace(/\+A[^+]*/, '');
    const error = await errorOf(other.collections.create(wanted({ manifestText: `. ${locator} 0:9:a\n` })));
    expect(error.code).toBe('FORBIDDEN');
    other.close();
  });
});

describe('a collection with files', () => {
  test('comes back with signatures that are good for another save', async () => {
    const locator = await putBlock('hello');
    const created = await api.collections.create(wanted({ manifestText: `. ${locator} 0:5:hello.txt\n` }));
    expect(created).toMatchObject({ fileCount: 1, fileSizeTotal: 5 });
    const full = await api.collections.getWithManifest(created.uuid);
    expect(full.manifestText).toMatch(/^\. [0-9a-f]{32}\+5\+A[0-9a-f]{40}@[0-9a-f]{8} 0:5:hello\.txt\n$/);
    const again = await api.collections.create(wanted({ manifestText: full.manifestText }));
    expect(again.portableDataHash).toBe(created.portableDataHash);
    const byHash = await api.collections.getWithManifest(created.portableDataHash);
    expect(byHash).toMatchObject({ uuid: created.portableDataHash, name: '', properties: {} });
    expect(byHash.manifestText).toContain('+A');
  });

  test('is changed file by file, though an answer is lost', async () => {
    const [a, b] = [await putBlock('aaa'), await putBlock('bbbb')];
    const { uuid } = await api.collections.create(wanted({ manifestText: `. ${a} 0:3:a 0:3:old\n` }));
    faults.push({ what: PUT_COLLECTION, fault: { kind: 'loseAnswer' } });
    const changed = await api.collections
      .replaceFiles(uuid, {
        replaceFiles: { '/b': 'manifest_text/b', '/old': '', '/copies/a': 'current/a' },
        manifestText: `. ${b} 0:4:b\n`,
      })
      .catch(() => api.collections.get(uuid));
    expect(faults).toEqual([]);
    expect(changed.fileCount).toBe(3);
    const { manifestText } = await api.collections.getWithManifest(uuid);
    const names = manifestText.replaceAll(/\+A\S+/g, '');
    expect(names).toContain(':a');
    expect(names).toContain(':b');
    expect(names).toContain('./copies ');
    expect(names).not.toContain(':old');
  });

  test('tries a change again by itself where it may', async () => {
    const { uuid } = await api.collections.create(wanted());
    const b = await putBlock('bbbb');
    faults.push(
      { what: PUT_COLLECTION, fault: { kind: 'loseAnswer' } },
      { what: PUT_COLLECTION, fault: { kind: 'status', status: 502 } },
    );
    await api.collections.replaceFiles(uuid, {
      replaceFiles: { '/b': 'manifest_text/b' },
      manifestText: `. ${b} 0:4:b\n`,
      preserveVersion: true,
    });
    expect(asked.filter((one) => PUT_COLLECTION.test(one))).toHaveLength(3);
    expect((await api.collections.get(uuid)).fileCount).toBe(1);
  });

  test('is replaced as a whole, and its old state can be found', async () => {
    const locator = await putBlock('first');
    const first = await api.collections.create(wanted({ manifestText: `. ${locator} 0:5:f\n` }));
    expect(await api.collections.previousVersionPdh(first.uuid)).toBeUndefined();
    const second = await api.collections.updateManifest(first.uuid, '');
    expect(second.portableDataHash).toBe(EMPTY_PDH);
    expect(second.version).toBe(first.version + 1);
    expect(await api.collections.previousVersionPdh(first.uuid)).toBe(first.portableDataHash);
  });

  test('refuses what is no manifest', async () => {
    const { uuid } = await api.collections.create(wanted());
    expect((await errorOf(api.collections.updateManifest(uuid, 'nonsense'))).code).toBe('REFUSED');
  });

  test('is named and described anew without touching its files', async () => {
    const created = await api.collections.create(wanted());
    const changed = await api.collections.update(created.uuid, {
      name: `renamed ${serial}`,
      properties: { a: 1 },
      storageClassesDesired: ['default'],
    });
    expect(changed).toMatchObject({
      name: `renamed ${serial}`,
      properties: { a: 1 },
      portableDataHash: created.portableDataHash,
    });
  });
});

describe('the trash', () => {
  test('makes a collection TARGET_GONE until it is brought back', async () => {
    const { uuid } = await api.collections.create(wanted());
    faults.push({ what: /^DELETE /, fault: { kind: 'loseAnswer' } });
    await api.collections.delete(uuid);
    expect((await errorOf(api.collections.get(uuid))).code).toBe('TARGET_GONE');
    expect((await errorOf(api.collections.getWithManifest(uuid))).code).toBe('TARGET_GONE');
    expect((await errorOf(api.collections.updateManifest(uuid, ''))).code).toBe('TARGET_GONE');
    await api.collections.untrash(uuid);
    expect((await api.collections.get(uuid)).isTrashed).toBe(false);
  });

  test('is not where something is that never was', async () => {
    const uuid = `${cluster.clusterId}-4zz18-000000000000000`;
    expect((await errorOf(api.collections.get(uuid))).code).toBe('NOT_FOUND');
  });
});

describe('projects', () => {
  test('hold the collections that are made in them', async () => {
    const answer = await api.client.request('POST', '/arvados/v1/groups', {
      body: { group: { group_class: 'project', name: 'experiments' } },
    });
    const projectUuid = String(answer.body.uuid);
    const created = await api.collections.create({ ...wanted(), ownerUuid: projectUuid });
    expect(created.ownerUuid).toBe(projectUuid);
    expect(await api.projects.get(projectUuid)).toMatchObject({ name: 'experiments', isTrashed: false });
    const names: string[] = [];
    for await (const project of api.projects.list()) {
      names.push(project.name);
    }
    expect(names).toContain('experiments');
    const inside: string[] = [];
    for await (const item of api.projects.contents(projectUuid)) {
      inside.push(item.kind === 'collection' ? item.collection.uuid : item.project.uuid);
    }
    expect(inside).toEqual([created.uuid]);
  });
});

describe('events', () => {
  test('tell that somebody changed a collection', async () => {
    const { uuid } = await api.collections.create(wanted());
    const events = new RemoteEvents({
      ports: remoteEventPorts(api, cluster.token),
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      isWanted: (objectUuid) => objectUuid === uuid,
    });
    const live = new Promise<void>((resolve) => {
      events.events.on('mode', (mode) => mode === 'live' && resolve());
    });
    const change = new Promise((resolve) => events.events.on('change', resolve));
    events.start();
    await live;
    await api.collections.update(uuid, { name: `changed ${serial}` });
    expect(await change).toMatchObject({ objectUuid: uuid, eventType: 'update' });
    await events.close();
  });

  test('can be had by asking for the logs', async () => {
    const ports = remoteEventPorts(api, cluster.token);
    const { signal } = new AbortController();
    const before = await ports.newestLogId(signal);
    const { uuid } = await api.collections.create(wanted());
    const changes = await ports.changesSince(before, signal);
    expect(changes).toContainEqual(expect.objectContaining({ objectUuid: uuid, eventType: 'create' }));
  });
});
