import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * A display to draw on: the one there is, or, on a Linux without one, an Xvfb.
 * @returns {Promise<{ env: Record<string, string>, close: () => Promise<void> }>} what a program's environment needs.
 */
export async function openDisplay() {
  if (process.platform !== 'linux' || process.env.DISPLAY) {
    return { env: {}, close: async () => undefined };
  }
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1600x1200x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const failed = once(server, 'error').then(([error]) => {
    throw error;
  });
  const number = await Promise.race([displayNumber(server.stdio[3]), failed]);
  return {
    env: { DISPLAY: `:${number}` },
    close: async () => {
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}

async function displayNumber(pipe) {
  let text = '';
  for await (const chunk of pipe) {
    text += String(chunk);
    if (text.includes('\n')) {
      return text.trim();
    }
  }
  throw new Error('Xvfb ended before it had a display');
}
