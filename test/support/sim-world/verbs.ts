import { createHash } from 'node:crypto';
import { ERROR_CODES, type ErrorCode } from '../../../src/base/errors.ts';
import { SimError } from '../sim-disk.ts';
import type { Trap } from './life.ts';
import { type Draw, type Step, textFor } from './script.ts';
import { API_CALLS, type NetworkCall } from './sim-network.ts';
import type { SimFolder, SimWorld } from './sim-world.ts';
import { STRANGER } from './witness.ts';

type Arg = string | number;

/** One kind of step. `act` resolves to whether it had anything to do. */
interface Verb {
  readonly name: string;
  /** How often it is drawn, against the others; 0: only by `drawNamed`. */
  readonly weight: number;
  readonly draw: (draw: Draw) => readonly Arg[];
  readonly act: (world: SimWorld, args: readonly Arg[]) => boolean | Promise<boolean>;
}

function verb<A extends Arg[] | []>(
  name: string,
  weight: number,
  draw: (draw: Draw) => A,
  act: (world: SimWorld, ...args: A) => boolean | Promise<boolean>,
): Verb {
  return { name, weight, draw, act: (world, args) => act(world, ...(args as A)) };
}

/** Does something to the disk; false where the disk does not let it. */
function onDisk(world: SimWorld, work: () => void): boolean {
  try {
    work();
    return true;
  } catch (thrown) {
    if (thrown instanceof SimError) {
      return false;
    }
    throw thrown;
  } finally {
    world.witness.look();
  }
}

const isFile = (world: SimWorld, path: string) => world.disk.kindAt(path) === 'file';
const isDir = (world: SimWorld, path: string) => world.disk.kindAt(path) === 'dir';

/** Removes whatever keeps a file from being put at a path: files above it, a folder at it. */
function clearFor(world: SimWorld, path: string): void {
  for (let cut = path.indexOf('/', '/data/first/'.length); cut > 0; cut = path.indexOf('/', cut + 1)) {
    const above = path.slice(0, cut);
    if (world.disk.exists(above) && !isDir(world, above)) {
      world.disk.remove(above);
    }
  }
  if (world.disk.exists(path) && !isFile(world, path)) {
    world.disk.remove(path);
  }
}

function put(world: SimWorld, path: string, content: string): void {
  clearFor(world, path);
  world.disk.write(path, content);
}

function move(world: SimWorld, from: string, to: string): boolean {
  if (!world.disk.exists(from) || to === from || to.startsWith(`${from}/`) || isDir(world, to)) {
    return false;
  }
  if (from.startsWith(`${to}/`)) {
    return false;
  }
  return onDisk(world, () => {
    clearFor(world, to);
    world.disk.rename(from, to);
  });
}

const folderNamed = (world: SimWorld, name: string): SimFolder => {
  const folder = world.folders.find(({ root }) => root === `/data/${name}`);
  if (folder === undefined) {
    throw new Error(`there is no folder ${name}`);
  }
  return folder;
};

const codeOf = (text: string): ErrorCode => {
  const code = ERROR_CODES.find((known) => known === text);
  if (code === undefined) {
    throw new Error(`there is no error ${text}`);
  }
  return code;
};

