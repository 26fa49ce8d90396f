import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parentPath, shortHash } from '../../renderer/format.ts';
import { placeFromHash, placeToHash } from '../../renderer/state/places.ts';
import { toCsv } from '../../renderer/views/activity/csv.ts';
import { BlockList } from '../../renderer/views/blocks/block-list.ts';
import { CellModel } from '../../renderer/views/blocks/cell-model.ts';
import { cellAt, cellPosition, layoutMap, moveInMap } from '../../renderer/views/blocks/map-layout.ts';
import { patternForPath } from '../../renderer/views/problems/problem-actions.ts';
import type { BlockRow, Stage } from '../../src/contract/status.ts';

const MIB = 1024 * 1024;

const STATES: Record<Stage, BlockRow['state']> = {
  saved: 'SAVED',
  stored: 'COMMITTED',
  uploading: 'PENDING',
  filling: 'WRITABLE',
  waiting: 'WRITABLE',
  failed: 'ERROR',
};

const row = (id: string, stage: Stage, sizeBytes = 64 * MIB): BlockRow => ({
  id,
  folderId: 'f',
  state: STATES[stage],
  stage,
  sizeBytes,
  capacityBytes: 64 * MIB,
  locator: null,
  files: 1,
  examplePaths: [],
  attempts: 0,
  server: null,
  error: null,
  sinceMs: 0,
});

const listOf = (stages: readonly Stage[]): BlockList => {
  const list = new BlockList();
  list.apply(stages.map((stage, index) => row(`b${index}`, stage)));
  return list;
};

const stage = fc.constantFrom<Stage>('saved', 'stored', 'uploading', 'filling', 'failed');

describe('the list of blocks', () => {
  test('counts what it holds after any row of changes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(30), stage), { maxLength: 200 }), (changes) => {
        const list = new BlockList();
        const model = new Map<string, Stage>();
        for (const [number, now] of changes) {
          list.apply([row(`b${number}`, now)]);
          model.set(`b${number}`, now);
        }
        const counts = list.counts();
        for (const each of ['saved', 'stored', 'uploading', 'filling', 'failed'] as const) {
          expect(counts[each]).toBe([...model.values()].filter((value) => value === each).length);
        }
        expect(list.rowCount).toBe(model.size);
      }),
    );
  });

  test('shows a place to be filled for each 64 MiB that wait', () => {
    const list = listOf(['saved']);
    list.setWaitingBytes(64 * MIB * 2 + 1);
    expect(list.length).toBe(4);
    expect(list.stageAt(3)).toBe('waiting');
    expect(list.counts().waiting).toBe(3);
  });

  test('a block keeps its place when the journal has it under another id, and when it is saved', () => {
    const list = new BlockList();
    const block = (id: string, now: Stage, sinceMs: number) => ({
      ...row(id, now),
      locator: `locator of ${sinceMs}`,
      sinceMs,
    });
    list.replace([block('live/2', 'uploading', 2), block('journal/1', 'saved', 1)]);
    list.apply([block('live/2', 'stored', 2)]);
    list.apply([block('live/3', 'uploading', 3)]);
    const stages = () => Array.from({ length: list.length }, (_, index) => list.stageAt(index));
    expect(stages()).toEqual(['saved', 'stored', 'uploading']);
    list.replace([
      block('live/3', 'uploading', 3),
      block('journal/4', 'saved', 2),
      block('journal/1', 'saved', 1),
    ]);
    expect(stages()).toEqual(['saved', 'saved', 'uploading']);
    expect(list.rowAt(1)?.id).toBe('journal/4');
    expect(list.counts()).toMatchObject({ saved: 2, stored: 0, uploading: 1 });
  });

  test('a block that is gone leaves no cell behind', () => {
    const list = listOf(['saved', 'failed', 'uploading']);
    list.replace([row('b2', 'uploading'), row('b0', 'saved')]);
    expect(list.length).toBe(2);
    expect(list.counts()).toMatchObject({ saved: 1, failed: 0, uploading: 1 });
  });

  test('tells which blocks changed, and says when cells came', () => {
    const list = listOf(['saved', 'stored']);
    const told: unknown[] = [];
    list.subscribe((change) => told.push(change));
    list.apply([row('b1', 'saved')]);
    list.apply([row('b2', 'filling')]);
    expect(told).toEqual([[1], 'all']);
  });
});

