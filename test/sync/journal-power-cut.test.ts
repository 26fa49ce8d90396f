import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { openJournal } from '../../src/sync/journal.ts';
import { JournalDatabase } from '../../src/sync/journal-database.ts';
import { migrate } from '../../src/sync/journal-schema.ts';
import { JournalStore, openDatabase } from '../../src/sync/journal-store.ts';
import { seededFractions } from '../support/sim-disk-watcher.ts';
import { fastTemporaryFolder } from '../support/sim-world/temporary-folder.ts';
import { CALM, md5, signed } from './journal-model.ts';

const CUTS = Number(process.env.KEEPSYNC_POWER_CUTS ?? 400);
const SECTOR_BYTES = 512;
/** Of SQLite's write-ahead log; it is synced before the first frame of a log that begins anew. */
const LOG_HEADER_BYTES = 32;
const TABLES = [
  'folder',
  'entry',
  'block',
  'piece',
  'tally',
  'save',
  'save_row',
  'whole_save',
  'disk_base',
  'foreign_path',
];
/** What a journal says before anything was kept in it. */
const WITHOUT_FOLDER = JSON.stringify(TABLES.map(() => []));
const EXPIRES_MS = 4_000_000_000_000;

const folder = fastTemporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The journal's two files, and what it says, right after a call came back. */
interface Moment {
  readonly file: Buffer;
  readonly log: Buffer;
  readonly content: string;
}

const bytesAt = (path: string) => (existsSync(path) ? readFileSync(path) : Buffer.alloc(0));

function contentOf(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  const content = TABLES.map((table) => database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all());
  database.close();
  return JSON.stringify(content);
}

/** A history of calls with the log moved into the file every `logPages` pages, and the moments between its calls. */
async function history(name: string, logPages: number): Promise<Moment[]> {
  const path = join(folder, name);
  const database = openDatabase(path);
  database.exec(`PRAGMA wal_autocheckpoint = ${logPages}`);
  migrate(database);
  const journal = new JournalDatabase(new JournalStore(database), null);
  const moments: Moment[] = [];
  const keep = () => {
    moments.push({ file: bytesAt(path), log: bytesAt(`${path}-wal`), content: contentOf(path) });
  };
  const pair = await journal.openFolder('pair');
  keep();
  for (let round = 0; round < 8; round += 1) {
    const changes = Array.from({ length: 15 }, (_, index) => ({
      type: 'file' as const,
      path: `d${round % 3}/f${index}`,
      diskPath: `/disk/d${round % 3}/f${index}`,
      stat: { kind: 'file' as const, sizeBytes: 1, stamp: `1:${round}:${index}`, changedAtMs: 0 },
    }));
    await journal.recordChanges(pair.id, changes, { nowMs: round, calm: CALM });
    keep();
    const files = await journal.claimPending(pair.id, 1_000_000 + round, { files: 100, bytes: 1_000_000 });
    const content = `content of ${round}`.padEnd(files.length, '.');
    await journal.recordPackedBlock(
      pair.id,
      { locator: signed(content, EXPIRES_MS), sizeBytes: content.length, reused: false },
      files.map((file, offset) => ({
        entryId: file.entryId,
        stamp: file.stamp,
        digest: md5(`${round} ${offset}`),
        offset,
        lengthBytes: 1,
      })),
      round,
    );
    keep();
    const built = await journal.buildSave({
      folderId: pair.id,
      nowMs: round,
      signatureValidUntilMs: round,
      remoteUnchanged: true,
      limitBytes: 1_000_000,
      conflicts: 'keep-beside',
    });
    keep();
    if (built !== undefined) {
      await journal.finishSave(built.saveId, {
        atMs: round,
        portableDataHash: `${md5(content)}+9`,
        version: round,
        collided: false,
      });
      keep();
    }
  }
  await journal.close();
  return moments;
}

/** `before` with some of the sectors that differ in `after` already written; `from`: those before are. */
function torn(before: Buffer, after: Buffer, fraction: () => number, from = 0): Buffer {
  const share = fraction();
  const sizeBytes = fraction() < 0.5 ? after.length : Math.max(before.length, from);
  const mixed = Buffer.alloc(sizeBytes);
  before.copy(mixed);
  for (let at = 0; at < sizeBytes; at += SECTOR_BYTES) {
    if (at < from || fraction() < share) {
      after.copy(mixed, at, at, Math.min(at + SECTOR_BYTES, after.length, sizeBytes));
    }
  }
  return mixed;
}

