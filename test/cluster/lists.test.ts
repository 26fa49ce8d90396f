import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClusterClient, ClusterStage, type Fields, TurnedClock } from '../support/cluster-client.ts';

const stage = new ClusterStage();
let client: ClusterClient;
const uuids: Record<string, string> = {};
let projectUuid: string;

/** Made a second apart, in this order. */
const COLLECTIONS: ReadonlyArray<Fields & { readonly name: string }> = [
  { name: 'Alpha', properties: { colour: 'red', size: 1, tags: ['x', 'y'], 'http://a.b/c': 'uri' } },
  { name: 'alphabet', description: 'letters', properties: { colour: 'blue', size: 10 } },
  { name: 'Beta_1', properties: { colour: null, size: '1' }, replication_desired: 2 },
  { name: 'beta%2', properties: { nested: { a: 1 } } },
  { name: 'gamma', description: 'ALPHA too' },
];

beforeAll(async () => {
  const clock = new TurnedClock(Date.parse('2030-01-01T00:00:00Z'));
  client = await stage.start({ clock });
  const project = await client.good('POST', 'groups', { group: { group_class: 'project', name: 'Project' } });
  projectUuid = String(project.uuid);
  for (const attributes of COLLECTIONS) {
    clock.turn(1000);
    const made = await client.saveFiles({ [`${attributes.name.length}.txt`]: attributes.name }, attributes);
    uuids[attributes.name] = String(made.uuid);
  }
});
afterAll(() => stage.cleanUp());

async function names(parameters: Fields): Promise<unknown[]> {
  return (await client.list('collections', { order: 'created_at asc', ...parameters })).map(
    (item) => item.name,
  );
}

describe('a filter', () => {
  test.each<[string, unknown[], string[]]>([
    ['= ', [['name', '=', 'gamma']], ['gamma']],
    ['= null', [['description', '=', null]], ['Alpha', 'Beta_1', 'beta%2']],
    [
      '!= also finds what has none',
      [['description', '!=', 'letters']],
      ['Alpha', 'Beta_1', 'beta%2', 'gamma'],
    ],
    ['<>', [['name', '<>', 'gamma']], ['Alpha', 'alphabet', 'Beta_1', 'beta%2']],
    ['!= null', [['description', '!=', null]], ['alphabet', 'gamma']],
    ['<', [['created_at', '<', '2030-01-01T00:00:03Z']], ['Alpha', 'alphabet']],
    [
      '<= in another zone',
      [['created_at', '<=', '2030-01-01T01:00:03+01:00']],
      ['Alpha', 'alphabet', 'Beta_1'],
    ],
    ['> on numbers', [['file_size_total', '>', 6]], ['alphabet']],
    ['>=', [['file_size_total', '>=', '6']], ['alphabet', 'Beta_1', 'beta%2']],
    ['like, which minds case', [['name', 'like', 'alpha%']], ['alphabet']],
    ['like with one character', [['name', 'like', '_lpha']], ['Alpha']],
    ['like with an escape', [['name', 'like', 'Beta\\_1']], ['Beta_1']],
    ['like with a star that is one', [['name', 'like', '*lpha']], []],
    ['ilike', [['name', 'ilike', 'ALPHA%']], ['Alpha', 'alphabet']],
    ['ilike with an escaped percent', [['name', 'ilike', '%\\%2']], ['beta%2']],
    ['in', [['name', 'in', ['gamma', 'Alpha', 'none']]], ['Alpha', 'gamma']],
    ['in nothing', [['name', 'in', []]], []],
    [
      'not in also finds what has none',
      [['description', 'not in', ['letters']]],
      ['Alpha', 'Beta_1', 'beta%2', 'gamma'],
    ],
    ['is_a', [['uuid', 'is_a', 'arvados#collection']], ['Alpha', 'alphabet', 'Beta_1', 'beta%2', 'gamma']],
    ['is_a something else', [['uuid', 'is_a', 'arvados#group']], []],
    ['any', [['any', 'ilike', '%alpha%']], ['Alpha', 'alphabet', 'gamma']],
    ['any with =', [['any', '=', 'gamma']], ['gamma']],
    ['booleans', [['is_trashed', '=', false]], ['Alpha', 'alphabet', 'Beta_1', 'beta%2', 'gamma']],
    [
      'of several',
      [
        ['name', 'ilike', 'alpha%'],
        ['description', '=', 'letters'],
      ],
      ['alphabet'],
    ],
    ['property =', [['properties.colour', '=', 'red']], ['Alpha']],
    ['property = minds the type', [['properties.size', '=', 1]], ['Alpha']],
    ['property = of a text', [['properties.size', '=', '1']], ['Beta_1']],
    [
      'property != also finds what has none',
      [['properties.colour', '!=', 'red']],
      ['alphabet', 'Beta_1', 'beta%2', 'gamma'],
    ],
    ['property <', [['properties.size', '>', 5]], ['alphabet', 'Beta_1']],
    ['property in', [['properties.colour', 'in', ['red', 'blue']]], ['Alpha', 'alphabet']],
    ['property not in', [['properties.colour', 'not in', ['red', 'blue']]], ['Beta_1', 'beta%2', 'gamma']],
    ['property like', [['properties.colour', 'like', '%e%']], ['Alpha', 'alphabet']],
    ['property exists', [['properties.colour', 'exists', true]], ['Alpha', 'alphabet', 'Beta_1']],
    ['property does not exist', [['properties.colour', 'exists', false]], ['beta%2', 'gamma']],
    ['properties exists', [['properties', 'exists', 'nested']], ['beta%2']],
    ['property contains', [['properties.tags', 'contains', 'y']], ['Alpha']],
    ['property contains a plain value', [['properties.colour', 'contains', 'blue']], ['alphabet']],
    ['property by URI', [['properties.<http://a.b/c>', '=', 'uri']], ['Alpha']],
    ['property by URI, no brackets', [['properties.http://a.b/c', '=', 'uri']], ['Alpha']],
    ['columns compared', ['(file_count < replication_desired)'], ['Beta_1']],
    ['a column and a number', ['(file_size_total >= 8)'], ['alphabet']],
  ])('with %s', async (_, filters, expected) => {
    expect(await names({ filters })).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['is no list', { name: 'x' }],
    ['has two items', [['name', '=']]],
    ['has an unknown operator', [['name', '~', 'x']]],
    ['has the operator that was taken away', [['any', '@@', 'x']]],
    ['is on the manifest', [['manifest_text', 'like', '%']]],
    ['compares with null', [['name', '<', null]]],
    ['compares a number with a word', [['version', '=', 'many']]],
    ['compares a time with a word', [['created_at', '>', 'yesterday']]],
    ['has no list for in', [['name', 'in', 'x']]],
    ['is SQL', ['(1 < 2); DROP TABLE collections']],
    ['has a key that is SQL', [['properties.a" OR 1=1', '=', 1]]],
  ])('that %s is 422', async (_, filters) => {
    const answer = await client.api(
      'GET',
      `collections?filters=${encodeURIComponent(JSON.stringify(filters))}`,
    );
    expect(answer.status).toBe(422);
  });
});

