import { resolve } from 'node:path';
import type { Command } from 'commander';
import { asKeepsyncError } from '../../base/errors.ts';
import type { LocalCluster } from '../../cluster/cluster-options.ts';
import { runningClusterEnv } from '../../cluster/data-folder.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { wholeNumber } from '../option-values.ts';
import type { Output } from '../output.ts';
import type { RunWork } from './command.ts';

interface ClusterFlags {
  readonly data?: string;
  readonly port?: number;
  readonly env?: boolean;
}

/** For a shell, whatever is in it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** `export NAME='value'` lines for a shell. */
export function shellExports(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`);
}

export function addCluster(program: Command, run: RunWork): void {
  program
    .command('cluster')
    .summary('run a local cluster in the foreground')
    .description(
      'Runs an Arvados API and Keep on this computer, on loopback, until it is interrupted. What it stores stays in its folder.',
    )
    .option(
      '--data <dir>',
      "the cluster's folder (default: in the profile, the one that keepsync start runs)",
    )
    .option(
      '--port <n>',
      'port of the API (default: one that was free at the first start)',
      wholeNumber(1, 65_535),
    )
    .option(
      '--env',
      'print shell exports, the token included, so that arv-put and others find it; where the cluster runs already, of that one, and end',
    )
    .action((flags: ClusterFlags) => run((context) => runCluster(context, flags)));
}

async function runCluster(context: Context, flags: ClusterFlags) {
  const { output } = context;
  const dataDir = flags.data === undefined ? context.paths.clusterDir : resolve(context.env.cwd, flags.data);
  let cluster: LocalCluster;
  try {
    cluster = context.closing(
      await context.services.startCluster({ dataDir, port: flags.port, log: context.log() }),
    );
  } catch (thrown) {
    const running = flags.env && asKeepsyncError(thrown).code === 'LOCKED' && runningClusterEnv(dataDir);
    if (!running) {
      throw thrown;
    }
    tellEnv(output, dataDir, running);
    return EXIT.saved;
  }
  if (flags.env) {
    tellEnv(output, dataDir, cluster.env());
  } else {
    output.payload({ apiHost: cluster.apiHost, caFile: cluster.caFile, dataDir });
  }
  output.note(`The local cluster ${cluster.apiHost} runs until Ctrl-C; its data is in ${dataDir}`);
  if (!flags.env) {
    output.note('With --env it prints what other Arvados commands need to find it.');
  }
  await context.interrupts.stopped();
  return EXIT.saved;
}

function tellEnv(output: Output, dataDir: string, env: Readonly<Record<string, string>>): void {
  const facts = { apiHost: env.ARVADOS_API_HOST, caFile: env.SSL_CERT_FILE, dataDir };
  output.secretResult({ ...facts, env }, shellExports(env));
}
