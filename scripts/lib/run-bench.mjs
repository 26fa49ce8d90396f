import { ensureArvadosVenv } from './arvados-venv.mjs';
import { runNode } from './processes.mjs';

/** Runs a benchmark on the built command, beside the real Arvados commands. Resolves to its exit code. */
export function runBench(node, script, args) {
  const arvados = args.includes('--help') ? { reason: '' } : ensureArvadosVenv();
  return runNode(
    node,
    [`test/bench/${script}`, ...args],
    'venv' in arvados ? { KEEPSYNC_INTEROP_VENV: arvados.venv } : { KEEPSYNC_INTEROP_SKIP: arvados.reason },
  );
}
