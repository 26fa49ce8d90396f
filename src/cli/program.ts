import { Command, CommanderError } from 'commander';
import { systemCode } from '../base/durable-file.ts';
import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { profilePaths } from '../profile/profile-paths.ts';
import { addAccount } from './commands/account.ts';
import { addCheck } from './commands/check.ts';
import { addCluster } from './commands/cluster.ts';
import type { CommandWork, RunWork } from './commands/command.ts';
import { addCompletion } from './commands/completion.ts';
import { addDaemon } from './commands/daemon.ts';
import { addDiagnose } from './commands/diagnose.ts';
import { addFolder } from './commands/folder.ts';
import { addGet } from './commands/get.ts';
import { addIgnore } from './commands/ignore.ts';
import { addBlocks, addErrors } from './commands/inspect.ts';
import { addLog } from './commands/log.ts';
import { addLs } from './commands/ls.ts';
import { addPut } from './commands/put.ts';
import { addStart } from './commands/start.ts';
import { addStatus } from './commands/status.ts';
import { addSteering } from './commands/steer.ts';
import { Context } from './context.ts';
import type { CliEnvironment } from './environment.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { Interrupts } from './interrupts.ts';
import { Output } from './output.ts';
import type { CliServices } from './services.ts';

interface GlobalFlags {
  readonly profile?: string;
  readonly json?: boolean;
  readonly silent?: boolean;
}

const HELP_FOOTER = `
Exit codes: 0 all saved, 1 failed, 2 work still pending, 64 wrong usage.
The cluster and token are taken from ARVADOS_API_HOST and ARVADOS_API_TOKEN, else from "keepsync login", else from
~/.config/arvados/settings.conf. With --json results are JSON on stdout, and an error is
{"error":{"kind","message","action","requestId"}} in one line on stderr.`;

/** The `keepsync` command: `args` are those after the program's name. Never throws; the answer is the exit code. */
export async function runCli(
  args: readonly string[],
  env: CliEnvironment,
  services: (env: CliEnvironment) => CliServices,
): Promise<number> {
  const run = new Run(env, services);
  return await run.main(args);
}

/** A reader that goes away (`--help | head`) is no error. */
function ignoreReaderGone(thrown: unknown): void {
  if (systemCode(thrown) !== 'EPIPE') {
    throw thrown;
  }
}

class Run {
  readonly #env: CliEnvironment;
  readonly #services: (env: CliEnvironment) => CliServices;
  readonly #program: Command;
  #exitCode: ExitCode = EXIT.saved;
  #complaint = '';

  constructor(env: CliEnvironment, services: (env: CliEnvironment) => CliServices) {
    this.#env = env;
    this.#services = services;
    this.#program = this.#build();
  }

  async main(args: readonly string[]): Promise<number> {
    for (const stream of [this.#env.stdout, this.#env.stderr]) {
      // stays: a pipe may turn out to be broken after the last thing was written to it
      stream.on('error', ignoreReaderGone);
    }
    try {
      await this.#program.parseAsync([...args], { from: 'user' });
      return this.#exitCode;
    } catch (thrown) {
      if (thrown instanceof CommanderError) {
        return this.#afterParsing(thrown, args);
      }
      throw thrown;
    }
  }

  #build(): Command {
    const { stdout, stderr } = this.#env;
    const program = new Command('keepsync')
      .description('Saves folders in Arvados Keep, block by block, and says what is safe.')
      .version(VERSION, '--version', 'print the version')
      .helpOption('-h, --help', 'show help')
      .option(
        '--profile <dir>',
        'folder of settings, token and journal (default: KEEPSYNC_PROFILE, else as the system has it)',
      )
      .option('--json', 'results as JSON on stdout')
      .option('--silent', 'say nothing but results and errors')
      .addHelpText('after', HELP_FOOTER)
      .showSuggestionAfterError(true)
      .exitOverride()
      .configureOutput({
        writeOut: (text) => stdout.write(text),
        writeErr: (text) => {
          this.#complaint += text;
        },
        getOutHelpWidth: () => stdout.columns ?? 80,
        getErrHelpWidth: () => stderr.columns ?? 80,
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      });
    const run: RunWork = async (work) => {
      this.#exitCode = await this.#work(work);
    };
    for (const add of [
      addStart,
      addPut,
      addGet,
      addLs,
      addCheck,
      addStatus,
      addFolder,
      addBlocks,
      addErrors,
      addSteering,
      addDaemon,
      addLog,
      addDiagnose,
      addIgnore,
      addAccount,
      addCluster,
      addCompletion,
    ]) {
      add(program, run);
    }
    return program;
  }

  async #work(work: CommandWork): Promise<ExitCode> {
    const env = this.#env;
    const flags = this.#program.opts<GlobalFlags>();
    const interrupts = new Interrupts({
      listen: env.onInterrupt,
      clock: env.clock,
      onFirst: () => output.note('Stopping; once more to stop at once'),
      onSecond: () => env.exitNow(EXIT.pending),
    });
    const output = new Output({
      stdout: env.stdout,
      stderr: env.stderr,
      json: flags.json ?? false,
      silent: flags.silent ?? false,
      onReaderGone: () => interrupts.stop(),
    });
    let context: Context | undefined;
    try {
      const paths = profilePaths({ ...env, explicit: flags.profile });
      context = new Context({
        env,
        services: this.#services(env),
        output,
        interrupts,
        paths,
        profileFlag: flags.profile,
      });
      try {
        return await work(context);
      } finally {
        await context.close();
      }
    } catch (thrown) {
      if (output.readerGone) {
        return EXIT.saved;
      }
      const error = interrupts.signal.aborted
        ? new KeepsyncError('CANCELLED', 'Stopped', { cause: thrown })
        : asKeepsyncError(thrown);
      output.error(context?.explain(error) ?? error);
      return exitCodeOf(error.code);
    } finally {
      interrupts.close();
    }
  }

  /** Help and version are no errors; everything else that parsing throws is wrong usage. */
  #afterParsing(error: CommanderError, args: readonly string[]): ExitCode {
    if (error.exitCode === 0) {
      return EXIT.saved;
    }
    const complaint = this.#complaint.trim().replace(/^error: /, '');
    // "keepsync" and "keepsync folder" alone: their help was written where a complaint goes
    const message = error.code === 'commander.help' ? 'A command is missing' : complaint;
    if (args.includes('--json')) {
      const kind = 'USAGE';
      this.#env.stderr.write(`${JSON.stringify({ error: { kind, message } })}\n`);
    } else if (error.code === 'commander.help') {
      this.#env.stderr.write(this.#complaint);
    } else {
      this.#env.stderr.write(`keepsync: ${message}\n  See "keepsync --help", or --help after the command.\n`);
    }
    return EXIT.usage;
  }
}