const FILE_VERBS: readonly Verb[] = [
  verb(
    'write',
    9,
    (draw) => [draw.path(), draw.size(), draw.content()],
    (world, path, size, content) => onDisk(world, () => put(world, path, textFor(size, content))),
  ),
  verb(
    'write anew',
    4,
    (draw) => [draw.freshPath(), draw.size(), draw.content()],
    (world, path, size, content) => onDisk(world, () => put(world, path, textFor(size, content))),
  ),
  verb(
    'append',
    3,
    (draw) => [draw.path(), 1 + draw.below(90)],
    (world, path, count) =>
      isFile(world, path) && onDisk(world, () => world.disk.append(path, '+'.repeat(count))),
  ),
  verb(
    'save atomically',
    3,
    (draw) => [draw.path(), draw.size(), draw.content()],
    (world, path, size, content) =>
      isFile(world, path) && onDisk(world, () => world.disk.replace(path, textFor(size, content))),
  ),
  verb(
    'change, same size and mtime',
    3,
    (draw) => [draw.path(), draw.content()],
    (world, path, content) => {
      const before = world.disk.peek(path);
      if (before === undefined || !isFile(world, path) || before.size > 900n) {
        return false;
      }
      return onDisk(world, () => {
        world.disk.write(path, textFor(Number(before.size), content));
        world.disk.setMtime(path, Number(before.mtimeNs / 1_000_000n));
      });
    },
  ),
  verb(
    'copy',
    3,
    (draw) => [draw.path(), draw.freshPath()],
    (world, from, to) => isFile(world, from) && onDisk(world, () => put(world, to, textAt(world, from))),
  ),
  verb(
    'link',
    1,
    (draw) => {
      const folder = draw.folder();
      return [draw.path(folder), draw.freshPath(folder)];
    },
    (world, from, to) =>
      isFile(world, from) &&
      onDisk(world, () => {
        clearFor(world, to);
        world.disk.link(from, to);
      }),
  ),
  verb(
    'symlink',
    1,
    (draw) => [draw.path(), draw.freshPath()],
    (world, target, path) =>
      onDisk(world, () => {
        clearFor(world, path);
        world.disk.symlink(target, path);
      }),
  ),
  verb(
    'remove',
    6,
    (draw) => [draw.path()],
    (world, path) => world.disk.peek(path) !== undefined && onDisk(world, () => world.disk.remove(path)),
  ),
  verb(
    'remove a folder',
    2,
    (draw) => [draw.dir()],
    (world, path) => isDir(world, path) && onDisk(world, () => world.disk.remove(path)),
  ),
  verb(
    'make a folder',
    2,
    (draw) => [draw.dir()],
    (world, path) =>
      onDisk(world, () => {
        clearFor(world, `${path}/.`);
        world.disk.mkdir(path);
      }),
  ),
  verb(
    'rename a file',
    5,
    (draw) => [draw.path(), draw.fraction() < 0.5 ? draw.freshPath() : draw.path()],
    (world, from, to) => isFile(world, from) && move(world, from, to),
  ),
  verb(
    'rename a folder',
    4,
    (draw) => [draw.dir(), draw.dir()],
    (world, from, to) => isDir(world, from) && move(world, from, to),
  ),
  verb(
    'swap two files',
    2,
    (draw) => {
      const folder = draw.folder();
      return [draw.path(folder), draw.path(folder)];
    },
    (world, one, two) =>
      isFile(world, one) &&
      isFile(world, two) &&
      one !== two &&
      onDisk(world, () => {
        world.disk.rename(one, `${one}.swap`);
        world.disk.rename(two, one);
        world.disk.rename(`${one}.swap`, two);
      }),
  ),
  verb(
    'a file in place of a folder',
    2,
    (draw) => [draw.dir(), draw.size(), draw.content()],
    (world, path, size, content) => onDisk(world, () => put(world, path, textFor(size, content))),
  ),
  verb(
    'a FIFO',
    1,
    (draw) => [draw.freshPath()],
    (world, path) =>
      onDisk(world, () => {
        clearFor(world, path);
        world.disk.mkfifo(path);
      }),
  ),
  verb(
    'a name that Arvados tools cannot read',
    1,
    (draw) => [`/data/${draw.folder()}/odd\u00a0name`, draw.size()],
    (world, path, size) =>
      onDisk(world, () => {
        put(world, path, textFor(size, 0));
      }),
  ),
  verb(
    'empty the folder',
    0.5,
    (draw) => [draw.folder()],
    (world, name) =>
      onDisk(world, () => {
        const { root } = folderNamed(world, name);
        for (const entry of world.disk.list(root).names) {
          world.disk.remove(`${root}/${entry}`);
        }
      }),
  ),
];

const textAt = (world: SimWorld, path: string) => Buffer.from(world.disk.bytesOf(path)).toString('utf8');

/** What becomes of a file while the client reads it. */
export const READER_EDITS = ['append', 'truncate', 'rewrite', 'remove', 'folder', 'FIFO'] as const;