describe('cells', () => {
  test('one block a cell up to 2,000; beyond, about a thousand cells', () => {
    expect(new CellModel(listOf(Array(2_000).fill('saved')), { what: 'all' }).bin).toBe(1);
    const model = new CellModel(listOf(Array(16_384).fill('saved')), { what: 'all' });
    expect(model.bin).toBe(17);
    expect(model.cellCount).toBe(964);
  });

  test('the worst state of a bin wins', () => {
    const stages: Stage[] = Array(2_001).fill('saved');
    stages[4] = 'stored';
    const list = listOf(stages);
    const model = new CellModel(list, { what: 'all' });
    expect(model.bin).toBe(3);
    expect(model.stageOfCell(1)).toBe('stored');
    list.apply([row('b3', 'failed')]);
    expect(model.stageOfCell(1)).toBe('failed');
    expect(model.stageOfCell(0)).toBe('saved');
  });

  test('every block is behind exactly one cell, whichever are shown', () => {
    fc.assert(
      fc.property(
        fc.array(stage, { minLength: 1, maxLength: 60 }),
        fc.constantFrom('all' as const, 'unsafe' as const),
        (stages, what) => {
          const model = new CellModel(listOf(stages), { what });
          const behind = Array.from({ length: model.cellCount }, (_, cell) =>
            model.blocksOfCell(cell),
          ).flat();
          const wanted = stages.flatMap((each, index) => (what === 'all' || each !== 'saved' ? [index] : []));
          expect(behind).toEqual(wanted);
          for (const block of wanted) {
            expect(model.blocksOfCell(model.cellOfBlock(block) ?? -1)).toContain(block);
          }
        },
      ),
    );
  });
});

describe('the map on its canvas', () => {
  test('a point in a cell is that cell, for any number of cells and width', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_000 }),
        fc.integer({ min: 200, max: 1_600 }),
        fc.nat(),
        (cells, widthPx, pick) => {
          const layout = layoutMap(cells, false, widthPx, 1);
          const cell = pick % cells;
          const { x, y } = cellPosition(layout, cell);
          expect(cellAt(layout, cells, x, y)).toBe(cell);
          expect(cellAt(layout, cells, x + layout.cellPx - 1, y + layout.cellPx - 1)).toBe(cell);
          expect(x + layout.cellPx).toBeLessThanOrEqual(widthPx);
          expect(y + layout.cellPx).toBeLessThanOrEqual(layout.heightPx);
        },
      ),
    );
  });

  test('no key leads out of the map', () => {
    const keys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End'];
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.nat(),
        fc.array(fc.constantFrom(...keys), { maxLength: 30 }),
        (cells, start, presses) => {
          const layout = layoutMap(cells, false, 600, 1);
          let cell = start % cells;
          for (const key of presses) {
            cell = moveInMap(key, cell, layout, cells) ?? -1;
            expect(cell).toBeGreaterThanOrEqual(0);
            expect(cell).toBeLessThan(cells);
          }
        },
      ),
    );
  });

  test('other keys are left to the page', () => {
    expect(moveInMap('Tab', 0, layoutMap(10, false, 600, 1), 10)).toBeNull();
  });
});

describe('small things', () => {
  test('a place survives the way through the address', () => {
    const place = { view: 'folder', folderId: 'a/b ü', tab: 'files', search: 'x & y#?.gz' } as const;
    expect(placeFromHash(placeToHash(place))).toEqual(place);
    expect(placeFromHash(placeToHash({ view: 'problems' }))).toEqual({ view: 'problems' });
  });

  test('an address that names nothing is the overview', () => {
    for (const hash of ['', '#', '#/nothing', '#/folder/x/nothing', '#key=abc']) {
      expect(placeFromHash(hash)).toEqual({ view: 'overview' });
    }
  });

  test('CSV quotes what it must, and no cell is a formula', () => {
    expect(toCsv([['a,b', 'c"d', 'e\nf', '=1+1', '-x']])).toBe(`"a,b","c""d","e\nf",'=1+1,'-x\r\n`);
  });

  test('a pattern for a path matches nothing else by accident', () => {
    expect(patternForPath('a/b*[1].txt')).toBe('/a/b\\*\\[1\\].txt');
    expect(patternForPath('!a#b')).toBe('/\\!a\\#b');
    expect(patternForPath('ends with ')).toBe('/ends with\\ ');
  });

  test('hashes are shortened to head and size, paths to their folder', () => {
    expect(shortHash('5d1b0f2c9a8b7c6d5e4f3a2b1c0d9e8f+67108864')).toBe('5d1b0f2c…+67108864');
    expect(parentPath('D:\\Runs\\20261118')).toBe('D:\\Runs');
    expect(parentPath('/data/runs')).toBe('/data');
    expect(parentPath('/data')).toBe('/data');
  });
});
