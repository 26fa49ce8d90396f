import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ROOT } from './processes.mjs';

/** The first version that runs TypeScript as it is and has SQLite without a flag. */
const NEEDED = 24;

/** The Node that the lockfile brings for this computer, if it does. */
export function packagedNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const folder = join(ROOT, 'node_modules', `node-${platform}-${process.arch}`);
  const path = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(path)) {
    return undefined;
  }
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { path, version };
}

export function runningNode() {
  return { path: process.execPath, version: process.versions.node };
}

export function findNode24({ packaged, running }) {
  for (const node of [packaged, running]) {
    if (node !== undefined && Number.parseInt(node.version, 10) >= NEEDED) {
      return node;
    }
  }
  return fail(
    `Keepsync needs Node ${NEEDED}. This is Node ${running.version}, and there is no package of Node ${NEEDED} for ` +
      `${process.platform} ${process.arch}. Install Node ${NEEDED} and run this again with it.`,
  );
}