describe('a list', () => {
  test('comes newest first, counted, without manifests', async () => {
    const answer = await client.good('GET', 'collections?limit=2&offset=1');
    expect(answer).toMatchObject({ kind: 'arvados#collectionList', items_available: 5, limit: 2, offset: 1 });
    const items = answer.items as Fields[];
    expect(items.map((item) => item.name)).toEqual(['beta%2', 'Beta_1']);
    expect(items[0]).not.toHaveProperty('manifest_text');
    expect(items[0]?.kind).toBe('arvados#collection');
  });

  test('is not counted when that is not wanted, and may be nothing but counted', async () => {
    expect(await client.good('GET', 'collections?count=none')).not.toHaveProperty('items_available');
    expect(await client.good('GET', 'collections?limit=0')).toMatchObject({ items: [], items_available: 5 });
  });

  test.each<[unknown, string[]]>([
    ['name', ['Alpha', 'Beta_1', 'alphabet', 'beta%2', 'gamma']],
    ['name desc', ['gamma', 'beta%2', 'alphabet', 'Beta_1', 'Alpha']],
    [
      ['file_size_total desc', 'name asc'],
      ['alphabet', 'Beta_1', 'beta%2', 'Alpha', 'gamma'],
    ],
    ['collections.name asc', ['Alpha', 'Beta_1', 'alphabet', 'beta%2', 'gamma']],
  ])('is ordered by %j', async (order, expected) => {
    expect(await names({ order })).toEqual(expected);
  });

  test('shows only what is selected, and kind and etag', async () => {
    const items = await client.list('collections', { select: ['uuid', 'name'] });
    expect(Object.keys(items[0] ?? {}).sort()).toEqual(['etag', 'kind', 'name', 'uuid']);
  });

  test('forgets an order by what is not selected', async () => {
    const items = await client.list('collections', { select: ['name'], order: 'created_at desc' });
    expect(items.map((item) => item.name)).toEqual(COLLECTIONS.map(({ name }) => name));
  });

  test('gives signed manifests where they are selected', async () => {
    const items = await client.list('collections', {
      select: ['manifest_text'],
      filters: [['name', '=', 'gamma']],
    });
    expect(items[0]?.manifest_text).toMatch(/^\. [0-9a-f]{32}\+5\+A[0-9a-f]{40}@[0-9a-f]{8} 0:5:5\.txt\n$/);
    expect(Object.keys(items[0] ?? {}).sort()).toEqual(['etag', 'kind', 'manifest_text']);
  });

  test('of distinct values has each once', async () => {
    const items = await client.list('collections', { select: ['owner_uuid'], distinct: true });
    expect(items).toHaveLength(1);
  });

  test('is no longer than the limit allows, whatever is asked', async () => {
    expect(await client.good('GET', 'collections?limit=100000')).toMatchObject({ limit: 1000 });
    expect((await client.api('GET', 'collections?limit=-5')).status).toBe(422);
    expect((await client.api('GET', 'collections?limit=many')).status).toBe(422);
  });

  test('can be walked by creation time and uuid', async () => {
    const seen: unknown[] = [];
    let after: Fields | undefined;
    for (;;) {
      const filters: unknown[] = after
        ? [
            ['created_at', '>=', after.created_at],
            ['uuid', '!=', after.uuid],
          ]
        : [];
      const page = await client.list('collections', {
        filters,
        limit: 2,
        order: ['created_at asc', 'uuid asc'],
        select: ['uuid', 'name', 'created_at'],
      });
      after = page.at(-1);
      seen.push(...page.map((item) => item.name));
      if (!after) {
        break;
      }
    }
    expect(seen).toEqual(COLLECTIONS.map(({ name }) => name));
  });
});