const DISK_VERBS: readonly Verb[] = [
  verb(
    'edit while it is read',
    6,
    (draw) => [draw.path(), draw.pick(READER_EDITS)],
    (world, path, how) => {
      if (!isFile(world, path)) {
        return false;
      }
      world.disk.onNextRead(path, () => {
        world.count(`met: ${how} while it is read`);
        onDisk(world, () => editUnderReader(world, path, how));
      });
      return onDisk(world, () => world.disk.append(path, '.'));
    },
  ),
  verb(
    'no permission',
    2,
    (draw) => [draw.fraction() < 0.6 ? draw.path() : draw.dir(), draw.below(60_000)],
    (world, path, forMs) =>
      world.disk.exists(path) &&
      onDisk(world, () => {
        world.disk.deny(path);
        world.clock.setTimer(forMs, () => {
          onDisk(world, () => world.disk.deny(path, false));
        });
      }),
  ),
  verb(
    'a disk error',
    4,
    (draw) => [
      draw.fraction() < 0.7 ? draw.path() : draw.dir(),
      draw.pick(['list', 'lstat', 'open', 'read']),
      draw.pick(['EIO', 'EBUSY', 'EMFILE', 'ENOENT']),
      1 + draw.below(3),
    ],
    (world, path, call, code, times) => {
      if (call === 'list' || call === 'lstat' || call === 'open' || call === 'read') {
        // What is there and cannot be found is a lie that no disk tells.
        world.disk.fail(path, call, code === 'ENOENT' && call !== 'open' ? 'EIO' : code, times);
      }
      return isFile(world, path)
        ? onDisk(world, () => world.disk.append(path, ','))
        : world.disk.exists(path);
    },
  ),
  verb(
    'unmount for a while',
    1,
    (draw) => [draw.folder(), 1_000 + draw.below(150_000)],
    (world, name, forMs) => {
      const { root } = folderNamed(world, name);
      const before = world.unmounted.get(root);
      if (before !== undefined) {
        return false;
      }
      const back = world.disk.unmount(root);
      const mount = () => {
        if (world.unmounted.delete(root)) {
          back();
          world.witness.look();
        }
      };
      world.unmounted.set(root, mount);
      world.clock.setTimer(forMs, mount);
      world.witness.look();
      return true;
    },
  ),
];

function editUnderReader(world: SimWorld, path: string, how: string): void {
  const text = textAt(world, path);
  switch (how) {
    case 'append':
      world.disk.append(path, '!');
      break;
    case 'truncate':
      world.disk.write(path, text.slice(0, text.length / 2));
      break;
    case 'rewrite':
      world.disk.write(path, text.toUpperCase());
      break;
    case 'remove':
      world.disk.remove(path);
      break;
    case 'folder':
      world.disk.remove(path);
      world.disk.write(`${path}/inside`, text);
      break;
    default:
      world.disk.remove(path);
      world.disk.mkfifo(path);
  }
}

const TIME_VERBS: readonly Verb[] = [
  verb(
    'wait a moment',
    26,
    (draw) => [draw.below(2_500)],
    async (world, ms) => {
      await world.pass(ms);
      return true;
    },
  ),
  verb(
    'wait',
    14,
    (draw) => [2_000 + draw.below(20_000)],
    async (world, ms) => {
      await world.pass(ms);
      return true;
    },
  ),
  verb(
    'wait long',
    1.5,
    (draw) => [60_000 + draw.below(240_000)],
    async (world, ms) => {
      await world.pass(ms);
      return true;
    },
  ),
  verb(
    'sleep',
    1,
    (draw) => [draw.pick([60_000, 3_600_000, 3 * 86_400_000, 20 * 86_400_000])],
    (world, ms) => {
      world.sleep(ms);
      return true;
    },
  ),
  verb(
    'set the clock',
    0.7,
    (draw) => [draw.below(1_200_000) - 600_000],
    (world, ms) => {
      world.clock.jumpWallClock(ms);
      return true;
    },
  ),
];

const PUT_CODES = [
  'BUSY',
  'SERVER',
  'FULL',
  'TIMEOUT',
  'COPIES',
  'READ_ONLY',
  'CHECKSUM',
  'CLASSES',
] as const;

