import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournalView } from '../../src/local/journal-view.ts';
import type { KnownSource } from '../../src/local/known-source.ts';
import { JournalFile } from '../support/disk-journal-file.ts';

describe("the journal's read side", () => {
  let dir = '';
  let path = '';
  let view: KnownSource;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'keepsync-view-'));
    path = join(dir, 'journal.sqlite');
    view = openJournalView(path);
  });
  afterEach(() => {
    view.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('gives the entries right inside a folder, each folder pair its own', () => {
    const journal = new JournalFile(path);
    journal.set(1, 'a', { kind: 'file', stamp: 's1' });
    journal.set(1, 'd', { kind: 'dir' });
    journal.set(1, 'd/b', { kind: 'file', stamp: 's2', state: 'held' });
    journal.set(2, 'other', { kind: 'file', stamp: 's3' });
    const tree = view.knownTree(1);
    expect(tree.entriesOf('')).toEqual([
      { name: 'a', kind: 'file', stamp: 's1' },
      { name: 'd', kind: 'dir', stamp: '' },
    ]);
    expect(tree.entriesOf('d')).toEqual([{ name: 'b', kind: 'file', stamp: 's2' }]);
    expect(tree.entryOf('d', 'b')).toEqual({ name: 'b', kind: 'file', stamp: 's2' });
    expect(tree.entryOf('d', 'c')).toBeUndefined();
    expect(tree.entriesOf('nowhere')).toEqual([]);
    journal.close();
  });

  it('gives them page by page, in the order of their names as UTF-8', () => {
    const journal = new JournalFile(path);
    for (const name of ['\u{1f600}', 'b', '\uff5e', 'a']) {
      journal.set(1, name, { kind: 'file', stamp: 's' });
    }
    journal.set(1, 'aa', { kind: 'file', stamp: 's', state: 'deleted' });
    const tree = view.knownTree(1);
    const namesOf = (after: string) => tree.entriesOf('', { after, limit: 2 }).map((entry) => entry.name);
    expect(namesOf('')).toEqual(['a', 'b']);
    expect(namesOf('b')).toEqual(['\uff5e', '\u{1f600}']);
    expect(namesOf('\u{1f600}')).toEqual([]);
    journal.close();
  });

  it('does not show what is gone or deleted, so that a scan reports it when it is back', () => {
    const journal = new JournalFile(path);
    journal.set(1, 'gone', { kind: 'file', stamp: 's', state: 'gone' });
    journal.set(1, 'deleted', { kind: 'file', stamp: 's', state: 'deleted' });
    expect(view.knownTree(1).entriesOf('')).toEqual([]);
    expect(view.knownTree(1).entryOf('', 'gone')).toBeUndefined();
    journal.close();
  });

  it('knows bytes of the same folder that a row has the digest of, even one that is gone', () => {
    const journal = new JournalFile(path);
    journal.set(1, 'saved', { kind: 'file', size: 5, digest: 'd1', state: 'saved' });
    journal.set(1, 'gone', { kind: 'file', size: 5, digest: 'd2', state: 'gone' });
    journal.set(1, 'pending', { kind: 'file', size: 5, state: 'pending' });
    expect(['d1', 'd2', 'd3'].map((digest) => view.knownBytes(1)(5, digest))).toEqual([true, true, false]);
    expect(view.knownBytes(1)(6, 'd1')).toBe(false);
    expect(view.knownBytes(2)(5, 'd1')).toBe(false);
    journal.close();
  });

  it('sees what the writer commits while it is open', () => {
    const journal = new JournalFile(path);
    const tree = view.knownTree(1);
    expect(tree.entriesOf('')).toEqual([]);
    journal.set(1, 'a', { kind: 'file', stamp: 's1' });
    expect(tree.entriesOf('')).toHaveLength(1);
    journal.close();
  });

  it('turns to the new file when the journal was moved aside and made anew', () => {
    const old = new JournalFile(path);
    old.set(1, 'a', { kind: 'file', size: 5, digest: 'd' });
    expect(view.knownBytes(1)(5, 'd')).toBe(true);
    old.close();
    for (const ending of ['', '-wal', '-shm'].filter((one) => existsSync(path + one))) {
      renameSync(path + ending, `${path}.damaged${ending}`);
    }
    new JournalFile(path).close();
    expect(view.knownBytes(1)(5, 'd')).toBe(false);
    expect(view.knownTree(1).entriesOf('')).toEqual([]);
  });

  it('says JOURNAL for one that is missing or damaged, never "nothing known"', () => {
    expect(() => view.knownTree(1)).toThrowError(expect.objectContaining({ code: 'JOURNAL' }));
    writeFileSync(path, 'this is no database, but it is long enough to look like one'.repeat(100));
    expect(() => view.knownTree(1)).toThrowError(expect.objectContaining({ code: 'JOURNAL' }));
    expect(() => view.knownBytes(1)(1, 'd')).toThrowError(expect.objectContaining({ code: 'JOURNAL' }));
  });
});
