import { describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { Backoff } from '../../src/sync/backoff.ts';
import { tooMuchIsGone } from '../../src/sync/mass-delete-guard.ts';
import { retryDelayMs } from '../../src/sync/retry-delay.ts';
import { pathInCollection, topmostPaths } from '../../src/sync/root-paths.ts';
import { nextSaveAtMs, restAfterSave, type SaveFacts } from '../../src/sync/save-schedule.ts';
import { shutsTheGate, UploadGate } from '../../src/sync/upload-gate.ts';
import { SimClock } from '../support/sim-clock.ts';

const MINUTE = 60_000;
const facts = (change: Partial<SaveFacts>): SaveFacts => ({
  nowMs: 1_000_000_000,
  unsaved: 1,
  oldestStoredAtMs: 1_000_000_000,
  lastSaveAtMs: null,
  restUntilMs: 0,
  idleSinceMs: null,
  manifestBytes: 0,
  signatureTtlMs: 14 * 24 * 60 * MINUTE,
  everyMinMs: MINUTE,
  everyMaxMs: 15 * MINUTE,
  ...change,
});

describe('the save schedule', () => {
  it('saves nothing where there is nothing to save', () => {
    expect(nextSaveAtMs(facts({ unsaved: 0, idleSinceMs: 5 }))).toBeNull();
  });

  it('saves a small change within a second of the end of its uploads', () => {
    const at = nextSaveAtMs(facts({ idleSinceMs: 1_000_000_000 }));
    expect(at).toBeLessThanOrEqual(1_000_001_000);
  });

  /** When each of so many saves begins, of changes that never end, where each save takes so long. */
  const endlessSaves = (saves: number, tookMs: number) => {
    const starts: number[] = [];
    let nowMs = 1_000_000_000;
    let restUntilMs = 0;
    let lastSaveAtMs: number | null = null;
    while (starts.length < saves) {
      nowMs = nextSaveAtMs(facts({ nowMs, idleSinceMs: nowMs, lastSaveAtMs, restUntilMs })) ?? 0;
      starts.push(nowMs);
      nowMs += tookMs;
      lastSaveAtMs = nowMs;
      restUntilMs = restAfterSave(restUntilMs, nowMs, tookMs);
    }
    return starts;
  };

  it('lets saves that take long rest ten times as long where changes never end', () => {
    const starts = endlessSaves(100, 5_000);
    expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBeGreaterThan(99 * 50_000 - 60_000);
  });

  it('does not let a second large change wait for the rest of the first', () => {
    const [first = 0, second = 0, third = 0] = endlessSaves(3, 1_000);
    expect([second - first, third - second]).toEqual([1_300, 1_300]);
  });

  it('lets the interval grow with the manifest in bulk, from one minute to fifteen', () => {
    const now = 1_000_000_000;
    const small = nextSaveAtMs(facts({ lastSaveAtMs: now }));
    const middle = nextSaveAtMs(facts({ lastSaveAtMs: now, manifestBytes: 20 * 1024 * 1024 }));
    const large = nextSaveAtMs(facts({ lastSaveAtMs: now, manifestBytes: 1024 ** 3 }));
    expect([small, middle, large]).toEqual([now + MINUTE, now + 5 * MINUTE, now + 15 * MINUTE]);
  });

  it('never waits until signatures are old', () => {
    const now = 1_000_000_000;
    const at = nextSaveAtMs(
      facts({ lastSaveAtMs: now, manifestBytes: 1024 ** 3, signatureTtlMs: 4 * MINUTE }),
    );
    expect(at).toBe(now + MINUTE);
  });
});

describe('the mass-delete guard', () => {
  it('lets up to half of a folder go', () => {
    expect(tooMuchIsGone({ gone: 50, moved: 0, live: 50, outside: 0 })).toBeUndefined();
  });
  it('stops when more than half is gone', () => {
    expect(tooMuchIsGone({ gone: 702, moved: 0, live: 82, outside: 0 })).toMatchObject({
      code: 'MASS_DELETE',
    });
    expect(tooMuchIsGone({ gone: 702, moved: 0, live: 82, outside: 0 })?.message).toContain(
      '702 of 784 files are gone',
    );
  });
  it('stops when everything is gone', () => {
    expect(tooMuchIsGone({ gone: 1, moved: 0, live: 0, outside: 0 })).toMatchObject({ code: 'ROOT_GONE' });
  });
  it('does not let a folder go in slices', () => {
    expect(tooMuchIsGone({ gone: 30, moved: 0, live: 40, outside: 0 }, 10)).toBeUndefined();
    const error = tooMuchIsGone({ gone: 30, moved: 0, live: 40, outside: 0 }, 40);
    expect(error).toMatchObject({ code: 'MASS_DELETE', info: { gone: 70, before: 110 } });
    expect(error?.message).toContain('still has 30 of them');
  });
  it('does not weigh what is gone against files that are held back', () => {
    expect(tooMuchIsGone({ gone: 3, moved: 0, live: 0, outside: 3 })).toMatchObject({ code: 'MASS_DELETE' });
  });
  it('does not take renamed files for gone', () => {
    expect(tooMuchIsGone({ gone: 0, moved: 500, live: 500, outside: 0 })).toBeUndefined();
  });
});

describe('the upload gate', () => {
  it('shuts for longer each time, lets a probe through, and opens on success', () => {
    const clock = new SimClock();
    let changes = 0;
    const gate = new UploadGate(clock, () => {
      changes += 1;
    });
    gate.shut(new KeepsyncError('FULL', 'full'));
    const first = gate.untilMs - clock.nowMs();
    expect(gate.passable).toBe(false);
    gate.shut(new KeepsyncError('FULL', 'full'));
    expect(gate.untilMs - clock.nowMs()).toBe(first * 2);
    gate.open();
    expect(gate.passable).toBe(true);
    expect(changes).toBe(3);
  });
  it('is for what concerns every upload, not for one file', () => {
    expect(['FULL', 'OFFLINE', 'NOT_SIGNED_IN'].every((code) => shutsTheGate(code as 'FULL'))).toBe(true);
    expect(
      ['FORBIDDEN', 'SERVER', 'CHECKSUM', 'FILE_DENIED'].some((code) => shutsTheGate(code as 'SERVER')),
    ).toBe(false);
  });
});

describe('waits', () => {
  it('double up to a limit', () => {
    expect(retryDelayMs('SERVER', 1)).toBe(2 * retryDelayMs('SERVER', 0));
    expect(retryDelayMs('SERVER', 50)).toBe(15 * MINUTE);
    const clock = new SimClock();
    const backoff = new Backoff(clock, 1_000, 3_000);
    const waits = [1, 2, 3].map(() => {
      backoff.failed();
      return backoff.untilMs - clock.nowMs();
    });
    expect(waits).toEqual([1_000, 2_000, 3_000]);
  });
});

describe('paths', () => {
  it('are found in the root that holds them', () => {
    const roots = [
      { diskPath: '/data/run', prefix: '' },
      { diskPath: '/other/notes.txt', prefix: 'notes.txt' },
    ];
    expect(pathInCollection(roots, '/data/run/a/b')).toBe('a/b');
    expect(pathInCollection(roots, '/data/run')).toBe('');
    expect(pathInCollection(roots, '/other/notes.txt')).toBe('notes.txt');
    expect(pathInCollection(roots, '/data/running')).toBeUndefined();
    expect(pathInCollection(roots, '/data/run/..hidden')).toBe('..hidden');
  });
  it('lose those that lie below another', () => {
    expect(topmostPaths(['a/b/c', 'a/b', 'a.x', 'd/e', 'd/e'])).toEqual(['a.x', 'a/b', 'd/e']);
  });
});
