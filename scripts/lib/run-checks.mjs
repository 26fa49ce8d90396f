import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runNode } from './processes.mjs';

const CHECKS = [
  ['style', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['types', ['node_modules/typescript/bin/tsc', '-p', '.']],
  ['types of the window', ['node_modules/typescript/bin/tsc', '-p', 'renderer']],
  ['dead code', ['node_modules/knip/bin/knip.js', '--no-progress']],
];

/** Style, types and dead code. Resolves to the names of those that failed. */
export async function runChecks(node) {
  const failed = [];
  for (const [name, args] of CHECKS) {
    if (args.includes('renderer') && !existsSync(join(ROOT, 'renderer', 'tsconfig.json'))) {
      continue;
    }
    console.log(`Checking ${name}…`);
    if ((await runNode(node, args)) !== 0) {
      failed.push(name);
    }
  }
  return failed;
}
