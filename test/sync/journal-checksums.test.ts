import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectJournal } from '../../src/sync/journal-inspect.ts';
import { JournalWorld } from './journal-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'keepsync-journal-sums-'));
const path = join(folder, 'journal.sqlite');
let good: Buffer;

beforeAll(async () => {
  const world = new JournalWorld();
  await world.open();
  for (let index = 0; index < 12; index += 1) {
    world.write(`d${index % 2}/file ${index}`, `content ${index}`);
  }
  await world.scan();
  await world.upload(1_000_000_000);
  await world.save({});
  world.write('d0/file 0', 'edited');
  await world.scan();
  await world.upload(1_000_000_000);
  await world.journal.close();
  // whoever else has the file open keeps its log from being moved into it at the end
  const database = new DatabaseSync(world.path);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
  good = readFileSync(world.path);
  await world.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Another value of the same type, as a flipped bit would leave. */
const OTHER = `CASE typeof(COLUMN) WHEN 'integer' THEN COLUMN + 1 WHEN 'null' THEN '1'
  ELSE CASE COLUMN WHEN '' THEN '1' ELSE substr(COLUMN, 1, length(COLUMN) - 1) || char(unicode(substr(COLUMN, -1)) + 1) END END`;

function tamper(table: string, column: string): number {
  writeFileSync(path, good);
  const database = new DatabaseSync(path);
  try {
    const { changes } = database
      .prepare(
        `UPDATE ${table} SET ${column} = ${OTHER.replaceAll('COLUMN', column)}
         WHERE rowid = (SELECT max(rowid) FROM ${table})`,
      )
      .run();
    return Number(changes);
  } finally {
    database.close();
  }
}

describe('a row of which anything was changed behind the journal is not trusted', () => {
  test('the journal is sound to begin with', () => {
    writeFileSync(path, good);
    expect(inspectJournal(path)).toMatchObject({ state: 'sound', files: { saved: 11, stored: 1 } });
  });

  test.each([
    ['folder', ['public_id', 'collection_uuid', 'remote_pdh', 'remote_version', 'last_save_ms', 'sum']],
    [
      'entry',
      [
        ...['name', 'kind', 'size', 'stamp', 'changed_ms', 'state', 'digest', 'segments', 'saved_segments'],
        ...['source', 'due_ms', 'attempts', 'error', 'since_ms', 'sum'],
      ],
    ],
    [
      'block',
      [
        ...[
          'md5size',
          'size',
          'locator',
          'expires_ms',
          'stored_ms',
          'stored_refs',
          'saved_refs',
          'piece_refs',
        ],
        ...['files', 'examples', 'sum'],
      ],
    ],
    ['disk_base', ['disk_path', 'cut', 'separator', 'sum']],
  ])('in table %s', (table, columns) => {
    for (const column of columns) {
      expect([column, tamper(table, column)]).toEqual([column, 1]);
      expect(() => inspectJournal(path), `${table}.${column}`).toThrow(
        expect.objectContaining({ code: 'JOURNAL' }),
      );
    }
  });
});
