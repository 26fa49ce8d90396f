import { describe, expect, test } from 'vitest';
import { Notices } from '../../src/desktop/notices.ts';
import type { StatusInput } from '../../src/status/inputs.ts';
import { StatusFold } from '../../src/status/status-fold.ts';
import { NOW_MS, signedIn, someConfig, someFolder, someProblem, someTallies } from '../status/make.ts';

const ALL = { needsYou: true, folderSaved: true };
const MINUTE_MS = 60_000;

function world() {
  const fold = new StatusFold('desktop', '0.1.0');
  fold.apply({ type: 'account', account: signedIn }, NOW_MS);
  const notices = new Notices();
  return (atMs: number, wanted: typeof ALL, ...inputs: StatusInput[]) => {
    for (const input of inputs) {
      fold.apply(input, atMs);
    }
    return notices.take(fold.snapshot(atMs), wanted);
  };
}

const folder = (id: string, unsaved: number): StatusInput => ({
  type: 'folder',
  facts: someFolder({
    id,
    config: someConfig(id),
    phase: unsaved > 0 ? 'uploading' : 'watching',
    tallies: someTallies({
      pending: { files: unsaved, bytes: unsaved * 1024 },
      saved: { files: 10 - unsaved, bytes: (10 - unsaved) * 1024 },
    }),
    lastSaveAtMs: NOW_MS,
  }),
});
const problems = (
  folderId: string,
  ...codes: Array<'FILE_DENIED' | 'BAD_NAME' | 'FILE_BUSY'>
): StatusInput => ({
  type: 'problems',
  folderId,
  problems: codes.map((code) => someProblem({ code })),
});

describe('what a person is told', () => {
  test('once for each folder that needs somebody, not once for each file or cause', () => {
    const take = world();
    const told = take(NOW_MS, ALL, folder('A', 0), folder('B', 0), problems('A', 'FILE_DENIED', 'BAD_NAME'));
    expect(told.map((notice) => notice.title)).toEqual(['A needs you']);
    expect(told[0]?.place).toEqual({ view: 'problems' });
    expect(take(NOW_MS + 1, ALL)).toEqual([]);
    expect(take(NOW_MS + 2, ALL, problems('B', 'FILE_DENIED')).map((notice) => notice.title)).toEqual([
      'B needs you',
    ]);
  });

  test('again when the same comes back after it was gone', () => {
    const take = world();
    take(NOW_MS, ALL, folder('A', 0), problems('A', 'FILE_DENIED'));
    take(NOW_MS + 1, ALL, problems('A'));
    expect(take(NOW_MS + 2, ALL, problems('A', 'FILE_DENIED'))).toHaveLength(1);
  });

  test('never of what heals by itself', () => {
    expect(world()(NOW_MS, ALL, folder('A', 0), problems('A', 'FILE_BUSY'))).toEqual([]);
  });

  test('when a folder is saved after a long upload, with the way to it', () => {
    const take = world();
    take(NOW_MS, ALL, folder('A', 5), folder('B', 5));
    expect(take(NOW_MS + MINUTE_MS, ALL, folder('B', 0))).toEqual([]);
    const told = take(NOW_MS + 6 * MINUTE_MS, ALL, folder('A', 0));
    expect(told).toEqual([
      {
        title: 'A is saved',
        body: '10 files, 10 KiB, everything saved',
        place: { view: 'folder', folderId: 'A', tab: 'files', search: '' },
      },
    ]);
  });

  test('nothing of what was switched off, also not later', () => {
    const take = world();
    const off = { needsYou: false, folderSaved: false };
    expect(take(NOW_MS, off, folder('A', 5), problems('A', 'FILE_DENIED'))).toEqual([]);
    expect(take(NOW_MS + 6 * MINUTE_MS, off, problems('A'), folder('A', 0))).toEqual([]);
    expect(take(NOW_MS + 7 * MINUTE_MS, ALL)).toEqual([]);
  });
});
