import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT, exitCodeOfStatus } from '../exit-codes.ts';
import { usage } from '../folder-options.ts';
import { wholeNumber } from '../option-values.ts';
import { openOwnedEngine } from '../owner.ts';
import { runWithWindow } from '../run-with-window.ts';
import type { RunWork } from './command.ts';

export function addDaemon(program: Command, run: RunWork): void {
  program
    .command('daemon')
    .summary('keep the folders of this profile without a desktop')
    .description(
      'Keeps the folders of this profile saved, in the foreground, until it is interrupted. "keepsync status" and the like speak to it. Exit code 0 where everything was saved when it ended, 2 where work is pending.',
    )
    .option('--web', 'show the window in a browser; prints its address, which holds a key')
    .option('--port <n>', 'port of the window (default: any that is free)', wholeNumber(1, 65_535))
    .action((flags: { web?: boolean; port?: number }) =>
      run((context) => {
        if (flags.web) {
          return runWithWindow(context, { port: flags.port ?? 0 });
        }
        if (flags.port !== undefined) {
          throw usage('--port is the port of the window: use it with --web');
        }
        return daemon(context);
      }),
    );
}

async function daemon(context: Context) {
  const { output, env } = context;
  let connection = await context.connection();
  const lock = await context.lock('daemon');
  if (connection.local && connection.origin === 'profile') {
    const dataDir = context.paths.clusterDir;
    const cluster = context.closing(await context.services.openHomeCluster({ dataDir, log: context.log() }));
    context.hide(cluster.token);
    connection = {
      ...connection,
      host: cluster.apiHost,
      token: cluster.token,
      caFile: cluster.caFile,
    };
  }
  const owned = await openOwnedEngine(context, { lock, connection });
  let isClosed = false;
  context.closing({ close: () => (isClosed ? undefined : owned.close({ finish: false })) });
  const unsubscribe = owned.engine.subscribe('activity', (row) => {
    if (row.level !== 'debug') {
      output.note(`${new Date(row.atMs).toISOString()} ${row.level} ${row.message}`);
    }
  });
  await owned.engine.start();
  output.payload({ pid: env.pid, socket: lock.owner.socketPath, host: connection.host });
  output.note(`Keepsync ${env.pid} keeps this profile's folders saved on ${connection.host}, until Ctrl-C`);
  await context.interrupts.stopped();
  const finish = owned.stopHow() === 'finish';
  const before = await owned.engine.run('status.get', {});
  isClosed = true;
  await owned.close({ finish });
  unsubscribe();
  return finish ? EXIT.saved : exitCodeOfStatus(before);
}
