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
    install();
  }
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, wanted);
}

/**
 * As the lockfile says, which stays as it is. `npm ci` also wants to see there the optional packages of every other
 * platform; a lockfile written where a registry lacked some of them is without, and only `npm install` copes.
 */
function install() {
  const first = npm('ci');
  if (first.ok) {
    return;
  }
  if (!lockfileIsCurrent()) {
    fail('package.json names packages that package-lock.json does not. Run "npm install" and commit both.');
  }
  const second = npm('install', '--no-save');
  if (!second.ok) {
    fail(`npm install failed:\n${second.output}`);
  }
  if (!installedAsLocked()) {
    fail(`npm installed other versions than package-lock.json names; npm ci says:\n${first.output}`);
  }
}

function npm(...args) {
  // On Windows npm is a script, which only a shell can run.
  return quietly('npm', [...args, '--loglevel=error'], {
    env: systemEnv(),
    shell: process.platform === 'win32',
  });
}

/** Whether the lockfile was made for this package.json. */
function lockfileIsCurrent() {
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const locked = JSON.parse(readFileSync(LOCKFILE, 'utf8')).packages?.[''] ?? {};
  return ['dependencies', 'devDependencies', 'optionalDependencies'].every(
    (kind) => JSON.stringify(sorted(wanted[kind])) === JSON.stringify(sorted(locked[kind])),
  );
}

function sorted(versions = {}) {
  return Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1));
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
