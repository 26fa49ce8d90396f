import { describe, expect, test } from 'vitest';

interface Results {
  readonly passed: number;
  readonly failed: number;
  readonly errors: number;
  readonly skipped: ReadonlyArray<{ readonly file: string; readonly name: string; readonly why: string }>;
}

type Summarize = (run: {
  readonly exitCode: number;
  readonly failedChecks: readonly string[];
  readonly results: Results | undefined;
  readonly isCi: boolean;
}) => { readonly lines: readonly string[]; readonly ok: boolean };

// Plain JavaScript that has to run before anything is installed: it has no types.
const path = new URL('../../scripts/lib/test-summary.mjs', import.meta.url).href;
const { summarize } = (await import(path)) as { summarize: Summarize };

const good: Results = { passed: 7, failed: 0, errors: 0, skipped: [] };
const run = { exitCode: 0, failedChecks: [], results: good, isCi: false };
const skipped = (file: string): Results => ({
  ...good,
  skipped: [{ file, name: 'arv-get reads it', why: 'no python' }],
});

describe('the end of a test run', () => {
  test('counts, and is good, when everything passed', () => {
    expect(summarize(run)).toEqual({ lines: ['7 passed, 0 failed, 0 skipped'], ok: true });
  });

  test('names what was skipped and why before it counts', () => {
    const results = skipped('test/interop/arv-get.test.ts');
    expect(summarize({ ...run, results })).toEqual({
      lines: [
        'Skipped: test/interop/arv-get.test.ts: arv-get reads it (no python)',
        '7 passed, 0 failed, 1 skipped',
      ],
      ok: true,
    });
  });

  test.each(['test/interop/arv-get.test.ts', 'test/e2e/window.test.ts'])(
    'is bad in CI when %s was skipped',
    (file) => {
      const { lines, ok } = summarize({ ...run, results: skipped(file), isCi: true });
      expect(ok).toBe(false);
      expect(lines.at(-1)).toBe('7 passed, 0 failed, 1 skipped');
      expect(lines.join('\n')).toContain('must not be skipped');
    },
  );

  test.each([
    ['a test failed', { results: { ...good, failed: 1 }, exitCode: 1 }, '7 passed, 1 failed, 0 skipped'],
    ['a file could not be loaded', { results: { ...good, errors: 1 } }, '7 passed, 1 failed, 0 skipped'],
    ['vitest says so', { exitCode: 1 }, '7 passed, 0 failed, 0 skipped'],
    ['a check failed', { failedChecks: ['types'] }, '7 passed, 0 failed, 0 skipped'],
    ['no test ran', { results: { ...good, passed: 0 } }, '0 passed, 0 failed, 0 skipped'],
    ['there are no results', { results: undefined }, '0 passed, 1 failed, 0 skipped'],
  ])('is bad when %s', (_what, more, last) => {
    const { lines, ok } = summarize({ ...run, ...more });
    expect([ok, lines.at(-1)]).toEqual([false, last]);
  });

  test('names the checks that failed', () => {
    const { lines } = summarize({ ...run, failedChecks: ['style', 'dead code'] });
    expect(lines).toContain('Failed checks: style, dead code');
  });
});
