// Makes the desktop app's folder and a tar.gz of it for this computer, without downloads: builds, packs, starts what was
// packed, sets the fuses on a copy and reads them back. Started by run.mjs.
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { _electron } from 'playwright-core';
import { fusedExecutable, readFuses, setFuses } from './lib/electron-fuses.mjs';
import { quietly, ROOT } from './lib/processes.mjs';
import { openDisplay } from './lib/virtual-display.mjs';

const OUT = join(ROOT, 'out');
const NAME = 'keepsync';
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

if (process.platform !== 'linux') {
  console.error('This packs for Linux. On macOS and Windows: npx electron-builder --mac, or --win.');
  process.exit(1);
}
const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH;
const unpacked = await pack();
const { electron } = await startOnce(unpacked);
const fused = join(OUT, `${NAME}-${version}-linux-${process.arch}`);
rmSync(fused, { recursive: true, force: true });
cpSync(unpacked, fused, { recursive: true, verbatimSymlinks: true });
const executable = fusedExecutable(fused, NAME);
await setFuses(executable);
const fuses = await readFuses(executable);
for (const { name, wanted, state } of fuses) {
  console.log(`  fuse ${name}: ${wanted ? 'on' : 'off'}, ${state}`);
}
if (fuses.some(({ state }) => state === 'wrong')) {
  throw new Error('A fuse could not be set');
}
const archive = `${fused}.tar.gz`;
run('tar', ['-czf', archive, '-C', OUT, basename(fused)]);
console.log(
  `Packed with Electron ${electron}, started, fuses set on the copy and read back (it was not started again):`,
);
console.log(`  ${fused}`);
console.log(`  ${archive} (${Math.round(statSync(archive).size / 1024 / 1024)} MiB)`);

async function pack() {
  rmSync(OUT, { recursive: true, force: true });
  const { build, Platform } = await import('electron-builder');
  process.env.KEEPSYNC_LEAVE_FUSES = '1';
  const feed = process.env.KEEPSYNC_UPDATE_FEED;
  await build({
    targets: Platform.LINUX.createTarget('dir'),
    publish: 'never',
    config: {
      extends: join(ROOT, 'electron-builder.yml'),
      ...(dist ? { electronDist: dist, electronVersion: electronVersion(dist) } : {}),
      ...(feed ? { publish: { provider: 'generic', url: feed } } : {}),
    },
    projectDir: ROOT,
  });
  return join(OUT, 'linux-unpacked');
}

function electronVersion(folder) {
  const file = join(folder, 'version');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().replace(/^v/, '') : undefined;
}

/** Starts what was packed, sees its window, has it count a folder in a thread out of the archive, and quits it. */
async function startOnce(folder) {
  const profile = mkdtempSync(join(tmpdir(), 'keepsync-packed-'));
  const display = await openDisplay();
  // A runtime that comes with a starter (for what it is too old for) starts the archive it is given, not its own.
  const asar = join(folder, 'resources', 'app.asar');
  const moved = join(folder, 'resources', `${NAME}.asar`);
  const aside = existsSync(join(folder, 'resources', 'app')) ? [moved] : [];
  if (aside.length > 0) {
    renameSync(asar, moved);
  }
  try {
    const app = await _electron.launch({
      executablePath: join(folder, NAME),
      args: [...aside, '--profile', profile],
      env: { ...process.env, ...display.env, KEEPSYNC_TRAY: 'no', HOME: profile },
      timeout: 60_000,
    });
    const ended = new Promise((resolve) => app.process().once('exit', resolve));
    const page = await app.firstWindow({ timeout: 60_000 });
    await page.getByRole('heading', { level: 1 }).waitFor({ timeout: 60_000 });
    await app.evaluate(({ dialog }, path) => {
      dialog.showOpenDialog = async () => ({ canceled: false, filePaths: [path] });
    }, ROOT);
    const counted = await page.evaluate(async () => {
      const { value: diskPath } = await window.keepsync.callShell('chooseFolder', {});
      return await window.keepsync.callShell('previewFolder', {
        diskPath,
        rules: [{ pattern: 'node_modules', on: true }],
      });
    });
    if (!counted.ok) {
      throw new Error(`A thread did not start out of the package: ${counted.error.message}`);
    }
    const electron = await app.evaluate(() => process.versions.electron);
    await app.evaluate(({ app: electronApp }) => {
      setTimeout(() => electronApp.quit(), 0);
    });
    const code = await ended;
    if (code !== 0) {
      throw new Error(`The packed app ended with ${code}`);
    }
    return { electron };
  } finally {
    if (aside.length > 0) {
      renameSync(moved, asar);
    }
    await display.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

function run(file, args) {
  const { ok, output } = quietly(file, args);
  if (!ok) {
    throw new Error(`${file} failed: ${output}`);
  }
}
