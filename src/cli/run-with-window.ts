import type { Context } from './context.ts';
import { EXIT, type ExitCode, exitCodeOfStatus } from './exit-codes.ts';
import { showInBrowser } from './show-in-browser.ts';
import { openOwnerWithWindow } from './web-owner.ts';

/**
 * Owns the profile, with its window in a browser, until it is interrupted. It starts without an account, too, and signs in
 * there. With `tryHere` it runs the local cluster and keeps that folder (an absolute path) saved in it, and opens the
 * browser.
 */
export async function runWithWindow(
  context: Context,
  options: { readonly port: number; readonly tryHere?: string },
): Promise<ExitCode> {
  const { output, env } = context;
  const { tryHere } = options;
  const lock = await context.lock('daemon');
  const owner = await openOwnerWithWindow(context, { ...options, lock });
  let isClosed = false;
  context.closing({ close: () => (isClosed ? undefined : owner.close({ finish: false })) });
  if (tryHere !== undefined) {
    await owner.start();
  }
  output.payload({ pid: env.pid, socket: lock.owner.socketPath, url: owner.url });
  output.note(
    tryHere === undefined
      ? `Keepsync ${env.pid} runs until Ctrl-C. Its window, for you only:`
      : `Keeping ${tryHere} saved in a local cluster. Ctrl-C ends it; nothing is lost. The window, for you only:`,
  );
  output.note(`  ${owner.url}`);
  if (tryHere === undefined) {
    // a cluster that does not answer may take its time: the window shows that
    await owner.start();
  } else {
    context.closing(await showInBrowser(context, owner.url));
  }
  await context.interrupts.stopped();
  const finish = owner.stopHow() === 'finish';
  const before = await owner.host.run('status.get', {});
  isClosed = true;
  await owner.close({ finish });
  return finish ? EXIT.saved : exitCodeOfStatus(before);
}
