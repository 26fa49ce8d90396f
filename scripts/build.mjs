// Bundles the command, the desktop app, their threads and the window, and draws the icons: into dist/, or into the
// folder given. Started by run.mjs, with packages installed.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { build as buildWindow } from 'vite';
import { collectIcons } from './lib/collect-icons.mjs';
import { ROOT } from './lib/processes.mjs';
import { collectNotices } from './lib/third-party-notices.mjs';

const DIST = resolve(ROOT, process.argv[2] ?? 'dist');
/** ws asks for these and does without. */
const OPTIONAL = ['bufferutil', 'utf-8-validate'];
/** What Electron brings along. */
const IN_ELECTRON = ['electron', 'original-fs'];

const CLI_ENTRY = 'src/cli/entry.ts';
const CLI_MAIN = 'src/cli/main.ts';
const DESKTOP_ENTRY = 'src/desktop/main.ts';
const PRELOAD_ENTRY = 'src/desktop/preload.ts';

/** The entries that `startThread` knows: its type is the one list of them. */
function threadEntries() {
  const source = readFileSync(join(ROOT, 'src/base/thread.ts'), 'utf8');
  const type = /export type ThreadEntry =([^;]+);/.exec(source)?.[1] ?? '';
  const entries = [...type.matchAll(/'([a-z0-9/-]+)'/g)].map((match) => `src/${match[1]}.ts`);
  if (entries.length === 0) {
    throw new Error('src/base/thread.ts names no thread entries');
  }
  return entries;
}

/**
 * In every bundle import.meta.url is that of keepsync.cjs, so that a path beside it means the same wherever the code
 * that asks was bundled into. `depth` is the number of folders between it and the bundle.
 */
function common(depth) {
  const main = JSON.stringify(`${'../'.repeat(depth)}keepsync.cjs`);
  return {
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    legalComments: 'none',
    // The text stays in memory, and a single letter in a comment that is no ASCII would double it.
    minifyWhitespace: true,
    logLevel: 'warning',
    define: { __KEEPSYNC_BUNDLE__: 'true', 'import.meta.url': '__keepsyncBundleUrl' },
    banner: {
      js: `const __keepsyncBundleUrl = require('node:url').pathToFileURL(require('node:path').resolve(__dirname, ${main})).href;`,
    },
  };
}

/** What the command's entry loads once it has said where compiled code is kept. */
const mainBeside = {
  name: 'main-beside',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/main\.ts$/ }, () => ({ path: './program.cjs', external: true }));
  },
};

const threads = threadEntries();
const missing = [CLI_ENTRY, CLI_MAIN, DESKTOP_ENTRY, PRELOAD_ENTRY, ...threads].filter(
  (entry) => !existsSync(join(ROOT, entry)),
);
if (missing.length > 0) {
  console.error(`Cannot build: ${missing.join(', ')} missing`);
  process.exit(1);
}

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST, { recursive: true });
const results = await Promise.all([
  build({
    ...common(0),
    entryPoints: [CLI_ENTRY],
    outfile: join(DIST, 'keepsync.cjs'),
    target: 'node22',
    plugins: [mainBeside],
    supported: { 'dynamic-import': false },
  }),
  build({ ...common(0), entryPoints: [CLI_MAIN], outfile: join(DIST, 'program.cjs'), target: 'node22' }),
  // Threads run inside Electron, too; syntax that they could not read there would be found out late.
  build({
    ...common(1),
    entryPoints: threads.map((entry) => ({ in: entry, out: basename(entry, '.ts') })),
    outdir: join(DIST, 'threads'),
    outExtension: { '.js': '.cjs' },
    target: 'node16',
  }),
  build({
    ...common(1),
    entryPoints: [DESKTOP_ENTRY],
    outfile: join(DIST, 'desktop', 'main.cjs'),
    external: IN_ELECTRON,
    target: 'node16',
    // what is loaded late is Node's own: asked for as the rest is, it can be stood in for on an older Electron
    supported: { 'dynamic-import': false },
    define: {
      ...common(1).define,
      // the address of a generic update feed; without one the app never looks for updates
      __KEEPSYNC_UPDATE_FEED__: JSON.stringify(process.env.KEEPSYNC_UPDATE_FEED ?? ''),
    },
  }),
  build({
    // a sandboxed preload has no Node: neither the banner nor what hangs on it
    absWorkingDir: ROOT,
    entryPoints: [PRELOAD_ENTRY],
    outfile: join(DIST, 'desktop', 'preload.cjs'),
    bundle: true,
    platform: 'browser',
    format: 'cjs',
    target: 'chrome108',
    external: IN_ELECTRON,
    metafile: true,
    logLevel: 'warning',
  }),
]);
const window = await buildWindow({
  configFile: join(ROOT, 'vite.config.ts'),
  logLevel: 'warn',
  build: { outDir: join(DIST, 'renderer') },
});
const windowInputs = [window]
  .flat()
  .flatMap(({ output }) => output.flatMap(({ moduleIds = [] }) => moduleIds));
const icons = collectIcons(join(DIST, 'desktop', 'tray'), join(DIST, 'icons'));

const notBundled = results
  .flatMap(({ metafile }) => Object.values(metafile.outputs).flatMap(({ imports }) => imports))
  .filter(
    ({ external, path }) =>
      external && !isBuiltin(path) && ![...OPTIONAL, ...IN_ELECTRON, './program.cjs'].includes(path),
  )
  .map(({ path }) => path);
if (notBundled.length > 0) {
  console.error(`Cannot build: ${[...new Set(notBundled)].join(', ')} would have to be installed beside it`);
  process.exit(1);
}

const { text, packages } = collectNotices(ROOT, [
  ...results.map(({ metafile }) => metafile),
  { inputs: Object.fromEntries(windowInputs.map((id) => [relative(ROOT, id.replace(/^\0/, '')), id])) },
]);
writeFileSync(join(DIST, 'THIRD-PARTY-NOTICES.txt'), text);
const { size } = statSync(join(DIST, 'program.cjs'));
console.log(
  `Built the command (${Math.round(size / 1024)} KiB), the desktop app and its window, ${threads.length} threads, ${icons} icons, notices of ${packages} packages`,
);
