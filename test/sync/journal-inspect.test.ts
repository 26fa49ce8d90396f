import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openJournal } from '../../src/sync/journal.ts';
import { inspectJournal } from '../../src/sync/journal-inspect.ts';
import { inspectThreadedJournal } from '../../src/sync/threaded-journal.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keepsync-journal-inspect-'));
  path = join(folder, 'journal.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function makeJournal(): Promise<void> {
  const journal = openJournal({ path });
  await journal.openFolder('pair');
  await journal.close();
}

describe('a journal is looked at from outside', () => {
  test('while another has it open and writes', async () => {
    const journal = openJournal({ path });
    try {
      await journal.openFolder('pair');
      expect(await inspectThreadedJournal(path)).toEqual({ state: 'sound', folders: 1, files: {} });
      await journal.openFolder('another');
      expect(inspectJournal(path)).toMatchObject({ folders: 2 });
    } finally {
      await journal.close();
    }
  });

  test('where there is none, none is made', () => {
    expect(inspectJournal(path)).toEqual({ state: 'none' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('an older or newer one is left as it is', async () => {
    await makeJournal();
    for (const [version, state] of [
      [0, 'older'],
      [99, 'newer'],
    ] as const) {
      const database = new DatabaseSync(path);
      database.exec(`PRAGMA user_version = ${version}`);
      database.close();
      expect(inspectJournal(path)).toEqual({ state });
      const again = new DatabaseSync(path);
      expect(again.prepare('PRAGMA user_version').get()).toEqual({ user_version: version });
      again.close();
    }
  });

  test.each(['garbage', ''])('damage (%j) is told, and the file stays where it is', async (content) => {
    writeFileSync(path, content);
    expect(() => inspectJournal(path)).toThrow(expect.objectContaining({ code: 'JOURNAL' }));
    await expect(inspectThreadedJournal(path)).rejects.toMatchObject({ code: 'JOURNAL' });
    expect(readFileSync(path, 'utf8')).toBe(content);
    expect(readdirSync(folder)).toEqual(['journal.sqlite']);
  });

  test('a row that does not fit its checksum is found', async () => {
    await makeJournal();
    const database = new DatabaseSync(path);
    database.exec("UPDATE folder SET collection_uuid = 'zzzzz-4zz18-000000000000009'");
    database.close();
    expect(() => inspectJournal(path)).toThrow(expect.objectContaining({ code: 'JOURNAL' }));
  });
});
