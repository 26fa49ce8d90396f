import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { wholeNumber } from '../option-values.ts';
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
    .option('--data <dir>', "the cluster's folder (default: in the profile)")
    .option(
      '--port <n>',
      'port of the API (default: one that was free at the first start)',
      wholeNumber(1, 65_535),
    )
    .option('--env', 'print shell exports, the token included, so that arv-put and others find it')
    .action((flags: ClusterFlags) => run((context) => runCluster(context, flags)));
}

async function runCluster(context: Context, flags: ClusterFlags) {
  const dataDir =
    flags.data === undefined ? join(context.paths.stateDir, 'cluster') : resolve(context.env.cwd, flags.data);
  const cluster = context.closing(
    await context.services.startCluster({ dataDir, port: flags.port, log: context.log() }),
  );
  const { output } = context;
  const facts = { apiHost: cluster.apiHost, caFile: cluster.caFile, dataDir };
  if (flags.env) {
    const env = cluster.env();
    output.secretResult({ ...facts, env }, shellExports(env));
  } else {
    output.payload(facts);
  }
  output.note(`The local cluster ${cluster.apiHost} runs until Ctrl-C; its data is in ${dataDir}`);
  if (!flags.env) {
    output.note('With --env it prints what other Arvados commands need to find it.');
  }
  await context.interrupts.stopped();
  return EXIT.saved;
}
