import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureArvadosVenv } from './arvados-venv.mjs';
import { ROOT, runNode } from './processes.mjs';
import { runChecks } from './run-checks.mjs';
import { ensureEndToEndPackages } from './system-packages.mjs';
import { summarize } from './test-summary.mjs';

/** How much the long run tries, by the names under which the tests look it up; the environment's own values come first. */
export const LARGE_SAMPLES = {
  /** No test is too slow. */
  KEEPSYNC_LONG: '1',
  /** Seeds of the simulated world. */
  KEEPSYNC_SEEDS: '10000',
  /** Times that a real daemon is killed. */
  KEEPSYNC_KILLS: '1000',
  /** Times that power is cut under a journal. */
  KEEPSYNC_POWER_CUTS: '20000',
  /** Histories of each property. */
  KEEPSYNC_RUNS: '3000',
  /** Bits flipped in each kind of file. */
  KEEPSYNC_BIT_FLIPS: '10000',
};

/**
 * Checks and tests. The last line says how many passed, failed and were skipped; before it stands what was skipped and
 * why. Resolves to whether all is well: a failed check is a failure, and where CI is set a skipped interop or end-to-end
 * test is one, too.
 */
export async function runTests(node, filters, env = {}) {
  const failedChecks = await runChecks(node);
  const folder = mkdtempSync(join(tmpdir(), 'keepsync-test-'));
  const resultFile = join(folder, 'results.json');
  try {
    const exitCode = await runNode(
      node,
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        '--passWithNoTests=false',
        '--reporter=default',
        '--reporter=./scripts/test-result-reporter.mjs',
        ...filters,
      ],
      { ...env, ...testEnv(), KEEPSYNC_TEST_RESULTS: resultFile },
    );
    const { lines, ok } = summarize({
      exitCode,
      failedChecks,
      results: existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : undefined,
      isCi: process.env.CI === 'true',
    });
    console.log(lines.join('\n'));
    return ok;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Tells the tests what of the outside world is there: the Arvados commands, and what Electron needs. */
function testEnv() {
  const env = {};
  if (existsSync(join(ROOT, 'test', 'interop'))) {
    const arvados = ensureArvadosVenv();
    if ('venv' in arvados) {
      env.KEEPSYNC_INTEROP_VENV = arvados.venv;
    } else {
      env.KEEPSYNC_INTEROP_SKIP = arvados.reason;
    }
  }
  if (existsSync(join(ROOT, 'test', 'e2e'))) {
    const missing = ensureEndToEndPackages();
    if (missing !== undefined) {
      env.KEEPSYNC_E2E_SKIP = missing;
    }
  }
  return env;
}