const NETWORK_VERBS: readonly Verb[] = [
  verb(
    'blocks fail',
    5,
    (draw) => [draw.pick(PUT_CODES), 1 + draw.below(3)],
    (world, code, times) => {
      world.network.fail({ call: 'put', code: codeOf(code), after: false }, times);
      return true;
    },
  ),
  verb(
    'the answer to a block is lost',
    3,
    () => [],
    (world) => {
      world.network.fail({ call: 'put', code: 'OFFLINE', after: true }, 1);
      return true;
    },
  ),
  verb(
    'a slow block',
    4,
    (draw) => [1_000 + draw.below(30_000)],
    (world, ms) => {
      world.network.slow(ms);
      return true;
    },
  ),
  verb(
    'the API fails',
    6,
    (draw) => [draw.pick(API_CALLS), draw.pick(['SERVER', 'BUSY', 'TIMEOUT', 'BAD_ANSWER'])],
    (world, call, code) => {
      world.network.fail({ call: call as NetworkCall, code: codeOf(code), after: false }, 1);
      return true;
    },
  ),
  verb(
    'the answer of the API is lost',
    5,
    (draw) => [draw.pick(API_CALLS)],
    (world, call) => {
      world.network.fail({ call: call as NetworkCall, code: 'OFFLINE', after: true }, 1);
      return true;
    },
  ),
  verb(
    'a block cannot be fetched',
    0,
    (draw) => [draw.pick(['OFFLINE', 'TIMEOUT', 'NOT_FOUND', 'CHECKSUM'])],
    (world, code) => {
      world.network.fail({ call: 'get block', code: codeOf(code), after: false }, 1);
      return true;
    },
  ),
  verb(
    'no network for a while',
    2,
    (draw) => [draw.below(90_000)],
    (world, ms) => {
      world.network.offline(ms);
      return true;
    },
  ),
];

/** Stores a text as a stranger does; false where the folder has no collection yet. */
async function asStranger(
  world: SimWorld,
  name: string,
  pathOf: (paths: string[]) => string | undefined,
): Promise<boolean> {
  const folder = folderNamed(world, name);
  const bytes = Buffer.from(`${STRANGER}${world.nextStranger()}`);
  const md5 = createHash('md5').update(bytes).digest('hex');
  const { locator } = await world.keep.put(md5, bytes, { copies: 1, storageClasses: [] });
  return world.stranger(folder, (files) => {
    const path = pathOf([...files.keys()].filter((one) => !one.endsWith('/')).sort());
    if (path !== undefined) {
      for (let cut = path.indexOf('/'); cut > 0; cut = path.indexOf('/', cut + 1)) {
        files.delete(`${path.slice(0, cut)}/`);
        if (files.has(path.slice(0, cut))) {
          return;
        }
      }
      files.set(path, [{ locator, offset: 0, length: bytes.length }]);
    }
  });
}

const STRANGER_VERBS: readonly Verb[] = [
  verb(
    'a stranger adds a file',
    3,
    (draw) => [draw.folder(), draw.pick(['theirs', 'a/theirs', 'c d/theirs', 'theirs too/deep'])],
    (world, name, path) => asStranger(world, name, () => path),
  ),
  verb(
    'a stranger changes our file',
    3,
    (draw) => [draw.folder(), draw.fraction()],
    (world, name, which) => asStranger(world, name, (paths) => paths[Math.floor(which * paths.length)]),
  ),
  verb(
    'a stranger removes our file',
    2,
    (draw) => [draw.folder(), draw.fraction()],
    (world, name, which) =>
      world.stranger(folderNamed(world, name), (files) => {
        const paths = [...files.keys()].filter((path) => !path.endsWith('/')).sort();
        files.delete(paths[Math.floor(which * paths.length)] ?? '');
      }),
  ),
  verb(
    'a stranger writes in the middle of a save',
    3,
    (draw) => [draw.folder(), draw.pick(['theirs', 'x', 'a/x', 'race'])],
    (world, name, path) => {
      world.collections.beforeNextChange = () => {
        world.collections.beforeNextChange = undefined;
        void asStranger(world, name, (paths) => {
          world.count('met: a stranger in the middle of a save');
          return paths.some((other) => other.startsWith(`${path}/`)) ? undefined : path;
        });
      };
      return true;
    },
  ),
  verb(
    'the collection is in the trash for a while',
    0.7,
    (draw) => [draw.folder(), draw.below(200_000)],
    (world, name, forMs) => {
      const uuid = world.collectionOf(folderNamed(world, name));
      if (uuid === undefined) {
        return false;
      }
      world.collections.trash(uuid);
      world.clock.setTimer(forMs, () => world.collections.trash(uuid, false));
      return true;
    },
  ),
];

