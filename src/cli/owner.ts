import { asKeepsyncError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { ControlServer } from '../control/control-server.ts';
import type { Connection, RunningEngine } from '../engine/connection.ts';
import type { Engine } from '../engine/ports.ts';
import type { OwnerLock } from '../profile/owner-lock.ts';
import type { Context } from './context.ts';

/** An engine that owns the profile: its lock is held, and others speak to it over the control socket. */
export interface OwnedEngine {
  readonly engine: Engine;
  /** What `owner.stop` asked for, once it did. */
  readonly stopHow: () => 'finish' | 'now' | undefined;
  /** Ends the engine first, so that whoever asked hears of it, then the socket, then gives the lock back. */
  close(how: { readonly finish: boolean }): Promise<void>;
}

export async function openOwnedEngine(
  context: Context,
  options: { readonly lock: OwnerLock; readonly connection: Connection },
): Promise<OwnedEngine> {
  const { lock, connection } = options;
  const log = context.log();
  log.hide([connection.token]);
  let how: 'finish' | 'now' | undefined;
  const running: RunningEngine = await context.services.openEngine({
    owner: lock.owner.role,
    connection,
    settings: await context.settings(),
    pairs: context.pairs(),
    journalFile: context.paths.journalFile,
    log,
    watch: true,
    conflicts: 'keep-beside',
    onStop: (wanted) => {
      how = wanted;
      context.interrupts.stop();
    },
    tell: (message) => context.output.warn(message),
  });
  let server: ControlServer;
  try {
    server = await ControlServer.listen(lock.owner.socketPath, {
      host: running.engine,
      key: lock.owner.key,
      hello: { version: VERSION, owner: lock.owner.role, pid: lock.owner.pid },
      clock: context.clock,
    });
  } catch (thrown) {
    await running.close({ finish: false });
    throw thrown;
  }
  log.log('info', 'Started', { version: VERSION, role: lock.owner.role, host: connection.host });
  return {
    engine: running.engine,
    stopHow: () => how,
    close: async (wanted) => {
      try {
        await running.close(wanted);
        log.log('info', 'Stopped');
      } catch (thrown) {
        log.log('error', asKeepsyncError(thrown).message);
        throw thrown;
      } finally {
        await server.close();
        await lock.release();
      }
    },
  };
}
