import { describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { seededFractions } from '../support/sim-disk-watcher.ts';
import { ROOT, World } from '../support/world.ts';

const SEEDS = Number(process.env.KEEPSYNC_SEEDS ?? 24);
const STEPS = 40;

/** What a person, the network and the power supply do to a client; each step names itself for the report. */
function steps(world: World, next: () => number): Record<string, () => Promise<void> | void> {
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(next() * items.length)];
  const names = () => [...world.local().keys()];
  const somewhere = () =>
    `${ROOT}/${pick(['', 'a/', 'a/b/', 'c d/', 'é/'])}${pick(['x', 'y', 'z', 'ü', 'big', 'n:1'])}`;
  const content = () => {
    const size = Math.floor(next() ** 3 * 300);
    return Array.from({ length: size }, () => String.fromCharCode(97 + Math.floor(next() * 3))).join('');
  };
  const write = (path: string) => {
    // A folder in the way is replaced, as `rm -r` and a new file would.
    for (const name of names()) {
      if (name.startsWith(`${path.slice(ROOT.length + 1)}/`)) {
        world.disk.remove(path);
        break;
      }
    }
    for (let cut = path.indexOf('/', ROOT.length + 1); cut > 0; cut = path.indexOf('/', cut + 1)) {
      if (names().includes(path.slice(ROOT.length + 1, cut))) {
        world.disk.remove(path.slice(0, cut));
      }
    }
    world.disk.write(path, content());
  };
  const fault = (method: 'put', error: KeepsyncError, times: number) =>
    world.keep.faults.add(method, { kind: 'error', error }, times);
  return {
    write: () => write(somewhere()),
    'write many': () => {
      for (let i = 0; i < 5; i += 1) {
        world.disk.write(`${ROOT}/many/${Math.floor(next() * 30)}`, content());
      }
    },
    append: () => {
      const name = pick(names());
      if (name !== undefined) {
        world.disk.append(`${ROOT}/${name}`, '+');
      }
    },
    'save atomically': () => {
      const name = pick(names());
      if (name !== undefined) {
        world.disk.write(`${ROOT}/${name}.tmp`, content());
        world.disk.rename(`${ROOT}/${name}.tmp`, `${ROOT}/${name}`);
      }
    },
    remove: () => {
      const name = pick(names());
      if (name !== undefined) {
        world.disk.remove(`${ROOT}/${name}`);
      }
    },
    'rename a file': () => {
      const name = pick(names());
      const to = `${ROOT}/renamed ${Math.floor(next() * 10)}`;
      if (name !== undefined && !world.disk.exists(to)) {
        world.disk.rename(`${ROOT}/${name}`, to);
      }
    },
    'rename a folder': () => {
      const from = `${ROOT}/many`;
      const to = `${ROOT}/moved ${Math.floor(next() * 10)}`;
      if (world.disk.exists(from) && !world.disk.exists(to)) {
        world.disk.rename(from, to);
      }
    },
    'edit while it is read': () => {
      const name = pick(names());
      if (name !== undefined) {
        world.disk.onNextRead(`${ROOT}/${name}`, () => world.disk.append(`${ROOT}/${name}`, '!'));
      }
    },
    wait: () => world.pass(next() * 20_000),
    'wait long': () => world.pass(next() * 600_000),
    'a busy server': () => {
      fault('put', new KeepsyncError('BUSY', '503'), 1 + Math.floor(next() * 3));
    },
    'a full server': () => {
      fault('put', new KeepsyncError('FULL', '507'), 1);
    },
    'a lost answer': () => {
      world.keep.faults.add('put', { kind: 'lose', error: new KeepsyncError('OFFLINE', 'reset') });
    },
    'a save that fails': () => {
      world.collections.failures.push({
        method: 'replaceFiles',
        error: new KeepsyncError('SERVER', '500'),
        after: next() < 0.5,
      });
    },
    'a second writer': () => {
      if (world.collections.collections.size > 0) {
        const files = world.collections.filesIn(world.collectionUuid);
        const some = [...files.values()].find((ranges) => ranges.length > 0);
        if (some) {
          world.collections.edit(world.collectionUuid, (edited) => {
            edited.set(`theirs${Math.floor(next() * 3)}`, some);
          });
        }
      }
    },
    kill: async () => {
      await world.crash();
      await world.start();
    },
  };
}

describe('a random life', () => {
  const met = new Map<string, number>();

  it.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
    'of seed %i ends with everything saved',
    async (seed) => {
      const world = new World({
        seed,
        dropRate: 0.2,
        settings: (settings) => ({ ...settings, sync: { ...settings.sync, rescanEveryMs: 60_000 } }),
      });
      const next = seededFractions(seed * 7919);
      try {
        await world.start();
        const verbs = steps(world, next);
        const names = Object.keys(verbs);
        for (let i = 0; i < STEPS; i += 1) {
          const name = names[Math.floor(next() * names.length)] ?? '';
          met.set(name, (met.get(name) ?? 0) + 1);
          await verbs[name]?.();
          expect((await world.status()).pendingBlocks).toBeLessThanOrEqual(4);
        }
        // Whoever watches says that missing files are meant, and tries again what failed.
        for (let i = 0; i < 20; i += 1) {
          await world.pass(60_000);
          const { problems } = await world.status();
          if (problems.some((problem) => ['MASS_DELETE', 'ROOT_GONE'].includes(problem.code))) {
            await world.engine.run('folders.confirmDeletes', { folderId: 'pair01' });
          }
          await world.engine.run('folders.retry', {});
        }
        await world.settle();
      } finally {
        await world.end();
      }
    },
  );

  it('met every kind of step', () => {
    process.stdout.write(`steps met: ${JSON.stringify(Object.fromEntries(met))}\n`);
    const world = new World();
    expect([...met.keys()].sort()).toEqual(Object.keys(steps(world, () => 0)).sort());
    return world.end();
  });
});
