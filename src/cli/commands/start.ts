import type { Command } from 'commander';
import type { StatusSnapshot } from '../../contract/status.ts';
import { words } from '../../contract/words.ts';
import { folderToKeep, keepFolder, requireNoOtherCluster } from '../../shell/try-here.ts';
import type { Context } from '../context.ts';
import { EXIT, exitCodeOfStatus } from '../exit-codes.ts';
import { usage } from '../folder-options.ts';
import { wholeNumber } from '../option-values.ts';
import { openOwnedEngine } from '../owner.ts';
import { ProgressView, progressMode } from '../progress/progress-view.ts';
import { runWithWindow } from '../run-with-window.ts';
import { quoted, shellExports } from './cluster.ts';
import type { RunWork } from './command.ts';

export function addStart(program: Command, run: RunWork): void {
  program
    .command('start')
    .summary('try it on this computer: a local cluster and one folder')
    .description(
      'Runs a local cluster and keeps a folder saved in it, until it is interrupted. Needs no account and no network. Without a folder ~/Keepsync is made and used.',
    )
    .argument('[folder]', 'folder to keep')
    .option('--web', 'show the window in a browser, as "keepsync daemon --web" does')
    .option('--port <n>', 'port of the window (default: any that is free)', wholeNumber(1, 65_535))
    .action((folder: string | undefined, flags: { web?: boolean; port?: number }) =>
      run((context) => {
        if (flags.web) {
          return startWithWindow(context, folder, flags.port ?? 0);
        }
        if (flags.port !== undefined) {
          throw usage('--port is the port of the window: use it with --web');
        }
        return start(context, folder);
      }),
    );
}

async function startWithWindow(context: Context, folder: string | undefined, port: number) {
  requireNoOtherCluster((await context.settings()).get());
  const diskPath = await folderToKeep(context.env, folder);
  return await runWithWindow(context, { port, tryHere: diskPath });
}

async function start(context: Context, folder: string | undefined) {
  const { output, env } = context;
  const settings = await context.settings();
  requireNoOtherCluster(settings.get());
  const diskPath = await folderToKeep(env, folder);
  const lock = await context.lock('daemon');
  const cluster = context.closing(
    await context.services.openHomeCluster({ dataDir: context.paths.clusterDir, log: context.log() }),
  );
  context.hide(cluster.token);
  await context.tokenFile.write(cluster.apiHost, cluster.token);
  settings.set({
    account: {
      ...settings.get().account,
      host: cluster.apiHost,
      caFile: cluster.caFile,
      insecure: false,
      local: true,
    },
  });
  const owned = await openOwnedEngine(context, {
    lock,
    connection: {
      host: cluster.apiHost,
      token: cluster.token,
      insecure: false,
      caFile: cluster.caFile,
      // its Keep is plain http, on loopback only
      allowPlainHttpKeep: false,
      local: true,
      origin: 'profile',
    },
  });
  let isClosed = false;
  context.closing({ close: () => (isClosed ? undefined : owned.close({ finish: false })) });
  const { engine } = owned;
  await engine.start();
  const id = await keepFolder(engine, diskPath);

  output.payload({
    folderId: id,
    path: diskPath,
    profile: context.paths.stateDir,
    apiHost: cluster.apiHost,
    caFile: cluster.caFile,
  });
  output.note(
    `Keeping ${diskPath} saved in a local cluster at ${cluster.apiHost}. Ctrl-C ends it; nothing is lost.`,
  );
  const view = new ProgressView(progressMode(output, {}), env, output);
  let hasTold = false;
  const unsubscribe = engine.subscribe('status', (snapshot) => {
    const uuid = snapshot.folders.find((one) => one.id === id)?.collectionUuid ?? null;
    if (!hasTold && snapshot.tray === 'ready' && uuid !== null) {
      hasTold = true;
      tellHowToLook(context, cluster.env(), uuid);
    }
    view.show(snapshot);
  });
  await context.interrupts.stopped();
  unsubscribe();
  const last: StatusSnapshot = await engine.run('status.get', {});
  view.close();
  isClosed = true;
  const finish = owned.stopHow() === 'finish';
  await owned.close({ finish });
  output.note(
    last.tray === 'ready'
      ? words.everythingSaved(null, 0)
      : `${last.verdict.sentence}; it goes on with the next start`,
  );
  return finish ? EXIT.saved : exitCodeOfStatus(last);
}

/** The commands to copy; the token is read from its file, so that it shows on no screen and in no shell history. */
function tellHowToLook(context: Context, env: Readonly<Record<string, string>>, uuid: string): void {
  const { output, profileFlag } = context;
  const keepsync = profileFlag === undefined ? 'keepsync' : `keepsync --profile ${quoted(profileFlag)}`;
  const exports = shellExports(
    Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'ARVADOS_API_TOKEN')),
  );
  const token = `sed -n 's/.*"token":"\\([^"]*\\)".*/\\1/p' ${quoted(context.tokenFile.path)}`;
  output.note(`Everything saved, as collection ${uuid}. In another terminal:`);
  output.note(`  ${keepsync} ls ${uuid}`);
  output.note(`  ${keepsync} get ${uuid} COPY`);
  output.note('With the Arvados commands:');
  for (const line of [...exports, `export ARVADOS_API_TOKEN="$(${token})"`]) {
    output.plainNote(`  ${line}`);
  }
  output.note(`  mkdir -p COPY2 && arv-get ${uuid}/ COPY2/`);
}
