import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { tries } from '../support/hostile.ts';
import { SEED } from '../support/seed.ts';
import { CliWorld } from './support/cli-world.ts';
import { FakeCollections, UUID } from './support/fake-collection-access.ts';

let world: CliWorld;
let collection: FakeCollections;
beforeEach(() => {
  world = new CliWorld();
  collection = new FakeCollections();
  world.collections = collection;
});
afterEach(() => world.close());

const EMPTY = 'd41d8cd98f00b204e9800998ecf8427e+0';

/** `alpha` and `beta` packed into one block, `long` over two, an empty file, an empty folder. */
function example(): void {
  const packed = collection.block('alphabeta');
  const [one, two] = [collection.block('0123456789'), collection.block('abcdefghij')];
  collection.manifestText =
    `. ${packed} 0:5:alpha 5:4:be\\040ta 0:0:empty\n` +
    `./deep/er ${one} ${two} 5:10:long\n` +
    `./hollow ${EMPTY} 0:0:\\056\n`;
}
const read = (...parts: string[]) => readFileSync(world.path(...parts), 'utf8');

/** Everything below a folder as `path: content`, folders as `path/`. */
function tree(dir: string, below = ''): string[] {
  return readdirSync(join(dir, below), { withFileTypes: true })
    .flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      return entry.isDirectory()
        ? [`${path}/`, ...tree(dir, path)]
        : [`${path}: ${readFileSync(join(dir, path), 'utf8')}`];
    })
    .sort();
}

const WHOLE = [
  'alpha: alpha',
  'be ta: beta',
  'deep/',
  'deep/er/',
  'deep/er/long: 56789abcde',
  'empty: ',
  'hollow/',
];

