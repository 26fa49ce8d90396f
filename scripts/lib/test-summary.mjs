/** Tests that need something beside Node: the Arvados commands, a browser, Electron. */
const NEEDS_OUTSIDE = /^test\/(interop|e2e)\//;

/**
 * What to say at the end of a test run, and whether it went well.
 * @param {{
 *   exitCode: number,
 *   failedChecks: string[],
 *   results: { passed: number, failed: number, errors: number,
 *              skipped: Array<{ file: string, name: string, why: string }> } | undefined,
 *   isCi: boolean,
 * }} run
 * @returns {{ lines: string[], ok: boolean }} the last line counts.
 */
export function summarize({ exitCode, failedChecks, results, isCi }) {
  if (results === undefined) {
    return { lines: ['The tests did not come to an end', '0 passed, 1 failed, 0 skipped'], ok: false };
  }
  const lines = results.skipped.map(
    ({ file, name, why }) => `Skipped: ${file}: ${name}${why && ` (${why})`}`,
  );
  const unwelcome = isCi ? results.skipped.filter(({ file }) => NEEDS_OUTSIDE.test(file)) : [];
  if (unwelcome.length > 0) {
    lines.push('Interop and end-to-end tests must not be skipped here: CI is set');
  }
  if (failedChecks.length > 0) {
    lines.push(`Failed checks: ${failedChecks.join(', ')}`);
  }
  const ran = results.passed + results.failed > 0;
  if (!ran) {
    lines.push('No test ran');
  }
  const ok =
    ran &&
    exitCode === 0 &&
    results.failed + results.errors === 0 &&
    failedChecks.length === 0 &&
    unwelcome.length === 0;
  // A test file that cannot be loaded, or an error outside any test, counts as one that failed.
  const failed = results.failed + results.errors;
  lines.push(`${results.passed} passed, ${failed} failed, ${results.skipped.length} skipped`);
  return { lines, ok };
}
