import { spawn, spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const BIN = join(ROOT, 'node_modules', '.bin');

/** A step that went wrong in a way that its message explains; no stack is shown. */
class StepFailed extends Error {}

/** @returns {never} */
export function fail(message) {
  throw new StepFailed(message);
}

export function stepFailed(thrown) {
  return thrown instanceof StepFailed;
}

/** The environment without the packages' own commands: so `npm` does not run on a Node that it is about to replace. */
export function systemEnv() {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(BIN));
  return { ...process.env, PATH: path.join(delimiter) };
}

/** The environment in which `node` is the Node given, for whatever the tests start. */
function nodeEnv(node, more = {}) {
  const folder = join(node.path, '..');
  return { ...process.env, PATH: [folder, BIN, systemEnv().PATH].join(delimiter), ...more };
}

/** Runs to the end, showing what it says. Resolves to its exit code; signals are passed on. */
export function run(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: ROOT, stdio: 'inherit', ...options });
    // The terminal tells the child of Ctrl-C by itself; this process only has to outlive it.
    const ignore = () => undefined;
    const pass = (signal) => child.kill(signal);
    process.on('SIGINT', ignore);
    process.on('SIGTERM', pass);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', pass);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

export function runNode(node, args, env = {}) {
  return run(node.path, args, { env: nodeEnv(node, env) });
}

/** Runs to the end, and says whether that went well. What it says is given back, not shown. */
export function quietly(file, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    cwd: ROOT,
    encoding: 'utf8',
    ...options,
  });
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() };
}
