import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a build is made from, below the checkout: files, and folders with all that is in them. */
const INPUTS = [
  ...['src', 'renderer', 'assets', 'scripts/lib', 'scripts/build.mjs'],
  ...['package.json', 'package-lock.json', 'vite.config.ts', 'tsconfig.json'],
];
/** In the folder that a build empties first: a build that broke off leaves none. */
const STAMP = '.built-from';

/** Whether what lies in `dist` was built from just these sources. */
export function isUpToDate(root, dist) {
  const stamp = join(dist, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digestOf(root);
}

/** Notes that `dist` was built from the sources that are there now. */
export function stampBuild(root, dist) {
  writeFileSync(join(dist, STAMP), digestOf(root));
}

/** Of names and contents, not of times: a fresh clone of the same commit has the same one. */
function digestOf(root) {
  const hash = createHash('sha256');
  hash.update(process.env.KEEPSYNC_UPDATE_FEED ?? '');
  for (const path of INPUTS.flatMap((input) => filesBelow(root, input))) {
    const content = readFileSync(join(root, path));
    hash.update(`\n${path} ${content.byteLength}\n`).update(content);
  }
  return hash.digest('hex');
}

function filesBelow(root, path) {
  const whole = join(root, path);
  if (!existsSync(whole)) {
    return [];
  }
  const entries = readdirSyncOrUndefined(whole);
  return entries === undefined
    ? [path]
    : entries
        .map(({ name }) => name)
        .sort()
        .flatMap((name) => filesBelow(root, `${path}/${name}`));
}

function readdirSyncOrUndefined(path) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') {
      return undefined;
    }
    throw error;
  }
}
