import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion-script.ts';
import { EXIT } from '../exit-codes.ts';
import type { RunWork } from './command.ts';

export function addCompletion(program: Command, run: RunWork): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a completion script. For bash: source <(keepsync completion bash)')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) =>
      run(async (context) => {
        const script = completionScript(program, shell);
        context.output.result({ shell, script }, [script]);
        return EXIT.saved;
      }),
    );
}