const TRAP_POINTS = [
  'journal.recordChanges',
  'journal.recordPackedBlock',
  'journal.recordPieceBlock',
  'journal.recordLargeFile',
  'journal.recordKnownFiles',
  'journal.claimPending',
  'journal.buildSave',
  'journal.finishSave',
  'journal.updateFolder',
  'journal.confirmDeletes',
  'journal.compareRemote',
  'keep.put',
  'store.create',
  'store.replaceFiles',
  'store.updateManifest',
  'pairs.save',
  'disk.readSmall',
  'disk.readPiece',
] as const;

const CLIENT_VERBS: readonly Verb[] = [
  verb(
    'kill',
    3,
    () => [],
    (world) => {
      world.kill();
      return true;
    },
  ),
  verb(
    'kill at',
    6,
    (draw) => [draw.pick(TRAP_POINTS), draw.pick(['before', 'after'])],
    (world, point, when) => {
      world.setTrap({ point, when: when as Trap['when'] });
      return true;
    },
  ),
  verb(
    'stop',
    1,
    () => [],
    async (world) => {
      await world.stop(false);
      return true;
    },
  ),
  verb(
    'finish, then stop',
    0.5,
    () => [],
    async (world) => {
      await world.stop(true);
      return true;
    },
  ),
  verb(
    'a new profile',
    0,
    (draw) => [draw.pick(['lives on', 'before', 'after'])],
    (world, when) => {
      world.newProfile();
      if (when !== 'lives on') {
        world.setTrap({ point: 'journal.recordAdoption', when: when as Trap['when'] });
      }
      return true;
    },
  ),
  verb(
    'another token',
    0.5,
    () => [],
    (world) => {
      world.newToken();
      return true;
    },
  ),
  verb(
    'rescan',
    1,
    () => [],
    async (world) => {
      await world.command('folders.rescan', {});
      return true;
    },
  ),
  verb(
    'retry',
    1,
    () => [],
    async (world) => {
      await world.command('folders.retry', {});
      return true;
    },
  ),
  verb(
    'pause for a while',
    1,
    (draw) => [draw.below(60_000)],
    async (world, ms) => {
      await world.command('folders.pause', { untilMs: world.clock.nowMs() + ms });
      return true;
    },
  ),
  verb(
    'resume',
    1,
    () => [],
    async (world) => {
      await world.command('folders.resume', {});
      return true;
    },
  ),
  verb(
    'say that the deletes are meant',
    1,
    (draw) => [draw.pick(['first1', 'other2'])],
    async (world, folderId) => {
      await world.command('folders.confirmDeletes', { folderId });
      return true;
    },
  ),
  verb(
    'the watcher lost events',
    1,
    () => [],
    (world) => {
      world.doubt();
      return true;
    },
  ),
];

export const VERBS: readonly Verb[] = [
  ...FILE_VERBS,
  ...DISK_VERBS,
  ...TIME_VERBS,
  ...NETWORK_VERBS,
  ...STRANGER_VERBS,
  ...CLIENT_VERBS,
];

const byName = new Map(VERBS.map((one) => [one.name, one]));
const allWeights = VERBS.reduce((sum, { weight }) => sum + weight, 0);

export function drawStep(draw: Draw): Step {
  let left = draw.fraction() * allWeights;
  for (const { name, weight, draw: drawArgs } of VERBS) {
    left -= weight;
    if (left < 0) {
      return [name, ...drawArgs(draw)];
    }
  }
  return ['wait', 1_000];
}

/** A step of this kind. */
export function drawNamed(name: string, draw: Draw): Step {
  return [name, ...(byName.get(name)?.draw(draw) ?? [])];
}

/** Does what the step says; counts it where it had anything to do. */
export async function act(world: SimWorld, step: Step): Promise<void> {
  const [name, ...args] = step;
  const known = byName.get(name);
  if (known === undefined) {
    throw new Error(`there is no step ${name}`);
  }
  if (await known.act(world, args)) {
    world.count(name);
  }
}
