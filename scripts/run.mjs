// The one way in for people and for continuous integration. Runs on Node 20 with no packages installed; everything else
// is started from here on Node 24.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findNode24, packagedNode, runningNode } from './lib/node24.mjs';
import { ensurePackages } from './lib/packages.mjs';
import { ROOT, run, runNode, stepFailed } from './lib/processes.mjs';
import { runChecks } from './lib/run-checks.mjs';
import { runTests } from './lib/run-tests.mjs';

const USAGE = `Usage: node scripts/run.mjs COMMAND

  setup            install the packages of the lockfile, and find Node 24
  check            style, types and dead code
  test [FILTER…]   check, then the tests whose path holds one of the filters
  build            bundle the command into dist/
  start [FOLDER…]  build, then run the command's "start"`;

/** Packages and a Node of version 24 or later. */
function setUp() {
  ensurePackages();
  return findNode24({ packaged: packagedNode(), running: runningNode() });
}

/** The command, and the window where there is one. */
async function build(node) {
  const built = await runNode(node, ['scripts/build.mjs']);
  const hasWindow = existsSync(join(ROOT, 'vite.config.ts'));
  return built === 0 && hasWindow ? runNode(node, ['node_modules/vite/bin/vite.js', 'build']) : built;
}

const commands = {
  setup: () => {
    const { path, version } = setUp();
    console.log(`Ready. Node ${version}: ${path}`);
    return 0;
  },
  check: async () => (await runChecks(setUp())).length === 0,
  test: (args) => runTests(setUp(), args),
  build: () => build(setUp()),
  start: async (args) => {
    const node = setUp();
    const built = await build(node);
    return built === 0 ? run(node.path, ['dist/keepsync.cjs', 'start', ...args]) : built;
  },
};

const [command = '', ...args] = process.argv.slice(2);
const work = Object.hasOwn(commands, command) ? commands[command] : undefined;
if (work === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  try {
    const result = await work(args);
    process.exitCode = typeof result === 'boolean' ? Number(!result) : result;
  } catch (thrown) {
    if (!stepFailed(thrown)) {
      throw thrown;
    }
    console.error(thrown.message);
    process.exitCode = 1;
  }
}
