import { describe, expect, test } from 'vitest';
import type { Collection } from '../../src/collection/collection.ts';
import { normalizeManifest } from '../../src/collection/manifest-normalize.ts';
import { portableDataHash } from '../../src/collection/manifest-text.ts';
import { blocksWorld, filled, writeFile } from '../support/blocks-world.ts';

const MIB = 2 ** 20;
const EMPTY = 'd41d8cd98f00b204e9800998ecf8427e+0';

/** Commits, and checks manifest and hash as the Python SDK 3.2.1 gives them for the same steps. */
async function expectManifest(collection: Collection, manifest: string, pdh: string): Promise<void> {
  const before = collection.context.manager.pending;
  expect(before).toBeLessThanOrEqual(4);
  await collection.commitAll();
  expect(collection.manifestText({ strip: true })).toBe(manifest);
  expect(collection.portableDataHash()).toBe(pdh);
  expect(portableDataHash(collection.manifestText())).toBe(pdh);
  expect(collection.context.manager.list()).toEqual([]);
  expect(collection.context.manager.pool.inUse).toBe(0);
  collection.close();
}

describe('a collection written as in the worked examples has the manifest of the Arvados SDK', () => {
  test('small files that are closed without a flush share a block', async () => {
    const collection = blocksWorld().collection();
    await writeFile(collection, 'b.txt', 'beta\n');
    await writeFile(collection, 'a.txt', 'alpha\n');
    await writeFile(collection, 'empty', '');
    await expectManifest(
      collection,
      '. 36e3d320d76181b412a588a4faf692ca+11 5:6:a.txt 0:5:b.txt 0:0:empty\n',
      '7d23cb4d18687c8e89d1f72c08348d95+68',
    );
  });

  test('small files that are flushed on close have a block each', async () => {
    const collection = blocksWorld().collection();
    await writeFile(collection, 'b.txt', 'beta\n', true);
    await writeFile(collection, 'a.txt', 'alpha\n', true);
    await writeFile(collection, 'empty', '', true);
    await expectManifest(
      collection,
      '. 9f9f90dbe3e5ee1218c86b8839db1995+6 f0cf2a92516045024a0c99147b28f05b+5 0:6:a.txt 6:5:b.txt 0:0:empty\n',
      'b83ebfe3a452862843b96646e0b8647c+102',
    );
  });

  test('64 MiB and ten bytes make two blocks', async () => {
    const collection = blocksWorld().collection();
    const writer = collection.open('big', 'write');
    await writer.write(filled(64 * MIB, 'A'));
    await writer.write('BBBBBBBBBB');
    await writer.close();
    await expectManifest(
      collection,
      '. b728279deaecafd2c74e0330f90ca9f5+67108864 38b18761d3d0c217371967a98d545c2e+10 0:67108874:big\n',
      'adb4217766654b2d91a47ff1de15a221+95',
    );
  });

  test('a write into a flushed file leaves the old block and adds a small one', async () => {
    const collection = blocksWorld().collection();
    await writeFile(collection, 'f', '0123456789', true);
    const writer = collection.open('f', 'update');
    writer.seek(3);
    await writer.write('XYZ');
    await writer.close();
    await expectManifest(
      collection,
      '. 781e5e245d69b566979b86e28d23f2c7+10 e65075d550f9b5bf9992fa1d71a131be+3 0:3:f 10:3:f 6:4:f\n',
      'b73dc58807e1e6fca1e203214a7ed7ef+92',
    );
  });

  test('a gap is a piece of the shared 64 MiB block of zeros', async () => {
    const collection = blocksWorld().collection();
    const writer = collection.open('g', 'write');
    writer.seek(4);
    await writer.write('hi');
    await writer.close();
    await expectManifest(
      collection,
      '. 7f614da9329cd3aebf59b91aadc30bf0+67108864 49f68a5c8493ec2c0bf489821c21fc3b+2 0:4:g 67108864:2:g\n',
      '0a35989063556598840fe864c23659c7+98',
    );
  });

  test('an empty folder is kept, and an empty collection is the empty text', async () => {
    const world = blocksWorld();
    const collection = world.collection();
    await expectManifest(collection, '', 'd41d8cd98f00b204e9800998ecf8427e+0');
    const withFolder = world.collection();
    withFolder.mkdir('d');
    await expectManifest(withFolder, `./d ${EMPTY} 0:0:\\056\n`, '380a3f37bde45eeea19200845b8f5bec+48');
    expect(world.store.puts).toEqual([]);
  });

  test('a nested tree comes depth first, escaped, from one packed block', async () => {
    const collection = blocksWorld().collection();
    for (const path of ['z.txt', 'dir/b c.txt', 'dir/sub/x', 'dir2/y:1', 'a\\b', 'dir.x/q']) {
      await writeFile(collection, path, `${path}\n`);
    }
    collection.mkdir('empty dir');
    collection.mkdir('dir/e2');
    const k = 'cca022a476fb4e8d2dd514a0f3f4be38+49';
    await expectManifest(
      collection,
      [
        `. ${k} 37:4:a\\134b 0:6:z.txt\n`,
        `./dir ${k} 6:12:b\\040c.txt\n`,
        `./dir/e2 ${EMPTY} 0:0:\\056\n`,
        `./dir/sub ${k} 18:10:x\n`,
        `./dir.x ${k} 41:8:q\n`,
        `./dir2 ${k} 28:9:y\\0721\n`,
        `./empty\\040dir ${EMPTY} 0:0:\\056\n`,
      ].join(''),
      'f4eb13cff9c98740f19fcc8e326d0d42+390',
    );
  });

  test('a block is named once in a line, as by the Python SDK and unlike the Go one', () => {
    const a = `${'a'.repeat(32)}+4`;
    const b = `${'b'.repeat(32)}+4`;
    const python = `. ${a} ${b} 0:4:a 4:4:b 0:4:c\n`;
    const go = `. ${a} ${b} ${a} 0:4:a 4:4:b 8:4:c\n`;
    expect(portableDataHash(python)).toBe('bbef6bf0b14dad77fa8922bd89c5626b+90');
    expect(portableDataHash(go)).toBe('7226a949364aa89a2c89d78a1f288374+125');
    expect([...normalizeManifest(python)].join('')).toBe(python);
    expect([...normalizeManifest(go)].join('')).toBe(python);
  });
});
