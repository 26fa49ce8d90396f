import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A display to draw on: the one there is, or one without a screen of our own. */
export interface Display {
  /** What the app's environment needs. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Linux without a display gets an Xvfb; elsewhere, and where there is a display, that one serves. */
export async function openDisplay(): Promise<Display> {
  if (process.platform !== 'linux' || process.env.DISPLAY) {
    return { env: {}, close: async () => undefined };
  }
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1600x1200x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const failed = once(server, 'error').then(([error]) => {
    throw error;
  });
  const number = await Promise.race([displayNumber(server), failed]);
  return {
    env: { DISPLAY: `:${number}` },
    close: async () => {
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}

async function displayNumber(server: ChildProcess): Promise<string> {
  const pipe = server.stdio[3];
  if (pipe === null || pipe === undefined || !('read' in pipe)) {
    throw new Error('Xvfb has nothing to tell its display by');
  }
  let text = '';
  for await (const chunk of pipe) {
    text += String(chunk);
    if (text.includes('\n')) {
      return text.trim();
    }
  }
  throw new Error('Xvfb ended before it had a display');
}
