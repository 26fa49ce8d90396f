import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openJournal } from '../../src/sync/journal.ts';
import type { OpenJournal } from '../../src/sync/journal-database.ts';
import { MIGRATIONS, migrate, pragmaNumber } from '../../src/sync/journal-schema.ts';
import { saysDamaged } from '../../src/sync/journal-sums.ts';
import { JournalWorld, md5, signed } from './journal-model.ts';

/** Bits that are flipped in a journal. */
const FLIPS = Number(process.env.KEEPSYNC_BIT_FLIPS ?? 200);

const AT = Date.UTC(2026, 10, 22, 15, 4, 5);

let folder = '';
let path = '';
const open: OpenJournal[] = [];

function openHere(options: { distrust?: boolean } = {}): OpenJournal {
  const journal = openJournal({ path, nowMs: AT, ...options });
  open.push(journal);
  return journal;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keepsync-journal-open-'));
  path = join(folder, 'journal.sqlite');
});

afterEach(async () => {
  for (const journal of open.splice(0)) {
    await journal.close();
  }
  rmSync(folder, { recursive: true });
});

async function expectFresh(journal: OpenJournal): Promise<void> {
  const { id } = await journal.openFolder('pair');
  expect((await journal.counts(id)).pending).toEqual({ files: 0, bytes: 0 });
}

describe('what cannot be a journal is moved aside', () => {
  test('garbage', async () => {
    writeFileSync(path, 'not a database at all, but long enough to have a header'.repeat(100));
    const journal = openHere();
    expect(journal.movedAside).toBe(`${path}~damaged-20261122-150405`);
    expect(readFileSync(`${path}~damaged-20261122-150405`, 'utf8')).toContain('not a database');
    await expectFresh(journal);
  });

  test('a file of no bytes', async () => {
    writeFileSync(path, '');
    expect(openHere().movedAside).not.toBeNull();
  });

  test('the database of another program', async () => {
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE cookies (name TEXT)');
    other.close();
    expect(openHere().movedAside).not.toBeNull();
  });

  test('a journal whose end was cut off', async () => {
    const journal = openJournal({ path });
    await journal.openFolder('pair');
    await journal.close();
    writeFileSync(path, readFileSync(path).subarray(0, 3 * 4096));
    expect(openHere().movedAside).not.toBeNull();
  });

  test('one that raised an error in use, if the caller says so', async () => {
    const journal = openJournal({ path });
    await journal.openFolder('pair');
    await journal.close();
    expect(openHere({ distrust: true }).movedAside).not.toBeNull();
  });

  test('with what SQLite keeps beside it, and without running over an earlier one', async () => {
    writeFileSync(path, 'garbage');
    writeFileSync(`${path}-wal`, 'log');
    await openHere().close();
    writeFileSync(path, 'garbage again');
    const second = openHere();
    expect(second.movedAside).toBe(`${path}~damaged-20261122-150405-2`);
    expect(readFileSync(`${path}~damaged-20261122-150405-wal`, 'utf8')).toBe('log');
    await expectFresh(second);
  });

  test('and the new one is a good one', async () => {
    writeFileSync(path, 'garbage');
    await openHere().close();
    const again = openHere();
    expect(again.movedAside).toBeNull();
    await again.verify();
  });
});

