import { KeepsyncError } from '../base/errors.ts';
import type { CliEnvironment } from './environment.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
/** A token has some 90 characters; whatever is longer is no token. */
const ENTERED_MAX = 4_096;

/** Asks on the terminal without showing what is typed. Throws CANCELLED for Ctrl-C. */
export function askHidden(env: CliEnvironment, question: string): Promise<string> {
  const { stdin, stderr } = env;
  return new Promise((resolve, reject) => {
    let entered = '';
    const end = (finish: () => void) => {
      stdin.off('data', onData);
      stdin.setRawMode?.(false);
      stdin.pause();
      stderr.write('\n');
      finish();
    };
    const onData = (chunk: Buffer | string) => {
      for (const key of String(chunk)) {
        if (key === '\r' || key === '\n' || key === CTRL_D) {
          end(() => resolve(entered));
          return;
        }
        if (key === CTRL_C) {
          end(() => reject(new KeepsyncError('CANCELLED', 'Stopped')));
          return;
        }
        entered =
          key === '\u007f' || key === '\b' ? entered.slice(0, -1) : (entered + key).slice(0, ENTERED_MAX);
      }
    };
    stderr.write(question);
    stdin.setRawMode?.(true);
    stdin.on('data', onData);
    stdin.resume();
  });
}

/** Everything on stdin up to the first line break. */
export async function readSecretLine(env: CliEnvironment): Promise<string> {
  let text = '';
  for await (const chunk of env.stdin) {
    text += String(chunk);
    if (text.includes('\n') || text.length > ENTERED_MAX) {
      break;
    }
  }
  return text.split(/\r?\n/)[0]?.trim() ?? '';
}