describe('projects', () => {
  test('are made, changed, listed, and refuse what is no project', async () => {
    const made = await client.good('POST', 'groups', {
      group: { group_class: 'project', name: 'Sub', owner_uuid: projectUuid, properties: { p: 1 } },
    });
    expect(made).toMatchObject({ kind: 'arvados#group', group_class: 'project', owner_uuid: projectUuid });
    expect(made.uuid).toMatch(/-j7d0g-/);
    expect((await client.good('PUT', `groups/${made.uuid}`, { group: { name: 'Renamed' } })).name).toBe(
      'Renamed',
    );
    const twin = { group: { group_class: 'project', name: 'Renamed', owner_uuid: projectUuid } };
    expect((await client.api('POST', 'groups', twin)).status).toBe(422);
    expect((await client.api('POST', 'groups', { group: { name: 'classless' } })).status).toBe(422);
    const cycle = { group: { owner_uuid: made.uuid } };
    expect((await client.api('PUT', `groups/${projectUuid}`, cycle)).status).toBe(422);
    const found = await client.list('groups', { filters: [['owner_uuid', '=', projectUuid]] });
    expect(found.map((group) => group.name)).toEqual(['Renamed']);
  });

  test('show their contents, each with its kind, projects first', async () => {
    const inside = await client.saveFiles({ f: 'inside' }, { name: 'inside', owner_uuid: projectUuid });
    for (const path of [`groups/${projectUuid}/contents`, `groups/contents?uuid=${projectUuid}`]) {
      const contents = await client.good('GET', path);
      expect(contents).toMatchObject({ kind: 'arvados#objectList', items_available: 2 });
      const items = contents.items as Fields[];
      expect(items.map((item) => item.kind)).toEqual(['arvados#group', 'arvados#collection']);
      expect(items[1]).not.toHaveProperty('manifest_text');
    }
    const filters = [['collections.name', '=', 'inside']];
    const only = await client.list(`groups/${projectUuid}/contents`, {
      filters: [...filters, ['uuid', 'is_a', 'arvados#collection']],
    });
    expect(only.map((item) => item.uuid)).toEqual([inside.uuid]);
    const home = String((await client.good('GET', 'users/current')).uuid);
    const names = (await client.list(`groups/${home}/contents`)).map((item) => item.name);
    expect(names).toContain('Project');
    expect(names).not.toContain('inside');
    const below = (await client.list(`groups/${home}/contents`, { recursive: true })).map(
      (item) => item.name,
    );
    expect(below).toContain('inside');
    const second = await client.list(`groups/${projectUuid}/contents`, { limit: 1, offset: 1 });
    expect(second.map((item) => item.name)).toEqual(['inside']);
  });
});