describe('get', () => {
  test('brings a whole collection back, each block fetched once, and leaves nothing else behind', async () => {
    example();
    const { exitCode, stdout, stderr } = await world.run('get', UUID, 'out');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toBe('Fetched 4 files, 19 B\n');
    expect(tree(world.path('out'))).toEqual(WHOLE);
    expect(collection.fetched).toHaveLength(4);
    expect(collection.fetched.at(-1)).toBe('closed');
    expect(readdirSync(world.path('profile/get'))).toEqual([]);
  });

  test('a folder gives its contents, a single file becomes DEST or goes into it', async () => {
    example();
    await world.run('get', `${UUID}/deep`, 'out');
    expect(tree(world.path('out'))).toEqual(['er/', 'er/long: 56789abcde']);
    await world.run('get', `${UUID}/alpha`, 'renamed');
    expect(read('renamed')).toBe('alpha');
    await world.run('get', `${UUID}/alpha`, 'out');
    await world.run('get', `${UUID}/alpha`, 'new/dir/');
    expect([read('out/alpha'), read('new/dir/alpha')]).toEqual(['alpha', 'alpha']);
  });

  test('a single file goes to stdout with -', async () => {
    example();
    expect(await world.run('get', `${UUID}/deep/er/long`, '-')).toEqual({
      exitCode: 0,
      stdout: '56789abcde',
      stderr: '',
    });
    expect((await world.run('get', UUID, '-')).exitCode).toBe(64);
  });

  test('writes nothing where a file exists, unless told to skip or to replace it', async () => {
    example();
    world.file('out/deep/er/long', 'mine');
    const refused = await world.run('get', UUID, 'out');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('out/deep/er/long exists already; nothing was written');
    expect(tree(world.path('out'))).toEqual(['deep/', 'deep/er/', 'deep/er/long: mine']);
    expect((await world.run('get', UUID, 'out', '--skip-existing', '--force')).exitCode).toBe(64);

    const skipped = await world.run('get', UUID, 'out', '--skip-existing', '--json');
    expect(JSON.parse(skipped.stdout)).toMatchObject({ files: 3, skipped: 1, failures: [] });
    expect(read('out/deep/er/long')).toBe('mine');

    expect((await world.run('get', UUID, 'out', '-f')).exitCode).toBe(0);
    expect(tree(world.path('out'))).toEqual(WHOLE);
  });

  test('goes on where it was stopped: what was fetched is not fetched again', async () => {
    example();
    collection.onFetch = (_key, count) => {
      if (count >= 3) {
        return Promise.reject(new KeepsyncError('OFFLINE', 'no connection'));
      }
    };
    const first = await world.run('get', UUID, 'out');
    expect(first.exitCode).toBe(1);
    expect(first.stderr).toContain('deep/er/long: no connection');
    expect(existsSync(world.path('out/deep/er/long'))).toBe(false);
    expect(read('out/alpha')).toBe('alpha');

    collection.fetched.length = 0;
    collection.onFetch = () => undefined;
    const second = await world.run('get', UUID, 'out', '--json');
    expect(second.exitCode).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ files: 1, resumed: 3 });
    expect(collection.fetched).toHaveLength(2);
    expect(tree(world.path('out'))).toEqual(WHOLE);
  });

  test('a part that was taken away meanwhile is fetched again', async () => {
    example();
    collection.onFetch = (_key, count) =>
      count >= 3 ? Promise.reject(new KeepsyncError('OFFLINE', 'no connection')) : undefined;
    await world.run('get', UUID, 'out');
    for (const name of readdirSync(world.path('out')).filter((one) => one.startsWith('.keepsync-get-'))) {
      rmSync(world.path('out', name), { recursive: true });
    }
    collection.onFetch = () => undefined;
    expect((await world.run('get', UUID, 'out')).exitCode).toBe(0);
    expect(tree(world.path('out'))).toEqual(WHOLE);
  });

  test('another content of the same collection begins afresh and clears the old parts away', async () => {
    example();
    collection.onFetch = () => Promise.reject(new KeepsyncError('OFFLINE', 'no connection'));
    await world.run('get', UUID, 'out');
    rmSync(world.path('out/empty'));
    collection.onFetch = () => undefined;
    collection.manifestText = `. ${collection.block('other')} 0:5:alpha\n`;
    expect((await world.run('get', UUID, 'out')).exitCode).toBe(0);
    expect(tree(world.path('out')).filter((row) => !row.endsWith('/'))).toEqual(['alpha: other']);
    expect(readdirSync(world.path('out')).filter((name) => name.startsWith('.keepsync'))).toEqual([]);
  });

  test('parts of another content leave no bytes behind', async () => {
    const [long, lost] = [collection.block('a long beginning'), `${'0'.repeat(32)}+4`];
    collection.manifestText = `. ${long} ${lost} 0:20:a\n./d ${long} ${lost} 0:20:a 1:19:b\n`;
    expect((await world.run('get', UUID, 'out')).exitCode).toBe(1);
    const short = collection.block('short');
    collection.manifestText = `. ${short} 0:5:a\n./d ${short} 0:5:a 1:4:b\n`;
    expect((await world.run('get', UUID, 'out', '--force')).exitCode).toBe(0);
    expect(tree(world.path('out'))).toEqual(['a: short', 'd/', 'd/a: short', 'd/b: hort']);
  });

  describe('of a folder of small files', () => {
    let blocks: string[];
    beforeEach(() => {
      blocks = ['one', 'two', 'three'].map((text) => collection.block(text));
      collection.manifestText = `./d/e ${blocks.join(' ')} 0:3:one 3:3:two 6:5:three 0:0:none\n`;
    });
    const ALL = ['d/', 'd/e/', 'd/e/none: ', 'd/e/one: one', 'd/e/three: three', 'd/e/two: two'];
    const offlineFrom = (fetches: number) => {
      collection.onFetch = (_key, count) =>
        count >= fetches ? Promise.reject(new KeepsyncError('OFFLINE', 'no connection')) : undefined;
    };
    const goOn = async (...flags: string[]) => {
      collection.onFetch = () => undefined;
      collection.fetched.length = 0;
      return await world.run('get', UUID, 'out', '--json', ...flags);
    };

    test('shows it when all of them are there, and not before', async () => {
      const seen: boolean[] = [];
      collection.onFetch = () => {
        seen.push(existsSync(world.path('out/d/e')));
      };
      expect((await world.run('get', UUID, 'out')).exitCode).toBe(0);
      expect(seen).toEqual([false, false, false]);
      expect(tree(world.path('out'))).toEqual(ALL);
    });

    test('gives names to those that could be had, and to the others when it goes on', async () => {
      offlineFrom(3);
      expect((await world.run('get', UUID, 'out')).exitCode).toBe(1);
      expect(tree(world.path('out')).filter((row) => !row.startsWith('.'))).toEqual(
        ALL.filter((row) => !row.includes('two')),
      );
      const second = await goOn();
      expect(JSON.parse(second.stdout)).toMatchObject({ files: 1, resumed: 3, failures: [] });
      expect(collection.fetched).toHaveLength(2);
      expect(tree(world.path('out'))).toEqual(ALL);
    });

    test('goes on from what a killed run had filled, without fetching it again', async () => {
      let live: { interrupt(): void } | undefined;
      collection.onFetch = (_key, count) => {
        if (count === 3) {
          live?.interrupt();
          return Promise.reject(new KeepsyncError('CANCELLED', 'Stopped'));
        }
      };
      live = world.start('get', UUID, 'out');
      expect((await (live as ReturnType<CliWorld['start']>).done).exitCode).toBe(2);
      expect(existsSync(world.path('out/d/e'))).toBe(false);
      expect(JSON.parse((await goOn()).stdout)).toMatchObject({ files: 4, resumed: 0, failures: [] });
      expect(collection.fetched).toHaveLength(2);
      expect(tree(world.path('out'))).toEqual(ALL);
    });

    test('leaves alone what came into being under its name meanwhile', async () => {
      collection.onFetch = (_key, count) => {
        if (count === 2) {
          world.file('out/d/e/one', 'mine');
          world.file('out/d/e/more', 'mine, too');
        }
      };
      const { exitCode, stdout } = await world.run('get', UUID, 'out', '--json');
      expect(exitCode).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        files: 3,
        failures: [{ path: 'd/e/one', error: { kind: 'REFUSED' } }],
      });
      expect(tree(world.path('out')).filter((row) => row.startsWith('d'))).toEqual(
        [...ALL.filter((row) => row !== 'd/e/one: one'), 'd/e/more: mine, too', 'd/e/one: mine'].sort(),
      );
    });

    test.each(['out/d/e', 'out/d'])(
      'goes through no link that came into being meanwhile at %s',
      async (at) => {
        mkdirSync(world.path('elsewhere'));
        collection.onFetch = (_key, count) => {
          if (count === 2) {
            rmSync(world.path(at), { recursive: true, force: true });
            symlinkSync(world.path('elsewhere'), world.path(at));
          }
        };
        expect((await world.run('get', '--force', UUID, 'out')).exitCode).toBe(1);
        expect(readdirSync(world.path('elsewhere'))).toEqual([]);
      },
    );

    test('takes a collection that has its own folder of parts for what it is', async () => {
      offlineFrom(1);
      await world.run('get', UUID, 'out');
      const [parts] = readdirSync(world.path('out')).filter((name) => name.startsWith('.keepsync-get-'));
      expect(parts).toBeDefined();
      collection.manifestText += `./${parts} ${blocks[0]} 0:3:d0 1:2:x\n`;
      const { stdout } = await goOn('--force');
      expect(JSON.parse(stdout)).toMatchObject({
        files: 4,
        failures: [
          { path: `${parts}/d0`, error: { kind: 'BAD_NAME' } },
          { path: `${parts}/x`, error: { kind: 'BAD_NAME' } },
        ],
      });
      expect(tree(world.path('out')).filter((row) => row.startsWith('d'))).toEqual(ALL);
    });
  });

  test('a block that cannot be had fails its files only', async () => {
    example();
    const lost = `${'0'.repeat(32)}+4`;
    collection.manifestText += `./lost ${lost} 0:4:gone\n`;
    const { exitCode, stdout } = await world.run('get', UUID, 'out', '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      files: 4,
      failures: [{ path: 'lost/gone', error: { kind: 'NOT_FOUND' } }],
    });
    expect(tree(world.path('out')).filter((row) => !row.startsWith('.'))).toEqual([...WHOLE, 'lost/'].sort());
  });

  test('never writes through a link that stands in the place of a folder', async () => {
    example();
    mkdirSync(world.path('elsewhere'));
    mkdirSync(world.path('out'));
    symlinkSync(world.path('elsewhere'), world.path('out/deep'));
    const { exitCode, stderr } = await world.run('get', UUID, 'out');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('deep/er/long: ');
    expect(readdirSync(world.path('elsewhere'))).toEqual([]);
    expect(read('out/alpha')).toBe('alpha');
  });

  test('a name that leads out of the folder cannot come in at all', async () => {
    collection.manifestText = `. ${collection.block('evil')} 0:4:../evil\n`;
    const { exitCode } = await world.run('get', UUID, 'out/inner');
    expect(exitCode).toBe(1);
    expect(existsSync(world.path('out/evil'))).toBe(false);
  });

  test('Ctrl-C ends it with 2, and the same command goes on', async () => {
    example();
    let live: { interrupt(): void } | undefined;
    collection.onFetch = () => live?.interrupt();
    const started = world.start('get', UUID, 'out');
    live = started;
    expect((await started.done).exitCode).toBe(2);
    live = undefined;
    expect((await world.run('get', UUID, 'out')).exitCode).toBe(0);
    expect(tree(world.path('out'))).toEqual(WHOLE);
  });

  test('names what is not there', async () => {
    example();
    const { exitCode, stderr } = await world.run('get', `${UUID}/nope`, 'out');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('There is no "nope" in');
    expect((await world.run('get', 'zzzzz-4zz18-000000000000009', 'out', '--json')).stderr).toContain(
      '"requestId":"req-aaaaaaaaaaaaaaaaaaaa"',
    );
  });

  test('any layout of files over blocks comes back byte for byte', { timeout: 120_000 }, async () => {
    const layout = fc.record({
      blocks: fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      files: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(layout, async ({ blocks, files }) => {
        const whole = Buffer.concat(blocks);
        const locators = blocks.map((block) => collection.block(block));
        const ranges = files.map(([start, length]) => {
          const position = start % whole.length;
          return { position, size: length % (whole.length - position + 1) };
        });
        const tokens = ranges.map(
          ({ position, size }, index) => `${position}:${size}:d${index % 2}/f${index}`,
        );
        collection.manifestText = `. ${locators.join(' ')} ${tokens.join(' ')}\n`;
        rmSync(world.path('out'), { recursive: true, force: true });
        const { exitCode } = await world.run('get', UUID, 'out');
        expect(exitCode).toBe(0);
        for (const [index, { position, size }] of ranges.entries()) {
          const got = readFileSync(world.path('out', `d${index % 2}`, `f${index}`));
          expect(got.equals(whole.subarray(position, position + size))).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('What is named as it should be is whole', () => {
  test(`at every moment of downloads that break off (seed ${SEED})`, { timeout: 300_000 }, async () => {
    const scenario = fc.record({
      blocks: fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { minLength: 2, maxLength: 5 }),
      files: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('', 'a/', 'a/b/', 'c/')), {
        minLength: 2,
        maxLength: 12,
      }),
      failing: fc.array(fc.array(fc.nat(4), { maxLength: 3 }), { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ blocks, files, failing }) => {
        const whole = Buffer.concat(blocks);
        const locators = blocks.map((block) => collection.block(block));
        const wanted = new Map<string, Buffer>();
        const tokens = files.map(([start, length, dir], index) => {
          const position = start % whole.length;
          const size = length % (whole.length - position + 1);
          const name = `${dir}f${index}`;
          wanted.set(name, whole.subarray(position, position + size));
          return `${position}:${size}:${name}`;
        });
        collection.manifestText = `. ${locators.join(' ')} ${tokens.join(' ')}\n`;
        rmSync(world.path('out'), { recursive: true, force: true });
        rmSync(world.path('profile/get'), { recursive: true, force: true });
        const look = () => {
          const found = existsSync(world.path('out'))
            ? readdirSync(world.path('out'), { recursive: true, withFileTypes: true })
            : [];
          let named = 0;
          for (const entry of found) {
            const path = join(entry.parentPath, entry.name).slice(world.path('out').length + 1);
            if (entry.isFile() && !path.startsWith('.keepsync-get-')) {
              expect(
                readFileSync(world.path('out', path)).equals(wanted.get(path) ?? Buffer.alloc(0)),
                path,
              ).toBe(true);
              named += 1;
            }
          }
          return named;
        };
        const broken: unknown[] = [];
        for (const lost of [...failing, []]) {
          let fetches = 0;
          collection.onFetch = () => {
            try {
              look();
            } catch (thrown) {
              broken.push(thrown);
            }
            fetches += 1;
            return lost.includes(fetches - 1)
              ? Promise.reject(new KeepsyncError('OFFLINE', 'no connection'))
              : undefined;
          };
          const { exitCode } = await world.run('get', UUID, 'out');
          look();
          if (exitCode === 0) {
            break;
          }
        }
        expect(broken).toEqual([]);
        expect(look()).toBe(wanted.size);
        expect(readdirSync(world.path('out')).filter((name) => name.startsWith('.keepsync'))).toEqual([]);
      }),
      { seed: SEED, numRuns: tries(15, 200) },
    );
  });
});

describe('ls', () => {
  test('lists as arv-ls does, with sizes in KiB where asked', async () => {
    example();
    expect((await world.run('ls', UUID)).stdout).toBe('./alpha\n./be ta\n./deep/er/long\n./empty\n');
    expect((await world.run('ls', '-s', `${UUID}/deep`)).stdout).toBe('         1 ./deep/er/long\n');
    expect(JSON.parse((await world.run('ls', UUID, '--json')).stdout)).toMatchObject({
      uuid: UUID,
      files: [
        { path: 'alpha', bytes: 5 },
        { path: 'be ta' },
        { path: 'deep/er/long', bytes: 10 },
        { path: 'empty' },
      ],
      emptyDirs: ['hollow'],
    });
  });
});

describe('check', () => {
  /** The example, brought to disk by `get`. */
  const fetched = async () => {
    example();
    await world.run('get', UUID, 'out');
    collection.fetched.length = 0;
  };

  test('says that all is the same, downloading only blocks that local files do not cover', async () => {
    await fetched();
    const { exitCode, stdout } = await world.run('check', 'out', UUID);
    expect(stdout).toBe('= alpha\n= be ta\n= deep/er/long\n= empty\n');
    expect(exitCode).toBe(0);
    expect(collection.fetched.filter((key) => key !== 'closed')).toHaveLength(2);
  });

  test('marks what differs, what is only here and what is only there', async () => {
    await fetched();
    writeFileSync(world.path('out/be ta'), 'BETA');
    writeFileSync(world.path('out/more'), 'x');
    rmSync(world.path('out/empty'));
    writeFileSync(world.path('out/deep/er/long'), 'short');
    const { exitCode, stdout } = await world.run('check', 'out', UUID);
    expect(stdout).toBe('= alpha\n* be ta\n* deep/er/long\n- empty\n+ more\n');
    expect(exitCode).toBe(1);
    expect(JSON.parse((await world.run('check', 'out', UUID, '--json')).stdout)).toMatchObject({
      same: 1,
      different: 2,
      onlyHere: 1,
      onlyInCollection: 1,
    });
  });

  test('equal files that share one segment are all compared, without a download', async () => {
    collection.manifestText = `. ${collection.block('twins')} 0:5:a 0:5:b 0:5:c\n`;
    for (const name of ['a', 'b', 'c']) {
      world.file(`out/${name}`, 'twins');
    }
    expect((await world.run('check', 'out', UUID)).exitCode).toBe(0);
    writeFileSync(world.path('out/b'), 'twinz');
    expect((await world.run('check', 'out', UUID)).stdout).toBe('= a\n* b\n= c\n');
    writeFileSync(world.path('out/b'), 'twins');
    writeFileSync(world.path('out/a'), 'twinz');
    expect((await world.run('check', 'out', UUID)).stdout).toBe('* a\n= b\n= c\n');
  });

  test('compares a part of a collection, and a single file', async () => {
    await fetched();
    expect((await world.run('check', 'out/deep', `${UUID}/deep`)).stdout).toBe('= er/long\n');
    world.file('copy', 'alpha');
    expect((await world.run('check', 'copy', `${UUID}/alpha`)).stdout).toBe('= copy\n');
  });

  test('where the collection holds the folder itself, as put leaves it, says what to compare with', async () => {
    collection.manifestText = `./out ${collection.block('abcd')} 0:4:a\n`;
    world.file('out/a', 'abcd');
    const { exitCode, stderr } = await world.run('check', 'out', UUID);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`keepsync check out ${UUID}/out`);
    expect((await world.run('check', 'out', `${UUID}/out`)).stdout).toBe('= a\n');
  });

  test('a block that cannot be had makes its files count as different, and is said', async () => {
    collection.manifestText = `. ${'0'.repeat(32)}+4 0:4:a\n`;
    world.file('out/a', 'abcd');
    const { exitCode, stdout, stderr } = await world.run('check', 'out', UUID);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '* a\n' });
    expect(stderr).toContain('No server has block');
  });
});
