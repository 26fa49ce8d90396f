import { afterEach, describe, expect, it } from 'vitest';
import { type ErrorCode, KeepsyncError } from '../../src/base/errors.ts';
import { CAUSES } from '../../src/contract/problems.ts';
import type { WatchEvents } from '../../src/local/ports.ts';
import { DISK_FAULTS, type Table } from '../support/fault-matrix.ts';
import { ROOT, World, type WorldOptions } from '../support/world.ts';

const MINUTE_MS = 60_000;

let world: World | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

/** A folder of six files, saved. */
async function saved(
  options: WorldOptions = {},
  rules: { readonly followLinks: boolean } = { followLinks: false },
): Promise<World> {
  const w = new World(options);
  world = w;
  for (let i = 0; i < 6; i += 1) {
    w.disk.write(`${ROOT}/f${i}`, `content ${i}`);
  }
  await w.start((config) => ({ ...config, rules: { ...config.rules, ...rules } }));
  await w.settle();
  return w;
}

async function rescan(w: World): Promise<void> {
  await w.engine.run('folders.rescan', {});
  await w.pass(MINUTE_MS);
}

/** Exactly these problems are shown, each of the kind that the table of causes says. */
async function expectProblems(w: World, ...codes: ErrorCode[]): Promise<void> {
  const { problems, tray } = await w.status();
  expect(problems.map(({ code, kind }) => [code, kind])).toEqual(
    codes.map((code) => [code, CAUSES[code].kind]),
  );
  expect(tray).not.toBe('ready');
}

/** A file that does something while it is read, with what it should come to. */
const whileRead = (act: (w: World, path: string) => void, comesTo: string | undefined) => async () => {
  const w = await saved();
  const path = `${ROOT}/moving`;
  w.disk.write(path, 'as it was');
  w.disk.onNextRead(path, () => act(w, path));
  await w.settle();
  expect(w.remote().get('moving')).toBe(comesTo);
};

/** A call that fails so often on one file, with the problem that is shown meanwhile. */
const failing = (call: 'open' | 'read', systemCode: string, code: ErrorCode) => async () => {
  const w = await saved();
  const path = `${ROOT}/poor`;
  w.disk.write(path, 'poor');
  w.disk.fail(path, call, systemCode);
  w.disk.write(`${ROOT}/other`, 'other');
  await w.pass(MINUTE_MS);
  await expectProblems(w, code);
  expect(w.remote().get('other')).toBe('other');
  expect(w.remote().has('poor')).toBe(false);
  w.disk.heal(path);
  if (CAUSES[code].kind === 'needs-you') {
    await w.engine.run('folders.retry', {});
  }
  await w.settle();
};

/** An entry that can never be saved: held back by this reason, and everything else saved. */
const heldBack = (make: (w: World) => void, code: ErrorCode, mend: (w: World) => void) => async () => {
  const w = await saved();
  make(w);
  w.disk.write(`${ROOT}/other`, 'other');
  await rescan(w);
  await expectProblems(w, code);
  expect(w.remote().get('other')).toBe('other');
  mend(w);
  await rescan(w);
  expect((await w.status()).problems).toEqual([]);
};

