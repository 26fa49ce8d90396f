// The one way in for people and for continuous integration. Runs on Node 20 with no packages installed; everything else
// is started from here on Node 24.
import { join } from 'node:path';
import { isUpToDate, stampBuild } from './lib/build-stamp.mjs';
import { findNode24, packagedNode, runningNode } from './lib/node24.mjs';
import { ensurePackages } from './lib/packages.mjs';
import { ROOT, runNode, stepFailed } from './lib/processes.mjs';
import { runBench } from './lib/run-bench.mjs';
import { runChecks } from './lib/run-checks.mjs';
import { LARGE_SAMPLES, runTests } from './lib/run-tests.mjs';
import { startApp } from './lib/start-app.mjs';

const USAGE = `Usage: node scripts/run.mjs COMMAND

  setup            install the packages of the lockfile, and find Node 24
  check            style, types and dead code
  test [FILTER…]   check, then the tests whose path holds one of the filters
  test-long [FILTER…]  the same on far larger samples; takes hours
  build            bundle the command, the desktop app and its window into dist/
  start [FOLDER]   the app on a local cluster that keeps FOLDER saved; in a browser where there is no desktop
  desktop [ARG…]   build, then run the desktop app
  mutate [NAME…]   break the promises one by one, and see that a test notices
  audit            build, then look for advisories and licences
  package          build, then pack the desktop app into out/
  screenshots      take the pictures of docs/pictures from the running app
  bench [ARG…]     build, then measure beside arv-put, arv-get and the limits; --help tells more
  bench:growth     build, then measure how cost grows with size
  bench:scale      build, then count requests and simulate 200 clients`;

/** Packages and a Node of version 24 or later. */
function setUp() {
  ensurePackages();
  return findNode24({ packaged: packagedNode(), running: runningNode() });
}

const DIST = join(ROOT, 'dist');

async function build(node) {
  const exitCode = await runNode(node, ['scripts/build.mjs']);
  if (exitCode === 0) {
    stampBuild(ROOT, DIST);
  }
  return exitCode;
}

/** For whoever only wants to run what is built. */
const buildIfNeeded = (node) => (isUpToDate(ROOT, DIST) ? 0 : build(node));

const benchOf = (script) => async (args) => {
  const node = setUp();
  const built = await build(node);
  return built === 0 ? runBench(node, script, args) : built;
};

const commands = {
  setup: () => {
    const { path, version } = setUp();
    console.log(`Ready. Node ${version}: ${path}`);
    return 0;
  },
  check: async () => (await runChecks(setUp())).length === 0,
  test: (args) => runTests(setUp(), args),
  'test-long': (args) => runTests(setUp(), args, { ...LARGE_SAMPLES, ...process.env }),
  build: () => build(setUp()),
  start: async (args) => {
    const node = setUp();
    const built = await buildIfNeeded(node);
    return built === 0 ? startApp(node, args) : built;
  },
  desktop: async (args) => {
    const node = setUp();
    const built = await buildIfNeeded(node);
    return built === 0 ? runNode(node, ['node_modules/electron/cli.js', '.', ...args]) : built;
  },
  mutate: (args) => runNode(setUp(), ['scripts/mutate.mjs', ...args]),
  screenshots: () => runNode(setUp(), ['scripts/pictures/take-pictures.ts']),
  audit: async () => {
    const node = setUp();
    const built = await build(node);
    return built === 0 ? runNode(node, ['scripts/audit.mjs']) : built;
  },
  package: async () => {
    const node = setUp();
    const built = await build(node);
    return built === 0 ? runNode(node, ['scripts/package.mjs']) : built;
  },
  bench: benchOf('bench.ts'),
  'bench:growth': benchOf('growth.ts'),
  'bench:scale': benchOf('scale.ts'),
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