/** What the disk may hold when power fails between two moments: SQLite syncs the log before it touches the file. */
function cutBetween(before: Moment, after: Moment, fraction: () => number): { file: Buffer; log: Buffer } {
  if (fraction() < 0.4) {
    return { file: torn(before.file, after.file, fraction), log: after.log };
  }
  const isNewLog = !before.log.subarray(0, LOG_HEADER_BYTES).equals(after.log.subarray(0, LOG_HEADER_BYTES));
  if (!isNewLog) {
    return { file: before.file, log: torn(before.log, after.log, fraction) };
  }
  const begun = Buffer.from(before.log.length > 0 ? before.log : Buffer.alloc(LOG_HEADER_BYTES));
  after.log.copy(begun, 0, 0, LOG_HEADER_BYTES);
  return { file: before.file, log: fraction() < 0.2 ? before.log : torn(begun, after.log, fraction) };
}

function put(path: string, content: Buffer): void {
  const handle = openSync(path, 'w');
  writeSync(handle, content);
  closeSync(handle);
}

async function openedAfter(cut: {
  file: Buffer;
  log: Buffer;
}): Promise<{ movedAside: string | null; content: string }> {
  const path = join(folder, 'after the cut');
  for (const suffix of ['', '-wal', '-shm']) {
    rmSync(path + suffix, { force: true });
  }
  put(path, cut.file);
  if (cut.log.length > 0) {
    put(`${path}-wal`, cut.log);
  }
  const journal = openJournal({ path });
  await journal.verify();
  const content = contentOf(path);
  await journal.close();
  return { movedAside: journal.movedAside, content };
}

it('every commit of the journal is synced before it counts, as these power cuts take for granted', () => {
  const database = openDatabase(join(folder, 'synced'));
  expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  // 2 stands for FULL
  expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
  database.close();
});

describe('a journal after a power cut', { timeout: 300_000 + CUTS * 2_000 }, () => {
  it.each([
    ['whose log is moved into the file often', 12],
    ['whose log only grows', 100_000],
  ])('%s holds every call that came back, and the last one wholly or not at all', async (name, logPages) => {
    const moments = await history(name, logPages);
    const fraction = seededFractions(97 + logPages);
    let undone = 0;
    let torn = 0;
    for (let count = 0; count < CUTS / 2; count += 1) {
      const at = Math.floor(fraction() * (moments.length - 1));
      const [before, after] = [moments[at], moments[at + 1]];
      if (before === undefined || after === undefined) {
        throw new Error('no such moment');
      }
      const cut = cutBetween(before, after, fraction);
      torn += cut.log.equals(after.log) && cut.file.equals(after.file) ? 0 : 1;
      const { movedAside, content } = await openedAfter(cut);
      expect(movedAside).toBeNull();
      expect([before.content, after.content]).toContain(content);
      undone += content === after.content ? 0 : 1;
    }
    // Both were met: a call that was lost, and one that had reached the disk.
    expect(undone).toBeGreaterThan(CUTS / 20);
    expect(torn).toBeGreaterThan(CUTS / 10);
  });

  it('on a disk that only says that it wrote, is as it was at some earlier moment, or is known to be damaged', async () => {
    const moments = await history('lying', 100_000);
    const contents = moments.map((moment) => moment.content);
    const fraction = seededFractions(5);
    const last = moments.at(-1);
    if (last === undefined) {
      throw new Error('no moments');
    }
    const found = new Set<number>();
    for (let count = 0; count < CUTS / 4; count += 1) {
      const sectors = Math.floor(fraction() * (last.log.length / SECTOR_BYTES));
      const { movedAside, content } = await openedAfter({
        file: last.file,
        log: last.log.subarray(0, sectors * SECTOR_BYTES),
      });
      if (movedAside === null && content !== WITHOUT_FOLDER) {
        expect(contents).toContain(content);
        found.add(contents.indexOf(content));
      }
    }
    expect(found.size).toBeGreaterThan(3);
  });
});
