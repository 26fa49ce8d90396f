import { expect, test } from 'vitest';
import { ActivityLog } from '../../src/status/activity-log.ts';

test('keeps the newest lines, numbered on, and finds them by what they say', () => {
  const log = new ActivityLog();
  for (let line = 1; line <= 2_500; line += 1) {
    log.add({ atMs: line, level: 'info', folderId: null, message: line % 2 ? `Saved ${line}` : 'Looked' });
  }
  const all = log.list({ afterSeq: 0, search: '', limit: 5_000 });
  expect(all[0]?.seq).toBe(501);
  expect(all.at(-1)?.seq).toBe(2_500);
  expect(log.list({ afterSeq: 2_490, search: 'SAVED', limit: 2 }).map((row) => row.message)).toEqual([
    'Saved 2497',
    'Saved 2499',
  ]);
});
