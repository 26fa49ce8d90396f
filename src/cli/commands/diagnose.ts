import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { writeDurably } from '../../base/durable-file.ts';
import { KeepsyncError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import type { CommandHost } from '../../contract/commands.ts';
import { plural, sizeText } from '../../contract/words.ts';
import { type Diagnosis, isHealthy } from '../../shell/diagnosis.ts';
import { IdleHost } from '../../shell/idle-host.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { table, withRequestId } from '../output.ts';
import type { RunWork } from './command.ts';

/** A sign for the eye and a word for everything else. */
const SIGNS: Readonly<Record<Diagnosis['finding'], string>> = {
  good: 'ok',
  warning: 'warn',
  failed: 'FAILED',
  skipped: '-',
};

export function addDiagnose(program: Command, run: RunWork): void {
  program
    .command('diagnose')
    .summary('find out what is wrong')
    .description(
      'Asks whether cluster, certificate, clock, token and Keep are as they should be, and disk, watch limit and journal of this computer. Needs no running Keepsync. Exit code 0 where nothing failed, 1 otherwise.',
    )
    .option(
      '--bundle <file>',
      'write a zip file for your administrator: the answers, log, status and settings, without tokens and names',
    )
    .action((flags: { bundle?: string }) => run((context) => diagnose(context, flags.bundle)));
}

async function diagnose(context: Context, bundle: string | undefined): Promise<ExitCode> {
  const { output, services } = context;
  const secrets = await knownSecrets(context);
  output.hide(secrets);
  const settings = await context.settings();
  const folders = await context.pairs().load();
  const desk = await services.openDiagnostics({
    paths: context.paths,
    settings,
    host: (await context.ownerIfRunning()) ?? idleHost(context),
    connection: () => context.connection(),
    owner: 'command',
    runtime: { node: process.versions.node },
    secrets: () => secrets,
    names: () =>
      folders.flatMap(({ config }, index) => {
        const as = `<folder ${index + 1}>`;
        return [
          [config.name, as] as const,
          [config.target.collectionName, as] as const,
          ...config.roots.map(({ diskPath }) => [diskPath, as] as const),
        ];
      }),
  });
  const rows = await desk.diagnose();
  for (const line of table(rows.map((row) => [SIGNS[row.finding], row.id, sentence(row)]))) {
    output.line(line);
  }
  const made = bundle === undefined ? undefined : await desk.collect();
  if (bundle !== undefined && made !== undefined) {
    const file = resolve(context.env.cwd, bundle);
    await writeDurably(file, await desk.zip());
    output.line(`Wrote ${file} (${sizeText(made.bundleBytes)}) with`);
    for (const { name, sizeBytes, removed } of made.entries) {
      output.line(
        `  ${basename(name)}, ${sizeText(sizeBytes)}, ${plural(removed, 'secret or name', 'secrets and names')} taken out`,
      );
    }
  }
  const isGood = isHealthy(rows);
  output.payload({
    ok: isGood,
    checks: rows,
    ...(bundle === undefined || made === undefined
      ? {}
      : { bundle: { file: resolve(context.env.cwd, bundle), ...made } }),
  });
  return isGood ? EXIT.saved : EXIT.failed;
}

function sentence({ message, action, requestId }: Diagnosis): string {
  const stop = /[.!?]$/.test(message) ? '' : '.';
  return `${withRequestId(message, requestId)}${action === null ? '' : `${stop} ${action}`}`;
}

/** Every token that this profile or environment knows, whole and its secret part, whoever is asked for one. */
async function knownSecrets(context: Context): Promise<readonly string[]> {
  const { account } = (await context.settings()).get();
  const tokens = [
    context.env.env.ARVADOS_API_TOKEN,
    ...(account.host === null ? [] : [await quietly(() => context.tokenFile.read(account.host ?? ''))]),
    (await quietly(() => context.services.ambientAccount()))?.token,
  ];
  return tokens.flatMap((token) => (token ? [token, ...token.split('/').slice(2)] : []));
}

/** What cannot be read is told by the questions themselves. */
async function quietly<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof KeepsyncError) {
      return undefined;
    }
    throw thrown;
  }
}

/** Answers where no Keepsync runs: settings, and that nothing runs. */
function idleHost(context: Context): Pick<CommandHost, 'run'> {
  return {
    run: async (name, input) => {
      const settings = await context.settings();
      const { account } = settings.get();
      const idle = new IdleHost({
        owner: 'command',
        version: VERSION,
        clock: context.clock,
        settings,
        state: () => ({
          host: account.host,
          local: account.local,
          error: undefined,
          isOpening: false,
          pairs: [],
          sinceMs: context.clock.nowMs(),
          nextTryAtMs: null,
        }),
        retry: () => undefined,
        onStop: () => undefined,
      });
      return await idle.run(name, input);
    },
  };
}
