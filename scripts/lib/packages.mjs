import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail, quietly, ROOT, systemEnv } from './processes.mjs';

const LOCKFILE = join(ROOT, 'package-lock.json');
/** npm's own note of what it put there. */
const INSTALLED = join(ROOT, 'node_modules', '.package-lock.json');
const STAMP = join(ROOT, 'node_modules', '.cache', 'keepsync-setup');

/** Installs what the lockfile names, unless that is there already. */
export function ensurePackages() {
  const wanted = createHash('sha256').update(readFileSync(LOCKFILE)).digest('hex');
  if (existsSync(STAMP) && existsSync(INSTALLED) && readFileSync(STAMP, 'utf8') === wanted) {
    return;
  }
  if (!installedAsLocked()) {
    console.log('Installing packages…');
    // On Windows npm is a script, which only a shell can run.
    const installed = quietly('npm', ['ci', '--loglevel=error'], {
      env: systemEnv(),
      shell: process.platform === 'win32',
    });
    if (!installed.ok) {
      fail(`npm ci failed:\n${installed.output}`);
    }
  }
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, wanted);
}

/** Whether every package of the lockfile is there in its version: so `npm install` by hand costs no second install. */
function installedAsLocked() {
  if (!existsSync(INSTALLED)) {
    return false;
  }
  const there = JSON.parse(readFileSync(INSTALLED, 'utf8')).packages ?? {};
  const locked = JSON.parse(readFileSync(LOCKFILE, 'utf8')).packages ?? {};
  return Object.entries(locked).every(
    ([path, { version, optional }]) =>
      path === '' || (there[path] === undefined ? optional === true : there[path].version === version),
  );
}