describe('formats', () => {
  test('a newer one is refused with a clear message, and left as it is', async () => {
    const journal = openJournal({ path });
    await journal.close();
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    database.close();
    expect(() => openHere()).toThrow(
      expect.objectContaining({ code: 'JOURNAL', message: expect.stringContaining('newer Keepsync') }),
    );
    expect(existsSync(`${path}~damaged-20261122-150405`)).toBe(false);
  });

  test('one from before saves and foreign paths had checksums gets them', async () => {
    const database = new DatabaseSync(path);
    migrate(database, MIGRATIONS.slice(0, 2));
    database.exec(`
      INSERT INTO save (folder_id, at_ms, files, bytes, deleted, pdh, version) VALUES (1, 5, 2, 30, 0, 'x+1', 3), (1, NULL, 1, 1, 0, NULL, NULL);
      INSERT INTO foreign_path VALUES (1, 'a', 'b', 0, '1:0:3'), (1, '', 'd', 1, NULL);
    `);
    database.close();
    const journal = openHere();
    expect(journal.movedAside).toBeNull();
    await journal.verify();
    await journal.close();
    const after = new DatabaseSync(path);
    expect(after.prepare('SELECT COUNT(*) AS count FROM foreign_path WHERE sum <> 0').get()).toEqual({
      count: 2,
    });
    expect(after.prepare('SELECT COUNT(*) AS count FROM save WHERE sum <> 0').get()).toEqual({ count: 2 });
    after.close();
  });

  test('an older one gets the steps that it lacks, and keeps its rows', () => {
    const database = new DatabaseSync(':memory:');
    const steps = ['CREATE TABLE a (x INTEGER)', 'ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 7'];
    migrate(database, steps.slice(0, 1));
    database.exec('INSERT INTO a VALUES (1)');
    migrate(database, steps);
    migrate(database, steps);
    expect(database.prepare('SELECT x, y FROM a').all()).toEqual([{ x: 1, y: 7 }]);
    expect(pragmaNumber(database, 'user_version')).toBe(2);
    database.close();
  });

  test('a step that fails leaves nothing of itself', () => {
    const database = new DatabaseSync(':memory:');
    expect(() => migrate(database, ['CREATE TABLE a (x INTEGER); CREATE TABLE a (x INTEGER)'])).toThrow();
    expect(pragmaNumber(database, 'user_version')).toBe(0);
    expect(database.prepare('SELECT name FROM sqlite_schema').all()).toEqual([]);
    database.close();
  });
});

/** Everything that callers can see of a journal. */
async function contentOf(journal: OpenJournal): Promise<unknown> {
  const folderRow = await journal.openFolder('pair');
  const page = { offset: 0, limit: 1_000 };
  const listed = await journal.listFiles(folderRow.id, { search: '', states: [], ...page });
  const built = await journal.buildSave({
    folderId: folderRow.id,
    nowMs: 1,
    signatureValidUntilMs: 1,
    remoteUnchanged: true,
    limitBytes: 1_000_000,
    conflicts: 'keep-beside',
  });
  return {
    folderRow,
    listed,
    counts: await journal.counts(folderRow.id),
    blocks: await journal.listBlocks(folderRow.id, page),
    saves: await journal.listSaves(folderRow.id, page),
    problems: await journal.listProblems(folderRow.id),
    due: await journal.nextDueAtMs(folderRow.id),
    claimed: await journal.claimPending(folderRow.id, 9e12, { files: 1_000, bytes: 1e9 }),
    pieces: await journal.piecesOf(listed.rows.at(-1)?.entryId ?? 0, '30:9', 0),
    guard: await journal.guardFigures(folderRow.id),
    built,
  };
}

async function writeSample(): Promise<Buffer> {
  const world = new JournalWorld();
  await world.open();
  for (let index = 0; index < 120; index += 1) {
    world.write(`d${index % 3}/file ${index}`, `content ${index}`.slice(0, 1 + (index % 12)));
  }
  await world.scan();
  await world.upload(1_000_000_000);
  await world.save({});
  for (let index = 0; index < 120; index += 4) {
    world.write(`d${index % 3}/file ${index}`, `edited ${index}`);
  }
  world.remove('d1/file 1');
  await world.scan();
  await world.upload(1_000_000_000, 4);
  const row = world.rows().find((candidate) => candidate.state === 'pending');
  const error = { code: 'FILE_DENIED' as const, name: 'KeepsyncError', message: 'no permission' };
  await world.journal.recordFailures([{ entryId: row?.id ?? 0, error, dueAtMs: 5, state: 'failed' }], 4);
  await world.journal.close();
  // whoever else has the file open keeps its log from being moved into it at the end
  const database = new DatabaseSync(world.path);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
  const bytes = readFileSync(world.path);
  expect(bytes.length).toBeGreaterThan(100_000);
  await world.close();
  return bytes;
}

