import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterSettings } from '../../src/cluster/cluster-options.ts';
import { normalizeManifest } from '../../src/collection/manifest-normalize.ts';
import { portableDataHash } from '../../src/collection/manifest-text.ts';
import { EMPTY_DIRS, makeTree, type Tree, treeOf } from '../support/interop-tree.ts';
import {
  type InteropWorld,
  isInteropPossible,
  needsArvadosCommands,
  openInteropWorld,
  outputOf,
} from '../support/interop-world.ts';

interface Setup {
  readonly name: string;
  readonly cluster: Omit<ClusterSettings, 'dataDir'>;
  readonly copies: number;
  readonly classes: readonly string[];
}

const SETUPS: readonly Setup[] = [
  { name: 'one Keep server, one copy', cluster: {}, copies: 1, classes: ['default'] },
  {
    name: 'three Keep servers, two copies, two storage classes',
    cluster: {
      keepServers: 3,
      copies: 2,
      storageClasses: { default: { isDefault: true }, archive: { isDefault: false } },
      keepClasses: [['default'], ['default', 'archive'], ['archive', 'default']],
    },
    copies: 2,
    classes: ['default', 'archive'],
  },
];

const MANIFEST_BLOCK = / ([0-9a-f]{32})\+[1-9]/g;
const blocksOf = (manifest: string) =>
  new Set([...manifest.matchAll(MANIFEST_BLOCK)].map((match) => match[1] ?? ''));

describe.for(SETUPS)('$name', { timeout: 300_000 }, ({ cluster, copies, classes }) => {
  needsArvadosCommands();
  const flags = ['--storage-classes', classes.join(',')];
  let world: InteropWorld;
  let tree: Tree;
  beforeAll(async () => {
    if (isInteropPossible) {
      world = await openInteropWorld(cluster);
      mkdirSync(world.path('tree'));
      makeTree(world.path('tree'));
      tree = treeOf(world.path('tree'));
    }
  });
  afterAll(async () => {
    await world?.close();
  });

  /** How many of the servers of a storage class have a block. */
  const serversWith = (block: string, wanted: string) =>
    world.cluster.keepFolders.filter(
      (folder, index) =>
        (cluster.keepClasses?.[index]?.includes(wanted) ?? true) &&
        existsSync(join(folder, block.slice(0, 3), block)),
    ).length;

  test('what arv-put saves, get brings back byte for byte, and check finds the same', async () => {
    const uuid = await world.output('arv-put', '--no-progress', ...flags, 'tree/');
    await world.output('keepsync', 'get', uuid, 'from-arv-put');
    expect(treeOf(world.path('from-arv-put')).files).toEqual(tree.files);
    const check = JSON.parse(await world.output('keepsync', 'check', '--json', 'tree', uuid));
    expect(check).toMatchObject({
      same: Object.keys(tree.files).length,
      different: 0,
      onlyHere: 0,
      onlyInCollection: 0,
    });
  });

  test('what put saves, arv-get brings back, arv-ls lists and the SDK reads, empty folders and all', async () => {
    const uuid = await world.output('keepsync', 'put', ...flags, 'tree/');
    mkdirSync(world.path('from-put'));
    await world.output('arv-get', '--no-progress', `${uuid}/`, 'from-put/');
    expect(treeOf(world.path('from-put')).files).toEqual(tree.files);

    const listed = await world.output('arv-ls', '-s', uuid);
    expect(listed.split('\n').sort()).toEqual(
      (await world.output('keepsync', 'ls', '-s', uuid)).split('\n').sort(),
    );

    const view = await world.sdk.read(uuid);
    expect(view.files).toEqual(tree.files);
    expect(view.emptyDirs).toEqual([...EMPTY_DIRS].sort());
    const normalized = [...normalizeManifest(view.storedManifest)].join('');
    expect(portableDataHash(normalized)).toBe(view.normalizedPdh);

    const record = await world.sdk.record(uuid, ['portable_data_hash', 'storage_classes_desired']);
    expect(record.portable_data_hash).toBe(portableDataHash(view.storedManifest));
    expect(record.storage_classes_desired).toEqual(classes);
    for (const block of blocksOf(view.storedManifest)) {
      for (const wanted of classes) {
        expect(serversWith(block, wanted)).toBeGreaterThanOrEqual(copies);
      }
    }
  });

  test('a user without privileges puts, gets, and goes on with what arv-put saved', async () => {
    const token = await world.cluster.createUser({ name: 'Plain User' });
    const as = async (command: 'keepsync' | 'arv-put' | 'arv-get', ...args: string[]) =>
      outputOf(await world.run({ command, args, token }));
    const ours = await as('keepsync', 'put', ...flags, 'tree/nested');
    mkdirSync(world.path('plain-user'));
    await as('arv-get', '--no-progress', `${ours}/`, 'plain-user/');
    expect(treeOf(world.path('plain-user/nested')).files).toEqual(treeOf(world.path('tree/nested')).files);
    await as('arv-put', '--no-progress', '--update-collection', ours, ...flags, 'tree/twice');
    await as('keepsync', 'put', '--update-collection', ours, ...flags, 'tree/awkward');
    const sent = Object.entries(tree.files).filter(([path]) => /^(nested|twice|awkward)\//.test(path));
    expect((await world.sdk.read(ours)).files).toEqual(Object.fromEntries(sent));
    const theirs = await world.output('keepsync', 'put', 'tree/empty');
    const refused = await world.run({
      command: 'keepsync',
      args: ['get', theirs, 'theirs', '--json'],
      token,
    });
    expect(refused.exitCode).toBe(1);
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { kind: 'NOT_FOUND' } });
  });
});
