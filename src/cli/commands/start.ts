import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemCode } from '../../base/durable-file.ts';
import { type FolderConfig, folderConfigSchema } from '../../contract/settings.ts';
import type { StatusSnapshot } from '../../contract/status.ts';
import { words } from '../../contract/words.ts';
import type { Context } from '../context.ts';
import { EXIT, exitCodeOfStatus } from '../exit-codes.ts';
import { usage } from '../folder-options.ts';
import { openOwnedEngine } from '../owner.ts';
import { ProgressView, progressMode } from '../progress/progress-view.ts';
import { quoted, shellExports } from './cluster.ts';
import type { RunWork } from './command.ts';

const WELCOME = `Welcome to Keepsync.

Whatever you put into this folder is uploaded to Arvados Keep, block by block, and saved as a collection.
A byte is safe once it is saved: "keepsync status" says so.

Try it: copy some files here and watch.
`;

export function addStart(program: Command, run: RunWork): void {
  program
    .command('start')
    .summary('try it on this computer: a local cluster and one folder')
    .description(
      'Runs a local cluster and keeps a folder saved in it, until it is interrupted. Needs no account and no network. Without a folder ~/Keepsync is made and used.',
    )
    .argument('[folder]', 'folder to keep')
    .action((folder: string | undefined) => run((context) => start(context, folder)));
}

async function start(context: Context, folder: string | undefined) {
  const { output, env } = context;
  const settings = await context.settings();
  const { account } = settings.get();
  if (account.host !== null && !account.local) {
    throw usage(
      `This profile is signed in to ${account.host}; for a local cluster use another one with --profile DIR`,
    );
  }
  const diskPath = await folderToKeep(context, folder);
  const lock = await context.lock('daemon');
  const cluster = context.closing(
    await context.services.startCluster({
      dataDir: context.paths.clusterDir,
      port: undefined,
      log: context.log(),
    }),
  );
  context.hide(cluster.token);
  await context.tokenFile.write(cluster.apiHost, cluster.token);
  settings.set({
    account: { ...account, host: cluster.apiHost, caFile: cluster.caFile, insecure: false, local: true },
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
  const known = (await engine.run('folders.list', {})).find((one) => one.path === diskPath);
  const id = known?.id ?? (await engine.run('folders.add', configOf(diskPath))).id;

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

/** The folder that was named, or ~/Keepsync with a first file in it. */
async function folderToKeep(context: Context, folder: string | undefined): Promise<string> {
  if (folder !== undefined) {
    const named = resolve(context.env.cwd, folder);
    await mkdir(named, { recursive: true });
    return named;
  }
  const path = join(context.env.home, 'Keepsync');
  await mkdir(path, { recursive: true });
  try {
    await writeFile(join(path, 'Welcome.txt'), WELCOME, { flag: 'wx' });
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') {
      throw thrown;
    }
  }
  return path;
}

function configOf(diskPath: string): FolderConfig {
  const name = basename(diskPath) || 'Keepsync';
  return folderConfigSchema.parse({
    roots: [{ diskPath, prefix: '' }],
    name,
    target: { collectionName: name },
    deletes: 'keep',
  });
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
