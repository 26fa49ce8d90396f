import { spawn } from 'node:child_process';
import type { CliEnvironment } from './environment.ts';

/** What opens a file with the program that a person has chosen for it; undefined where there is no desktop. */
export function openerOf(env: Pick<CliEnvironment, 'platform' | 'env'>): readonly string[] | undefined {
  switch (env.platform) {
    case 'darwin':
      return ['open'];
    case 'win32':
      return ['explorer.exe'];
    default:
      return env.env.DISPLAY || env.env.WAYLAND_DISPLAY ? ['xdg-open'] : undefined;
  }
}

/** Opens a file of ours in the browser. False where there is nothing that could. Does not wait for the browser. */
export function openInBrowser(file: string, env: Pick<CliEnvironment, 'platform' | 'env'>): Promise<boolean> {
  const [opener, ...args] = openerOf(env) ?? [];
  if (opener === undefined) {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const child = spawn(opener, [...args, file], { detached: true, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
