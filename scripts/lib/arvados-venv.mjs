import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quietly, ROOT } from './processes.mjs';
import { canInstall, installPackages } from './system-packages.mjs';

/** The Arvados commands of this version are what the interop tests run against. */
const CLIENT = 'arvados-python-client==3.2.1';

const VENV = join(ROOT, 'node_modules', '.cache', 'arvados-venv');
const STAMP = join(VENV, CLIENT);

/** What building the client takes, where there is no wheel for this Python. */
const BUILD_PACKAGES = ['python3-dev', 'build-essential', 'libcurl4-openssl-dev', 'libssl-dev'];

/**
 * A Python environment with the real Arvados commands.
 * @returns {{ venv: string } | { reason: string }} where it is, or why there is none and what to do about it.
 */
export function ensureArvadosVenv() {
  if (existsSync(STAMP)) {
    return { venv: VENV };
  }
  if (process.platform === 'win32') {
    return { reason: 'the Arvados commands do not run on Windows' };
  }
  console.log(`Installing ${CLIENT}…`);
  const created = createVenv();
  if (!created.ok) {
    return {
      reason: `no Python environment could be made; install python3 and python3-venv (${lastLine(created)})`,
    };
  }
  let installed = pipInstall();
  if (!installed.ok && canInstall() && installPackages(BUILD_PACKAGES)) {
    installed = pipInstall();
  }
  if (!installed.ok) {
    return {
      reason: `pip could not install ${CLIENT}; it may need ${BUILD_PACKAGES.join(', ')} (${lastLine(installed)})`,
    };
  }
  const works = quietly(join(VENV, 'bin', 'arv-put'), ['--version']);
  if (!works.ok) {
    return { reason: `arv-put does not run (${lastLine(works)})` };
  }
  writeFileSync(STAMP, '');
  return { venv: VENV };
}

function createVenv() {
  rmSync(VENV, { recursive: true, force: true });
  mkdirSync(VENV, { recursive: true });
  const create = () => quietly('python3', ['-m', 'venv', '--clear', VENV]);
  const created = create();
  return !created.ok && canInstall() && installPackages(['python3', 'python3-venv']) ? create() : created;
}

function pipInstall() {
  return quietly(join(VENV, 'bin', 'python'), [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', CLIENT],
  ]);
}

function lastLine({ output }) {
  return output.split('\n').at(-1) ?? '';
}