describe('damage', () => {
  test('a flipped bit is never taken for data', async () => {
    const good = await writeSample();
    writeFileSync(path, good);
    const before = await contentOf(openHere());
    await open.splice(0)[0]?.close();

    const seed = 20261122;
    let state = seed;
    const next = (limit: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return Math.floor((state / 0x80000000) * limit);
    };
    const seen = { refused: 0, same: 0 };
    for (let round = 0; round < FLIPS; round += 1) {
      const flipped = Buffer.from(good);
      // Three of four hit written bytes: most of a page is empty, and nobody reads that.
      let at = next(good.length);
      while (round % 4 > 0 && good[at] === 0) {
        at = next(good.length);
      }
      flipped[at] = (flipped[at] ?? 0) ^ (1 << next(8));
      path = join(folder, `flip-${round}.sqlite`);
      writeFileSync(path, flipped);
      try {
        const journal = openHere();
        if (journal.movedAside !== null) {
          seen.refused += 1;
        } else {
          expect([seed, round, at, await contentOf(journal)]).toEqual([seed, round, at, before]);
          seen.same += 1;
        }
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'JOURNAL' });
        seen.refused += 1;
      }
      await open.splice(0)[0]?.close();
      for (const name of readdirSync(folder)) {
        rmSync(join(folder, name), { force: true });
      }
    }
    expect(seen.refused + seen.same).toBe(FLIPS);
    expect(seen.refused).toBeGreaterThan(50);
  });

  test('in a journal too large to be read whole at its opening is found when the row is read', async () => {
    const journal = openHere();
    const { id } = await journal.openFolder('pair');
    const stat = { kind: 'file' as const, sizeBytes: 1, stamp: '1:1', changedAtMs: 0 };
    const calm = { calmBaseMs: 0, calmBytesPerSecond: 1, calmMaxMs: 0 };
    await journal.recordChanges(id, [{ type: 'file', path: 'a', diskPath: '/a', stat }], { nowMs: 1, calm });
    await journal.writeFound(id);
    const other = new DatabaseSync(path);
    other.exec(`UPDATE entry SET size = 2`);
    other.close();
    const failure = journal.listFiles(id, { search: '', states: [], offset: 0, limit: 1 });
    await expect(failure).rejects.toMatchObject({ code: 'JOURNAL' });
    await expect(failure.catch(saysDamaged)).resolves.toBe(true);
    await expect(journal.verify()).rejects.toMatchObject({ code: 'JOURNAL' });
  });

  test('a total that does not fit its rows is found by a full check', async () => {
    const journal = openHere();
    const { id } = await journal.openFolder('pair');
    const block = { locator: signed('abc', 4e12), sizeBytes: 3, reused: false };
    await journal.recordPackedBlock(id, block, [], 1);
    await journal.verify();
    const other = new DatabaseSync(path);
    other.exec(`UPDATE block SET md5size = '${md5('x')}+3'`);
    other.close();
    await expect(journal.verify()).rejects.toMatchObject({ code: 'JOURNAL' });
  });
});

describe('a kill at any moment', () => {
  test.each([0, 1, 2])('leaves every call that had returned in place (%i)', async (round) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./journal-crash-child.ts', import.meta.url)), path],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let said = '';
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.split('\n').length > 15 + 11 * round) {
        child.kill('SIGKILL');
      }
    });
    await ended;
    const lines = said.split('\n').slice(0, -1);
    const written = lines.filter((line) => line.startsWith('written')).length;
    const blocks = lines.filter((line) => line.startsWith('block')).length;
    const journal = openHere();
    expect(journal.movedAside).toBeNull();
    await journal.verify();
    const { id } = await journal.openFolder('pair');
    const counts = await journal.counts(id);
    expect(counts.pending.files + counts.stored.files).toBeGreaterThanOrEqual(written * 20);
    expect(counts.stored.files).toBeGreaterThanOrEqual(blocks * 20);
    for (let batch = 0; batch < blocks; batch += 1) {
      const content = `content of ${batch}`.padEnd(20, '.');
      expect(await journal.knownBlock(`${md5(content)}+${content.length}`, 1)).toBe(
        signed(content, 4_000_000_000_000),
      );
    }
  });
});
