import { randomBytes } from 'node:crypto';
import { asKeepsyncError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import type { CommandHost } from '../contract/commands.ts';
import { ControlServer } from '../control/control-server.ts';
import type { Connection } from '../engine/connection.ts';
import type { OwnerLock } from '../profile/owner-lock.ts';
import { GuardedHost } from '../shell/guarded-host.ts';
import { keepFolder } from '../shell/try-here.ts';
import { findRendererDir } from '../web/renderer-dir.ts';
import { startWebWindow, type WebWindow } from '../web/web-window.ts';
import type { Context } from './context.ts';

const KEY_BYTES = 24;

/** The owner of a profile with its window in a browser. */
export interface OwnerWithWindow {
  readonly host: CommandHost;
  /** The window's address, with its key. */
  readonly url: string;
  /** What `owner.stop` asked for, once it did. */
  readonly stopHow: () => 'finish' | 'now' | undefined;
  /** Opens the engine of whoever is signed in; without an account the window asks for one. */
  start(): Promise<void>;
  close(how: { readonly finish: boolean }): Promise<void>;
}

export async function openOwnerWithWindow(
  context: Context,
  options: { readonly lock: OwnerLock; readonly port: number; readonly tryHere?: string },
): Promise<OwnerWithWindow> {
  const { lock, tryHere } = options;
  const { clock, tokenFile } = context;
  const rendererDir = findRendererDir();
  const log = context.log();
  const settings = await context.settings();
  let how: 'finish' | 'now' | undefined;
  const onStop = (wanted: 'finish' | 'now') => {
    how = wanted;
    context.interrupts.stop();
  };
  const desk = await context.services.openOwnerDesk({
    owner: 'daemon',
    paths: context.paths,
    settings,
    pairs: context.pairs(),
    tokens: {
      kept: 'file',
      read: (host) => tokenFile.read(host),
      write: (host, token) => tokenFile.write(host, token),
      remove: () => tokenFile.remove(),
    },
    log,
    preferred: () => preferredConnection(context, settings.get().account.local),
    hasTray: true,
    runtime: { node: process.versions.node },
    onStop,
  });
  const { account } = desk;
  const host = new GuardedHost({ host: account, paths: undefined, onStop });
  let control: ControlServer | undefined;
  let web: WebWindow;
  try {
    control = await ControlServer.listen(lock.owner.socketPath, {
      host: account,
      key: lock.owner.key,
      hello: { version: VERSION, owner: lock.owner.role, pid: lock.owner.pid },
      clock,
    });
    web = await startWebWindow({
      host,
      shell: {
        ...desk.calls(host, undefined),
        openExternalWorkbench: async ({ folderId }) => ({ url: await desk.workbenchUrl(folderId) }),
      },
      key: randomBytes(KEY_BYTES).toString('base64url'),
      port: options.port,
      rendererDir,
      clock,
      log,
    });
  } catch (thrown) {
    await control?.close();
    await desk.close({ finish: false });
    throw thrown;
  }
  const server = control;
  return {
    host: account,
    url: web.url,
    stopHow: () => how,
    start: async () => {
      if (tryHere === undefined) {
        await account.start();
      } else {
        account.chooseLocal();
        await account.start();
        await keepFolder(account, tryHere);
      }
    },
    close: async (wanted) => {
      try {
        await desk.close(wanted);
      } catch (thrown) {
        log.log('error', asKeepsyncError(thrown).message);
        throw thrown;
      } finally {
        await web.close();
        await server.close();
        await lock.release();
      }
    },
  };
}

/** As every command finds its account; the profile's own local cluster is started instead of looked for. */
async function preferredConnection(context: Context, isLocal: boolean): Promise<Connection | undefined> {
  const { env } = context.env;
  if (isLocal && !env.ARVADOS_API_HOST && !env.ARVADOS_API_TOKEN) {
    return undefined;
  }
  try {
    return await context.connection();
  } catch (thrown) {
    if (asKeepsyncError(thrown).code === 'NOT_SIGNED_IN') {
      return undefined;
    }
    throw thrown;
  }
}
