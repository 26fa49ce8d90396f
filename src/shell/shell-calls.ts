import { KeepsyncError } from '../base/errors.ts';
import { type ShellCallName, type ShellInput, type ShellOutput, shellCalls } from '../contract/shell.ts';

/** The calls that a shell answers; what is missing is not offered. */
export type ShellHandlers = {
  readonly [N in ShellCallName]?: (
    input: (typeof shellCalls)[N]['input']['_output'],
  ) => Promise<ShellOutput<N>> | ShellOutput<N>;
};

const isShellCall = (name: string): name is ShellCallName => Object.hasOwn(shellCalls, name);

/** The names in the order of the contract. */
export function offersOf(handlers: ShellHandlers): ShellCallName[] {
  return Object.keys(shellCalls)
    .filter(isShellCall)
    .filter((name) => handlers[name] !== undefined);
}

/** One call, input and output checked against the contract. Throws USAGE for what is not offered or makes no sense. */
export async function runShellCall(handlers: ShellHandlers, name: string, input: unknown): Promise<unknown> {
  if (!isShellCall(name)) {
    throw new KeepsyncError('USAGE', `There is no call ${JSON.stringify(name.slice(0, 80))}`);
  }
  return await runKnown(handlers, name, input);
}

async function runKnown<N extends ShellCallName>(
  handlers: ShellHandlers,
  name: N,
  input: unknown,
): Promise<unknown> {
  const handler = handlers[name];
  if (handler === undefined) {
    throw new KeepsyncError('USAGE', `${name} is not offered here`);
  }
  const checked = shellCalls[name].input.safeParse(input);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    const where = issue?.path.join('.') ?? '';
    // the issue's own message never repeats a value: a token may be part of the input
    throw new KeepsyncError(
      'USAGE',
      `${name}: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'wrong input'}`,
    );
  }
  return await handler(checked.data as ShellInput<N> & (typeof shellCalls)[N]['input']['_output']);
}
