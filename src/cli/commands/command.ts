import type { Context } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';

/** What a command does, given its context; its exit code. Errors thrown are shown, and decide the code. */
export type CommandWork = (context: Context) => Promise<ExitCode>;

/** Runs the work of the command that was typed; each command's action hands its own to it. */
export type RunWork = (work: CommandWork) => Promise<void>;
