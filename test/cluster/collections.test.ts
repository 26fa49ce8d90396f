import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ClusterClient,
  ClusterStage,
  md5,
  TurnedClock,
  withoutSignatures,
} from '../support/cluster-client.ts';

const stage = new ClusterStage();
let admin: ClusterClient;
let user: ClusterClient;

beforeAll(async () => {
  admin = await stage.start({ preserveVersionIfIdleSeconds: -1 });
  user = new ClusterClient(admin.cluster, await admin.cluster.createUser());
});
afterAll(() => stage.cleanUp());

const EMPTY = 'd41d8cd98f00b204e9800998ecf8427e+0';

describe('a new collection', () => {
  test('has every field that Arvados gives it', async () => {
    const made = await user.good('POST', 'collections', {});
    expect(made).toMatchObject({
      kind: 'arvados#collection',
      owner_uuid: (await user.good('GET', 'users/current')).uuid,
      name: null,
      description: null,
      properties: {},
      portable_data_hash: EMPTY,
      manifest_text: '',
      replication_desired: null,
      storage_classes_desired: ['default'],
      trash_at: null,
      delete_at: null,
      is_trashed: false,
      version: 1,
      current_version_uuid: made.uuid,
      preserve_version: false,
      file_count: 0,
      file_size_total: 0,
    });
    expect(made.uuid).toMatch(new RegExp(`^${admin.cluster.clusterId}-4zz18-[0-9a-z]{15}$`));
    expect(made.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    expect(made).not.toHaveProperty('unsigned_manifest_text');
  });

  test('keeps a manifest without signatures, and gives it out signed for whoever asks', async () => {
    const made = await user.saveFiles({ 'a.txt': 'alpha', 'd/b.txt': 'beta' });
    expect(made).toMatchObject({ file_count: 2, file_size_total: 9 });
    const bare = `. ${md5('alpha')}+5 0:5:a.txt\n./d ${md5('beta')}+4 0:4:b.txt\n`;
    expect(withoutSignatures(String(made.manifest_text))).toBe(bare);
    expect(made.portable_data_hash).toBe(`${md5(bare)}+${bare.length}`);
    const selected = await user.good('GET', `collections/${made.uuid}?select=["unsigned_manifest_text"]`);
    expect(selected.unsigned_manifest_text).toBe(bare);
    for (const reader of [user, admin]) {
      const { manifest_text: text } = await reader.good('GET', `collections/${made.uuid}`);
      const locator = String(text).split(' ')[1];
      expect((await reader.keep('GET', `/${locator}`)).bytes.toString()).toBe('alpha');
    }
    const { manifest_text: forAdmin } = await admin.good('GET', `collections/${made.uuid}`);
    expect((await user.keep('GET', `/${String(forAdmin).split(' ')[1]}`)).status).toBe(400);
  });

  test('by portable data hash is only its content', async () => {
    const made = await user.saveFiles({ 'p.txt': 'by hash' }, { name: 'named', properties: { a: 1 } });
    const found = await user.good('GET', `collections/${made.portable_data_hash}`);
    expect(found).toMatchObject({
      uuid: made.portable_data_hash,
      name: '',
      properties: null,
      trash_at: null,
    });
    expect(withoutSignatures(String(found.manifest_text))).toBe(
      withoutSignatures(String(made.manifest_text)),
    );
    expect(found).not.toHaveProperty('version');
    const other = new ClusterClient(admin.cluster, await admin.cluster.createUser());
    expect((await other.api('GET', `collections/${made.portable_data_hash}`)).status).toBe(404);
  });

  test.each([
    ['no newline at the end', `. ${EMPTY} 0:0:a`],
    ['no locator', '. 0:0:a\n'],
    ['no file', `. ${EMPTY}\n`],
    ['an empty line', `\n. ${EMPTY} 0:0:a\n`],
    ['two spaces', `.  ${EMPTY} 0:0:a\n`],
    ['a space at the end', `. ${EMPTY} 0:0:a \n`],
    ['a stream that is not under .', `a ${EMPTY} 0:0:a\n`],
    ['a stream with ..', `./../b ${EMPTY} 0:0:a\n`],
    ['a stream with an empty part', `./b//c ${EMPTY} 0:0:a\n`],
    ['a stream with a slash at the end', `./b/ ${EMPTY} 0:0:a\n`],
    ['a file called ..', `. ${EMPTY} 0:0:..\n`],
    ['a file called . that has bytes', `. ${md5('x')}+1 0:1:.\n`],
    ['an escaped .. file', `. ${EMPTY} 0:0:\\056\\056\n`],
    ['a double backslash', `. ${EMPTY} 0:0:a\\\\b\n`],
    ['an escape beyond a byte', `. ${EMPTY} 0:0:a\\400\n`],
    ['a tab in a name', `. ${EMPTY} 0:0:a\tb\n`],
    ['a name with an empty part', `. ${EMPTY} 0:0:a//b\n`],
    ['a folder called . and a newline', `./.\\012b ${EMPTY} 0:0:a\n`],
    ['a file beyond its blocks', `. ${EMPTY} 0:1:a\n`],
  ])('with a manifest that has %s is 422', async (_, manifest) => {
    expect((await admin.api('POST', 'collections', { manifest_text: manifest })).status).toBe(422);
  });

  test.each([
    ['an empty folder', `./d ${EMPTY} 0:0:\\056\n`, 0],
    ['an empty folder inside', `. ${EMPTY} 0:0:sub/\\056\n`, 0],
    ['an empty folder written .', `./d ${EMPTY} 0:0:.\n`, 0],
    ['a raw colon in a name', `. ${EMPTY} 0:0:a:b\n`, 1],
    ['a file called . and a newline', `. ${EMPTY} 0:0:.\\012b\n`, 1],
    ['a file in pieces on two lines', `. ${EMPTY} 0:0:a 0:0:a\n. ${EMPTY} 0:0:a\n`, 1],
    ['a slash in a file name', `. ${EMPTY} 0:0:a/b\n`, 1],
    ['names beyond ASCII', `./ø ${EMPTY} 0:0:\u{1f600}\n`, 1],
  ])('with a manifest that has %s is taken', async (_, manifest, files) => {
    const made = await admin.good('POST', 'collections', { manifest_text: manifest });
    expect(made).toMatchObject({ manifest_text: manifest, file_count: files });
    expect(made.portable_data_hash).toBe(`${md5(manifest)}+${Buffer.byteLength(manifest)}`);
  });

  test('keeps hints other than signatures, which do not count for the hash', async () => {
    const manifest = `. ${md5('k')}+1+K@zzzzz 0:1:k\n`;
    const made = await admin.good('POST', 'collections', { manifest_text: manifest });
    expect(withoutSignatures(String(made.manifest_text))).toBe(manifest);
    const bare = manifest.replace('+K@zzzzz', '');
    expect(made.portable_data_hash).toBe(`${md5(bare)}+${bare.length}`);
  });

  test('must have the hash that it is sent with', async () => {
    const portable_data_hash = `${md5('x')}+1`;
    expect((await admin.api('POST', 'collections', { manifest_text: '', portable_data_hash })).status).toBe(
      422,
    );
  });

  test('from a user needs a good signature on every block; from an admin none', async () => {
    const locator = await user.putBlock('signed');
    const manifest = (text: string) => ({ manifest_text: `. ${text} 0:6:f\n` });
    const bare = locator.replace(/\+A.*/, '');
    expect((await user.api('POST', 'collections', manifest(locator))).status).toBe(200);
    expect((await user.api('POST', 'collections', manifest(bare))).status).toBe(403);
    expect((await user.api('POST', 'collections', manifest(await admin.putBlock('signed')))).status).toBe(
      403,
    );
    expect((await admin.api('POST', 'collections', manifest(bare))).status).toBe(200);
    expect((await user.api('POST', 'collections', { manifest_text: `. ${EMPTY} 0:0:f\n` })).status).toBe(200);
  });

  test('cannot have a name that is taken in its place, unless it may change it', async () => {
    const name = 'n'.repeat(250);
    await user.good('POST', 'collections', { name });
    const clash = await user.api('POST', 'collections', { name });
    expect(clash.status).toBe(422);
    expect(String(clash.body.errors)).toContain('UniqueViolation');
    const second = await user.good('POST', 'collections?ensure_unique_name=true', { name });
    expect(second.name).toBe(`${'n'.repeat(237)} (${String(second.uuid).slice(-15)})`);
    await user.good('POST', 'collections', { name: '' });
    expect((await user.good('POST', 'collections', { name: '' })).name).toBe(null);
    await admin.good('POST', 'collections', { name });
  });

  test.each(['.', '..', 'a/b', 'x'.repeat(256)])('cannot be called %s', async (name) => {
    expect((await user.api('POST', 'collections', { name })).status).toBe(422);
  });

  test('takes replication, storage classes and times as they are', async () => {
    const trash_at = '2999-01-02T03:04:05.678Z';
    const made = await user.good('POST', 'collections', {
      replication_desired: 3,
      storage_classes_desired: ['hot', 'cold'],
      trash_at,
    });
    expect(made).toMatchObject({
      replication_desired: 3,
      storage_classes_desired: ['hot', 'cold'],
      trash_at: '2999-01-02T03:04:05.678000000Z',
      is_trashed: false,
    });
    for (const wrong of [
      { replication_desired: 0 },
      { storage_classes_desired: [] },
      { properties: [] },
      { trash_at: 'soon' },
    ]) {
      expect((await user.api('POST', 'collections', wrong)).status).toBe(422);
    }
  });
});

describe('an update', () => {
  test('changes what it names and nothing else', async () => {
    const made = await user.saveFiles({ f: 'content' }, { name: 'before', properties: { a: 1, b: 2 } });
    const changed = await user.good('PUT', `collections/${made.uuid}`, {
      name: 'after',
      properties: { a: 3 },
    });
    expect(changed).toMatchObject({
      name: 'after',
      properties: { a: 3 },
      portable_data_hash: made.portable_data_hash,
      version: 1,
      created_at: made.created_at,
    });
    const patched = await user.good('PATCH', `collections/${made.uuid}`, {
      collection: { description: 'd' },
    });
    expect(patched).toMatchObject({ name: 'after', description: 'd' });
  });

  test('with a manifest replaces the content whole', async () => {
    const made = await user.saveFiles({ f: 'old', g: 'gone' });
    const manifest_text = await user.manifestOf({ f: 'newer' });
    const changed = await user.good('PUT', `collections/${made.uuid}`, { manifest_text });
    expect(changed).toMatchObject({ file_count: 1, file_size_total: 5 });
    expect(await user.manifest(String(made.uuid))).toBe(withoutSignatures(manifest_text));
    expect(
      (await user.api('PUT', `collections/${made.uuid}`, { manifest_text: `. ${md5('q')}+1 0:1:q\n` }))
        .status,
    ).toBe(403);
    expect(await user.manifest(String(made.uuid))).toBe(withoutSignatures(manifest_text));
  });

  test('moves to another project, if the name is free there', async () => {
    const project = await user.good('POST', 'groups', { group: { group_class: 'project', name: 'target' } });
    await user.good('POST', 'collections', { name: 'mover', owner_uuid: project.uuid });
    const made = await user.good('POST', 'collections', { name: 'mover' });
    const move = { owner_uuid: project.uuid };
    expect((await user.api('PUT', `collections/${made.uuid}`, move)).status).toBe(422);
    const moved = await user.good('PUT', `collections/${made.uuid}?ensure_unique_name=true`, move);
    expect(moved.name).toBe(`mover (${String(made.uuid).slice(-15)})`);
  });
});

describe('versions', () => {
  test('are kept of every change when idleness is not asked for, but not of what is no content', async () => {
    const clock = new TurnedClock(Date.now());
    const client = await stage.start({ preserveVersionIfIdleSeconds: 0, clock });
    const made = await client.saveFiles({ f: 'one' }, { name: 'v' });
    await client.good('PUT', `collections/${made.uuid}`, {
      manifest_text: await client.manifestOf({ f: 'two' }),
    });
    await client.good('PUT', `collections/${made.uuid}`, { replication_desired: 2 });
    const now = await client.good('PUT', `collections/${made.uuid}`, { properties: { p: 1 } });
    expect(now.version).toBe(3);
    const all = await client.list('collections', {
      include_old_versions: true,
      filters: [['current_version_uuid', '=', made.uuid]],
      order: 'version asc',
    });
    expect(all.map((item) => item.version)).toEqual([1, 2, 3]);
    expect(all.map((item) => item.replication_desired)).toEqual([2, 2, 2]);
    expect(await client.list('collections')).toHaveLength(1);
    const first = await client.good('GET', `collections/${all[0]?.uuid}`);
    expect(first.portable_data_hash).toBe(made.portable_data_hash);
    expect(await client.manifest(String(first.uuid))).toBe(withoutSignatures(String(made.manifest_text)));
    expect((await client.api('PUT', `collections/${first.uuid}`, { name: 'x' })).status).toBe(422);
    await stage.stop(client);
  });

  test('are kept when the last change is old enough, or when that is asked for', async () => {
    const clock = new TurnedClock(Date.now());
    const client = await stage.start({ preserveVersionIfIdleSeconds: 10, clock });
    const { uuid } = await client.saveFiles({ f: 'one' });
    const change = async (attributes: Record<string, unknown>) =>
      (await client.good('PUT', `collections/${uuid}`, attributes)).version;
    expect(await change({ description: 'at once' })).toBe(1);
    clock.turn(11_000);
    expect(await change({ description: 'later' })).toBe(2);
    expect(await change({ description: 'at once again' })).toBe(2);
    expect(await change({ description: 'asked for', preserve_version: true })).toBe(3);
    expect(await change({ description: 'because the one before was asked for' })).toBe(4);
    expect(await change({ description: 'once only' })).toBe(4);
    await stage.stop(client);
  });

  test('are never kept unasked with -1', async () => {
    const { uuid } = await admin.saveFiles({ f: 'never' });
    expect((await admin.good('PUT', `collections/${uuid}`, { description: 'x' })).version).toBe(1);
    expect(
      (await admin.good('PUT', `collections/${uuid}`, { description: 'y', preserve_version: true })).version,
    ).toBe(2);
  });
});

describe('the trash', () => {
  test('hides a collection and gives it back', async () => {
    const made = await user.saveFiles({ f: 'thrown away' }, { name: 'trashy' });
    const path = `collections/${made.uuid}`;
    const trashed = await user.good('DELETE', path);
    expect(trashed.is_trashed).toBe(true);
    expect(withoutSignatures(String(trashed.manifest_text))).toBe(trashed.manifest_text);
    for (const method of ['GET', 'PUT']) {
      expect((await user.api(method, path, method === 'PUT' ? {} : undefined)).status).toBe(404);
    }
    expect((await user.api('GET', `collections/${made.portable_data_hash}`)).status).toBe(404);
    expect((await user.good('GET', `${path}?include_trash=true`)).is_trashed).toBe(true);
    const byName = { filters: [['name', '=', 'trashy']] };
    expect(await user.list('collections', byName)).toEqual([]);
    expect(await user.list('collections', { ...byName, include_trash: true })).toHaveLength(1);
    const restored = await user.good('POST', `${path}/untrash`);
    expect(restored).toMatchObject({ is_trashed: false, trash_at: null, delete_at: null });
    expect((await user.api('POST', `${path}/untrash`)).status).toBe(422);
  });

  test('frees the name, which must be free again for coming back', async () => {
    const made = await user.good('POST', 'collections', { name: 'contested' });
    await user.good('POST', `collections/${made.uuid}/trash`);
    await user.good('POST', 'collections', { name: 'contested' });
    expect((await user.api('POST', `collections/${made.uuid}/untrash`)).status).toBe(422);
    const back = await user.good('POST', `collections/${made.uuid}/untrash?ensure_unique_name=true`);
    expect(back.name).toBe(`contested (${String(made.uuid).slice(-15)})`);
  });

  test('is emptied in the end, versions and manifests and all, but no block is', async () => {
    const clock = new TurnedClock(Date.now());
    const client = await stage.start({ clock, preserveVersionIfIdleSeconds: 0 });
    const { uuid } = await client.saveFiles({ f: 'once saved' });
    await client.good('PUT', `collections/${uuid}`, { description: 'two versions' });
    await client.good('DELETE', `collections/${uuid}`);
    const all = { include_trash: true, include_old_versions: true };
    clock.turn(13 * 24 * 3_600_000);
    await client.cluster.sweep();
    expect(await client.list('collections', all)).toHaveLength(2);
    clock.turn(2 * 24 * 3_600_000);
    expect((await client.api('GET', `collections/${uuid}?include_trash=true`)).status).toBe(404);
    await client.cluster.sweep();
    expect(await client.list('collections', all)).toEqual([]);
    const locator = await client.putBlock('once saved');
    expect((await client.keep('GET', `/${locator}`)).bytes.toString()).toBe('once saved');
    const events = await client.list('logs', { filters: [['object_uuid', '=', uuid]], order: 'id asc' });
    expect(events.map((event) => event.event_type)).toContain('delete');
    await stage.stop(client);
  });

  test('comes by itself at trash_at, and signatures do not outlive that', async () => {
    const clock = new TurnedClock(Date.parse('2030-01-01T00:00:00Z'));
    const client = await stage.start({ clock });
    const made = await client.saveFiles({ f: 'short' }, { trash_at: '2030-01-01T01:00:00Z' });
    const expiry = /\+A[0-9a-f]{40}@([0-9a-f]{8})/.exec(String(made.manifest_text))?.[1] ?? '';
    expect(Number.parseInt(expiry, 16)).toBe(Date.parse('2030-01-01T01:00:00Z') / 1000);
    clock.turn(3_599_000);
    expect((await client.api('GET', `collections/${made.uuid}`)).status).toBe(200);
    clock.turn(2000);
    expect((await client.api('GET', `collections/${made.uuid}`)).status).toBe(404);
    await stage.stop(client);
  });

  test('takes the content of a project with the project', async () => {
    const project = await user.good('POST', 'groups', { group: { group_class: 'project', name: 'doomed' } });
    const inside = await user.good('POST', 'groups', {
      group: { group_class: 'project', name: 'below', owner_uuid: project.uuid },
    });
    const made = await user.good('POST', 'collections', { owner_uuid: inside.uuid });
    await user.good('DELETE', `groups/${project.uuid}`);
    expect((await user.api('GET', `collections/${made.uuid}`)).status).toBe(404);
    expect((await user.api('GET', `groups/${inside.uuid}`)).status).toBe(404);
    expect((await user.api('POST', 'collections', { owner_uuid: inside.uuid })).status).toBe(422);
    await user.good('POST', `groups/${project.uuid}/untrash`);
    expect((await user.api('GET', `collections/${made.uuid}`)).status).toBe(200);
  });
});
