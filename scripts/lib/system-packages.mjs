import { existsSync } from 'node:fs';
import { quietly } from './processes.mjs';

/**
 * What the end-to-end tests need of a Debian: a command or a shared library, and the packages that bring it, newest name
 * first.
 */
const NEEDED = [
  { command: 'xvfb-run', packages: ['xvfb'] },
  { command: 'xauth', packages: ['xauth'] },
  { command: 'chromium', packages: ['chromium'] },
  { library: 'libgtk-3.so.0', packages: ['libgtk-3-0t64', 'libgtk-3-0'] },
  { library: 'libnss3.so', packages: ['libnss3'] },
  { library: 'libasound.so.2', packages: ['libasound2t64', 'libasound2'] },
  { library: 'libgbm.so.1', packages: ['libgbm1'] },
  { library: 'libXss.so.1', packages: ['libxss1'] },
  { library: 'libatk-bridge-2.0.so.0', packages: ['libatk-bridge2.0-0t64', 'libatk-bridge2.0-0'] },
];

/** Whether this is root on a Debian, or something like it. */
export function canInstall() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** Installs packages; of `[newer, older]` the first one that there is. Says whether that went well. */
export function installPackages(packages) {
  const choices = packages.map((choice) => (Array.isArray(choice) ? choice : [choice]));
  const install = () => {
    const names = choices.map(
      (choice) =>
        choice.find((name) => quietly('apt-cache', ['show', '--no-all-versions', name]).ok) ?? choice[0],
    );
    return quietly('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).ok;
  };
  console.log(`Installing ${choices.map(([name]) => name).join(', ')}…`);
  return install() || (quietly('apt-get', ['update', '-q']).ok && install());
}

/**
 * Brings what the end-to-end tests need, as far as this computer allows.
 * @returns {string | undefined} what is missing, for a person to install.
 */
export function ensureEndToEndPackages() {
  if (process.platform !== 'linux') {
    return undefined;
  }
  const missing = missingPackages();
  if (missing.length > 0 && canInstall()) {
    installPackages(missing);
  }
  const left = missingPackages();
  return left.length === 0 ? undefined : `install ${left.map((choice) => choice.at(-1)).join(' ')}`;
}

function missingPackages() {
  const libraries = quietly('/sbin/ldconfig', ['-p']).output;
  return NEEDED.filter(({ command, library }) =>
    command === undefined ? !libraries.includes(`${library} `) : !quietly('which', [command]).ok,
  ).map(({ packages }) => packages);
}
