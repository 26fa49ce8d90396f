// Makes each change of lib/mutations.mjs, one at a time, in a copy of the checkout, and runs the tests that should notice.
// Fails where one survives, where its text is not found, or where the tests fail without it. Started by run.mjs.
//   node scripts/mutate.mjs [PART OF A NAME…]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MUTATIONS } from './lib/mutations.mjs';
import { quietly, ROOT } from './lib/processes.mjs';

/** A mutant may make a test wait for what never comes. */
const TEST_WITHIN_MS = 300_000;

const wanted = process.argv.slice(2);
const mutations = MUTATIONS.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);
if (mutations.length === 0) {
  console.error('No mutation has such a name');
  process.exit(2);
}
const copy = mkdtempSync(join(tmpdir(), 'keepsync-mutate-'));
let wrong = 0;
try {
  copyCheckout();
  const tests = [...new Set(mutations.flatMap((mutation) => mutation.tests))];
  const before = runTests(tests);
  if (before.exitCode !== 0) {
    throw new Error(`The tests fail without any mutation:\n${before.failed.join('\n') || before.output}`);
  }
  console.log(`${before.passed} tests pass without a mutation`);
  for (const mutation of mutations) {
    const verdict = judge(mutation);
    wrong += verdict.isCaught ? 0 : 1;
    console.log(`${verdict.isCaught ? 'caught  ' : 'SURVIVED'} ${mutation.name}\n           ${verdict.why}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${mutations.length - wrong} of ${mutations.length} mutations caught`);
process.exitCode = wrong === 0 ? 0 : 1;

function judge({ edits, tests }) {
  const originals = new Map();
  try {
    for (const { file, from, to } of edits) {
      const path = join(copy, file);
      const text = readFileSync(path, 'utf8');
      if (!originals.has(path)) {
        originals.set(path, text);
      }
      const places = text.split(from).length - 1;
      if (places !== 1) {
        throw new Error(
          `${file} holds the text to be replaced ${places} times: mend scripts/lib/mutations.mjs\n${from}`,
        );
      }
      writeFileSync(
        path,
        text.replace(from, () => to),
      );
    }
    const { exitCode, failed, didLoad } = runTests(tests);
    if (exitCode === 0) {
      return { isCaught: false, why: `nothing failed in ${tests.join(', ')}` };
    }
    return didLoad && failed.length > 0
      ? { isCaught: true, why: `${failed.length} failed, such as ${failed[0]}` }
      : { isCaught: false, why: 'the tests did not run: the mutation is no program any more' };
  } finally {
    for (const [path, text] of originals) {
      writeFileSync(path, text);
    }
  }
}

function runTests(tests) {
  const resultFile = join(copy, 'mutation-result.json');
  rmSync(resultFile, { force: true });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...tests,
      '--reporter=json',
      `--outputFile=${resultFile}`,
      '--no-file-parallelism',
    ],
    { cwd: copy, encoding: 'utf8', timeout: TEST_WITHIN_MS },
  );
  const output = `${stdout ?? ''}${stderr ?? ''}`;
  let result;
  try {
    result = JSON.parse(readFileSync(resultFile, 'utf8'));
  } catch (thrown) {
    if (thrown.code !== 'ENOENT') {
      throw thrown;
    }
    return { exitCode: status ?? 1, failed: [], passed: 0, didLoad: false, output };
  }
  const all = result.testResults.flatMap((file) => file.assertionResults);
  return {
    exitCode: status ?? 1,
    failed: all.filter((one) => one.status === 'failed').map((one) => one.fullName.trim()),
    passed: all.filter((one) => one.status === 'passed').length,
    didLoad: result.testResults.every((file) => file.assertionResults.length > 0),
    output,
  };
}

/** What git knows of, and what is new; packages are shared. */
function copyCheckout() {
  const { ok, output } = quietly('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  if (!ok) {
    throw new Error(output);
  }
  for (const file of output.split('\0').filter((name) => name !== '')) {
    const from = join(ROOT, file);
    const to = join(copy, file);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to, { force: true, verbatimSymlinks: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'dir');
}
