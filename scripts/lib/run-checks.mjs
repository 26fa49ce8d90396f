import { runNode } from './processes.mjs';

const CHECKS = [
  ['style', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['types', ['node_modules/typescript/bin/tsc', '-p', '.']],
  ['dead code', ['node_modules/knip/bin/knip.js', '--no-progress']],
];

/** Style, types and dead code. Resolves to the names of those that failed. */
export async function runChecks(node) {
  const failed = [];
  for (const [name, args] of CHECKS) {
    console.log(`Checking ${name}…`);
    if ((await runNode(node, args)) !== 0) {
      failed.push(name);
    }
  }
  return failed;
}