const TABLE: Table<typeof DISK_FAULTS, () => Promise<void>> = {
  'full journal disk': async () => {
    let isFull = false;
    const withRoom =
      <A extends readonly unknown[], R>(call: (...list: A) => Promise<R>) =>
      async (...list: A): Promise<R> => {
        if (isFull) {
          throw new KeepsyncError('DISK_FULL', 'The disk that holds the journal is full');
        }
        return call(...list);
      };
    const w = await saved({
      wrapJournal: (journal) => ({
        ...journal,
        movedAside: journal.movedAside,
        verify: () => journal.verify(),
        recordChanges: withRoom(journal.recordChanges),
        recordPackedBlock: withRoom(journal.recordPackedBlock),
        recordPieceBlock: withRoom(journal.recordPieceBlock),
        finishSave: withRoom(journal.finishSave),
      }),
    });
    w.disk.write(`${ROOT}/new`, 'new');
    await w.pass(1_000);
    // Known of, and not yet still for long enough: the block will be stored, and cannot be recorded.
    isFull = true;
    await w.pass(MINUTE_MS);
    w.disk.write(`${ROOT}/newer`, 'newer');
    await w.pass(MINUTE_MS);
    // Of the uploads, which wait at the gate, and of the folder, whose looks cannot be recorded.
    await expectProblems(w, 'DISK_FULL', 'DISK_FULL');
    isFull = false;
    await w.settle();
  },
  EMFILE: failing('open', 'EMFILE', 'TOO_MANY_OPEN'),
  'watch limit': async () => {
    const w = await saved({
      dropRate: 1,
      wrapWatcher: () => ({
        watch: async () => {
          throw new KeepsyncError('TOO_MANY_OPEN', 'The system gives no more watches');
        },
      }),
    }).catch(() => world);
    if (w === undefined) {
      throw new Error('there is no world');
    }
    await w.pass(MINUTE_MS);
    await expectProblems(w, 'TOO_MANY_OPEN');
    expect(w.differences()).toEqual([]);
    w.disk.write(`${ROOT}/new`, 'found by the hourly scan');
    await w.pass(61 * MINUTE_MS);
    expect(w.differences()).toEqual([]);
  },
  'event overflow': async () => {
    let told: WatchEvents | undefined;
    const w = await saved({
      dropRate: 1,
      wrapWatcher: (watcher) => ({
        watch: (roots, rules, events) => {
          told = events;
          return watcher.watch(roots, rules, events);
        },
      }),
    });
    w.disk.write(`${ROOT}/new`, 'nobody said a word');
    await w.pass(MINUTE_MS);
    expect(w.remote().has('new')).toBe(false);
    told?.onDoubt({ code: 'TOO_MANY_OPEN', name: 'KeepsyncError', message: 'events were lost' });
    await w.pass(MINUTE_MS);
    expect(w.differences()).toEqual([]);
  },
  EBUSY: failing('open', 'EBUSY', 'FILE_BUSY'),
  EIO: failing('read', 'EIO', 'FILE_BROKEN'),
  EPERM: failing('open', 'EPERM', 'FILE_DENIED'),
  'a file that grows': whileRead((w, path) => w.disk.append(path, ' and more'), 'as it was and more'),
  'a file that shrinks': whileRead((w, path) => w.disk.write(path, 'as'), 'as'),
  'a file that vanishes': whileRead((w, path) => w.disk.remove(path), undefined),
  'a file swapped for a folder': async () => {
    const w = await saved();
    w.disk.write(`${ROOT}/moving`, 'a file');
    w.disk.onNextRead(`${ROOT}/moving`, () => {
      w.disk.remove(`${ROOT}/moving`);
      w.disk.write(`${ROOT}/moving/inside`, 'now a folder');
    });
    await w.settle();
    expect([...w.remote()].filter(([path]) => path.startsWith('moving'))).toEqual([
      ['moving/inside', 'now a folder'],
    ]);
  },
  'a file swapped for a FIFO': heldBack(
    (w) => {
      w.disk.write(`${ROOT}/moving`, 'a file');
      w.disk.onNextRead(`${ROOT}/moving`, () => {
        w.disk.remove(`${ROOT}/moving`);
        w.disk.mkfifo(`${ROOT}/moving`);
      });
    },
    'FILE_KIND',
    (w) => w.disk.remove(`${ROOT}/moving`),
  ),
  'same-size edit with restored mtime': async () => {
    const w = await saved();
    const mtimeMs = w.clock.nowMs();
    w.disk.write(`${ROOT}/sly`, 'first');
    w.disk.setMtime(`${ROOT}/sly`, mtimeMs);
    await w.settle();
    w.disk.write(`${ROOT}/sly`, 'other');
    w.disk.setMtime(`${ROOT}/sly`, mtimeMs);
    await w.settle();
    expect(w.remote().get('sly')).toBe('other');
  },
  'atomic save': async () => {
    const w = await saved();
    for (let i = 0; i < 5; i += 1) {
      w.disk.replace(`${ROOT}/f1`, `version ${i}`);
      await w.pass(700);
    }
    await w.settle();
    expect(w.remote().get('f1')).toBe('version 4');
    expect([...w.remote().keys()].filter((path) => path.endsWith('.saving'))).toEqual([]);
  },
  'case-only rename': async () => {
    const w = await saved();
    const puts = w.keep.calls.length;
    w.disk.rename(`${ROOT}/f1`, `${ROOT}/F1`);
    await w.settle();
    expect([w.remote().get('F1'), w.remote().has('f1')]).toEqual(['content 1', false]);
    expect(w.keep.calls.slice(puts).filter((call) => call.startsWith('put'))).toEqual([]);
  },
  'root unmounted': async () => {
    const w = await saved();
    const before = w.remote();
    const mountAgain = w.disk.unmount(ROOT);
    await rescan(w);
    await expectProblems(w, 'ROOT_GONE');
    expect(w.remote()).toEqual(before);
    mountAgain();
    await w.settle();
    expect(w.remote()).toEqual(before);
  },
  'root emptied': async () => {
    const w = await saved();
    const before = w.remote();
    for (const path of w.disk.filesBelow(ROOT)) {
      w.disk.remove(path);
    }
    await rescan(w);
    const [problem, ...others] = (await w.status()).problems;
    expect(['MASS_DELETE', 'ROOT_GONE']).toContain(problem?.code);
    expect(others).toEqual([]);
    expect(w.remote()).toEqual(before);
    for (const [path, content] of before) {
      w.disk.write(`${ROOT}/${path}`, content);
    }
    await w.settle();
    expect(w.remote()).toEqual(before);
  },
  'symlink loop': async () => {
    const w = await saved({}, { followLinks: true });
    w.disk.write(`${ROOT}/dir/inside`, 'inside');
    w.disk.symlink(`${ROOT}/dir`, `${ROOT}/dir/again`);
    w.disk.symlink(`${ROOT}/knot b`, `${ROOT}/knot a`);
    w.disk.symlink(`${ROOT}/knot a`, `${ROOT}/knot b`);
    w.disk.write(`${ROOT}/other`, 'other');
    await rescan(w);
    expect(w.remote().get('dir/inside')).toBe('inside');
    expect(w.remote().get('other')).toBe('other');
    expect(w.remote().size).toBeLessThan(12);
    await expectProblems(w, 'FILE_KIND');
  },
  'symlink escape': async () => {
    const w = await saved();
    w.disk.write('/data/secret/key', 'not yours');
    w.disk.symlink('/data/secret', `${ROOT}/way out`);
    w.disk.symlink('/data/secret/key', `${ROOT}/key`);
    await rescan(w);
    await w.settle();
    expect([...w.remote().values()]).not.toContain('not yours');
    expect([...w.keep.blocks.values()].some((block) => Buffer.from(block).includes('not yours'))).toBe(false);
  },
  'sparse 1 TiB': async () => {
    const w = await saved({ blockSizeBytes: 65_536 });
    w.disk.write(`${ROOT}/small`, 'small');
    w.disk.writeSparse(`${ROOT}/huge`, 2 ** 40);
    w.disk.write(`${ROOT}/also small`, 'also small');
    for (let i = 0; i < 400 && !w.remote().has('also small'); i += 1) {
      await w.pass(1_000);
    }
    expect([w.remote().get('small'), w.remote().get('also small')]).toEqual(['small', 'also small']);
    // Two that are sent and one that is filled, and all of them the same zeros.
    expect(w.keep.mostPutsAtOnce).toBeLessThanOrEqual(2);
    expect(w.keep.blocks.size).toBeLessThan(10);
    const { folders } = await w.status();
    expect(folders[0]?.percentSaved).toBeLessThan(100);
    w.disk.remove(`${ROOT}/huge`);
    await w.crash();
    await w.start();
    await w.settle();
  },
  'non-UTF-8 name': async () => {
    const w = await saved();
    w.disk.mkdir(`${ROOT}/dir`);
    await w.settle();
    w.disk.addUndecodable(`${ROOT}/dir`, 'caf\\xE9');
    w.disk.write(`${ROOT}/other`, 'other');
    await w.pass(60_000);
    await expectProblems(w, 'BAD_NAME');
    expect(w.remote().get('other')).toBe('other');
  },
  'NFC/NFD twins': async () => {
    const w = await saved();
    w.disk.write(`${ROOT}/caf\u00e9`, 'composed');
    w.disk.write(`${ROOT}/cafe\u0301`, 'decomposed');
    await w.settle();
    expect([w.remote().get('caf\u00e9'), w.remote().get('cafe\u0301')]).toEqual(['composed', 'decomposed']);
  },
  'case twins': async () => {
    const w = await saved();
    w.disk.write(`${ROOT}/Readme`, 'large');
    w.disk.write(`${ROOT}/README`, 'larger');
    await w.settle();
    expect([w.remote().get('Readme'), w.remote().get('README')]).toEqual(['large', 'larger']);
  },
};

describe('what can go wrong with the disk', () => {
  let met = 0;

  it.each(Object.entries(TABLE))('%s', async (_name, live) => {
    await live();
    met += 1;
  });

  it('was met as a whole', () => {
    expect(Object.keys(TABLE).sort()).toEqual([...DISK_FAULTS].sort());
    expect(met).toBe(DISK_FAULTS.length);
    console.log(`Disk: ${met} faults met`);
  });
});
